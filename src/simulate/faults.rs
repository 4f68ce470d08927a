//! What may go wrong with an answer, and the draw that decides it for one request.

use std::mem::discriminant;
use std::time::Duration;

use http::StatusCode;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// A way to misbehave. `after_tokens` counts the tokens that still arrive, at most the whole
/// answer; the fault itself comes when the next token would have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection is closed without a response.
    Refuse,
    /// An error status with a well-formed error body.
    HttpStatus(StatusCode),
    /// Status 429.
    Throttle {
        /// Sent as `retry-after`, in whole seconds (rounded up).
        retry_after: Duration,
    },
    /// A web page with status 200.
    Html,
    /// A well-formed answer without content.
    Empty,
    /// An error event inside a stream with status 200, then `[DONE]`.
    ErrorEvent {
        /// Tokens before it.
        after_tokens: u32,
    },
    /// The body ends cleanly, but without a finish.
    Truncate {
        /// Tokens before it.
        after_tokens: u32,
    },
    /// The last event is cut in mid-JSON, then the body ends cleanly.
    CutJson {
        /// Tokens before it.
        after_tokens: u32,
    },
    /// The connection is dropped inside the body.
    CutBody {
        /// Tokens before it.
        after_tokens: u32,
    },
    /// Silence, after which the answer goes on.
    Stall {
        /// Tokens before it.
        after_tokens: u32,
        /// Added to the gap.
        pause: Duration,
    },
    /// A pause before `[DONE]`, after everything else has been sent.
    SlowDone {
        /// Its length.
        pause: Duration,
    },
    /// No usage, although asked for.
    NoUsage,
    /// The role chunk is sent at once, before queue and prefill.
    RoleFirst,
    /// Several tokens per write, sent when the last of them is ready.
    Burst {
        /// How many; at least 1.
        tokens: u32,
    },
}

/// A fault and how often it happens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chance {
    /// What happens.
    pub fault: Fault,
    /// Share of requests, 0 to 1.
    pub probability: f64,
}

impl Chance {
    /// A fault of every request.
    #[must_use]
    pub fn always(fault: Fault) -> Self {
        Self { fault, probability: 1.0 }
    }
}

/// Lets every chance in `over` replace the one of the same kind in `base`.
pub(super) fn merge(base: &mut Vec<Chance>, over: &[Chance]) {
    for chance in over {
        base.retain(|b| discriminant(&b.fault) != discriminant(&chance.fault));
        base.push(*chance);
    }
}

/// What goes wrong with one request. Of the faults that end or replace an answer there is at most
/// one: the first in the list that hits. The others may come together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ailments {
    /// Ends or replaces the answer.
    pub ending: Option<Fault>,
    /// Tokens before the silence, and its length.
    pub stall: Option<(u32, Duration)>,
    pub slow_done: Duration,
    pub no_usage: bool,
    pub role_first: bool,
    /// Tokens per write; `None` is one.
    pub burst: Option<u32>,
}

/// Draws once per chance, hit or not, so that one more hit does not shift the draws after it.
pub(super) fn draw(chances: &[Chance], rng: &mut ChaCha8Rng) -> Ailments {
    let mut ailments = Ailments::default();
    for chance in chances {
        if rng.random::<f64>() < chance.probability {
            ailments.add(chance.fault);
        }
    }
    ailments
}

impl Ailments {
    fn add(&mut self, fault: Fault) {
        match fault {
            Fault::Stall { after_tokens, pause } => self.stall = Some((after_tokens, pause)),
            Fault::SlowDone { pause } => self.slow_done = pause,
            Fault::NoUsage => self.no_usage = true,
            Fault::RoleFirst => self.role_first = true,
            Fault::Burst { tokens } => self.burst = Some(tokens),
            ending => {
                self.ending.get_or_insert(ending);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn a_chance_hits_as_often_as_it_says() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let chances = [Chance { fault: Fault::Empty, probability: 0.25 }];
        let hits = (0..10_000).filter(|_| draw(&chances, &mut rng).ending.is_some()).count();
        // Three standard deviations of a binomial are 130.
        assert!((2370..=2630).contains(&hits), "{hits}");
    }

    #[test]
    fn one_ending_wins_and_the_others_add_up() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let chances = [
            Chance { fault: Fault::Refuse, probability: 0.0 },
            Chance::always(Fault::Html),
            Chance::always(Fault::Empty),
            Chance::always(Fault::NoUsage),
            Chance::always(Fault::Burst { tokens: 3 }),
        ];
        let expect = Ailments {
            ending: Some(Fault::Html),
            no_usage: true,
            burst: Some(3),
            ..Ailments::default()
        };
        assert_eq!(draw(&chances, &mut rng), expect);
    }

    #[test]
    fn merging_replaces_by_kind() {
        let mut base = vec![
            Chance { fault: Fault::Truncate { after_tokens: 1 }, probability: 0.1 },
            Chance::always(Fault::NoUsage),
        ];
        let over = Chance { fault: Fault::Truncate { after_tokens: 9 }, probability: 0.5 };
        merge(&mut base, &[over]);
        assert_eq!(base, [Chance::always(Fault::NoUsage), over]);
    }
}
