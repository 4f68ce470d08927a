//! Whether a candidate is worse than a baseline by more than the limits allow.

use std::fmt;

use serde::Serialize;

use strum::IntoStaticStr;

use super::change::{self, Change};
use super::estimate::Estimate;
use super::figures::{FIGURES, Figure, Rule};
use super::identity::{self, Difference, Identity};
use super::limits::{Limit, Limits};
use super::profile::Profile;

/// What came of a limit, and of all together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Decision {
    /// Within the limit.
    Pass,
    /// Beyond the limit.
    Fail,
    /// Beyond the limit, but no further from the baseline than chance alone may lead; or not known.
    Undecided,
}

impl Decision {
    /// As JSON and the table name it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One figure of both sides.
#[derive(Debug, Clone)]
pub struct Row {
    /// Which.
    pub figure: &'static Figure,
    /// Absent where it could not be observed.
    pub baseline: Option<Estimate>,
    /// Absent where it could not be observed.
    pub candidate: Option<Estimate>,
    /// Absent where one side is, and for rates.
    pub change: Option<Change>,
    /// 0.15 is 15 %; absent where there is none.
    pub limit: Option<f64>,
    /// Absent where there is no limit, or nothing to hold to it on either side.
    pub decision: Option<Decision>,
    /// What a person should know beside it.
    pub note: Option<String>,
}

/// Two profiles side by side.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// Every figure that one of them has.
    pub rows: Vec<Row>,
    /// In what they are unlike, by the user's leave.
    pub allowed: Vec<Difference>,
    /// All limits together: one failed, or else one undecided, decides.
    pub decision: Decision,
}

/// Why two profiles are not compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(pub Vec<String>);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the profiles cannot be compared:")?;
        self.0.iter().try_for_each(|why| write!(f, "\n  {why}"))
    }
}

/// Refuses a comparison that can be seen to be unfit before the candidate is probed; returns in
/// what the two are unlike by the user's leave (a list of condition names).
///
/// # Errors
/// When the conditions differ, or so many `probes` are too few for a limit.
pub fn check(
    baseline: &Profile,
    candidate: &Identity,
    probes: u64,
    limits: &Limits,
    may_differ: &[String],
) -> Result<Vec<Difference>, Refusal> {
    let differences = identity::differences(&baseline.identity, candidate);
    let (allowed, forbidden): (Vec<_>, Vec<_>) =
        differences.into_iter().partition(|d| may_differ.iter().any(|name| name == d.condition));
    let mut refused = unlike(&forbidden);
    if baseline.counts.succeeded == 0 {
        refused.push("no probe of the baseline succeeded".to_owned());
    }
    if let Some(refused_probes) = unauthorized(baseline) {
        refused.push(format!("{refused_probes} of the baseline: take it anew"));
    }
    for figure in FIGURES.iter().filter(|figure| limits.of(figure).is_some()) {
        let sides = [("baseline", baseline.counts.probes), ("candidate", probes)];
        refused.extend(sides.iter().find_map(|side| too_few(figure, *side)));
    }
    if refused.is_empty() { Ok(allowed) } else { Err(Refusal(refused)) }
}

/// Compares two profiles.
///
/// # Errors
/// As [`check`], and when neither holds a figure that the user set a limit for.
pub fn compare(
    baseline: &Profile,
    candidate: &Profile,
    limits: &Limits,
    may_differ: &[String],
) -> Result<Comparison, Refusal> {
    let probes = candidate.counts.probes;
    let allowed = check(baseline, &candidate.identity, probes, limits, may_differ)?;
    let mut rows = Vec::new();
    for figure in &FIGURES {
        let limit = limits.of(figure);
        match row(figure, limit, baseline, candidate) {
            Some(row) => rows.push(row),
            None if limit.is_some_and(|l| l.asked_for) => {
                let name = figure.name;
                let why = format!("{name} has a limit, but neither profile holds the figure");
                return Err(Refusal(vec![why]));
            }
            None => {}
        }
    }
    let found = |d: &Decision| rows.iter().any(|row| row.decision == Some(*d));
    let decision = [Decision::Fail, Decision::Undecided].into_iter().find(found);
    Ok(Comparison { decision: decision.unwrap_or(Decision::Pass), rows, allowed })
}

