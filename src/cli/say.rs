//! Standard output and error of commands, whose reader may go away: `print!` would panic then.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::ops::ControlFlow;

use thiserror::Error;

/// Standard output cannot be written, and its reader is still there.
#[derive(Debug, Error)]
#[error("cannot write to standard output: {0}")]
pub(super) struct StdoutError(io::Error);

/// Writes to standard output. `Break` where who reads has seen enough, as `head` has: no failure,
/// but nothing more is of use.
pub(super) fn show(text: impl Display) -> Result<ControlFlow<()>, StdoutError> {
    let mut out = io::stdout().lock();
    heard(write!(out, "{text}").and_then(|()| out.flush()))
}

/// What a write to standard output came to, as [`show`] says it.
pub(super) fn heard(written: io::Result<()>) -> Result<ControlFlow<()>, StdoutError> {
    match written {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(error) => Err(StdoutError(error)),
    }
}

/// Writes a line to standard error; if nobody listens, nobody is left to tell. It may quote a server:
/// what would move the cursor or change colours is shown and not done.
pub(super) fn tell(line: impl Display) {
    let _ = writeln!(io::stderr(), "{}", without_controls(&line.to_string()));
}

fn without_controls(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && c != '\n' && c != '\t' {
            plain.extend(c.escape_unicode());
        } else {
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_moves_no_cursor() {
        assert_eq!(without_controls("a\u{1b}[31mb\n\tc\r"), "a\\u{1b}[31mb\n\tc\\u{d}");
    }
}
