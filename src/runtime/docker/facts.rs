//! What an engine tells that has nothing to do with any stack: its clock, where it keeps its data, who publishes which port.
//!
//! Asked by `doctor`.

use super::{DockerError, Engine, Said, labels, seen};
use crate::support::clock;

/// Facts about an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Its clock beside ours; `None` where it does not tell its time.
    pub skew: Option<Skew>,
    /// Where it keeps its data, on its own machine.
    pub root: Option<String>,
    /// Ports that running containers publish, whoever's they are, by number.
    pub published: Vec<Published>,
}

/// How two clocks differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skew {
    /// How much later the engine's is than ours, in milliseconds.
    pub millis: i64,
    /// By how many milliseconds that may be wrong: half of the time the answer took.
    pub within: u64,
}

/// A port that a container publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// On the host.
    pub port: u16,
    /// The container's name.
    pub container: String,
    /// The id of the owner that devstack made it for; `None` where it is somebody else's.
    pub owner: Option<String>,
}

impl Engine {
    /// Its facts, as they are now.
    pub async fn facts(&self) -> Result<Facts, DockerError> {
        let asked = clock::unix_nanos();
        let info = async { self.api().info().await.map(|info| (info, clock::unix_nanos())) };
        let (info, containers) = tokio::join!(info, seen::everybody(self));
        let failed = |error| DockerError::Inspect { name: "the engine itself".to_owned(), source: Said::from(error) };
        let (info, answered) = info.map_err(failed)?;
        let mut published: Vec<_> = containers?.iter().flat_map(ports).collect();
        published.sort_by_key(|published| published.port);
        let skew = info.system_time.as_deref().and_then(|time| skew(time, asked, answered));
        Ok(Facts { skew, root: info.docker_root_dir, published })
    }
}

fn ports(seen: &seen::Seen) -> impl Iterator<Item = Published> {
    let owner = seen.label(labels::OWNER);
    let one = move |port: &u16| Published { port: *port, container: seen.name.clone(), owner: owner.map(ToOwned::to_owned) };
    seen.published.values().map(one)
}

/// The engine took its time somewhere between question and answer; the middle is the best guess.
fn skew(time: &str, asked: u64, answered: u64) -> Option<Skew> {
    let theirs = time.parse::<jiff::Timestamp>().ok()?.as_millisecond();
    let ours = (asked / 2 + answered / 2) / 1_000_000;
    Some(Skew { millis: theirs - ours as i64, within: answered.saturating_sub(asked) / 2_000_000 })
}

#[cfg(test)]
mod tests {
    use super::{Skew, skew};

    #[test]
    fn the_middle_of_the_way_is_when_the_engine_looked_at_its_clock() {
        let (asked, answered) = (1_795_000_000_000_000_000, 1_795_000_000_010_000_000);
        let time = jiff::Timestamp::from_millisecond(1_795_000_000_008).unwrap().to_string();
        assert_eq!(skew(&time, asked, answered), Some(Skew { millis: 3, within: 5 }));
        assert_eq!(skew("soon", asked, answered), None);
    }
}
