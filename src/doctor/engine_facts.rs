//! What the container engine says of itself, as far as `doctor` needs it, in one visit of a few concurrent requests.
//!
//! Read by `engine`, `ports`, `disk`, `clock` and `state`.

use std::time::Duration;

use crate::{
    runtime::docker::{
        Engine, EngineAbout, EngineError, Facts, LeftOver,
        images::{self, ImageState},
        left_over,
    },
    support::env::Env,
};

/// What an engine says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EngineFacts {
    /// Which it is.
    pub(super) about: EngineAbout,
    /// Its clock, its place for data, its ports.
    pub(super) facts: Facts,
    /// The images that were asked for, in that order.
    pub(super) images: Vec<ImageState>,
    /// Owners that have containers in it.
    pub(super) owners: Vec<LeftOver>,
}

/// Asks the engine that the environment leads to about itself and these images.
pub(super) async fn gather(env: &dyn Env, wanted: &[String], limit: Duration) -> Result<EngineFacts, EngineError> {
    let engine = Engine::discover_within(env, limit).await?;
    let at = engine.about().at.clone();
    let asked = async {
        let answers = tokio::join!(engine.facts(), images::list(&engine, wanted), left_over(&engine));
        let failed = |error: &dyn std::error::Error| EngineError::Unusable { at: at.clone(), reason: words(error) };
        Ok(EngineFacts {
            about: engine.about().clone(),
            facts: answers.0.map_err(|error| failed(&error))?,
            images: answers.1.map_err(|error| failed(&error))?,
            owners: answers.2.map_err(|error| failed(&error))?,
        })
    };
    let reason = format!("no answer within {} s", limit.as_secs_f64());
    tokio::time::timeout(limit, asked).await.unwrap_or_else(|_| Err(EngineError::Silent { at: at.clone(), reason }))
}

/// What was asked, and what came instead of an answer.
fn words(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}

#[cfg(test)]
impl EngineFacts {
    /// An engine with nothing in it.
    pub(super) fn sample() -> Self {
        let about = EngineAbout {
            name: "docker".to_owned(),
            version: "28.2".to_owned(),
            api: "1.50".to_owned(),
            at: "unix:///var/run/docker.sock".to_owned(),
            os: "linux".to_owned(),
            arch: "amd64".to_owned(),
        };
        Self { about, facts: Facts { skew: None, root: None, published: Vec::new() }, images: Vec::new(), owners: Vec::new() }
    }
}
