//! How much may be under way at once.
//!
//! Nothing ever waits for a place: the two semaphores only count, and whoever finds them empty is told to come again.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::backend::UnderWay;

/// Places for requests and for the bytes of their bodies.
#[derive(Debug, Clone)]
pub(in crate::backend) struct Room {
    requests: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
}

/// What one request holds of the room, until it is dropped.
#[derive(Debug)]
pub(in crate::backend) struct Allowance {
    room: Room,
    bytes: Option<OwnedSemaphorePermit>,
    request: Option<OwnedSemaphorePermit>,
}

impl Room {
    /// A room of this size, in which the largest request has a place when it is alone.
    pub(in crate::backend) fn new(size: UnderWay, largest: usize) -> Self {
        let places = |count: usize| Arc::new(Semaphore::new(count.clamp(1, Semaphore::MAX_PERMITS)));
        Self { requests: places(size.requests), bytes: places(size.bytes.max(largest)) }
    }

    /// For a request of which nothing was read yet.
    pub(in crate::backend) fn allowance(&self) -> Allowance {
        Allowance { room: self.clone(), bytes: None, request: None }
    }
}

impl Allowance {
    /// Takes place for more bytes of the body; false where there is none.
    pub(in crate::backend) fn take(&mut self, bytes: usize) -> bool {
        let Ok(count) = u32::try_from(bytes) else { return false };
        let Ok(more) = Arc::clone(&self.room.bytes).try_acquire_many_owned(count) else { return false };
        match &mut self.bytes {
            Some(held) => held.merge(more),
            none => *none = Some(more),
        }
        true
    }

    /// Takes place for the request itself, once it is here; senders that never finish theirs keep nobody else out. False where there is
    /// none.
    pub(in crate::backend) fn enter(&mut self) -> bool {
        self.request = Arc::clone(&self.room.requests).try_acquire_owned().ok();
        self.request.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_requests_are_bounded_and_given_back() {
        let room = Room::new(UnderWay { requests: 1, bytes: 10 }, 4);
        let (mut first, mut second) = (room.allowance(), room.allowance());
        assert!(first.take(6) && first.take(4) && first.enter());
        assert!(!second.take(1));
        assert!(!second.enter());
        drop(first);
        assert!(second.take(10) && second.enter());
    }

    #[test]
    fn the_largest_request_fits_when_it_is_alone() {
        assert!(Room::new(UnderWay { requests: 1, bytes: 1 }, 100).allowance().take(100));
    }
}
