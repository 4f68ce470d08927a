//! What the time to first token is made of, as far as the server's own stages tell. Pure.

use std::time::Duration;

use strum::{IntoStaticStr, VariantArray};

use super::sample::{Sample, Totals, rise};
use crate::answer::measure::{Measurement, TokenSource};

/// A part of the time to first token, as a label value. What is not known apart has a name that
/// says what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum TtftPart {
    /// Waiting for the server to begin, as the server reports.
    Queue,
    /// Loading the model, as the server reports.
    Load,
    /// Reading the prompt, as the server reports.
    Prefill,
    /// The rest, where queue and prefill are known.
    Network,
    /// The rest, where only prefill is known.
    NetworkAndQueue,
    /// The rest, where only the queue is known.
    NetworkAndPrefill,
}

impl TtftPart {
    /// Every part.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The label value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// No stage of a request takes longer.
const LONGEST_STAGE: Duration = Duration::from_secs(24 * 60 * 60);

/// The server's own stages of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Stages {
    queue: Option<Duration>,
    prefill: Option<Duration>,
}

/// Takes the time to first token apart; the parts add up to it. By the stages in the response, else
/// by the server's histograms around the probe, where exactly one request was added to them and it
/// had the probe's prompt tokens. Empty when neither queue nor prefill is known, or when they are
/// longer than the whole: then they are not this probe's.
#[must_use]
pub fn split(m: &Measurement, samples: Option<(&Sample, &Sample)>) -> Vec<(TtftPart, Duration)> {
    let Some(ttft) = m.ttft else { return Vec::new() };
    let counted = samples.map(|(a, b)| from_histograms(a, b, m)).unwrap_or_default();
    let queue = m.server_timing.queue.or(counted.queue);
    let prefill = m.server_timing.prefill.or(counted.prefill);
    let load = m.server_timing.load.unwrap_or_default();
    let rest = match (queue, prefill) {
        (None, None) => return Vec::new(),
        (Some(_), Some(_)) => TtftPart::Network,
        (None, Some(_)) => TtftPart::NetworkAndQueue,
        (Some(_), None) => TtftPart::NetworkAndPrefill,
    };
    let known = queue.unwrap_or_default().saturating_add(prefill.unwrap_or_default());
    let Some(remainder) = ttft.checked_sub(known.saturating_add(load)) else { return Vec::new() };
    let parts = [
        (TtftPart::Queue, queue),
        (TtftPart::Load, m.server_timing.load),
        (TtftPart::Prefill, prefill),
        (rest, Some(remainder)),
    ];
    parts.into_iter().filter_map(|(part, duration)| Some((part, duration?))).collect()
}

fn from_histograms(before: &Sample, after: &Sample, m: &Measurement) -> Stages {
    if before.engine != after.engine || is_another_request(before, after, m) {
        return Stages::default();
    }
    let seconds = |before, after| {
        let stage = Duration::try_from_secs_f64(the_one(before, after)?).ok();
        stage.filter(|stage| *stage <= LONGEST_STAGE)
    };
    Stages {
        queue: seconds(before.queue_time, after.queue_time),
        prefill: seconds(before.prefill_time, after.prefill_time),
    }
}

/// Whether the one request that was added had another number of prompt tokens than the probe.
fn is_another_request(before: &Sample, after: &Sample, m: &Measurement) -> bool {
    let added = the_one(before.request_prompt_tokens, after.request_prompt_tokens);
    let own = m.input_tokens.filter(|count| count.source == TokenSource::Usage);
    #[allow(clippy::cast_precision_loss)] // a prompt is far below 2^53 tokens
    added.zip(own).is_some_and(|(added, own)| (added - own.tokens as f64).abs() > 0.5)
}

/// The value of the one observation between two readings; `None` if there was not exactly one.
fn the_one(before: Option<Totals>, after: Option<Totals>) -> Option<f64> {
    let (before, after) = before.zip(after)?;
    let one = rise(Some(before.count), Some(after.count)) == Some(1.0);
    // Sums of many small numbers may lose the last bit.
    one.then_some((after.sum - before.sum).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::measure::TokenCount;
    use crate::answer::timeline::ServerTiming;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn measured(ttft: u64, server_timing: ServerTiming) -> Measurement {
        let input_tokens = Some(TokenCount { tokens: 40, source: TokenSource::Usage });
        Measurement { ttft: Some(ms(ttft)), server_timing, input_tokens, ..Measurement::default() }
    }

    fn shown(parts: &[(TtftPart, Duration)]) -> String {
        let part = |(p, d): &(TtftPart, Duration)| format!("{}={}", p.as_str(), d.as_millis());
        parts.iter().map(part).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn by_the_stages_in_the_response() {
        let check = |queue: Option<u64>, load: Option<u64>, prefill: Option<u64>, expect: &str| {
            let stages = [queue, load, prefill].map(|n| n.map(ms));
            let [queue, load, prefill] = stages;
            let timing = ServerTiming { queue, load, prefill, decode: Some(ms(900)) };
            let parts = split(&measured(100, timing), None);
            assert_eq!(shown(&parts), expect);
            let sum: Duration = parts.iter().map(|(_, d)| *d).sum();
            assert!(parts.is_empty() || sum == ms(100));
        };
        check(Some(20), None, Some(70), "queue=20 prefill=70 network=10");
        check(None, None, Some(70), "prefill=70 network_and_queue=30");
        check(Some(20), None, None, "queue=20 network_and_prefill=80");
        check(Some(20), Some(5), Some(70), "queue=20 load=5 prefill=70 network=5");
        check(Some(30), None, Some(70), "queue=30 prefill=70 network=0");
        check(Some(31), None, Some(70), "");
        check(None, Some(5), None, "");
        check(None, None, None, "");
        let no_token = Measurement { ttft: None, ..measured(0, ServerTiming::default()) };
        assert!(split(&no_token, None).is_empty());
    }

    fn sample(requests: f64, queue: f64, prefill: f64, prompt: f64) -> Sample {
        let totals = |sum| Some(Totals { count: requests, sum });
        Sample {
            engine: "vllm",
            queue_time: totals(queue),
            prefill_time: totals(prefill),
            request_prompt_tokens: totals(prompt),
            ..Sample::default()
        }
    }

    #[test]
    fn by_the_histograms_around_the_probe() {
        let check = |after: Sample, timing: ServerTiming, expect: &str| {
            let before = sample(7.0, 1.0, 10.0, 300.0);
            let parts = split(&measured(100, timing), Some((&before, &after)));
            assert_eq!(shown(&parts), expect, "{after:?}");
        };
        let none = ServerTiming::default();
        let own = sample(8.0, 1.02, 10.07, 340.0);
        check(own, none, "queue=20 prefill=70 network=10");
        check(sample(9.0, 1.02, 10.07, 340.0), none, "");
        check(sample(7.0, 1.0, 10.0, 300.0), none, "");
        check(sample(1.0, 0.02, 0.07, 40.0), none, "");
        check(sample(8.0, 1.02, 10.07, 341.0), none, "");
        check(sample(8.0, 1.02, 10.09, 340.0), none, "");
        check(Sample { engine: "sglang", ..own }, none, "");
        check(Sample { prefill_time: None, ..own }, none, "queue=20 network_and_prefill=80");
        // What came with the answer is surely this probe's.
        let said = ServerTiming { prefill: Some(ms(60)), ..none };
        check(own, said, "queue=20 prefill=60 network=20");
    }
}
