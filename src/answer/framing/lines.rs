//! JSON lines, cut from bytes as they come: a line feed ends a line, with or without a carriage
//! return before it. Blank lines are no frames. As with events, a last line without its end is
//! handed out: what it holds tells whether it was cut off.

use super::frame::BOM;
use super::frame::{FrameTooLarge, Framed};

/// An incremental parser: feed it bytes in any portions, the lines are the same.
#[derive(Debug)]
pub struct LineParser {
    limit: usize,
    line: Vec<u8>,
    first: bool,
}

impl LineParser {
    /// A parser that refuses lines above `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, line: Vec::new(), first: true }
    }

    /// Takes the next bytes and appends the lines they complete.
    ///
    /// # Errors
    /// When a single line exceeds the limit.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut Vec<Framed>) -> Result<(), FrameTooLarge> {
        while !bytes.is_empty() {
            let end = bytes.iter().position(|b| *b == b'\n');
            self.line.extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
            if self.line.len() > self.limit {
                return Err(FrameTooLarge { limit: self.limit });
            }
            let Some(end) = end else { break };
            bytes = &bytes[end + 1..];
            self.end_line(out);
        }
        Ok(())
    }

    /// The end of the body: the line that was not ended, if there is one.
    #[must_use]
    pub fn finish(mut self) -> Vec<Framed> {
        let mut out = Vec::new();
        self.end_line(&mut out);
        out
    }

    fn end_line(&mut self, out: &mut Vec<Framed>) {
        let mut line = self.line.as_slice();
        if std::mem::take(&mut self.first) {
            line = line.strip_prefix(BOM).unwrap_or(line);
        }
        let line = line.trim_ascii();
        if !line.is_empty() {
            let data = String::from_utf8_lossy(line).into_owned();
            out.push(Framed { data, ..Framed::default() });
        }
        self.line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse<'a>(portions: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
        let mut parser = LineParser::new(1 << 20);
        let mut out = Vec::new();
        for portion in portions {
            parser.push(portion, &mut out).unwrap();
        }
        out.extend(parser.finish());
        out.into_iter().map(|line| line.data).collect()
    }

    /// Whole, byte by byte and split at every point: always the same lines.
    fn check(input: &[u8], expect: &[&str]) {
        assert_eq!(parse([input]), expect, "whole: {:?}", String::from_utf8_lossy(input));
        assert_eq!(parse(input.chunks(1)), expect, "bytewise");
        for at in 0..=input.len() {
            assert_eq!(parse([&input[..at], &input[at..]]), expect, "split at {at}");
        }
    }

    #[test]
    fn lines_however_they_end() {
        check(b"{\"a\":1}\n{\"b\":2}\n", &["{\"a\":1}", "{\"b\":2}"]);
        check(b"{\"a\":1}\r\n\r\n\n {\"b\":2}", &["{\"a\":1}", "{\"b\":2}"]);
        check(b"\xef\xbb\xbf{}\n\xef\xbb\xbf{}\n", &["{}", "\u{feff}{}"]);
        check("{\"é\":\"a\u{2028}b\u{85}\"}\n".as_bytes(), &["{\"é\":\"a\u{2028}b\u{85}\"}"]);
        check(b"", &[]);
        check(b"\n\r\n", &[]);
    }

    #[test]
    fn size_is_limited() {
        let mut parser = LineParser::new(4);
        let mut out = Vec::new();
        assert_eq!(parser.push(b"1234\n1234\n12", &mut out), Ok(()));
        assert_eq!(parser.push(b"345", &mut out), Err(FrameTooLarge { limit: 4 }));
        assert_eq!(out.len(), 2);
    }
}
