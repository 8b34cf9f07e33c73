//! `devstack init`: the first files of a project.

use std::{
    fs::{self, OpenOptions},
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    path::Path,
};

use clap::Args;

use crate::{
    cli::{Failure, exit::Exit},
    draft::init::{
        Choice, Chosen, File, Found, FoundProvider, FoundService, PROVIDERS, files, is_provider, is_service_name, look,
    },
    support::suggest,
    term::{Role, Ui},
};

/// Write devstack.yaml, a suite and a first fixture for this folder
///
/// Looks at what is there (package.json, pyproject.toml, go.mod, Procfile, .env.example, routes in the sources), asks on a terminal, and
/// writes what is not there yet. No file is replaced.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  devstack init
  devstack init --yes
  devstack init --service 'api=npm start' --port 3000 --provider stripe --path /webhooks/stripe")]
pub(crate) struct InitArgs {
    /// A service and what starts it (can be repeated; the first takes the webhooks)
    #[arg(long, value_name = "NAME=CMD", value_parser = service)]
    service: Vec<(String, String)>,

    /// Where the first service listens
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,

    /// The provider of the first webhook: whatsapp, stripe, pipedrive, vapi, twilio, github, slack, shopify, standard-webhooks, plain
    #[arg(long, value_name = "NAME", value_parser = provider)]
    provider: Option<String>,

    /// The path that takes the webhook
    #[arg(long, value_name = "PATH", value_parser = path)]
    path: Option<String>,

    /// Ask nothing, take what is found
    #[arg(long, short)]
    yes: bool,
}

fn service(text: &str) -> Result<(String, String), String> {
    let (name, command) = text.split_once('=').ok_or("a name and a command: `api=npm start`")?;
    let (name, command) = (name.trim(), command.trim());
    if !is_service_name(name) {
        return Err("a name of letters, digits and `-`, then `=` and the command: `api=npm start`".to_owned());
    }
    if command.is_empty() || command.chars().any(char::is_control) {
        return Err("a command behind `=`: `api=npm start`".to_owned());
    }
    Ok((name.to_owned(), command.to_owned()))
}

fn provider(text: &str) -> Result<String, String> {
    if is_provider(text) {
        return Ok(text.to_owned());
    }
    let near = suggest::nearest(text, PROVIDERS).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    Err(format!("{near}known are {}", PROVIDERS.join(", ")))
}

fn path(text: &str) -> Result<String, String> {
    let fits = text.starts_with('/')
        && text.chars().all(|sign| sign.is_ascii_graphic())
        && text.parse::<http::uri::PathAndQuery>().is_ok();
    if fits { Ok(text.to_owned()) } else { Err("a path such as `/webhooks/stripe`".to_owned()) }
}

pub(crate) fn run(args: &InitArgs, ui: &Ui) -> Result<Exit, Failure> {
    let folder = Path::new(".");
    let found = look(folder);
    let proposed = proposed(args, &found);
    tell(&found, ui);
    let asks = !args.yes && io::stdin().is_terminal();
    let choice = if asks { asked(args, &found, proposed, ui)? } else { proposed };
    let mut written = 0;
    for file in files(&choice) {
        written += usize::from(put(&file, ui)?);
    }
    next(&choice, written, ui);
    Ok(Exit::Held)
}

/// What the options say, and what was found where they say nothing.
fn proposed(args: &InitArgs, found: &Found) -> Choice {
    let mut services: Vec<Chosen> = if args.service.is_empty() {
        found.services.iter().map(chosen).collect()
    } else {
        let named = |(name, command): &(String, String)| {
            let known = found.services.iter().find(|known| known.name == *name).map(chosen).unwrap_or_default();
            Chosen { name: name.clone(), command: command.clone(), ..known }
        };
        args.service.iter().map(named).collect()
    };
    let port = args.port.or_else(|| found.services.first()?.port);
    if let Some(first) = services.first_mut() {
        first.port = args.port.or(first.port).or(port);
        first.environment = found.secrets();
    }
    let unsaid = wire(&mut services, found);
    let provider =
        args.provider.clone().or_else(|| Some(found.providers.first()?.name.clone())).unwrap_or_else(|| "plain".to_owned());
    Choice { services, port, path: args.path.clone().or_else(|| path_of(&provider, found)), provider, unsaid }
}

fn chosen(found: &FoundService) -> Chosen {
    let FoundService { name, command, port, ready, .. } = found.clone();
    Chosen { name, command, port, ready, ..Chosen::default() }
}

/// Gives the first service the addresses of others that its sources ask for by name: `WORKER_URL` is that of `worker`. What is left.
fn wire(services: &mut [Chosen], found: &Found) -> Vec<(String, String)> {
    let mut unsaid = Vec::new();
    for (variable, file) in &found.addresses {
        let called = variable.trim_end_matches("_URL").to_lowercase();
        let reads = found.services.iter().find(|service| service.source.as_ref() == Some(file)).map(|service| &service.name);
        let Some((first, others)) = services.split_first_mut() else { break };
        let other = others.iter().find(|other| other.port.is_some() && other.name.replace('-', "_") == called);
        match other.filter(|_| reads.is_none_or(|reader| *reader == first.name)) {
            Some(other) => {
                first.environment.push((variable.clone(), format!("${{{}.url}}", other.name)));
                first.after.push(other.name.clone());
            }
            None => unsaid.push((variable.clone(), file.clone())),
        }
    }
    unsaid
}

