//! Images that stand in for Tempo's and Grafana's where those cannot be had: devstack's own program in a container of its own.
//!
//! Built by the tests that need them and selected with `--set`; no shipped file knows of them. The one for Tempo speaks Tempo's API as far
//! as the embedded backend does; the one for Grafana answers `/api/health` and says that it is devstack.

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex, Weak},
};

use devstack::support::random;

/// Where the program lies in the image.
const PROGRAM: &str = "/devstack";

/// The port of devstack's own API in the container.
const API: u16 = 3200;

/// Both images; gone with whoever uses them last.
pub(crate) struct StandIns {
    tempo: String,
    grafana: String,
}

impl StandIns {
    /// Builds them, unless another test uses them just now.
    pub(crate) fn build() -> Arc<Self> {
        static USED: Mutex<Weak<StandIns>> = Mutex::new(Weak::new());
        let mut used = USED.lock().unwrap();
        used.upgrade().unwrap_or_else(|| {
            let built = Arc::new(Self::built());
            *used = Arc::downgrade(&built);
            built
        })
    }

    fn built() -> Self {
        let tag = random::uuid();
        let [tempo, grafana] = ["tempo", "grafana"].map(|name| format!("devstack-test/{name}-stand-in:{tag}"));
        let stand_ins = Self { tempo, grafana };
        import(&stand_ins.tempo);
        run(&["tag", &stand_ins.tempo, &stand_ins.grafana]);
        stand_ins
    }

    /// What `up` has to be told to run the default stack on them.
    pub(crate) fn sets(&self) -> Vec<String> {
        let changes = [
            format!("components.tempo.image={}", self.tempo),
            // The image knows how to start; what is set for Tempo would be no options of devstack's.
            "components.tempo.command=[]".to_owned(),
            format!("components.grafana.image={}", self.grafana),
            format!("components.grafana.ports.http.container={API}"),
        ];
        changes.into_iter().flat_map(|change| ["--set".to_owned(), change]).collect()
    }
}

impl Drop for StandIns {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["image", "rm", "--force", &self.tempo, &self.grafana]).output();
    }
}

/// An image of nothing but the program under test and the libraries it needs.
fn import(tag: &str) {
    let entry = [PROGRAM, "up", "--runtime", "embedded", "--attach", "--listen", "0.0.0.0", "--allow-host", "tempo"];
    let changes = [
        format!("ENTRYPOINT {}", serde_json::json!(entry)),
        "ENV HOME=/tmp".to_owned(),
        "WORKDIR /tmp".to_owned(),
        "LABEL dev.devstack.test=stand-in".to_owned(),
    ];
    let changes = changes.iter().flat_map(|change| ["--change", change.as_str()]);
    let arguments: Vec<_> = ["import"].into_iter().chain(changes).chain(["-", tag]).collect();
    let mut docker = Command::new("docker")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A refusal closes the pipe; what it says is in the output.
    let packed = pack(docker.stdin.take().unwrap());
    let output = docker.wait_with_output().unwrap();
    assert!(output.status.success(), "docker import: {}", String::from_utf8_lossy(&output.stderr));
    packed.unwrap();
}

fn pack(to: impl std::io::Write) -> std::io::Result<()> {
    let program = Path::new(env!("CARGO_BIN_EXE_devstack"));
    let mut archive = tar::Builder::new(to);
    // Engines do not read the way in which holes are written.
    archive.sparse(false);
    archive.append_path_with_name(program, &PROGRAM[1..])?;
    for library in libraries(program) {
        // What a link points to, under the name that the program asks for.
        archive.append_path_with_name(Path::new(&library).canonicalize()?, &library[1..])?;
    }
    let mut folder = tar::Header::new_gnu();
    folder.set_entry_type(tar::EntryType::Directory);
    folder.set_mode(0o1777);
    folder.set_size(0);
    archive.append_data(&mut folder, "tmp/", std::io::empty())?;
    archive.into_inner()?.flush()
}

/// Paths of the shared libraries and of the loader: `libc.so.6 => /lib/libc.so.6 (0x…)`, `/lib64/ld-linux.so.2 (0x…)`.
fn libraries(program: &Path) -> Vec<String> {
    let output = Command::new("ldd").arg(program).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace().filter(|word| word.starts_with('/')).map(ToOwned::to_owned).collect()
}

fn run(arguments: &[&str]) {
    let output = Command::new("docker").args(arguments).output().unwrap();
    assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}
