//! The last hour of one figure as a small picture, with the same in words.

use std::fmt::Write;
use std::time::Duration;

use maud::{Markup, html};

use super::{figure, moment};
use crate::answer::slo::ObjectiveKind;
use crate::memory::history::{Hour, MINUTES, Point, Quantiles};

const HEIGHT: f64 = 30.0;
/// Below the lines, where failures are marked.
const FLOOR: f64 = 25.0;
/// Units of the picture per minute.
const STEP: usize = 2;

/// What to draw.
#[derive(Clone, Copy)]
pub(super) struct Figure {
    /// What it is called.
    pub name: &'static str,
    /// A minute's quantiles of it.
    pub minute: fn(&Point) -> Option<Quantiles>,
    /// The hour's.
    pub hour: fn(&Hour) -> Option<Quantiles>,
    /// What SLOs call it.
    pub objective: ObjectiveKind,
}

/// Time to first token.
pub(super) const TTFT: Figure = Figure {
    name: "Time to first token",
    minute: |p| p.ttft,
    hour: |h| h.ttft,
    objective: ObjectiveKind::Ttft,
};
/// Inter-token latency.
pub(super) const ITL: Figure = Figure {
    name: "Inter-token latency",
    minute: |p| p.itl,
    hour: |h| h.itl,
    objective: ObjectiveKind::Itl,
};

/// The median and the 95th percentile of each minute, a mark where probes failed, and the
/// strictest objective if it is near: a line far above would press the others to the floor.
pub(super) fn draw(figure: Figure, hour: &Hour) -> Markup {
    let all = hour.points.iter().filter_map(figure.minute);
    let slowest = all.map(|q| q.p95).max().unwrap_or_default();
    let allowed = objective(figure, hour).filter(|allowed| *allowed <= slowest * 2);
    let top = allowed.map_or(slowest, |allowed| slowest.max(allowed));
    let line = |of: fn(&Quantiles) -> Duration| path(figure, hour, top, of);
    let width = MINUTES * STEP;
    html! {
        svg.spark role="img" viewBox={ "0 0 " (width) " " (HEIGHT) } preserveAspectRatio="none"
            aria-label=(words(figure, hour)) {
            path.floor d={ "M0 " (FLOOR) "h" (width) } {}
            @if let Some(allowed) = allowed {
                path.limit d={ "M0 " (height(allowed, top)) "h" (width) } {}
            }
            path.moved d=(moved(hour)) {}
            path.p95 d=(line(|q| q.p95)) {}
            path.p50 d=(line(|q| q.p50)) {}
            path.failures d=(failures(hour)) {}
        }
    }
}

/// A line with gaps where minutes have no figure. From 0 to `top`, so that lines of one picture
/// compare.
fn path(figure: Figure, hour: &Hour, top: Duration, of: fn(&Quantiles) -> Duration) -> String {
    let (mut path, mut drawing) = (String::new(), false);
    for (i, point) in hour.points.iter().enumerate() {
        let Some(quantiles) = (figure.minute)(point) else {
            drawing = false;
            continue;
        };
        let y = height(of(&quantiles), top);
        let command = if drawing { 'L' } else { 'M' };
        // Writing to a String cannot fail. The short stroke makes a lone minute visible.
        let _ = write!(path, "{command}{} {y}", i * STEP + 1);
        let _ = write!(path, "{}", if drawing { "" } else { "h.1" });
        drawing = true;
    }
    path
}

/// Where a figure stands between the floor and the top, from above.
fn height(of: Duration, top: Duration) -> String {
    let share = of.as_secs_f64() / top.as_secs_f64().max(f64::MIN_POSITIVE);
    format!("{:.1}", FLOOR - share * (FLOOR - 2.0))
}