fn path_of(provider: &str, found: &Found) -> Option<String> {
    found.providers.iter().find(|known| known.name == provider)?.path.clone()
}

fn tell(found: &Found, ui: &Ui) {
    if found.services.is_empty() && found.providers.is_empty() {
        ui.status("Nothing was found here that says how a service is started or which webhooks it takes.");
        return;
    }
    ui.status("Found:");
    for service in &found.services {
        let port = service.port.map(|port| format!(", port {port}")).unwrap_or_default();
        ui.status(&format!("  {:18} `{}`{port}  ({})", service.name, service.command, service.said_by.join(", ")));
    }
    for FoundProvider { name, said_by, .. } in &found.providers {
        ui.status(&format!("  {name:18} {}", said_by.join(", ")));
    }
}

/// Asks for each part; an empty answer takes what is proposed.
fn asked(args: &InitArgs, found: &Found, mut choice: Choice, ui: &Ui) -> Result<Choice, Failure> {
    ui.status("Enter takes what stands in brackets.");
    if args.service.is_empty() {
        let mut first =
            choice.services.first().cloned().unwrap_or_else(|| Chosen { name: "api".to_owned(), ..Chosen::default() });
        let command = ask("What starts the service?", &first.command, ui, |text| Ok::<_, String>(text.to_owned()))?;
        if command.is_empty() {
            choice.services.clear();
        } else {
            first.command = command;
            first.name = ask("Its name?", &first.name, ui, |text| {
                if is_service_name(text) { Ok(text.to_owned()) } else { Err("letters, digits and `-`".to_owned()) }
            })?;
            choice.services.splice(0..choice.services.len().min(1), [first]);
        }
    }
    if args.port.is_none() {
        let port = choice.port.unwrap_or(3000).to_string();
        let port = ask("Its port?", &port, ui, |text| {
            text.parse().ok().filter(|port| *port > 0).ok_or("a number from 1 to 65535".to_owned())
        })?;
        choice.port = Some(port);
        if let Some(first) = choice.services.first_mut() {
            first.port = Some(port);
        }
    }
    if args.provider.is_none() {
        choice.provider = ask("Who sends the first webhook?", &choice.provider, ui, provider)?;
    }
    if args.path.is_none() {
        let known = path_of(&choice.provider, found).unwrap_or_else(|| format!("/webhooks/{}", choice.provider));
        choice.path = Some(ask("To which path?", &known, ui, path)?);
    }
    Ok(choice)
}

fn ask<T>(question: &str, default: &str, ui: &Ui, read: impl Fn(&str) -> Result<T, String>) -> Result<T, Failure> {
    loop {
        let proposed = if default.is_empty() { String::new() } else { format!(" [{default}]") };
        ui.explain(&format!("{question}{proposed}"));
        let mut line = String::new();
        let read_bytes = io::stdin()
            .lock()
            .read_line(&mut line)
            .map_err(|error| Failure::environment(format!("cannot read the answer: {error}")))?;
        if read_bytes == 0 {
            return Err(Failure::interrupted("no answer came").hint("`devstack init --yes` asks nothing"));
        }
        let answer = line.trim();
        match read(if answer.is_empty() { default } else { answer }) {
            Ok(value) => return Ok(value),
            Err(wanted) => ui.explain(&format!("That is not {wanted}.")),
        }
    }
}

/// Writes a file that is not there yet; whether it did.
fn put(file: &File, ui: &Ui) -> Result<bool, Failure> {
    let path = Path::new(&file.path);
    let failed = |error: io::Error| Failure::environment(format!("cannot write `{}`: {error}", file.path));
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let look = ui.look();
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut opened) => {
            opened.write_all(&file.bytes).map_err(failed)?;
            ui.data(&format!("{} {:40} {}", look.paint(Role::Good, look.glyph("✓", "ok")), file.path, file.what));
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            ui.data(&format!("{} {:40} there already, left as it is", look.dot(), file.path));
            Ok(false)
        }
        Err(error) => Err(failed(error)),
    }
}

fn next(choice: &Choice, written: usize, ui: &Ui) {
    if written == 0 {
        ui.status("Nothing was written.");
    }
    let port = choice.services.first().and_then(|first| first.port).or(choice.port).unwrap_or(3000);
    ui.status("Next:");
    let started = !choice.services.is_empty();
    let up = started.then(|| ("devstack up".to_owned(), "starts the services, and what takes their telemetry"));
    let others = [
        (format!("devstack record --forward http://127.0.0.1:{port}"), "turns real webhooks into fixtures"),
        ("devstack replay".to_owned(), "sends the fixtures and checks their traces"),
    ];
    for (command, what) in up.into_iter().chain(others) {
        ui.status(&format!("  {command:50} {what}"));
    }
}
