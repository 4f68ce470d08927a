//! How a comparison stands, as a table for a terminal.

use std::fmt::Write;
use std::time::{Duration, UNIX_EPOCH};

use crate::regression::comparison::{
    Comparison, Discordant, GateSnapshot, Snapshot, StreamSnapshot,
};
use crate::regression::detect::{Estimate, Verdict};

/// Longest workload name shown whole.
const WORKLOAD: usize = 16;

/// Everything: header, one row per signal, a line with the verdict.
#[must_use]
pub fn draw(spec: &Comparison, seed: u64, snapshot: &Snapshot) -> String {
    let longest = snapshot.workloads.iter().map(|w| w.workload.chars().count()).max();
    let width = longest.unwrap_or_default().clamp("workload".len(), WORKLOAD);
    let mut text = format!(
        "candidate {} against baseline {}, seed {seed}\n\n{:<width$}  {:<15}  {:>6}  {:<23}  \
         {:>13}  {:>13}  verdict\n",
        spec.candidate.name,
        spec.baseline.name,
        "workload",
        "signal",
        "pairs",
        "candidate / baseline",
        "worse",
        "not worse",
    );
    for workload in &snapshot.workloads {
        let name: String = workload.workload.chars().take(WORKLOAD).collect();
        for stream in &workload.streams {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name:<width$}  {}", row(stream, snapshot));
        }
        if let Some(a) = workload.answers {
            let _ = writeln!(
                text,
                "{name:<width$}  {:<15}  {:>6}  differ: {} finish, {} length, {} text",
                "answers", a.compared, a.finish_differs, a.length_differs, a.text_differs
            );
        }
    }
    if let Some(all) = &snapshot.together {
        let (what, pairs) = (discordant(all.discordant), all.pairs);
        let row = cells("failure", pairs, &what, &all.gate, snapshot);
        let _ = writeln!(text, "{:<width$}  {row}", "(all)");
    }
    let _ = write!(text, "\n{}", summary(snapshot));
    text
}

/// One line: pairs, verdict, and where the deciding evidence stands.
#[must_use]
pub fn summary(snapshot: &Snapshot) -> String {
    let some = |count, what: &str| match count {
        0 => String::new(),
        n => format!(", {n} {what}"),
    };
    let failed = some(snapshot.both_failed(), "of them failed on both sides");
    let dropped = some(snapshot.rounds_dropped(), "rounds dropped");
    let standing = &snapshot.standing;
    let changed = standing.changed_since_unix_millis;
    let since = changed.filter(|_| standing.verdict == Verdict::Changed).map(|millis| {
        let at = UNIX_EPOCH + Duration::from_millis(millis);
        format!(" since {}", humantime::format_rfc3339_seconds(at))
    });
    format!(
        "{} pairs{failed}{dropped}: {}{}",
        snapshot.pairs(),
        verdict(standing.verdict),
        since.unwrap_or_default()
    )
}

fn row(stream: &StreamSnapshot, snapshot: &Snapshot) -> String {
    let effect = match (stream.gate.effect, stream.discordant) {
        (Some(estimate), _) => ratio(&estimate),
        (None, Some(pairs)) => discordant(pairs),
        (None, None) => "-".to_owned(),
    };
    cells(stream.signal.as_str(), stream.pairs, &effect, &stream.gate, snapshot)
}

fn discordant(pairs: Discordant) -> String {
    format!("{} : {} pairs", pairs.candidate_worse, pairs.baseline_worse)
}

fn cells(signal: &str, pairs: u64, effect: &str, gate: &GateSnapshot, all: &Snapshot) -> String {
    let against = |evidence: f64, needed: f64| format!("{evidence:.1} of {needed:.1}");
    format!(
        "{signal:<15}  {pairs:>6}  {effect:<23}  {:>13}  {:>13}  {}",
        against(gate.regressed_log10, all.needed.regressed),
        against(gate.not_worse_log10, all.needed.not_worse),
        verdict(gate.verdict),
    )
}

fn ratio(estimate: &Estimate) -> String {
    let or = |bound: Option<f64>, unknown: &str| {
        bound.map_or_else(|| unknown.to_owned(), |b| format!("{b:.3}"))
    };
    match estimate.ratio {
        None => "candidate mostly failed".to_owned(),
        Some(ratio) if ratio <= 0.0 => "baseline mostly failed".to_owned(),
        Some(ratio) => {
            format!("{ratio:.3} [{}, {}]", or(estimate.lower, "0"), or(estimate.upper, "∞"))
        }
    }
}

/// For people.
#[must_use]
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Undecided => "undecided",
        Verdict::NotWorse => "not worse",
        Verdict::Changed => "changed",
        Verdict::Regressed => "regressed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_side_is_named() {
        let of = |value: Option<f64>| {
            ratio(&Estimate { ratio: value, lower: None, upper: None, observations: 18 })
        };
        assert_eq!(of(Some(1.25)), "1.250 [0, ∞]");
        assert_eq!(of(Some(0.0)), "baseline mostly failed");
        assert_eq!(of(None), "candidate mostly failed");
    }
}
