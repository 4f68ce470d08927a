//! Whether a server worked on one probe only. Pure.

use super::sample::{Sample, rise};

/// Whether the server ran nothing but this probe, whose answer had `output_tokens`, between the two
/// samples. `None` where that cannot be told.
///
/// It did not when others were there right before or after it, or when more requests were finished
/// or more tokens generated than its own. It did when nobody was there at either end and one
/// request was finished, or its own number of tokens generated; of these two what the server
/// counts and the probe knows has to fit, and one at least has to be known.
#[must_use]
pub fn alone(before: &Sample, after: &Sample, output_tokens: Option<u64>) -> Option<bool> {
    if before.engine != after.engine {
        return None;
    }
    let finished = rise(before.finished, after.finished);
    let tokens = rise(before.generated_tokens, after.generated_tokens);
    #[allow(clippy::cast_precision_loss)] // an answer is far below 2^53 tokens
    let own = output_tokens.map(|n| n as f64);
    let others_there =
        |s: &Sample, own: f64| [s.running, s.waiting].into_iter().flatten().sum::<f64>() > own;
    let more_tokens = tokens.zip(own).is_some_and(|(all, own)| all > own);
    // The probe itself may not be cleared away yet when its last byte is here.
    if others_there(before, 0.0)
        || others_there(after, 1.0)
        || finished.is_some_and(|n| n > 1.0)
        || more_tokens
    {
        return Some(false);
    }
    let idle = before.in_flight()? + after.in_flight()? == 0.0;
    // Whole numbers, though in floating point.
    let same = |a: f64, b: f64| (a - b).abs() < 0.5;
    let one = finished.map(|n| same(n, 1.0));
    let all_its_own = tokens.zip(own).map(|(all, own)| same(all, own));
    let counted = [one, all_its_own];
    let fits = counted.iter().flatten().all(|fits| *fits) && counted.iter().any(Option::is_some);
    (idle && fits).then_some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(running: f64, waiting: f64, finished: f64, generated: f64) -> Sample {
        Sample {
            engine: "vllm",
            running: Some(running),
            waiting: Some(waiting),
            finished: Some(finished),
            generated_tokens: Some(generated),
            ..Sample::default()
        }
    }

    fn check(before: Sample, after: Sample, expect: Option<bool>) {
        assert_eq!(alone(&before, &after, Some(10)), expect, "{before:?} {after:?}");
    }

    #[test]
    fn everything_has_to_fit() {
        let idle = sample(0.0, 0.0, 5.0, 100.0);
        check(idle, sample(0.0, 0.0, 6.0, 110.0), Some(true));
        check(sample(1.0, 0.0, 5.0, 100.0), sample(0.0, 0.0, 6.0, 110.0), Some(false));
        check(sample(0.0, 1.0, 5.0, 100.0), sample(0.0, 0.0, 6.0, 110.0), Some(false));
        check(idle, sample(2.0, 0.0, 6.0, 110.0), Some(false));
        check(idle, sample(1.0, 1.0, 6.0, 110.0), Some(false));
        check(idle, sample(0.0, 0.0, 7.0, 110.0), Some(false));
        check(idle, sample(0.0, 0.0, 6.0, 111.0), Some(false));
        // One is left: it may be the probe itself, or somebody who has just come.
        check(idle, sample(1.0, 0.0, 5.0, 110.0), None);
        // Not counted yet, or broken off.
        check(idle, sample(0.0, 0.0, 5.0, 110.0), None);
        check(idle, sample(0.0, 0.0, 6.0, 109.0), None);
        // Restarted in between.
        check(idle, sample(0.0, 0.0, 1.0, 10.0), None);
        check(idle, Sample { engine: "sglang", ..sample(0.0, 0.0, 6.0, 110.0) }, None);
    }

    #[test]
    fn what_the_server_does_not_count_is_not_asked_for() {
        let without = |s: Sample| Sample { finished: None, ..s };
        let (before, after) = (sample(0.0, 0.0, 0.0, 100.0), sample(0.0, 0.0, 0.0, 110.0));
        check(without(before), without(after), Some(true));
        let neither = |s: Sample| Sample { generated_tokens: None, ..without(s) };
        check(neither(before), neither(after), None);
        let after = sample(0.0, 0.0, 1.0, 110.0);
        assert_eq!(alone(&before, &after, None), Some(true), "one request, tokens not known");
        assert_eq!(alone(&without(before), &without(after), None), None);
        let unknown = |s: Sample| Sample { waiting: None, ..s };
        check(unknown(before), unknown(after), None);
        check(unknown(sample(3.0, 0.0, 0.0, 100.0)), unknown(after), Some(false));
    }
}
