//! A server with a queue, a clock and faults, to rehearse alerts against and to
//! test a prober with.
//!
//! ```text
//! server ─► request ─► line (queue, background) ─► generation (script, pace, faults) ─► answer | whole
//!  HTTP      speak      wait for a slot             which token when                     speak
//! ```
//!
//! It speaks every dialect of the table in `speak`, all at the same time.
//!
//! - Deadlines are absolute instants on tokio's clock, so a paused clock gives exact figures: with
//!   `ttft` 200 ms, `itl` 10 ms and no jitter, the first content leaves 200 ms after the request
//!   was complete, and every further token 10 ms after the one before. On a running clock a token
//!   leaves a millisecond or two late, the resolution of the timer, and the lateness does not
//!   add up.
//! - Every token is a write of its own (unless a fault says otherwise), and the role chunk before
//!   the first one is, too.
//! - The same configuration, the same requests in the same order at the same instants: the same
//!   bytes at the same instants. Hence no `date` header, and `created` counts from a fixed origin.
//! - Waiting in line is bounded, and so are connections, bodies and answers. A client that goes
//!   away gives back its slot.
//! - No prompt is kept or logged; the prefix cache holds hashes.
//!
//! Deliberately absent: batching effects (more requests do not slow each other's tokens down, they
//! wait for a slot), TLS, authentication, tools, several choices.

mod answer;
mod args;
mod background;
mod checks;
mod complaint;
mod config;
mod fault_file;
mod faults;
mod file;
mod generation;
mod line;
mod metrics_page;
mod pace;
mod prefix_cache;
mod queue;
mod reply;
mod request;
mod script;
mod server;
mod simulator;
mod speak;
mod whole;

pub use args::{SimulateArgs, SimulateError, bind, run};
pub use config::{Load, Phase, SimulatorConfig, Source, Swing};
pub use faults::{Chance, Fault};
pub use file::parse;
pub use simulator::Simulator;

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // tasks of a test end with its runtime
mod tests;
