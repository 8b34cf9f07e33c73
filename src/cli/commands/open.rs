//! `devstack open`: Grafana, Jaeger, Prometheus or a trace in the browser.

use clap::{Args, ValueEnum};

use crate::{
    cli::{Failure, exit::Exit, project::stack_up},
    client::StoreKind,
    runtime::Note,
    term::Ui,
};

/// Open Grafana, Jaeger or Prometheus in the browser
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  devstack open
  devstack open prometheus
  devstack open --print                  (only the address)")]
pub(crate) struct OpenArgs {
    /// What to open (default: the dashboard in Grafana, else the trace store's pages)
    page: Option<Page>,

    /// Print the address and open nothing
    #[arg(long)]
    print: bool,
}

/// What can be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Page {
    /// The dashboard
    Grafana,
    /// Jaeger's pages
    Jaeger,
    /// Prometheus' pages
    Prometheus,
}

pub(crate) fn run(args: &OpenArgs, ui: &Ui) -> Result<Exit, Failure> {
    let note = stack_up(&super::project()?)?;
    let address = match args.page {
        Some(page) => address(page, &note),
        None => [Page::Grafana, Page::Jaeger, Page::Prometheus].into_iter().find_map(|page| address(page, &note)),
    };
    let Some(address) = address else {
        let what = args.page.map_or_else(|| "no pages".to_owned(), |page| format!("no {page:?}"));
        return Err(Failure::environment(format!("the stack `{}` ({}) has {what}", note.stack, note.runtime))
            .hint("`devstack status` shows what it has; the embedded runtime gets pages in a later version"));
    };
    ui.data(&address);
    if !args.print
        && let Err(error) = open::that_detached(&address)
    {
        ui.warn(&format!("no browser could be opened: {error}"));
    }
    Ok(Exit::Held)
}

fn address(page: Page, note: &Note) -> Option<String> {
    match page {
        Page::Grafana => note.grafana.as_ref().map(|grafana| format!("{grafana}/d/distributed-tracing")),
        Page::Jaeger => {
            let store = note.store.as_ref().filter(|store| store.kind == StoreKind::Jaeger)?;
            Some(format!("{}/search", store.at.url))
        }
        Page::Prometheus => note.prometheus.as_ref().map(|prometheus| prometheus.url.clone()),
    }
}