fn unlike(differences: &[Difference]) -> Vec<String> {
    let line = |Difference { condition, what }: &Difference| format!("{condition} differs: {what}");
    let mut lines: Vec<_> = differences.iter().map(line).collect();
    if !lines.is_empty() {
        let mut names: Vec<_> = differences.iter().map(|d| d.condition).collect();
        names.dedup();
        let names = names.join(",");
        lines.push(format!(
            "(baseline / candidate; --allow-different={names} compares all the same)"
        ));
    }
    lines
}

/// Refuses a limit on what so few probes cannot show.
fn too_few(figure: &Figure, (side, probes): (&str, u64)) -> Option<String> {
    let Figure { name, needs, .. } = figure;
    (probes < *needs).then(|| {
        format!(
            "{name} needs at least {needs} probes, the {side} has {probes}: take more (--count), \
             or drop the limit (--limit={name}=none)"
        )
    })
}

fn row(
    figure: &'static Figure,
    limit: Option<Limit>,
    baseline: &Profile,
    candidate: &Profile,
) -> Option<Row> {
    let of = |profile: &Profile| profile.figures.get(figure.name).copied();
    let (b, c) = (of(baseline), of(candidate));
    let limit = limit.map(|l| l.share);
    let relative = figure.rule != Rule::Absolute;
    let change = b.zip(c).filter(|_| relative).and_then(|(b, c)| change::between(&b, &c));
    let judged = match (b, c) {
        (None, None) => return None,
        _ if !candidate.counts.reached() => {
            limit.map(|_| (Decision::Undecided, Some("no probe reached the target".to_owned())))
        }
        _ => limit.map(|limit| match (figure.rule, change, c) {
            (Rule::Absolute, _, Some(c)) => excused(absolute(&c, limit), &c, limit, candidate),
            (Rule::Higher, Some(change), _) => relative_to(&upwards(&change), limit),
            (Rule::Lower, Some(change), _) => relative_to(&downwards(&change), limit),
            _ => (Decision::Undecided, Some("not to be had from both sides".to_owned())),
        }),
    };
    let (decision, note) = judged.map_or((None, None), |(d, note)| (Some(d), note));
    Some(Row { figure, baseline: b, candidate: c, change, limit, decision, note })
}

/// A change seen as a worsening: positive is worse.
struct Worse {
    value: f64,
    least: f64,
    most: f64,
}

fn upwards(change: &Change) -> Worse {
    Worse { value: change.value, least: change.low, most: change.high.unwrap_or(f64::INFINITY) }
}

fn downwards(change: &Change) -> Worse {
    let least = change.high.map_or(f64::NEG_INFINITY, |high| -high);
    Worse { value: -change.value, least, most: -change.low }
}

fn relative_to(worse: &Worse, limit: f64) -> (Decision, Option<String>) {
    if worse.value <= limit {
        let open = (worse.most > limit).then(|| "noise is wider than the limit".to_owned());
        return (Decision::Pass, open);
    }
    if worse.least > 0.0 {
        return (Decision::Fail, None);
    }
    (Decision::Undecided, Some("within noise: take more probes".to_owned()))
}

/// "3 probes were refused for their credentials (status 401)", if any were.
fn unauthorized(profile: &Profile) -> Option<String> {
    let count = profile.counts.unauthorized;
    (count > 0).then(|| format!("{count} probes were refused for their credentials (status 401)"))
}

/// Errors that may be nobody's but the prober's, whose credentials may have expired, are no fault of
/// the release: beyond the limit by them alone, nothing is known.
#[allow(clippy::cast_precision_loss)] // counts of probes are far below 2^53
fn excused(
    decided: (Decision, Option<String>),
    rate: &Estimate,
    limit: f64,
    candidate: &Profile,
) -> (Decision, Option<String>) {
    let Some(refused) = unauthorized(candidate) else { return decided };
    let counts = &candidate.counts;
    let others = rate.value - counts.unauthorized as f64 / counts.probes as f64;
    if decided.0 == Decision::Fail && others <= limit + f64::EPSILON {
        return (Decision::Undecided, Some(refused));
    }
    decided
}

/// An error that was seen is a broken answer, so a rate above the limit fails even where a target
/// that keeps to the limit has such a run now and then; the note says so.
fn absolute(rate: &Estimate, limit: f64) -> (Decision, Option<String>) {
    if rate.value <= limit {
        let open = (rate.high > limit).then(|| "noise is wider than the limit".to_owned());
        return (Decision::Pass, open);
    }
    (Decision::Fail, (rate.low <= limit).then(|| "within noise of the limit".to_owned()))
}
