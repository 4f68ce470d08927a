//! What is shown on standard error while a sweep is under way.

use std::io::{IsTerminal, stderr};

use crate::cli::redraw::Redraw;
use crate::cli::say::tell;
use crate::load::level::{LevelPlan, LevelRun, Until};
use crate::report::sweep::{row, title};
use crate::sweep::{Level, Tally};

/// Characters of the progress bar.
const WIDTH: usize = 16;

/// A table that grows, with a bar below; without a terminal, a line for each level that is over.
pub(super) struct Screen {
    live: bool,
    redraw: Redraw,
    rows: Vec<String>,
}

impl Screen {
    pub fn new() -> Self {
        Self { live: stderr().is_terminal(), redraw: Redraw::default(), rows: Vec::new() }
    }

    /// Whether a table is kept up to date, beside which nothing else may be written.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// How far a level is. Who does not see it misses nothing.
    pub fn progress(&mut self, plan: &LevelPlan, run: &LevelRun) {
        if self.live {
            let line = run.tally(|tally| bar(plan, run, tally));
            let text = self.table(&line);
            let _ = self.redraw.fitting(&mut stderr().lock(), &text);
        }
    }

    /// A level is over.
    pub fn level(&mut self, tally: &Tally) {
        let Some(level) = Level::of(std::slice::from_ref(tally)) else { return };
        let row = row(&level);
        if !self.live {
            if self.rows.is_empty() {
                tell(title());
            }
            tell(&row);
        }
        self.rows.push(row);
    }

    /// Takes the table away: the whole one follows.
    pub fn end(&mut self) {
        if self.live {
            let _ = self.redraw.last(&mut stderr().lock(), "");
        }
    }

    fn table(&self, below: &str) -> String {
        let mut text = title();
        for row in &self.rows {
            text.push('\n');
            text.push_str(row);
        }
        format!("{text}\n{below}")
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
fn bar(plan: &LevelPlan, run: &LevelRun, tally: &Tally) -> String {
    let elapsed = run.began().elapsed();
    let (done, what) = match plan.until {
        Until::Requests(all) => {
            let settled = tally.settled();
            (settled as f64 / all.max(1) as f64, format!("{settled}/{all}"))
        }
        Until::Duration(all) => {
            let seconds = elapsed.as_secs();
            (elapsed.as_secs_f64() / all.as_secs_f64(), format!("{seconds}/{} s", all.as_secs()))
        }
    };
    let full = (done.clamp(0.0, 1.0) * WIDTH as f64) as usize;
    let attainment =
        tally.attainment().map_or_else(String::new, |a| format!(", attainment {:.1} %", a * 100.0));
    let ttft =
        tally.recent_ttft().map_or_else(String::new, |s| format!(", TTFT p50 {:.0} ms", s * 1e3));
    format!(
        "{:>14}  [{}{}] {what}{ttft}{attainment}",
        plan.load.to_string(),
        "#".repeat(full),
        " ".repeat(WIDTH - full),
    )
}
