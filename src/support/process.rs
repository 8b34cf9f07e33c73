//! Processes of this machine: whether one is still the one it was, what it is called, and how it is told to end.
//!
//! Asked by `runtime` (the supervisor's note, services it started), `doctor` and [`super::ports`]. A pid alone says little, because the
//! operating system gives it to the next process; pid and start together name one process.

use std::{io, time::Duration};

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use ps as system;

/// When a process started, as a text that is only good for comparing; `None` when there is no such process, or only its zombie.
pub fn started(pid: u32) -> Option<String> {
    system::started(pid)
}

/// Whether the process that had this pid and this start still runs. A zombie does not.
pub fn alive(pid: u32, started: &str) -> bool {
    system::started(pid).is_some_and(|now| now == started)
}

/// The name of its program, such as `otelcol`; `None` when there is no such process.
pub fn command_name(pid: u32) -> Option<String> {
    system::command_name(pid)
}

/// For how long it has been running; `None` when there is no such process, or the operating system does not say.
pub fn age(pid: u32) -> Option<Duration> {
    system::age(pid)
}

/// Asks a process to end (SIGTERM). One that is gone already is no error.
pub fn terminate(pid: u32) -> io::Result<()> {
    send(pid, Signal::TERM)
}

/// Ends a process (SIGKILL). One that is gone already is no error.
pub fn kill(pid: u32) -> io::Result<()> {
    send(pid, Signal::KILL)
}

/// Asks every process of a group to end (SIGTERM); the one that is to lead the group, where there is no group yet. A group that is gone
/// already is no error.
pub fn terminate_group(leader: u32) -> io::Result<()> {
    send_group(leader, Signal::TERM)
}

/// Ends every process of a group (SIGKILL), as [`terminate_group`] asks it.
pub fn kill_group(leader: u32) -> io::Result<()> {
    send_group(leader, Signal::KILL)
}

/// Whether a process of this group still runs. A zombie does not.
pub fn group_alive(leader: u32) -> bool {
    let there = id(leader).is_ok_and(|leader| test_kill_process_group(leader) != Err(rustix::io::Errno::SRCH));
    // A group of zombies takes signals, too.
    there && system::group_alive(leader)
}

/// The name of a signal that ends processes, such as `SIGKILL`.
pub fn signal_name(number: i32) -> Option<&'static str> {
    let known = [
        (Signal::HUP, "SIGHUP"),
        (Signal::INT, "SIGINT"),
        (Signal::QUIT, "SIGQUIT"),
        (Signal::ILL, "SIGILL"),
        (Signal::ABORT, "SIGABRT"),
        (Signal::BUS, "SIGBUS"),
        (Signal::FPE, "SIGFPE"),
        (Signal::KILL, "SIGKILL"),
        (Signal::SEGV, "SIGSEGV"),
        (Signal::PIPE, "SIGPIPE"),
        (Signal::ALARM, "SIGALRM"),
        (Signal::TERM, "SIGTERM"),
    ];
    known.into_iter().find(|(signal, _)| signal.as_raw() == number).map(|(_, name)| name)
}

fn send(pid: u32, signal: Signal) -> io::Result<()> {
    match kill_process(id(pid)?, signal) {
        Err(rustix::io::Errno::SRCH) => Ok(()),
        sent => sent.map_err(io::Error::from),
    }
}

fn send_group(leader: u32, signal: Signal) -> io::Result<()> {
    match kill_process_group(id(leader)?, signal) {
        Err(rustix::io::Errno::SRCH) => send(leader, signal),
        sent => sent.map_err(io::Error::from),
    }
}

/// 0 would be this process' whole group, and what does not fit is no process.
fn id(pid: u32) -> io::Result<Pid> {
    let pid = i32::try_from(pid).ok().filter(|pid| *pid > 0).and_then(Pid::from_raw);
    pid.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not the id of a process"))
}

/// What `/proc` says.
#[cfg(target_os = "linux")]
mod linux {
    use std::{fs, path::Path, time::Duration};

    /// Ticks a second of the times in `/proc/PID/stat`: `USER_HZ`, which is 100 wherever devstack is built.
    const TICKS: u64 = 100;

    /// The kernel cuts names to so many bytes.
    const CUT: usize = 15;

    /// What of `/proc/PID/stat` is needed here.
    struct Stat {
        state: char,
        group: u32,
        /// Ticks after the machine's start.
        start: u64,
    }

    pub(super) fn started(pid: u32) -> Option<String> {
        let stat = stat(pid)?;
        // The same tick after another start of the machine is another process.
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Some(format!("{}@{}", stat.start, boot.trim()))
    }

    pub(super) fn group_alive(leader: u32) -> bool {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let mut pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.any(|pid| stat(pid).is_some_and(|stat| stat.group == leader))
    }

    pub(super) fn command_name(pid: u32) -> Option<String> {
        let short = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim_end().to_owned();
        let program = fs::read_link(format!("/proc/{pid}/exe")).ok();
        let long = program.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        let is_cut = |long: &String| short.len() == CUT && long.starts_with(&short);
        Some(long.filter(is_cut).unwrap_or(short))
    }

    pub(super) fn age(pid: u32) -> Option<Duration> {
        let uptime = fs::read_to_string("/proc/uptime").ok()?;
        let uptime: f64 = uptime.split_ascii_whitespace().next()?.parse().ok()?;
        let start = Duration::from_millis(stat(pid)?.start * (1000 / TICKS));
        Some(Duration::try_from_secs_f64(uptime).ok()?.saturating_sub(start))
    }

