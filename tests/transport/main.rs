//! The measured path over real sockets on loopback and, where instants matter, over in-memory
//! pipes on a paused clock.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "../common/mod.rs"]
mod common;

mod addresses;
mod bodies;
mod connections;
mod endings;
mod limits;
mod stamps;
mod tail;
mod tls;
