//! What has been seen of a level so far.

use std::collections::BTreeMap;
use std::time::Duration;

use super::invalid_reason::InvalidReason;
use super::load::Load;
use super::request::{Request, Speed};
use crate::answer::measure::ItlSource;
use crate::answer::skip::SkipReason;

/// How a counted request stands, for a test that does not wait for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// Not over yet.
    InFlight,
    /// It succeeded and met its objectives.
    Good,
    /// It did not, or could not be sent.
    Bad,
    /// The prober itself gave it up: it says nothing.
    GivenUp,
}

/// Counts and samples of one level. It is told what happens, in order.
#[derive(Debug, Clone)]
pub struct Tally {
    pub(super) load: Load,
    pub(super) opened: Option<Duration>,
    pub(super) closed: Option<Duration>,
    /// Everything that was sent, counted or not.
    pub(super) requests: u64,
    /// What was sent and counts.
    pub(super) sent: u64,
    /// Counted arrivals that could not be sent.
    pub(super) not_sent: u64,
    pub(super) completed: u64,
    pub(super) good: u64,
    pub(super) cancelled: u64,
    pub(super) errors: BTreeMap<&'static str, u64>,
    pub(super) ttft: Vec<f64>,
    pub(super) ttst: Vec<f64>,
    pub(super) itl: Vec<f64>,
    pub(super) request_latency: Vec<f64>,
    pub(super) itl_source: Option<ItlSource>,
    pub(super) input_tokens: Option<u64>,
    pub(super) output_tokens: Option<u64>,
    /// How late requests began, in seconds.
    pub(super) delays: Vec<f64>,
    /// How long all their exchanges took together, in seconds.
    pub(super) asking: f64,
    /// Content events.
    pub(super) events: u64,
    pub(super) coalesced: u64,
    pub(super) reading: Speed,
    /// What happened within the window, by shares.
    pub(super) within: Within,
    /// The counted ones in the order in which they were sent.
    judged: Vec<Judged>,
    /// Share of all processors that the prober's own process took; `None` where nobody knows.
    pub cpu: Option<f64>,
    /// What ended the level before its time.
    pub stopped: Option<InvalidReason>,
}

/// Sums of what arrived within the window.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Within {
    pub completed: f64,
    pub good: f64,
    pub output_tokens: Option<f64>,
}

impl Tally {
    /// Of a level that begins now.
    #[must_use]
    pub fn new(load: Load) -> Self {
        Self {
            load,
            opened: None,
            closed: None,
            requests: 0,
            sent: 0,
            not_sent: 0,
            completed: 0,
            good: 0,
            cancelled: 0,
            errors: BTreeMap::new(),
            ttft: Vec::new(),
            ttst: Vec::new(),
            itl: Vec::new(),
            request_latency: Vec::new(),
            itl_source: None,
            input_tokens: None,
            output_tokens: None,
            delays: Vec::new(),
            asking: 0.0,
            events: 0,
            coalesced: 0,
            reading: Speed::default(),
            within: Within::default(),
            judged: Vec::new(),
            cpu: None,
            stopped: None,
        }
    }

    /// The window opens: what is sent from now on counts.
    pub fn open(&mut self, at: Duration) {
        self.opened.get_or_insert(at);
    }

    /// The window closes: the first user has nothing more to ask. May lie ahead.
    pub fn close(&mut self, at: Duration) {
        self.closed.get_or_insert(at);
    }

    /// A request was sent. The number among the counted ones, if it counts.
    pub fn sent(&mut self) -> Option<usize> {
        self.requests += 1;
        self.opened?;
        self.sent += 1;
        self.judged.push(Judged::InFlight);
        Some(self.judged.len() - 1)
    }

    /// An arrival could not be sent, which its user would have felt.
    pub fn not_sent(&mut self, reason: SkipReason) {
        if self.opened.is_some() {
            self.not_sent += 1;
            self.judged.push(Judged::Bad);
            *self.errors.entry(reason.as_str()).or_default() += 1;
        }
    }