    /// `None` for a zombie too: its pid is kept for whoever asks how it ended, nothing runs any more.
    fn stat(pid: u32) -> Option<Stat> {
        let stat = parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?;
        (!matches!(stat.state, 'Z' | 'X' | 'x')).then_some(stat)
    }

    /// The name stands in parentheses and may hold anything, parentheses too; after the last one the third field follows.
    fn parse(text: &str) -> Option<Stat> {
        let mut fields = text[text.rfind(')')? + 1..].split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        let group = fields.nth(1)?.parse().ok()?;
        Some(Stat { state, group, start: fields.nth(16)?.parse().ok()? })
    }

    #[cfg(test)]
    mod tests {
        use super::parse;

        #[test]
        fn a_name_with_parentheses_and_spaces_hides_no_field() {
            let line = "812 (a) Z (b) S 1 812 812 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 0 0 0";
            let stat = parse(line).unwrap();
            assert_eq!((stat.state, stat.group, stat.start), ('S', 812, 987_654));
        }

        #[test]
        fn what_is_no_stat_is_no_process() {
            assert!(parse("").is_none());
            assert!(parse("812 (a) S 1 2").is_none());
        }
    }
}

/// What `ps` says, where there is no `/proc`.
#[cfg(any(not(target_os = "linux"), test))]
#[cfg_attr(target_os = "linux", expect(dead_code, reason = "only its parser is tried here"))]
mod ps {
    use std::{path::Path, process::Command, time::Duration};

    pub(super) fn started(pid: u32) -> Option<String> {
        if ask(pid, "stat=")?.starts_with('Z') {
            return None;
        }
        ask(pid, "lstart=")
    }

    pub(super) fn command_name(pid: u32) -> Option<String> {
        let path = ask(pid, "comm=")?;
        Path::new(&path).file_name().map(|name| name.to_string_lossy().into_owned())
    }

    pub(super) fn age(pid: u32) -> Option<Duration> {
        parse(&ask(pid, "etime=")?)
    }

    pub(super) fn group_alive(leader: u32) -> bool {
        let said = Command::new("ps").env("LC_ALL", "C").args(["-A", "-o", "pgid=,stat="]).output();
        let text = said.map(|said| String::from_utf8_lossy(&said.stdout).into_owned()).unwrap_or_default();
        let mut lines = text.lines().filter_map(|line| line.trim().split_once(' '));
        lines.any(|(group, state)| group.parse() == Ok(leader) && !state.trim().starts_with('Z'))
    }

    fn ask(pid: u32, what: &str) -> Option<String> {
        // Names of days and months in the user's language would be as good, were they the same for every command.
        let said = Command::new("ps").env("LC_ALL", "C").args(["-o", what, "-p", &pid.to_string()]).output().ok()?;
        let text = String::from_utf8_lossy(&said.stdout).trim().to_owned();
        (said.status.success() && !text.is_empty()).then_some(text)
    }

    /// `[[days-]hours:]minutes:seconds`.
    fn parse(text: &str) -> Option<Duration> {
        let (days, clock) = text.split_once('-').unwrap_or(("0", text));
        let parts: Vec<u64> = clock.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
        let seconds = parts.iter().fold(0, |sum, part| sum * 60 + part);
        Some(Duration::from_secs(days.parse::<u64>().ok()? * 86_400 + seconds))
    }

    #[cfg(test)]
    mod tests {
        use super::parse;

        #[test]
        fn the_age_is_read_with_and_without_days() {
            let seconds = |text| parse(text).map(|age| age.as_secs());
            assert_eq!(seconds("00:07"), Some(7));
            assert_eq!(seconds("02:00:07"), Some(7207));
            assert_eq!(seconds("3-02:00:07"), Some(3 * 86_400 + 7207));
            assert_eq!(seconds("ELAPSED"), None);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::{age, alive, command_name, kill, started, terminate};

    /// A process that lasts until it is told to end.
    fn cat() -> Child {
        Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
    }

    #[test]
    fn this_process_is_alive_and_was_not_another() {
        let pid = std::process::id();
        let start = started(pid).unwrap();
        assert!(alive(pid, &start));
        assert!(!alive(pid, "0@another start of the machine"));
        let program = std::env::current_exe().unwrap();
        assert_eq!(command_name(pid).unwrap(), program.file_name().unwrap().to_string_lossy());
        assert!(age(pid).is_some());
    }

    #[test]
    fn a_zombie_is_dead_and_a_signal_to_it_no_error() {
        let mut child = cat();
        let start = started(child.id()).unwrap();
        assert_eq!(command_name(child.id()).as_deref(), Some("cat"));
        terminate(child.id()).unwrap();
        // Told about its end, but not taken off the table before `wait` below.
        let exited = rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT;
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::waitid(rustix::process::WaitId::Pid(pid), exited).unwrap();
        assert!(!alive(child.id(), &start));
        assert_eq!(started(child.id()), None);
        kill(child.id()).unwrap();
        child.wait().unwrap();
        assert!(!alive(child.id(), &start));
    }

    #[test]
    fn no_process_and_never_a_group() {
        assert_eq!(started(u32::MAX), None);
        assert_eq!(command_name(u32::MAX), None);
        assert!(kill(0).is_err() && kill(u32::MAX).is_err());
    }
}
