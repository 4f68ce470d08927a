//! A running daemon in a terminal: its targets, and the probes of one of them.
//!
//! [`App`] is what is shown and what keys do to it, [`draw()`] puts it on a screen, [`Client`] asks
//! the daemon's API. Only [`run()`] knows the terminal and the clock.

mod app;
mod client;
mod columns;
mod draw;
mod run;
mod spark;

pub use app::{App, Input, View};
pub use client::{AskError, Client, ClientError};
pub use draw::draw;
pub use run::run;
