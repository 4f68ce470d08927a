//! What the server's samples say about one probe. Pure.

use std::time::Duration;

use super::alone::alone;
use super::observer::{Around, Look};
use super::parts::{TtftPart, split};
use super::sample::Sample;
use crate::answer::measure::Measurement;

/// One probe, seen from the server. Empty for targets without `server_metrics`, but for the parts,
/// which a response may tell as well.
#[derive(Debug, Clone, Default)]
pub struct ServerView {
    /// The state right before the probe was sent.
    pub at_send: Option<Sample>,
    /// Whether the server worked on this probe only; see [`alone`].
    pub alone: Option<bool>,
    /// What the time to first token is made of; see [`split`].
    pub ttft_parts: Vec<(TtftPart, Duration)>,
    /// The newest look at the page, successful or not.
    pub newest: Option<Look>,
}

impl ServerView {
    /// Puts the looks before and after a probe beside its figures.
    #[must_use]
    pub fn new(around: Option<Around>, m: &Measurement) -> Self {
        let Around { before, after, newest } = around.unwrap_or_default();
        let both = before.as_ref().zip(after.as_ref());
        Self {
            alone: both.and_then(|(a, b)| alone(a, b, m.output_tokens.map(|t| t.tokens))),
            ttft_parts: split(m, both),
            at_send: before,
            newest,
        }
    }
}
