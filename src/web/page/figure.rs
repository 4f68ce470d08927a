//! Figures as people read them.

use std::time::Duration;

use crate::answer::slo::{Objective, ObjectiveKind};
use crate::regression::comparison::Signal;

/// What stands where there is no figure.
pub(super) const NONE: &str = "–";

/// A duration with three figures that matter.
pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    let (value, unit) = match seconds {
        0.0 => return "0 s".to_owned(),
        s if s >= 99.95 => return whole_seconds(duration),
        s if s >= 0.9995 => (s, "s"),
        s if s >= 0.000_999_5 => (s * 1e3, "ms"),
        s => (s * 1e6, "µs"),
    };
    format!("{} {unit}", three(value))
}

/// As [`duration`]; a dash where there is none.
pub(super) fn duration_or_none(figure: Option<Duration>) -> String {
    figure.map_or_else(|| NONE.to_owned(), duration)
}

/// A duration that somebody chose, without figures that say nothing: `500 ms`, `10 s`.
pub(super) fn setting(setting: Duration) -> String {
    let text = duration(setting);
    match text.split_once(' ') {
        Some((value, unit)) if value.contains('.') => {
            format!("{} {unit}", value.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => text,
    }
}

fn whole_seconds(duration: Duration) -> String {
    let (minutes, seconds) = (duration.as_secs() / 60, duration.as_secs() % 60);
    match (minutes / 60, minutes % 60, seconds) {
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

fn three(value: f64) -> String {
    let digits = match value {
        v if v >= 99.95 || v == 0.0 => 0,
        v if v >= 9.995 => 1,
        _ => 2,
    };
    format!("{value:.digits$}")
}

/// A share in percent, never rounded up: 100 % means all of them.
pub(super) fn share(share: f64) -> String {
    let tenths = (share * 1000.0 + 1e-9).floor();
    if tenths % 10.0 == 0.0 {
        format!("{:.0} %", tenths / 10.0)
    } else {
        format!("{:.1} %", tenths / 10.0)
    }
}

/// An objective's own share in percent, to the last digit it was given with.
pub(super) fn objective_share(share: f64) -> String {
    let percent = format!("{:.6}", share * 100.0);
    format!("{} %", percent.trim_end_matches('0').trim_end_matches('.'))
}

/// Tokens per second.
pub(super) fn rate(per_second: f64) -> String {
    format!("{} tokens/s", three(per_second))
}

/// A ratio as what it adds: `+4.2 %`; `×12.3` where it is many times.
pub(super) fn growth(ratio: f64) -> String {
    let tenths = ((ratio - 1.0) * 1e3).round() / 10.0;
    match tenths {
        t if t >= 1e3 => format!("×{}", three(ratio)),
        t if t > 0.0 => format!("+{t:.1} %"),
        t => format!("{:.1} %", t.abs()).replacen("", if t < 0.0 { "−" } else { "" }, 1),
    }
}

/// Decimal logarithms of evidence, never rounded up to what is needed: `2.1 of 4.5`.
pub(super) fn evidence(found: f64, needed: f64) -> String {
    let found = format!("{:.1}", (found * 10.0).floor() / 10.0 + 0.0);
    format!("{} of {needed:.1}", found.replace('-', "−"))
}

/// A size of memory.
#[allow(clippy::cast_precision_loss)] // three figures are shown
pub(super) fn bytes(bytes: u64) -> String {
    format!("{} GiB", three(bytes as f64 / f64::from(1_u32 << 30)))
}

/// A whole number with its thousands apart.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let parts: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    parts.join(",")
}

/// `1 probe`, `2 probes`.
pub(super) fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// The name of an objective's figure.
pub(super) fn objective_name(kind: ObjectiveKind) -> &'static str {
    match kind {
        ObjectiveKind::Ttft => "Time to first token",
        ObjectiveKind::Itl => "Inter-token latency",
        ObjectiveKind::RequestLatency => "Request latency",
        ObjectiveKind::LongestGap => "Longest gap",
        ObjectiveKind::TokensPerSecond => "Tokens per second",
        ObjectiveKind::Deadline => "Tokens in time",
    }
}

/// The name of a signal.
pub(super) fn signal_name(signal: Signal) -> &'static str {
    match signal {
        Signal::Ttft => "Time to first token",
        Signal::Itl => "Inter-token latency",
        Signal::RequestLatency => "Request latency",
        Signal::Failure => "Failures",
        Signal::Slo => "Missed SLOs",
    }
}

/// A figure in the unit of an objective.
pub(super) fn in_unit_of(kind: ObjectiveKind, value: f64) -> String {
    match kind {
        ObjectiveKind::TokensPerSecond => rate(value),
        ObjectiveKind::Deadline => share(value),
        _ => in_seconds(value, duration),
    }
}

fn in_seconds(value: f64, show: fn(Duration) -> String) -> String {
    Duration::try_from_secs_f64(value).map_or_else(|_| NONE.to_owned(), show)
}

/// What an objective asks for: `≤ 500 ms`.
pub(super) fn bound(objective: &Objective) -> String {
    match objective.kind {
        ObjectiveKind::TokensPerSecond => format!("≥ {} tokens/s", objective.threshold),
        ObjectiveKind::Deadline => {
            let least = share(objective.threshold);
            let due = objective.deadline.map_or_else(String::new, |deadline| {
                let (ttft, each) = (setting(deadline.ttft), setting(deadline.per_token));
                format!(" (first in {ttft}, then one per {each})")
            });
            format!("≥ {least}{due}")
        }
        _ => format!("≤ {}", in_seconds(objective.threshold, setting)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_figures() {
        let check = |nanos: u64, expect: &str| {
            assert_eq!(duration(Duration::from_nanos(nanos)), expect);
        };
        check(0, "0 s");
        check(31_900, "31.9 µs");
        check(999_400, "999 µs");
        check(999_600, "1.00 ms");
        check(9_132_000, "9.13 ms");
        check(197_698_000, "198 ms");
        check(999_600_000, "1.00 s");
        check(12_345_000_000, "12.3 s");
        check(99_960_000_000, "1 min 39 s");
        check(3_720_000_000_000, "1 h 2 min");
    }

    #[test]
    fn settings_are_plain() {
        let settings = [500, 50, 1_000, 1_500, 90_000, 600_000].map(Duration::from_millis);
        let shown = settings.map(setting);
        assert_eq!(shown, ["500 ms", "50 ms", "1 s", "1.5 s", "90 s", "10 min 0 s"]);
    }

    #[test]
    fn shares_are_never_flattered() {
        let check = |value: f64, expect: &str| assert_eq!(share(value), expect);
        check(1.0, "100 %");
        check(0.9999, "99.9 %");
        check(0.99, "99 %");
        check(0.29, "29 %");
        check(0.6667, "66.6 %");
        check(0.0, "0 %");
        assert_eq!(objective_share(0.999), "99.9 %");
        assert_eq!(objective_share(0.99), "99 %");
    }

    #[test]
    fn numbers() {
        let numbers = [0, 999, 1_000, 1_234_567].map(count);
        assert_eq!(numbers, ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [counted(1, "probe", "probes"), counted(0, "probe", "probes")],
            ["1 probe", "0 probes"]
        );
        assert_eq!(rate(58.26), "58.3 tokens/s");
        assert_eq!([0, 40 << 30, 123_456_789].map(bytes), ["0 GiB", "40.0 GiB", "0.11 GiB"]);
    }

    #[test]
    fn ratios_and_evidence() {
        let ratios = [1.042, 0.9, 1.0, 0.9999, 12.34].map(growth);
        assert_eq!(ratios, ["+4.2 %", "−10.0 %", "0.0 %", "0.0 %", "×12.3"]);
        let found = [2.16, 4.49, -0.32, -0.0].map(|found| evidence(found, 4.5));
        assert_eq!(found, ["2.1 of 4.5", "4.4 of 4.5", "−0.4 of 4.5", "0.0 of 4.5"]);
    }
}
