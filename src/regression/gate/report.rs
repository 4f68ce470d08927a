//! A comparison as a table for people and as JSON for programs.

use std::fmt::Write;

use serde::Serialize;

use super::change::Change;
use super::compare::{Comparison, Decision, Row};
use super::estimate::Estimate;
use super::figures::{FIGURES, Figure, Rule, Unit};
use super::identity::Difference;
use super::profile::{Profile, Taken};

/// The object that `--output=json` prints: a stable interface. Absent figures are null.
#[derive(Serialize)]
pub struct ComparisonJson<'a> {
    decision: Decision,
    baseline: &'a Taken,
    candidate: &'a Taken,
    figures: Vec<RowJson<'a>>,
    differences: &'a [Difference],
}

#[derive(Serialize)]
struct RowJson<'a> {
    name: &'static str,
    unit: &'static str,
    baseline: Option<Estimate>,
    candidate: Option<Estimate>,
    change: Option<Change>,
    limit: Option<f64>,
    decision: Option<Decision>,
    note: Option<&'a str>,
}

impl<'a> ComparisonJson<'a> {
    /// The object of a comparison.
    #[must_use]
    pub fn new(comparison: &'a Comparison, baseline: &'a Profile, candidate: &'a Profile) -> Self {
        let row = |row: &'a Row| RowJson {
            name: row.figure.name,
            unit: row.figure.unit.as_str(),
            baseline: row.baseline,
            candidate: row.candidate,
            change: row.change,
            limit: row.limit,
            decision: row.decision,
            note: row.note.as_deref(),
        };
        Self {
            decision: comparison.decision,
            baseline: &baseline.taken,
            candidate: &candidate.taken,
            figures: comparison.rows.iter().map(row).collect(),
            differences: &comparison.allowed,
        }
    }
}

/// Both profiles side by side, with limits and decisions.
#[must_use]
pub fn table(comparison: &Comparison, baseline: &Profile, candidate: &Profile) -> String {
    let mut rows = vec![["", "baseline", "candidate", "", "", "", ""].map(str::to_owned)];
    rows.extend(facts(baseline, candidate));
    let heads = ["", "", "", "change", "noise", "limit", ""];
    rows.push(heads.map(str::to_owned));
    rows.extend(comparison.rows.iter().map(cells));
    let mut text = aligned(&rows);
    for Difference { condition, what } in &comparison.allowed {
        let _ = writeln!(text, "{condition} differs, as allowed: {what}");
    }
    let _ = writeln!(text, "{}", comparison.decision.as_str()); // writing to a String cannot fail
    text
}

/// What a profile holds.
#[must_use]
pub fn profile_table(profile: &Profile) -> String {
    let row = |figure: &'static Figure| {
        let estimate = profile.figures.get(figure.name)?;
        let (unit, e) = (figure.unit, estimate);
        Some([figure.title.to_owned(), show(unit, e.value), range(unit, e)])
    };
    let rows: Vec<_> = FIGURES.iter().filter_map(row).collect();
    format!("{}: {} probes\n{}", profile.taken.target, probes(profile), aligned(&rows))
}

/// What the figures are of: not compared, but good to know.
fn facts(baseline: &Profile, candidate: &Profile) -> Vec<[String; 7]> {
    let (b, c) = (&baseline.taken, &candidate.taken);
    let mut facts = vec![
        ("target".to_owned(), b.target.clone(), c.target.clone()),
        ("taken at".to_owned(), b.at.clone(), c.at.clone()),
        ("probes".to_owned(), probes(baseline), probes(candidate)),
    ];
    let mut keys: Vec<_> = b.version.keys().chain(c.version.keys()).collect();
    keys.sort();
    keys.dedup();
    let label = |taken: &Taken, key: &str| {
        taken.version.get(key).cloned().unwrap_or_else(|| "not stated".to_owned())
    };
    facts.extend(keys.into_iter().map(|key| (key.clone(), label(b, key), label(c, key))));
    if b.prober_version != c.prober_version {
        facts.push(("llm-prober".to_owned(), b.prober_version.clone(), c.prober_version.clone()));
    }
    let nothing = String::new;
    let row = |(name, b, c)| [name, b, c, nothing(), nothing(), nothing(), nothing()];
    facts.into_iter().map(row).collect()
}

fn probes(profile: &Profile) -> String {
    let counts = &profile.counts;
    let failures = match counts.failures_in_words() {
        none if none.is_empty() => "none failed".to_owned(),
        failures => failures,
    };
    format!("{}, {failures}", counts.probes)
}

fn cells(row: &Row) -> [String; 7] {
    let unit = row.figure.unit;
    let side = |e: Option<Estimate>| e.map_or_else(|| "–".to_owned(), |e| show(unit, e.value));
    let change = row.change.map(|c| signed(c.value));
    let noise = match (row.change, row.candidate) {
        (Some(change), _) => Some(change_range(&change)),
        (None, Some(rate)) if row.figure.rule == Rule::Absolute => Some(range(unit, &rate)),
        _ => None,
    };
    let verdict = match (row.decision, &row.note) {
        (None, _) => String::new(),
        (Some(decision), None) => decision.as_str().to_owned(),
        (Some(decision), Some(note)) => format!("{} ({note})", decision.as_str()),
    };
    [
        row.figure.title.to_owned(),
        side(row.baseline),
        side(row.candidate),
        change.unwrap_or_default(),
        noise.unwrap_or_default(),
        limit(row).unwrap_or_default(),
        verdict,
    ]
}

fn limit(row: &Row) -> Option<String> {
    let percent = 100.0 * row.limit?;
    Some(match row.figure.rule {
        Rule::Higher => format!("+{percent} %"),
        Rule::Lower => format!("−{percent} %"),
        Rule::Absolute => format!("{percent} %"),
    })
}

fn show(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Seconds => format!("{:.1} ms", 1e3 * value),
        Unit::TokensPerSecond => format!("{value:.1} /s"),
        Unit::Ratio => format!("{:.2} %", 100.0 * value),
        Unit::Dollars => format!("{value:.4} $"),
    }
}

fn signed(change: f64) -> String {
    format!("{:+.1} %", 100.0 * change).replace('-', "−")
}

fn range(unit: Unit, e: &Estimate) -> String {
    format!("{} to {}{}", show(unit, e.low), show(unit, e.high), sureness(e.confidence))
}

fn change_range(change: &Change) -> String {
    let high = change.high.map_or_else(|| "any".to_owned(), signed);
    format!("{} to {high}{}", signed(change.low), sureness(change.confidence))
}

/// How sure an interval is, where it is less than the usual.
fn sureness(confidence: f64) -> String {
    if confidence < 0.899 { format!(" ({:.0} % sure)", 100.0 * confidence) } else { String::new() }
}

/// Columns as wide as their widest cell; text that could move the cursor is made harmless.
fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let rows: Vec<[String; N]> = rows
        .iter()
        .map(|row| row.clone().map(|cell| cell.replace(char::is_control, "?")))
        .collect();
    let width = |i: usize| rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        let _ = writeln!(text, "{}", line.trim_end()); // writing to a String cannot fail
    }
    text
}
