//! The one place where the externals of a project begin to run: whoever starts services asks here first and gives them the addresses.
//!
//! The servers that play them are not part of this room. Until they are there, a project that has externals is refused rather than run
//! with addresses of nothing.

use super::ExternalAt;
use crate::{runtime::UpFailure, stack::External};

/// Externals that run, until they are ended.
#[derive(Debug, Default)]
pub struct Playing {
    /// Where they are.
    pub at: Vec<ExternalAt>,
}

impl Playing {
    /// Ends them.
    #[expect(clippy::unused_async, reason = "servers end when their last answer is given")]
    pub async fn end(self) {}
}

/// Starts all externals of a project.
pub async fn play(externals: &[External]) -> Result<Playing, UpFailure> {
    match externals.first() {
        None => Ok(Playing::default()),
        Some(first) => {
            let failure = UpFailure::new("this build cannot play externals yet");
            Err(UpFailure { component: Some(first.name.clone()), ..failure }
                .hint("take `externals` out of devstack.yaml for now"))
        }
    }
}
