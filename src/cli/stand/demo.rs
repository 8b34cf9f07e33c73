//! The demo services as the target: those that run beside the stack, those that `devstack demo` keeps, or new ones for the run.
//!
//! Called by `stand`.

use std::sync::Arc;

use super::{
    Stand, Started, Wishes, environment, stack,
    way::{Takers, Way},
};
use crate::{
    check::{Aim, Grounds},
    cli::{Failure, isolation::DemoIsolation},
    replay::Pace,
    runtime::{Embedded, EmbeddedConfig, ExtraDemo, Kept, Note},
    support::project::Project,
    webhook::Secrets,
};

/// Services to send to.
struct Demo {
    services: Vec<(String, String)>,
    externals: String,
    secrets: Secrets,
}

/// Finds them, or starts them.
pub(super) async fn find(
    wishes: &Wishes,
    note: Option<&Note>,
    project: &Project,
    http: &reqwest::Client,
) -> Result<Stand, Failure> {
    let config = EmbeddedConfig::from_env(&wishes.wanted.variables);
    let time_scale = wishes.time_scale.unwrap_or(config.time_scale);
    let config = EmbeddedConfig { time_scale, faults: wishes.faults.clone(), ..config };
    // Kept services have the timers and the faults they were started with.
    let of_our_own = !wishes.faults.is_empty() || wishes.time_scale.is_some();
    let fill = Fill { wishes, http };
    if let Some(note) = note {
        return fill.on_stack(note, of_our_own, config).await;
    }
    if let Some(folder) = project.state().filter(|_| !of_our_own)
        && let Some(kept) = Kept::find(folder, http).await.map_err(|error| environment(&error))?
    {
        let stack = format!("embedded stack · demo services of `devstack demo` (pid {})", kept.pid);
        return Ok(Stand { grounds: fill.of_kept(&kept, stack, config), started: Started::Nothing, warnings: Vec::new() });
    }
    let embedded = Embedded::start(config.clone()).await.map_err(|error| environment(&error))?;
    let grounds = fill.of_kept(embedded.addresses(), "embedded stack · demo services".to_owned(), config);
    Ok(Stand { grounds, started: Started::Embedded(Box::new(embedded)), warnings: Vec::new() })
}

/// What all grounds have in common.
struct Fill<'a> {
    wishes: &'a Wishes,
    http: &'a reqwest::Client,
}

impl Fill<'_> {
    /// On a stack that is up: with the demo services that run beside it, unless the options ask for others.
    async fn on_stack(&self, note: &Note, of_our_own: bool, config: EmbeddedConfig) -> Result<Stand, Failure> {
        let words = format!("{} · demo services", stack::in_words(note));
        if let Some(demo) = note.demo.clone().filter(|_| !of_our_own) {
            let demo = Demo { services: demo.services, externals: demo.externals, secrets: demo.secrets };
            let way = Way::of_note(format!("{words} of `devstack up`"), note);
            return Ok(Stand { grounds: self.grounds(way, demo, config), started: Started::Nothing, warnings: Vec::new() });
        }
        let secrets = config.secrets.clone();
        let extra = ExtraDemo::start(&config, &note.otlp_http, secrets.clone()).await.map_err(|error| environment(&error))?;
        let demo = Demo { services: extra.services(), externals: extra.externals(), secrets };
        let grounds = self.grounds(Way::of_note(words, note), demo, config);
        Ok(Stand { grounds, started: Started::Demo(Box::new(extra)), warnings: Vec::new() })
    }

    fn of_kept(&self, kept: &Kept, words: String, config: EmbeddedConfig) -> Grounds {
        let demo = Demo { services: kept.services.clone(), externals: kept.externals.clone(), secrets: kept.secrets.clone() };
        self.grounds(Way::embedded(words, &kept.ledger, &kept.otlp_http, ""), demo, config)
    }

    fn grounds(&self, way: Way, demo: Demo, config: EmbeddedConfig) -> Grounds {
        let isolation = DemoIsolation::new(config, way.otlp_http.clone(), demo.secrets.clone());
        let takers = Takers {
            services: demo.services,
            externals: Some(demo.externals),
            secrets: demo.secrets,
            isolation: Some(Arc::new(isolation)),
            // They answer for their work themselves.
            examiner: None,
        };
        let pace = self.wishes.wanted.rate.map(|rate| Pace::new(rate.spacing()));
        // Its worker is no stand-in.
        Grounds { enqueued: None, ..way.grounds(Aim { pace, ..Aim::default() }, takers, self.http) }
    }
}
