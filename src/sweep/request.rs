//! One request of a level, in numbers.

use std::sync::Arc;
use std::time::Duration;

use crate::answer::failure::FailureReason;
use crate::answer::measure::{ItlSource, Measurement};
use crate::answer::outcome::Outcome;
use crate::answer::recording::{Offset, Recording};
use crate::answer::slo::{Slo, judge};

/// Bytes that waited longer than this in the kernel were read late: the prober itself was busy.
pub const LATE_READ: Duration = Duration::from_millis(5);

/// When what happened to a request, counted from the beginning of its level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instants {
    /// When it was to begin: the arrival, or when its user was free to ask.
    pub due: Duration,
    /// When its exchange began: what its recording's offsets are counted from.
    pub began: Duration,
    /// When its exchange was over.
    pub over: Duration,
}

/// A request that is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Its number among the counted ones, in the order in which they were sent; `None` where it does
    /// not count: it was sent before the window.
    pub counted: Option<usize>,
    /// What came of it.
    pub result: Result<(), FailureReason>,
    /// It succeeded and met its objectives.
    pub good: bool,
    /// When.
    pub instants: Instants,
    /// The figures; of a failed request they say nothing.
    pub ttft: Option<Duration>,
    /// Second content event − first.
    pub ttst: Option<Duration>,
    /// Inter-token latency.
    pub itl: Option<Duration>,
    /// How its tokens were counted.
    pub itl_source: Option<ItlSource>,
    /// Last content − send, or in an open loop − the arrival.
    pub request_latency: Option<Duration>,
    /// Prompt tokens.
    pub input_tokens: Option<u64>,
    /// Tokens generated.
    pub output_tokens: Option<u64>,
    /// When content came, counted from the beginning of the level.
    pub content_at: Vec<Duration>,
    /// Content events that shared a read with a later one.
    pub coalesced: u64,
    /// How soon the prober read what had come.
    pub reading: Speed,
}

/// How many reads there were, and how many of them were late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Speed {
    /// Reads with a stamp of the kernel.
    pub reads: u64,
    /// Those of them whose bytes had waited for longer than [`LATE_READ`].
    pub late: u64,
}

impl Request {
    /// From what a probe brought. In an open loop figures run from the arrival (`from_arrival`), so
    /// that a prober or a connection that is late does not make the server look better; in a closed
    /// one from the first byte of the request.
    #[must_use]
    pub fn new(
        counted: Option<usize>,
        instants: Instants,
        from_arrival: bool,
        slos: &[&Arc<Slo>],
        (outcome, recording): (&Outcome, &Recording),
    ) -> Self {
        let mut measurement = outcome.measurement.clone();
        if from_arrival {
            let before = instants.began.saturating_sub(instants.due)
                + recording.send.unwrap_or_default().since(Offset::default());
            measurement.ttft = measurement.ttft.map(|ttft| ttft + before);
            measurement.request_latency = measurement.request_latency.map(|all| all + before);
        }
        let succeeded = outcome.succeeded();
        let good = succeeded && slos.iter().all(|slo| judge(slo, succeeded, &measurement).good);
        let at = |offset: &Offset| instants.began + offset.since(Offset::default());
        let Measurement { ttft, ttst, itl, itl_source, request_latency, .. } = measurement;
        Self {
            counted,
            result: outcome.reason().map_or(Ok(()), Err),
            good,
            instants,
            ttft,
            ttst,
            itl,
            itl_source,
            request_latency,
            input_tokens: measurement.input_tokens.map(|count| count.tokens),
            output_tokens: measurement.output_tokens.map(|count| count.tokens),
            content_at: measurement.content_at.iter().map(at).collect(),
            coalesced: measurement.coalesced,
            reading: Speed::of(recording),
        }
    }

    /// Whether the prober itself gave it up.
    #[must_use]
    pub fn given_up(&self) -> bool {
        self.result == Err(FailureReason::Cancelled)
    }

    /// The share of it that happened after one instant and not after another: of its content, or where there is
    /// none, of its end. Rates count shares, so that neither what was under way at the beginning nor
    /// what is at the end weighs too much.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // events are far fewer than 2^53
    pub fn share_within(&self, from: Duration, to: Duration) -> f64 {
        let within = |at: &&Duration| from < **at && **at <= to;
        match self.content_at.len() {
            0 => f64::from(u8::from(within(&&self.instants.over))),
            all => self.content_at.iter().filter(within).count() as f64 / all as f64,
        }
    }
}

impl Speed {
    fn of(recording: &Recording) -> Self {
        let kernel = |arrival: &crate::answer::recording::Arrival| {
            let at = Offset(arrival.kernel? - recording.clock.unix_at_start);
            Some(arrival.task.since(at))
        };
        let waited = recording.chunks.iter().filter_map(|chunk| kernel(&chunk.arrival));
        waited.fold(Self::default(), |speed, waited| Self {
            reads: speed.reads + 1,
            late: speed.late + u64::from(waited > LATE_READ),
        })
    }
}
