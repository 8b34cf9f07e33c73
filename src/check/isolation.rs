//! Services of its own for a case that changes a whole process: an outage that opens a breaker, a clock.
//!
//! Declared here and done by `cli`, because this room starts nothing; asked by `drive` for fixtures that say `isolated: true`.

use std::fmt;

use futures_util::future::BoxFuture;

use super::{Grounds, ServiceAddress};

/// Starts services for one case.
pub trait Isolation: fmt::Debug + Send + Sync {
    /// Starts them; they export to the run's own backend and take the run's signatures. An error says why they could not, in words.
    fn start(&self) -> BoxFuture<'static, Result<Isolated, String>>;
}

/// Services that one case has for itself.
pub struct Isolated {
    /// Their addresses.
    pub services: Vec<ServiceAddress>,
    /// Control address of their externals.
    pub externals: String,
    /// Stops them, once the case has its verdict.
    pub stop: BoxFuture<'static, ()>,
}

impl Isolated {
    /// The grounds of the case, and what is to be awaited after it.
    pub(super) fn grounds(self, of_the_run: &Grounds) -> (Grounds, BoxFuture<'static, ()>) {
        let own = Grounds { services: self.services, externals: Some(self.externals), ..of_the_run.clone() };
        (own, self.stop)
    }
}

impl fmt::Debug for Isolated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Isolated").field("services", &self.services).field("externals", &self.externals).finish_non_exhaustive()
    }
}
