//! Services whose starter died: found in the book, ended by group, and the book is closed over them.
//!
//! Called before anything is started in a project and when its stack is taken down. A process is trusted to be the one in the book only
//! by its pid together with the moment at which it started.

use std::path::Path;

use super::{
    book::{Book, EndedBy, How},
    process::end_group,
};
use crate::support::process;

/// A service that was left and is ended now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// Its name in commands.
    pub name: String,
    /// Its process.
    pub pid: u32,
}

/// Ends what is left of services whose starter has died; gives those that still ran.
pub async fn end_leftovers(state: &Path) -> Vec<Leftover> {
    let book = Book::of(state);
    let left = book.open_starts().into_iter().filter(|start| !start.by.is_alive());
    let ending = left.map(|start| {
        let book = &book;
        async move {
            let ran = process::alive(start.pid, &start.pid_started);
            if ran {
                end_group(start.pid, start.grace).await;
            }
            let by = if ran { EndedBy::Asked } else { EndedBy::Itself };
            // The next one finds it again.
            let _ = book.ended(start.pid, &start.pid_started, How::Unseen, by);
            ran.then_some(Leftover { name: start.name, pid: start.pid })
        }
    });
    futures_util::future::join_all(ending).await.into_iter().flatten().collect()
}
