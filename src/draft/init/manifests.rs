//! What the files of other tools say: how a service is started, where it listens, which variables it wants.
//!
//! Read by [`super::look`]. Of files with variables only the names are taken, and of `PORT` its number.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value as Json;

use super::{look::FoundService, node};
use crate::{
    draft::event::slug,
    support::{disk, yaml},
};

/// Bytes of a file that is read.
const LARGEST: u64 = 512 * 1024;
/// Where variables are listed for newcomers.
const ENVIRONMENTS: [&str; 5] = [".env.example", ".env.sample", ".env.template", ".env.dist", "env.example"];
/// Names of compose files.
const COMPOSES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
/// Port by what a command says, where nothing else does: the defaults of the frameworks.
const USUAL_PORTS: [(&str, u16); 10] = [
    ("manage.py runserver", 8000),
    ("uvicorn", 8000),
    ("gunicorn", 8000),
    ("flask run", 5000),
    ("rails", 3000),
    ("go run", 8080),
    ("cargo run", 8080),
    ("npm", 3000),
    ("pnpm", 3000),
    ("yarn", 3000),
];

/// Services, the one that takes requests first.
pub(super) fn services(folder: &Path) -> Vec<FoundService> {
    let readers: [fn(&Path) -> Vec<FoundService>; 5] = [procfile, node::services, python, go, cargo];
    readers.iter().map(|read| read(folder)).find(|services| !services.is_empty()).unwrap_or_default()
}

/// The port that frameworks take unless told otherwise.
pub(super) fn usual_port(command: &str) -> Option<u16> {
    USUAL_PORTS.iter().find(|(part, _)| command.contains(part)).map(|(_, port)| *port)
}

/// `PORT` in a list of variables.
pub(super) fn port_of_environment(folder: &Path) -> Option<(u16, String)> {
    ENVIRONMENTS.iter().find_map(|file| {
        let text = text(&folder.join(file))?;
        let port =
            text.lines().find_map(|line| line.trim().trim_start_matches("export ").strip_prefix("PORT=")?.trim().parse().ok())?;
        Some((port, (*file).to_owned()))
    })
}

/// The published port of the service that is built here.
pub(super) fn port_of_compose(folder: &Path) -> Option<(u16, String)> {
    COMPOSES.iter().find_map(|file| {
        let node = yaml::read(&text(&folder.join(file))?, &mut Vec::new())?;
        let built = node.get("services")?.entries().iter().find(|entry| entry.value.get("build").is_some())?;
        let ports = built.value.get("ports")?.to_json();
        let first = ports.as_array()?.first()?;
        let published = match first {
            Json::String(text) => text.rsplit(':').nth(1).unwrap_or(text).parse().ok(),
            Json::Object(port) => port.get("published").and_then(|port| port.to_string().trim_matches('"').parse().ok()),
            _ => None,
        };
        Some((published?, (*file).to_owned()))
    })
}

/// Names of variables and the file that lists them.
pub(super) fn variables(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for file in ENVIRONMENTS {
        for line in text(&folder.join(file)).unwrap_or_default().lines() {
            let name =
                line.trim().trim_start_matches('#').trim_start_matches("export ").split('=').next().unwrap_or_default().trim();
            if line.contains('=')
                && !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
            {
                found.push((name.to_owned(), file.to_owned()));
            }
        }
    }
    found
}

pub(super) fn text(path: &Path) -> Option<String> {
    String::from_utf8(disk::read(path, LARGEST).ok()?).ok()
}

/// The folder's name, for services that have none of their own.
pub(super) fn named_after(folder: &Path) -> String {
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| PathBuf::from(folder));
    let name = folder.file_name().map(|name| slug(&name.to_string_lossy())).unwrap_or_default();
    let plain = name.starts_with(|sign: char| sign.is_ascii_alphabetic()) && super::super::stable::is_stable(&name);
    if plain { name } else { "api".to_owned() }
}

fn one(name: String, command: String, port: Option<u16>, file: &str) -> Vec<FoundService> {
    vec![FoundService { name, command, port, ready: None, said_by: vec![file.to_owned()], source: None }]
}

