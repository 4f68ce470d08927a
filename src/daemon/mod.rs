//! Wiring: a configuration becomes probers; a reload changes what changed and nothing else.

mod endpoint;
pub mod error;
mod gpus;
mod plan;
mod running;
mod start;
mod state;
mod switch;

pub use self::error::DaemonError;
pub use self::running::{Daemon, Dial, Memory, network};
