//! What is shown while pairs come in.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use tokio::time::Instant;

use super::args::Output;
use crate::cli::redraw::Redraw;
use crate::cli::say::{StdoutError, heard, tell};
use crate::load::comparer::Live;
use crate::report::comparison::ComparisonJson;
use crate::report::comparison_table::{draw, summary};

/// A table is drawn at most so often.
const REDRAW: Duration = Duration::from_millis(200);
/// Without a terminal, a line so often.
const LINE: Duration = Duration::from_secs(10);

/// Standard output, or error where output is for a program.
pub(super) struct Screen {
    output: Output,
    live: bool,
    redraw: Redraw,
    last: Option<Instant>,
}

impl Screen {
    pub fn new(output: Output) -> Self {
        let live = output == Output::Text && std::io::stdout().is_terminal();
        Self { output, live, redraw: Redraw::default(), last: None }
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
            let table = draw(live.spec(), live.seed(), &snapshot);
            return self.redraw.fitting(&mut std::io::stdout().lock(), &table);
        }
        if first {
            return Ok(()); // no line about nothing
        }
        tell(summary(&snapshot));
        Ok(())
    }

    /// Shows the end. The verdict stands, whether anybody reads it or not.
    pub fn end(&mut self, live: &Live) -> Result<(), StdoutError> {
        let _ = heard(self.write_end(live))?;
        Ok(())
    }

    fn write_end(&mut self, live: &Live) -> std::io::Result<()> {
        let snapshot = live.snapshot();
        let mut out = std::io::stdout().lock();
        match self.output {
            Output::Text => {
                let table = draw(live.spec(), live.seed(), &snapshot);
                self.redraw.last(&mut out, &format!("{table}\n"))
            }
            Output::Json => {
                let object = ComparisonJson::new(live.spec(), live.seed(), &snapshot);
                writeln!(out, "{}", serde_json::to_string(&object)?)
            }
        }
    }
}