/// The strictest bound that an SLO sets to the figure.
fn objective(figure: Figure, hour: &Hour) -> Option<Duration> {
    let all = hour.slos.iter().flat_map(|hour| &hour.slo.objectives);
    let bounds = all.filter(|o| o.kind == figure.objective).map(|o| o.threshold);
    bounds.min_by(f64::total_cmp).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

fn failures(hour: &Hour) -> String {
    let failed = hour.points.iter().enumerate().filter(|(_, p)| p.failures > 0);
    failed.fold(String::new(), |mut path, (i, _)| {
        let _ = write!(path, "M{} {HEIGHT}v-4", i * STEP + 1); // as above
        path
    })
}

/// A line from top to bottom where it became another server or model.
fn moved(hour: &Hour) -> String {
    minutes_moved(hour).fold(String::new(), |mut path, i| {
        let _ = write!(path, "M{} 0v{HEIGHT}", i * STEP); // as above
        path
    })
}

/// The minutes in which that was.
fn minutes_moved(hour: &Hour) -> impl Iterator<Item = usize> {
    let place =
        |at: &i64| hour.points.iter().position(|p| (0..60).contains(&(at - p.unix_seconds)));
    hour.moved.iter().filter_map(place)
}

fn words(figure: Figure, hour: &Hour) -> String {
    let mut words = format!("{} over the last hour: ", figure.name);
    match (figure.hour)(hour) {
        None => words.push_str("no data"),
        Some(q) => {
            let (p50, p95) = (figure::duration(q.p50), figure::duration(q.p95));
            let _ = write!(words, "median {p50}, 95th percentile {p95}");
        }
    }
    let minute = |p: &Point| (figure.minute)(p).map(|q| (q.p95, p.unix_seconds));
    if let Some((p95, at)) = hour.points.iter().filter_map(minute).max() {
        let (p95, at) = (figure::duration(p95), moment::minute(at));
        let _ = write!(words, ", slowest minute {at} with {p95}");
    }
    if let Some(allowed) = objective(figure, hour) {
        let _ = write!(words, ", objective at most {}", figure::duration(allowed));
    }
    for i in minutes_moved(hour) {
        let _ = write!(
            words,
            ", another server or model from {}",
            moment::minute(hour.points[i].unix_seconds)
        );
    }
    let failed = hour.points.iter().filter(|p| p.failures > 0).count() as u64;
    if failed > 0 {
        let _ = write!(words, ", failures in {}", figure::counted(failed, "minute", "minutes"));
    }
    words
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::memory::history::SloHour;
    use crate::testing;

    /// An hour with one minute of this 95th percentile, under objectives of so many seconds.
    fn hour(p95_ms: u64, objectives: &[f64]) -> Hour {
        let p95 = Duration::from_millis(p95_ms);
        let quantiles = Quantiles { p50: p95 / 2, p95, p99: p95 };
        let point = Point {
            unix_seconds: 0,
            probes: 1,
            good: 1,
            failures: 0,
            ttft: Some(quantiles),
            itl: None,
        };
        let slo = |&seconds| SloHour {
            slo: testing::slo(
                "fast",
                &[(ObjectiveKind::Ttft, seconds), (ObjectiveKind::Itl, 0.01)],
            ),
            probes: 1,
            good: 1,
            goodput: None,
        };
        Hour {
            points: vec![point],
            probes: 1,
            good: 1,
            failures: BTreeMap::new(),
            slos: objectives.iter().map(slo).collect(),
            moved: Vec::new(),
            ttft: Some(quantiles),
            itl: None,
        }
    }

    #[test]
    fn the_strictest_objective_is_drawn_where_it_is_near() {
        let drawn = |p95_ms, objectives: &[f64]| {
            let svg = draw(TTFT, &hour(p95_ms, objectives)).into_string();
            let limit = svg.split_once("class=\"limit\" d=\"M0 ").map(|(_, rest)| rest.to_owned());
            limit.map(|rest| rest.split('h').next().unwrap().to_owned())
        };
        // Crossed: below the top, half-way.
        assert_eq!(drawn(200, &[0.1, 0.5]).as_deref(), Some("13.5"));
        // Not reached: itself the top.
        assert_eq!(drawn(100, &[0.2]).as_deref(), Some("2.0"));
        assert_eq!(drawn(99, &[0.2]), None, "too far above");
        assert_eq!(drawn(100, &[]), None);
    }

    #[test]
    fn a_line_is_drawn_where_it_became_another() {
        let mut hour = hour(10, &[]);
        let drawn = |hour: &Hour| draw(TTFT, hour).into_string();
        assert!(drawn(&hour).contains("class=\"moved\" d=\"\""), "{}", drawn(&hour));
        // Seconds of the only minute, and of one that is not shown any more.
        hour.moved = vec![59, -1];
        assert!(drawn(&hour).contains("class=\"moved\" d=\"M0 0v30\""), "{}", drawn(&hour));
        let words = words(TTFT, &hour);
        assert!(words.contains(", another server or model from 00:00"), "{words}");
    }

    #[test]
    fn words_tell_the_objective_however_far() {
        let words = |objectives: &[f64]| words(TTFT, &hour(10, objectives));
        assert!(
            words(&[0.5, 2.0]).contains(", objective at most 500 ms"),
            "{}",
            words(&[0.5, 2.0])
        );
        assert!(!words(&[]).contains("objective"), "{}", words(&[]));
    }
}
