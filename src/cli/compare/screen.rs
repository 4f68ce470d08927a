//! What is shown while pairs come in.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use tokio::time::Instant;

use super::Output;
use crate::cli::say::tell;
use crate::comparer::Live;
use crate::report::comparison::ComparisonJson;
use crate::report::comparison_table::{draw, summary};

/// A table is drawn at most so often.
const REDRAW: Duration = Duration::from_millis(200);
/// Without a terminal, a line so often.
const LINE: Duration = Duration::from_secs(10);
/// A table of more rows may not fit on the screen, and could not be drawn over.
const MOST_ROWS: usize = 30;
/// Back to the start of the line, so many lines up, and nothing below.
const CLEAR_BELOW: &str = "\r\x1b[J";

/// Standard output, or error where output is for a program.
pub(super) struct Screen {
    output: Output,
    live: bool,
    /// Lines of the table that is shown.
    shown: usize,
    last: Option<Instant>,
}

impl Screen {
    pub fn new(output: Output, rows: usize) -> Self {
        let terminal = output == Output::Text && std::io::stdout().is_terminal();
        let live = terminal && rows <= MOST_ROWS;
        Self { output, live, shown: 0, last: None }
    }

    /// Whether a table is kept up to date, beside which nothing else may be written.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// Shows progress, if it is time to.
    pub fn progress(&mut self, live: &Live) -> std::io::Result<()> {
        let pause = if self.live { REDRAW } else { LINE };
        if self.last.is_some_and(|last| last.elapsed() < pause) {
            return Ok(());
        }
        let first = self.last.replace(Instant::now()).is_none();
        let snapshot = live.snapshot();
        if self.live {
            return self.redraw(&draw(live.spec(), live.seed(), &snapshot));
        }
        if first {
            return Ok(()); // no line about nothing
        }
        tell(summary(&snapshot));
        Ok(())
    }

    /// Shows the end.
    pub fn end(&mut self, live: &Live) -> std::io::Result<()> {
        let snapshot = live.snapshot();
        let mut out = std::io::stdout();
        match self.output {
            Output::Text => {
                self.redraw(&draw(live.spec(), live.seed(), &snapshot))?;
                writeln!(out)
            }
            Output::Json => {
                let object = ComparisonJson::new(live.spec(), live.seed(), &snapshot);
                writeln!(out, "{}", serde_json::to_string(&object)?)
            }
        }
    }

    fn redraw(&mut self, table: &str) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        if self.shown > 0 {
            write!(out, "\x1b[{}A{CLEAR_BELOW}", self.shown)?;
        }
        self.shown = if self.live { table.matches('\n').count() } else { 0 };
        write!(out, "{table}")?;
        out.flush()
    }
}
