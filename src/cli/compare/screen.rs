//! What is shown while pairs come in.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use tokio::time::Instant;

use super::args::Output;
use crate::cli::say::{StdoutError, heard, tell};
use ratatui::crossterm::terminal::size;

use crate::load::comparer::Live;
use crate::report::comparison::ComparisonJson;
use crate::report::comparison_table::{draw, summary};

/// A table is drawn at most so often.
const REDRAW: Duration = Duration::from_millis(200);
/// Without a terminal, a line so often.
const LINE: Duration = Duration::from_secs(10);
/// Columns and rows where the terminal does not tell.
const USUAL_SIZE: (u16, u16) = (80, 24);
/// Back to the start of the line, so many lines up, and nothing below.
const CLEAR_BELOW: &str = "\r\x1b[J";

/// Standard output, or error where output is for a program.
pub(super) struct Screen {
    output: Output,
    live: bool,
    /// How far above the cursor begins what is shown.
    shown: Option<usize>,
    last: Option<Instant>,
}

impl Screen {
    pub fn new(output: Output) -> Self {
        let live = output == Output::Text && std::io::stdout().is_terminal();
        Self { output, live, shown: None, last: None }
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
            let size = size().ok().filter(|(columns, rows)| *columns > 0 && *rows > 0);
            return self.redraw(&fit(&table, size.unwrap_or(USUAL_SIZE)));
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
        match self.shown {
            None => {}
            Some(0) => write!(out, "{CLEAR_BELOW}")?, // zero lines up would be one
            Some(lines) => write!(out, "\x1b[{lines}A{CLEAR_BELOW}")?,
        }
        self.shown = self.live.then(|| table.matches('\n').count());
        write!(out, "{table}")?;
        out.flush()
    }
}

/// What of a table can be drawn over: a line that the terminal wraps, or one that has left the
/// screen, could not. Of a table that is too high only the last line is shown.
fn fit(table: &str, (columns, rows): (u16, u16)) -> String {
    let lines: Vec<&str> = table.split('\n').collect();
    let shown = if lines.len() > usize::from(rows) { &lines[lines.len() - 1..] } else { &lines };
    let cut = |line: &&str| line.chars().take(usize::from(columns)).collect::<String>();
    shown.iter().map(cut).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_drawn_that_cannot_be_drawn_over() {
        let table = "title\n\nrow one\n\n7 pairs: undecided";
        assert_eq!(fit(table, (80, 5)), table);
        assert_eq!(fit(table, (5, 5)), "title\n\nrow o\n\n7 pai");
        assert_eq!(fit(table, (80, 4)), "7 pairs: undecided");
    }
}
