//! Text in a terminal that is drawn over.

use std::io::{self, Write};

use ratatui::crossterm::terminal::size;

/// Columns and rows where the terminal does not tell.
const USUAL_SIZE: (u16, u16) = (80, 24);
/// Back to the start of the line, so many lines up, and nothing below.
const CLEAR_BELOW: &str = "\r\x1b[J";

/// What is drawn at one place, again and again.
#[derive(Debug, Default)]
pub(super) struct Redraw {
    /// How far above the cursor begins what is shown.
    shown: Option<usize>,
}

impl Redraw {
    /// Draws over what was drawn before. Only what the terminal can show is drawn, so that the next
    /// one can be drawn over it.
    pub fn fitting(&mut self, out: &mut impl Write, text: &str) -> io::Result<()> {
        let size = size().ok().filter(|(columns, rows)| *columns > 0 && *rows > 0);
        let text = fit(text, size.unwrap_or(USUAL_SIZE));
        self.last(out, &text)?;
        self.shown = Some(text.matches('\n').count());
        Ok(())
    }

    /// Draws over what was drawn before, to stay.
    pub fn last(&mut self, out: &mut impl Write, text: &str) -> io::Result<()> {
        match self.shown.take() {
            None => {}
            Some(0) => write!(out, "{CLEAR_BELOW}")?, // zero lines up would be one
            Some(lines) => write!(out, "\x1b[{lines}A{CLEAR_BELOW}")?,
        }
        write!(out, "{text}")?;
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

    #[test]
    fn what_is_drawn_goes_over_what_was() {
        let (mut redraw, mut out) = (Redraw::default(), Vec::new());
        redraw.fitting(&mut out, "a\nb").unwrap();
        redraw.fitting(&mut out, "c").unwrap();
        redraw.last(&mut out, "d\n").unwrap();
        redraw.last(&mut out, "e\n").unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, format!("a\nb\x1b[1A{CLEAR_BELOW}c{CLEAR_BELOW}d\ne\n"));
    }
}
