//! Time to first token and attainment against the load, as bars.

use std::fmt::Write;

use super::words::{percent, seconds};
use crate::sweep::{Level, Report};

/// Characters of a full bar.
const WIDTH: usize = 24;

/// A line per level, by size. TTFT is on a logarithmic scale, from a tenth of the smallest median to
/// the largest: it grows by orders of magnitude.
#[must_use]
pub fn plot(report: &Report) -> String {
    let mut levels: Vec<&Level> = report.levels.iter().collect();
    levels.sort_by(|a, b| a.load().size().total_cmp(&b.load().size()));
    let median = |level: &Level| level.ttft.map(|ttft| ttft.p50).filter(|ttft| *ttft > 0.0);
    let medians = || levels.iter().filter_map(|level| median(level));
    let (least, most) = (medians().fold(f64::MAX, f64::min) / 10.0, medians().fold(0.0, f64::max));
    let mut text =
        format!("{:>16}  {:<width$}  attainment\n", "", "TTFT p50, log scale", width = WIDTH + 10);
    for level in levels {
        let ttft = median(level).map_or(0.0, |ttft| (ttft / least).ln() / (most / least).ln());
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{:>16}  {} {:>9}  {} {:>7}",
            level.load().to_string(),
            bar(ttft),
            seconds(median(level)),
            bar(level.attainment.unwrap_or(0.0)),
            percent(level.attainment),
        );
    }
    text.truncate(text.trim_end().len());
    text
}

/// A bar for a share of the full width, in eighths of a character.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
fn bar(share: f64) -> String {
    const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let eighths = (share.clamp(0.0, 1.0) * (8 * WIDTH) as f64).round() as usize;
    let mut bar = "█".repeat(eighths / 8);
    if eighths / 8 < WIDTH {
        bar.push(EIGHTHS[eighths % 8]);
    }
    let shown = bar.chars().count();
    bar + &" ".repeat(WIDTH - shown)
}
