//! The last hour of one figure as a small picture, with the same in words.

use std::fmt::Write;
use std::time::Duration;

use maud::{Markup, html};

use super::{figure, moment};
use crate::history::{Hour, MINUTES, Point, Quantiles};

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
}

/// Time to first token.
pub(super) const TTFT: Figure =
    Figure { name: "Time to first token", minute: |p| p.ttft, hour: |h| h.ttft };
/// Inter-token latency.
pub(super) const ITL: Figure =
    Figure { name: "Inter-token latency", minute: |p| p.itl, hour: |h| h.itl };

/// The median and the 95th percentile of each minute, and a mark where probes failed.
pub(super) fn draw(figure: Figure, hour: &Hour) -> Markup {
    let all = hour.points.iter().filter_map(figure.minute);
    let top = all.map(|q| q.p95).max().unwrap_or_default();
    let line = |of: fn(&Quantiles) -> Duration| path(figure, hour, top, of);
    let width = MINUTES * STEP;
    html! {
        svg.spark role="img" viewBox={ "0 0 " (width) " " (HEIGHT) } preserveAspectRatio="none"
            aria-label=(words(figure, hour)) {
            path.floor d={ "M0 " (FLOOR) "h" (width) } {}
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
        let height = of(&quantiles).as_secs_f64() / top.as_secs_f64().max(f64::MIN_POSITIVE);
        let y = FLOOR - height * (FLOOR - 2.0);
        let command = if drawing { 'L' } else { 'M' };
        // Writing to a String cannot fail. The short stroke makes a lone minute visible.
        let _ = write!(path, "{command}{} {y:.1}", i * STEP + 1);
        let _ = write!(path, "{}", if drawing { "" } else { "h.1" });
        drawing = true;
    }
    path
}

fn failures(hour: &Hour) -> String {
    let failed = hour.points.iter().enumerate().filter(|(_, p)| p.failures > 0);
    failed.fold(String::new(), |mut path, (i, _)| {
        let _ = write!(path, "M{} {HEIGHT}v-4", i * STEP + 1); // as above
        path
    })
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
    let failed = hour.points.iter().filter(|p| p.failures > 0).count() as u64;
    if failed > 0 {
        let _ = write!(words, ", failures in {}", figure::counted(failed, "minute", "minutes"));
    }
    words
}