/// `web` takes the requests; a release phase is no service.
fn procfile(folder: &Path) -> Vec<FoundService> {
    let Some(text) = text(&folder.join("Procfile")) else { return Vec::new() };
    let lines = text.lines().filter_map(|line| line.split_once(':')).map(|(name, command)| (name.trim(), command.trim()));
    let mut services: Vec<FoundService> = lines
        .filter(|(name, command)| !name.starts_with('#') && *name != "release" && !slug(name).is_empty() && !command.is_empty())
        .flat_map(|(name, command)| one(slug(name), command.to_owned(), port_in(command), "Procfile"))
        .collect();
    services.sort_by_key(|service| service.name != "web");
    services
}

fn python(folder: &Path) -> Vec<FoundService> {
    let name = named_after(folder);
    if folder.join("manage.py").is_file() {
        return one(name, "python manage.py runserver 8000".to_owned(), Some(8000), "manage.py");
    }
    let Some((file, needs)) = ["pyproject.toml", "requirements.txt", "Pipfile", "setup.py"]
        .iter()
        .find_map(|file| Some((*file, text(&folder.join(file))?)))
    else {
        return Vec::new();
    };
    let needs = needs.to_lowercase();
    let module = ["main", "app", "app.main", "src.main", "server", "api"].into_iter().find(|module| {
        let code = text(&folder.join(format!("{}.py", module.replace('.', "/")))).unwrap_or_default();
        code.contains("FastAPI(") || code.contains("Flask(") || code.contains("Starlette(")
    });
    let module = module.unwrap_or("main");
    match () {
        () if needs.contains("fastapi") || needs.contains("uvicorn") || needs.contains("starlette") => {
            one(name, format!("uvicorn {module}:app --port 8000"), Some(8000), file)
        }
        () if needs.contains("flask") => one(name, format!("flask --app {module} run --port 5000"), Some(5000), file),
        () => one(name, format!("python {}.py", module.replace('.', "/")), None, file),
    }
}

fn go(folder: &Path) -> Vec<FoundService> {
    let Some(text) = text(&folder.join("go.mod")) else { return Vec::new() };
    let module = text
        .lines()
        .find_map(|line| line.strip_prefix("module "))
        .map(|module| slug(module.trim().rsplit('/').next().unwrap_or_default()));
    let name = module.filter(|name| !name.is_empty()).unwrap_or_else(|| named_after(folder));
    let main =
        if folder.join("main.go").is_file() { ".".to_owned() } else { only_command(folder).unwrap_or_else(|| ".".to_owned()) };
    one(name, format!("go run {main}"), None, "go.mod")
}

/// `./cmd/api`, when it is the only one or called so.
fn only_command(folder: &Path) -> Option<String> {
    let mut names: Vec<String> = fs::read_dir(folder.join("cmd"))
        .ok()?
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let name = names.iter().find(|name| ["api", "server", "web"].contains(&name.as_str())).or(names.first())?;
    Some(format!("./cmd/{name}"))
}

fn cargo(folder: &Path) -> Vec<FoundService> {
    let Some(text) = text(&folder.join("Cargo.toml")) else { return Vec::new() };
    let name = text.lines().find_map(|line| line.trim().strip_prefix("name")?.trim().strip_prefix('=').map(slug));
    one(name.filter(|name| !name.is_empty()).unwrap_or_else(|| named_after(folder)), "cargo run".to_owned(), None, "Cargo.toml")
}

/// `--port 3000`, `-p 3000`, `PORT=3000`, `0.0.0.0:3000`.
pub(super) fn port_in(command: &str) -> Option<u16> {
    let words: Vec<&str> = command.split([' ', '=']).collect();
    let after = words.windows(2).find(|pair| matches!(pair[0], "--port" | "-p" | "PORT")).and_then(|pair| pair[1].parse().ok());
    after.or_else(|| words.iter().find_map(|word| word.rsplit_once(':')?.1.parse().ok().filter(|port: &u16| *port >= 1024)))
}
