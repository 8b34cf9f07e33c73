//! What both protocols do with a request once it is decoded: keep it, count it, and pass it on.

use axum::response::Response;

use super::{body::BodyError, signal::Signal, unread::Unread};
use crate::backend::{
    Ledger,
    forward::{Allowance, Answer, Forwarder, NoAnswer, Outgoing, Protocol, Refusal, Route, Verdict},
    traffic::{Observer, Sort},
    wire::{Encoding, Rejected},
};

/// The receiver behind its two ports.
#[derive(Debug)]
pub(in crate::backend) struct Intake {
    /// Where requests are kept.
    pub(in crate::backend) ledger: Ledger,
    /// Who is told of them.
    pub(in crate::backend) observer: Observer,
    /// Who passes them on; `None` where this backend is the last hop.
    pub(in crate::backend) forwarder: Option<Forwarder>,
    /// The largest request in bytes, as sent and unpacked.
    pub(in crate::backend) limit: usize,
}

/// What was kept of a request.
#[derive(Debug)]
pub(super) struct Kept {
    sort: Sort,
    /// All items, the rejected ones too: that many are passed on.
    items: u64,
    service: Option<String>,
    /// What was not kept.
    pub(super) rejected: Option<Rejected>,
}

/// A request on its way, or why it has none.
pub(super) type Way = Result<(Route, Outgoing), NoAnswer>;

/// The next hop's answer.
#[derive(Debug)]
pub(super) enum Passed {
    /// In the sender's protocol: it goes back as it is.
    Unchanged(Answer),
    /// In the other one: what it says goes back.
    Translated(Verdict),
}

impl Intake {
    /// What a request that is read may take of the room; `None` where nothing is passed on.
    pub(super) fn allowance(&self) -> Option<Allowance> {
        self.forwarder.as_ref().map(|forwarder| forwarder.room.allowance())
    }

    /// Takes the place of a request that is here; `Err` where too many are under way.
    pub(super) fn enter(allowance: Option<&mut Allowance>) -> Result<(), BodyError> {
        if allowance.is_none_or(Allowance::enter) { Ok(()) } else { Err(BodyError::NoRoom) }
    }

    /// Takes the place that a request needs beyond what it came with, because it leaves unpacked; `Err` where there is none.
    pub(super) fn leave(allowance: Option<&mut Allowance>, came: usize, way: Option<&Way>) -> Result<(), BodyError> {
        let (Some(allowance), Some(Ok((_, outgoing)))) = (allowance, way) else { return Ok(()) };
        let more = outgoing.body.len().saturating_sub(came);
        if more == 0 || allowance.take(more) { Ok(()) } else { Err(BodyError::NoRoom) }
    }

    /// The way on for a request; `None` where this backend is the last hop.
    pub(super) fn route(&self, came_by: Protocol) -> Option<Result<Route, NoAnswer>> {
        self.forwarder.as_ref().map(|forwarder| forwarder.route(came_by))
    }

    /// Puts a request into the ledger and says what was not kept.
    pub(super) fn keep<S: Signal>(&self, request: S::Request) -> Kept {
        let service = S::service(&request);
        let apart = S::apart(request);
        let happenings = self.observer.happenings(&apart.batch);
        self.observer.sent(&apart.batch);
        self.ledger.insert(apart.batch);
        self.observer.received(S::SORT, apart.items, happenings);
        let mut items = apart.items;
        if let Some(rejected) = &apart.rejected {
            let count = rejected.count.unsigned_abs();
            self.observer.rejected(S::SORT, count, service.as_deref(), &rejected.words);
            items += count;
        }
        Kept { sort: S::SORT, items, service, rejected: apart.rejected }
    }

    /// Passes a kept request on, counts what became of it, and brings the answer.
    pub(super) async fn pass_on(&self, kept: &Kept, way: Way) -> Result<Passed, Refusal> {
        let service = kept.service.as_deref();
        let to = way.as_ref().map_or("", |(route, _)| route.hop().name()).to_owned();
        let pending = self.observer.pending(kept.sort, kept.items, service, &to);
        let answered = match way {
            Ok((route, outgoing)) => route.hop().send(outgoing).await.map(|answer| (route, answer)),
            Err(error) => Err(error),
        };
        let (route, answer) = match answered {
            Ok(answered) => answered,
            Err(error) => {
                pending.refused(&error.to_string());
                return Err(Refusal::for_now(error.to_string()));
            }
        };
        let hop = route.hop();
        let verdict = Verdict::of(&answer, hop.protocol());
        match &verdict {
            Verdict::Accepted(None) => pending.taken(),
            Verdict::Accepted(Some(rejected)) => {
                let words = format!("the next hop {to} did not keep all of it: {}", rejected.words);
                pending.partly_taken(rejected.count.unsigned_abs(), &words);
            }
            Verdict::Refused(refusal) => pending.refused(&refusal.by(hop)),
        }
        Ok(match route {
            Route::Unchanged(_) => Passed::Unchanged(answer),
            Route::Translated(_) => Passed::Translated(verdict),
        })
    }

    /// Counts and tells why a request could not be read, and what helps; what the sender is answered.
    pub(super) fn unread<S: Signal>(&self, why: &Unread, came_by: Protocol) -> Refusal {
        if why.is_for_now() {
            self.observer.turned_away(&why.to_string());
        } else {
            let fix = why.fix().map(|fix| format!("; {fix}")).unwrap_or_default();
            self.observer.unreadable(&format!("{} rejected: {why}{fix}", S::NAME));
        }
        why.refusal(came_by)
    }
}

impl Passed {
    /// The answer to a sender that came by HTTP; `field` is the signal's name in JSON for the count of what was rejected.
    pub(super) fn over_http(self, encoding: Encoding, field: &str) -> Response {
        match self {
            Self::Unchanged(answer) => answer.into_response(),
            Self::Translated(verdict) => verdict.over_http(encoding, field),
        }
    }

    /// The answer to a sender that came by gRPC.
    pub(super) fn over_grpc(self) -> Response {
        match self {
            Self::Unchanged(answer) => answer.into_response(),
            Self::Translated(verdict) => verdict.over_grpc(),
        }
    }
}
