//! A whole sweep: the JSON that it is written as, a stable interface.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::confidence::{Interval, confidence};
use super::figure::Figure;
use super::knee::{Knee, among, knee};
use super::level::Level;
use super::tally::Tally;
use crate::answer::slo::Slo;

/// The number of the form; a change that takes a key away or gives it another meaning is another.
const SCHEMA: u32 = 1;

/// What was swept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Subject {
    /// Of the program.
    pub version: &'static str,
    /// The target's name, or its URL.
    pub target: String,
    /// Its model; `None` where it was never known.
    pub model: Option<String>,
    /// The API.
    pub dialect: String,
    /// The workloads that were drawn from, separated by commas.
    pub workload: String,
    /// All draws and arrivals follow from it.
    pub seed: u64,
    /// When it began, RFC 3339.
    pub started: String,
    /// The bounds of a good request, by SLO and objective: seconds, or tokens per second.
    pub slo: BTreeMap<String, BTreeMap<&'static str, f64>>,
}

impl Subject {
    /// The bounds of these SLOs, as they are written.
    #[must_use]
    pub fn bounds(slos: &[Arc<Slo>]) -> BTreeMap<String, BTreeMap<&'static str, f64>> {
        let bounds = |slo: &Arc<Slo>| {
            let bounds = slo.objectives.iter().map(|o| (o.kind.as_str(), o.threshold));
            (slo.name.clone(), bounds.collect())
        };
        slos.iter().map(bounds).collect()
    }
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    schema: u32,
    /// What was swept.
    #[serde(flatten)]
    pub subject: Subject,
    /// Each level, all its runs together.
    pub levels: Vec<Level>,
    /// The largest good level; `None` where there is none.
    pub knee: Option<Knee>,
    /// Each run by itself.
    pub runs: Vec<Run>,
    /// Of several runs, how far figures may be off by chance; the order is that of the levels.
    pub confidence: Vec<LevelConfidence>,
    /// How the levels were found; `None` where they were given.
    pub adaptive: Option<Adaptive>,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// Its levels.
    pub levels: Vec<Level>,
    /// Its knee.
    pub knee: Option<Knee>,
}

/// The intervals of one level.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LevelConfidence {
    /// As in the level.
    pub concurrency: u32,
    /// As in the level.
    pub rate: Option<f64>,
    /// Each figure that was observed in every run, with its 95 % interval.
    #[serde(flatten)]
    pub figures: BTreeMap<String, Interval>,
}

/// How an adaptive sweep went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Adaptive {
    /// All requests that were sent, those under way at a stop included.
    pub sent: u64,
    /// Whether the search came to its end.
    pub complete: bool,
    /// The users of the largest level that was found good.
    #[serde(skip)]
    pub knee: Option<u32>,
}

impl Report {
    /// Of the tallies of each run, which have the same levels in the same order. A run that was
    /// broken off has fewer.
    #[must_use]
    pub fn new(
        subject: Subject,
        runs: &[Vec<Tally>],
        threshold: f64,
        adaptive: Option<Adaptive>,
    ) -> Self {
        let run = |tallies: &Vec<Tally>| {
            let levels: Vec<Level> =
                tallies.iter().filter_map(|t| Level::of(std::slice::from_ref(t))).collect();
            Run { knee: knee(&levels, threshold), levels }
        };
        let count = runs.iter().map(Vec::len).max().unwrap_or_default();
        let level = |index: usize| {
            let each: Vec<Tally> = runs.iter().filter_map(|run| run.get(index)).cloned().collect();
            Level::of(&each)
        };
        let levels: Vec<Level> = (0..count).filter_map(level).collect();
        let runs: Vec<Run> = runs.iter().map(run).collect();
        let knee = match adaptive {
            Some(Adaptive { knee, .. }) => {
                among(&levels, threshold, |level| Some(level.concurrency) <= knee)
            }
            None => knee(&levels, threshold),
        };
        let confidence = if runs.len() > 1 { intervals(&levels, &runs) } else { Vec::new() };
        Self { schema: SCHEMA, subject, levels, knee, runs, confidence, adaptive }
    }

    /// Whether every level says something about the server.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        !self.levels.is_empty() && self.levels.iter().all(|level| level.valid)
    }
}

fn intervals(levels: &[Level], runs: &[Run]) -> Vec<LevelConfidence> {
    let of_level = |(index, level): (usize, &Level)| {
        let interval = |figure: Figure| {
            let values = runs.iter().map(|run| figure.of(run.levels.get(index)?));
            let values: Vec<f64> = values.collect::<Option<_>>()?;
            Some((figure.name(), confidence(&values)?))
        };
        let figures = Figure::all().filter_map(interval).collect();
        LevelConfidence { concurrency: level.concurrency, rate: level.rate, figures }
    };
    levels.iter().enumerate().map(of_level).collect()
}
