//! What a level amounts to.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::invalid_reason::InvalidReason;
use super::load::Load;
use super::statistics::{Statistics, quantile};
use super::tally::Tally;
use super::validity::invalid_reasons;
use crate::answer::measure::ItlSource;

/// The figures of a level: part of the JSON, a stable interface. Seconds are numbers; what was not
/// observed is `None`, never 0.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Level {
    /// Users; in an open loop, requests under way at most.
    pub concurrency: u32,
    /// `closed` or `open`.
    #[serde(rename = "loop")]
    pub loop_name: &'static str,
    /// Arrivals per second; `None` in a closed loop.
    pub rate: Option<f64>,
    /// Everything that was sent, warm-up and ramp included.
    pub requests: u64,
    /// Sent within the window: what counts. Completed, cancelled and failed ones together.
    pub sent: u64,
    /// Those that succeeded: what latencies are of.
    pub completed: u64,
    /// Those that the prober itself gave up; they count for nothing else.
    pub cancelled: u64,
    /// The others by their reason, and arrivals that could not be sent.
    pub errors: BTreeMap<&'static str, u64>,
    /// From all users active until the first stops, in seconds.
    pub window: Option<f64>,
    /// Time to first token; in an open loop from the arrival.
    pub ttft: Option<Statistics>,
    /// Time to second token.
    pub ttst: Option<Statistics>,
    /// Inter-token latency, one value per request.
    pub itl: Option<Statistics>,
    /// How its tokens were counted; of several ways, the least certain.
    pub itl_source: Option<&'static str>,
    /// Request latency; in an open loop from the arrival.
    pub request_latency: Option<Statistics>,
    /// Prompt tokens of the completed requests, in all.
    pub input_tokens: Option<u64>,
    /// Tokens generated for them, in all.
    pub output_tokens: Option<u64>,
    /// Completed requests per second of the window.
    pub request_rate: Option<f64>,
    /// Their output tokens per second of the window.
    pub output_tokens_per_second: Option<f64>,
    /// 1 / ITL, on average.
    pub output_tokens_per_second_per_user: Option<f64>,
    /// Good requests per second of the window.
    pub goodput: Option<f64>,
    /// Good / sent. Arrivals that could not be sent are bad; cancelled requests are neither.
    pub attainment: Option<f64>,
    /// How late requests began: after their arrival, or after their user was free to ask.
    pub schedule_delay_p99: Option<f64>,
    /// Of the content events, those that shared a read with a later one.
    pub coalesced_ratio: Option<f64>,
    /// Whether the figures are the server's: nothing speaks against them.
    pub valid: bool,
    /// What does.
    pub invalid_reasons: Vec<InvalidReason>,
}

impl Level {
    /// Of all its runs together; `None` of none.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // counts are far below 2^53
    pub fn of(runs: &[Tally]) -> Option<Self> {
        let load = runs.first()?.load;
        let sum = |count: fn(&Tally) -> u64| runs.iter().map(count).sum::<u64>();
        let tokens = |count: fn(&Tally) -> Option<u64>| {
            let known: Vec<_> = runs.iter().filter_map(count).collect();
            (!known.is_empty()).then(|| known.iter().sum::<u64>())
        };
        let all = |samples: fn(&Tally) -> &Vec<f64>| -> Vec<f64> {
            runs.iter().flat_map(samples).copied().collect()
        };
        let window: Option<Duration> = runs.iter().map(Tally::window).sum();
        let window = window.map(|w| w.as_secs_f64()).filter(|w| *w > 0.0);
        let per_second = |count: f64| window.map(|window| count / window);
        let within = |part: fn(&Tally) -> f64| runs.iter().map(part).sum::<f64>();
        let in_window: Vec<f64> = runs.iter().filter_map(|t| t.within.output_tokens).collect();
        let itl = all(|t| &t.itl);
        let speeds: Vec<f64> = itl.iter().filter(|itl| **itl > 0.0).map(|itl| 1.0 / itl).collect();
        let mut delays = all(|t| &t.delays);
        delays.sort_by(f64::total_cmp);
        let mut errors = BTreeMap::new();
        for (reason, count) in runs.iter().flat_map(|t| &t.errors) {
            *errors.entry(*reason).or_default() += count;
        }
        let judged = sum(|t| t.sent) - sum(|t| t.cancelled) + sum(|t| t.not_sent);
        let events = sum(|t| t.events);
        let mut invalid_reasons: Vec<_> = runs.iter().flat_map(invalid_reasons).collect();
        invalid_reasons.sort_unstable();
        invalid_reasons.dedup();
        Some(Self {
            concurrency: load.concurrency(),
            loop_name: load.loop_name(),
            rate: load.rate(),
            requests: sum(|t| t.requests),
            sent: sum(|t| t.sent),
            completed: sum(|t| t.completed),
            cancelled: sum(|t| t.cancelled),
            errors,
            window,
            ttft: Statistics::of(all(|t| &t.ttft)),
            ttst: Statistics::of(all(|t| &t.ttst)),
            itl: Statistics::of(itl),
            itl_source: runs.iter().filter_map(|t| t.itl_source).max().map(ItlSource::as_str),
            request_latency: Statistics::of(all(|t| &t.request_latency)),
            input_tokens: tokens(|t| t.input_tokens),
            output_tokens: tokens(|t| t.output_tokens),
            request_rate: per_second(within(|t| t.within.completed)),
            output_tokens_per_second: Some(in_window)
                .filter(|known| !known.is_empty())
                .and_then(|known| per_second(known.iter().sum())),
            output_tokens_per_second_per_user: (!speeds.is_empty())
                .then(|| speeds.iter().sum::<f64>() / speeds.len() as f64),
            goodput: per_second(within(|t| t.within.good)),
            attainment: (judged > 0).then(|| sum(|t| t.good) as f64 / judged as f64),
            schedule_delay_p99: quantile(&delays, 0.99),
            coalesced_ratio: (events > 0).then(|| sum(|t| t.coalesced) as f64 / events as f64),
            valid: invalid_reasons.is_empty(),
            invalid_reasons,
        })
    }

    /// The load.
    #[must_use]
    pub fn load(&self) -> Load {
        match self.rate {
            None => Load::Closed { users: self.concurrency },
            Some(rate) => Load::Open { rate, in_flight: self.concurrency },
        }
    }

    /// Errors of all reasons, arrivals that could not be sent included.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.errors.values().sum()
    }
}
