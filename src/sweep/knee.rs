//! The largest load under which enough requests are good.

use serde::Serialize;

use super::level::Level;

/// The attainment that a level must have, unless the user says otherwise.
pub const DEFAULT_ATTAINMENT: f64 = 0.9;

/// What of the knee is safe to run at: beyond it, a burst of what comes anyway goes over the knee.
pub const SAFE_SHARE: f64 = 0.7;

/// The knee, as it is written in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Knee {
    /// Users at the knee; in an open loop, requests under way at most.
    pub concurrency: u32,
    /// Arrivals per second at the knee; `None` in a closed loop.
    pub rate: Option<f64>,
    /// Attainment there.
    pub attainment: f64,
    /// The attainment that was asked for.
    pub threshold: f64,
    /// [`SAFE_SHARE`] of the knee: users, or arrivals per second.
    pub safe: f64,
    /// No larger level was measured, so that the true knee may lie beyond.
    pub at_least: bool,
    /// No smaller level missed: attainment falls as the load grows, as it should. Where it does not,
    /// something else than load disturbed a level: measure again, or more often.
    pub monotone: bool,
}

/// The knee of some levels; `None` where none of them reaches the threshold. Levels that are not
/// valid say nothing.
#[must_use]
pub fn knee(levels: &[Level], threshold: f64) -> Option<Knee> {
    among(levels, threshold, |level| level.attainment.is_some_and(|share| share >= threshold))
}

/// The knee where it is known which levels reach the threshold: a search may have been sure before
/// the last requests were over.
pub(super) fn among(
    levels: &[Level],
    threshold: f64,
    reaches: impl Fn(&Level) -> bool,
) -> Option<Knee> {
    let valid = || levels.iter().filter(|level| level.valid);
    let size = |level: &Level| level.load().size();
    let at = valid().filter(|level| reaches(level)).max_by(|a, b| size(a).total_cmp(&size(b)))?;
    Some(Knee {
        concurrency: at.concurrency,
        rate: at.rate,
        attainment: at.attainment?,
        threshold,
        safe: SAFE_SHARE * size(at),
        at_least: valid().all(|other| size(other) <= size(at)),
        monotone: valid().filter(|other| size(other) < size(at)).all(&reaches),
    })
}