    /// A request is over.
    #[allow(clippy::cast_precision_loss)] // token counts are far below 2^53
    pub fn over(&mut self, request: &Request) {
        if let Some(from) = self.opened
            && request.result.is_ok()
        {
            let share = request.share_within(from, self.closed.unwrap_or(Duration::MAX));
            self.within.completed += share;
            self.within.good += if request.good { share } else { 0.0 };
            if let Some(tokens) = request.output_tokens {
                *self.within.output_tokens.get_or_insert(0.0) += share * tokens as f64;
            }
        }
        let Some(number) = request.counted else { return };
        if let Some(judged) = self.judged.get_mut(number) {
            *judged = match (request.given_up(), request.good) {
                (true, _) => Judged::GivenUp,
                (false, true) => Judged::Good,
                (false, false) => Judged::Bad,
            };
        }
        let delay = request.instants.began.saturating_sub(request.instants.due);
        self.delays.push(delay.as_secs_f64());
        let took = request.instants.over.saturating_sub(request.instants.began);
        self.asking += took.as_secs_f64();
        self.reading.reads += request.reading.reads;
        self.reading.late += request.reading.late;
        match request.result {
            Ok(()) => self.completed(request),
            Err(_) if request.given_up() => self.cancelled += 1,
            Err(reason) => *self.errors.entry(reason.as_str()).or_default() += 1,
        }
    }

    fn completed(&mut self, request: &Request) {
        self.completed += 1;
        self.good += u64::from(request.good);
        let add = |samples: &mut Vec<f64>, figure: Option<Duration>| {
            samples.extend(figure.map(|figure| figure.as_secs_f64()));
        };
        add(&mut self.ttft, request.ttft);
        add(&mut self.ttst, request.ttst);
        add(&mut self.itl, request.itl);
        add(&mut self.request_latency, request.request_latency);
        // The least certain way of counting is that of all.
        self.itl_source = self.itl_source.max(request.itl_source);
        add_tokens(&mut self.input_tokens, request.input_tokens);
        add_tokens(&mut self.output_tokens, request.output_tokens);
        self.events += request.content_at.len() as u64;
        self.coalesced += request.coalesced;
    }

    /// The level ends here at the latest; for a level that was ended from outside.
    pub fn end(&mut self, at: Duration) {
        if self.opened.is_some() {
            self.close(at);
        }
    }

    /// The load.
    #[must_use]
    pub fn load(&self) -> Load {
        self.load
    }

    /// Everything that was sent, counted or not.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// Counted requests that are over, and counted arrivals that could not be sent.
    #[must_use]
    pub fn settled(&self) -> usize {
        self.judged.iter().filter(|judged| **judged != Judged::InFlight).count()
    }

    /// How each counted request stands, in the order in which they were sent.
    #[must_use]
    pub fn judged(&self) -> &[Judged] {
        &self.judged
    }

    /// Good / all that are over, so far.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // counts are far below 2^53
    pub fn attainment(&self) -> Option<f64> {
        let of = |what| self.judged.iter().filter(|judged| **judged == what).count() as f64;
        let (good, bad) = (of(Judged::Good), of(Judged::Bad));
        (good + bad > 0.0).then(|| good / (good + bad))
    }

    /// The usual time to first token of late, in seconds.
    #[must_use]
    pub fn recent_ttft(&self) -> Option<f64> {
        const RECENT: usize = 200;
        let mut sorted = self.ttft[self.ttft.len().saturating_sub(RECENT)..].to_vec();
        sorted.sort_by(f64::total_cmp);
        super::statistics::quantile(&sorted, 0.5)
    }

    /// The length of the window; `None` before it is closed.
    pub(super) fn window(&self) -> Option<Duration> {
        Some(self.closed?.saturating_sub(self.opened?))
    }
}

fn add_tokens(sum: &mut Option<u64>, tokens: Option<u64>) {
    if let Some(tokens) = tokens {
        *sum.get_or_insert(0) += tokens;
    }
}
