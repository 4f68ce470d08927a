//! Standard output and error of commands, whose reader may go away: `print!` would panic then.

use std::fmt::Display;
use std::io::{self, Write};

/// Writes to standard output.
pub(super) fn show(text: impl Display) -> Result<(), String> {
    let mut out = io::stdout().lock();
    let written = write!(out, "{text}").and_then(|()| out.flush());
    written.map_err(|e| format!("cannot write to standard output: {e}"))
}

/// Writes a line to standard error; if nobody listens, nobody is left to tell.
pub(super) fn tell(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}
