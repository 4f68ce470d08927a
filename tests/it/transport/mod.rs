//! The measured path over real sockets on loopback and, where instants matter, over in-memory
//! pipes on a paused clock.

mod addresses;
mod bodies;
mod connections;
mod endings;
mod limits;
mod named_certificates;
mod slow_readers;
mod stamps;
mod tail;
mod tls;
