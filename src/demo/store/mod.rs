//! The stores of a service: a database and a Redis, each real where an address is given and embedded where none is, both with spans.
//!
//! Opened by each service at bind; read by its routes and tasks.

mod redis;
mod resp;
mod sql;

pub use redis::RedisError;
pub(crate) use redis::{Key, RedisStore};
pub use resp::RedisServer;
pub use sql::SqlError;
pub(crate) use sql::{Bind, Sql};
