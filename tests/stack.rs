//! Stacks as a project loads them: the shipped ones, what is put over them, and what is said when it does not fit.
//!
//! What is wrong in a single file is in `tests/cases/stack`, drawn by `tests/lint.rs`.

use std::{fs, path::PathBuf};

use devstack::{
    stack::{self, Loaded, Wanted},
    support::{
        env::Map,
        random,
        source::{Paint, Problem, Problems},
    },
};

mod language;
mod layers;
mod services;
mod shipped;
mod wrong;

/// A project's folder that goes when the test ends.
struct Project(PathBuf);

impl Project {
    fn new(files: &[(&str, &str)]) -> Self {
        let root = std::env::temp_dir().join(format!("devstack-stack-{}", random::uuid()));
        for (name, text) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        fs::create_dir_all(&root).unwrap();
        Self(root)
    }

    fn load(&self, stack: Option<&str>, sets: &[&str], env: &[(&str, &str)]) -> Result<Loaded, Problems> {
        let wanted = Wanted {
            stack: stack.map(str::to_owned),
            sets: sets.iter().map(|set| (*set).to_owned()).collect(),
            root: self.0.clone(),
            runtime: None,
            services: true,
        };
        stack::load(&wanted, &env.iter().copied().collect::<Map>())
    }

    /// The drawing of what is wrong, with the folder as `PROJECT`.
    fn complaints(&self, stack: Option<&str>, sets: &[&str], env: &[(&str, &str)]) -> String {
        let problems = self.load(stack, sets, env).expect_err("it is wrong");
        // Before it is drawn: how long the folder's name is must not decide where lines break.
        let here = |text: &str| text.replace(&self.0.display().to_string(), "PROJECT");
        let mut shortened = Problems::default();
        for file in problems.files() {
            let inner = file.problems.iter().map(|problem| Problem {
                message: here(&problem.message),
                label: here(&problem.label),
                help: problem.help.as_deref().map(here),
                ..problem.clone()
            });
            shortened.add(here(&file.file), file.source.clone(), inner);
        }
        shortened.render(Paint::Plain)
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
