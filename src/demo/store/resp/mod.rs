//! A small Redis server in the process: RESP2 over loopback, so that the services use the real client without a real Redis.
//!
//! Started by `store::redis` when no `REDIS_URL` is given; spoken to by the `redis` client. Nothing is kept after the process.

mod commands;
mod keyspace;
mod server;
mod wire;

pub use server::RedisServer;
