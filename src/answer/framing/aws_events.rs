//! AWS event streams, cut from bytes as they come: binary messages, each with its length, headers
//! and two checksums, one of the lengths and one of all of it.
//!
//! ```text
//! length of all · length of headers · CRC of both · headers · payload · CRC of all before it
//! ```
//! Written here as the other framings are. AWS's own crate needs a newer release of Rust than this
//! program does.

use super::frame::{FrameError, FrameTooLarge, Framed};

/// Lengths and their checksum.
const PRELUDE: usize = 12;
/// A checksum.
const CHECKSUM: usize = 4;
/// What has neither headers nor payload.
const LEAST: usize = PRELUDE + CHECKSUM;

/// An incremental parser: feed it bytes in any portions, the messages are the same.
#[derive(Debug)]
pub struct AwsEventParser {
    limit: usize,
    /// What no whole message was found in yet.
    rest: Vec<u8>,
}

impl AwsEventParser {
    /// A parser that refuses messages above `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, rest: Vec::new() }
    }

    /// Takes the next bytes and appends the messages they complete.
    ///
    /// # Errors
    /// When a message exceeds the limit, or is not what its checksums say.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<Framed>) -> Result<(), FrameError> {
        self.rest.extend_from_slice(bytes);
        let mut done = 0;
        let result = loop {
            match self.message(&self.rest[done..]) {
                Ok(Some((length, framed))) => {
                    done += length;
                    out.push(framed);
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.rest.drain(..done);
        result
    }

    /// Whether the last message that began has not ended.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        !self.rest.is_empty()
    }

    /// The first message of these bytes and its length; `None` before it is there as a whole.
    fn message(&self, bytes: &[u8]) -> Result<Option<(usize, Framed)>, FrameError> {
        let Some((prelude, _)) = bytes.split_at_checked(PRELUDE) else { return Ok(None) };
        if crc32fast::hash(&prelude[..8]) != number(&prelude[8..]) {
            return Err(FrameError::Broken("has a wrong checksum of its lengths"));
        }
        let (length, headers) = (number(prelude) as usize, number(&prelude[4..]) as usize);
        if length > self.limit {
            return Err(FrameTooLarge { limit: self.limit }.into());
        }
        if length < LEAST || headers > length - LEAST {
            return Err(FrameError::Broken("has impossible lengths"));
        }
        let Some(message) = bytes.get(..length) else { return Ok(None) };
        let (checked, checksum) = message.split_at(length - CHECKSUM);
        if crc32fast::hash(checked) != number(checksum) {
            return Err(FrameError::Broken("has a wrong checksum"));
        }
        let (headers, payload) = checked[PRELUDE..].split_at(headers);
        let headers = Headers::read(headers).ok_or(FrameError::Broken("has broken headers"))?;
        Ok(Some((length, headers.frame(payload))))
    }
}

/// Four bytes, the highest first.
fn number(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |number, byte| (number << 8) | u32::from(*byte))
}

/// Those that say what a message is; a name that is not there is empty.
#[derive(Debug, Default)]
struct Headers {
    message_type: String,
    event_type: String,
    exception_type: String,
    error_code: String,
    error_message: String,
}

impl Headers {
    fn read(mut bytes: &[u8]) -> Option<Self> {
        let mut headers = Self::default();
        while !bytes.is_empty() {
            let length = take(&mut bytes, 1)?[0];
            let name = take(&mut bytes, length.into())?;
            let value = match take(&mut bytes, 1)?[0] {
                // Truth and falsehood stand in the type.
                0 | 1 => take(&mut bytes, 0)?,
                2 => take(&mut bytes, 1)?,
                3 => take(&mut bytes, 2)?,
                4 => take(&mut bytes, 4)?,
                // Whole numbers of 64 bits, times.
                5 | 8 => take(&mut bytes, 8)?,
                // Bytes, texts.
                6 | 7 => {
                    let length = take(&mut bytes, 2)?;
                    take(&mut bytes, (usize::from(length[0]) << 8) | usize::from(length[1]))?
                }
                // A UUID.
                9 => take(&mut bytes, 16)?,
                _ => return None,
            };
            let known = match name {
                b":message-type" => &mut headers.message_type,
                b":event-type" => &mut headers.event_type,
                b":exception-type" => &mut headers.exception_type,
                b":error-code" => &mut headers.error_code,
                b":error-message" => &mut headers.error_message,
                _ => continue,
            };
            *known = String::from_utf8_lossy(value).into_owned();
        }
        Some(headers)
    }

    fn frame(self, payload: &[u8]) -> Framed {
        let payload = || String::from_utf8_lossy(payload).into_owned();
        let (event, data) = match self.message_type.as_str() {
            "exception" => (format!("exception:{}", self.exception_type), payload()),
            "error" => (format!("error:{}", self.error_code), self.error_message),
            _ => (self.event_type, payload()),
        };
        Framed { event, data, bare: false }
    }
}

/// Takes so many bytes off the front; `None` where there are not so many.
fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

/// Writes a message with text headers: what the parser reads.
#[must_use]
pub fn aws_message(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut named = Vec::new();
    for (name, value) in headers {
        named.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        named.extend_from_slice(name.as_bytes());
        named.push(7);
        named.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
        named.extend_from_slice(value.as_bytes());
    }
    let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes();
    let mut message = Vec::with_capacity(LEAST + named.len() + payload.len());
    message.extend_from_slice(&length(LEAST + named.len() + payload.len()));
    message.extend_from_slice(&length(named.len()));
    message.extend_from_slice(&crc32fast::hash(&message).to_be_bytes());
    message.extend_from_slice(&named);
    message.extend_from_slice(payload);
    message.extend_from_slice(&crc32fast::hash(&message).to_be_bytes());
    message
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EVENT: [(&str, &str); 3] = [
        (":event-type", "contentBlockDelta"),
        (":content-type", "application/json"),
        (":message-type", "event"),
    ];

    fn stream() -> Vec<u8> {
        let exception =
            [(":exception-type", "throttlingException"), (":message-type", "exception")];
        let error =
            [(":error-code", "500"), (":error-message", "gone"), (":message-type", "error")];
        let messages = [
            aws_message(&EVENT, b"{\"a\":1}"),
            aws_message(&exception, b"{\"message\":\"slow\"}"),
            aws_message(&error, b""),
            aws_message(&[], b""),
        ];
        messages.concat()
    }

    fn parse<'a>(
        portions: impl IntoIterator<Item = &'a [u8]>,
    ) -> (Vec<(String, String)>, Result<(), FrameError>, bool) {
        let mut parser = AwsEventParser::new(1 << 20);
        let mut out = Vec::new();
        let mut result = Ok(());
        for portion in portions {
            result = parser.push(portion, &mut out);
            if result.is_err() {
                break;
            }
        }
        let found = out.into_iter().map(|frame| (frame.event, frame.data)).collect();
        (found, result, parser.is_unfinished())
    }

    #[test]
    fn messages_however_they_are_cut() {
        let stream = stream();
        let text = |event: &str, data: &str| (event.to_owned(), data.to_owned());
        let expect = vec![
            text("contentBlockDelta", "{\"a\":1}"),
            text("exception:throttlingException", "{\"message\":\"slow\"}"),
            text("error:500", "gone"),
            text("", ""),
        ];
        assert_eq!(parse([&stream[..]]), (expect.clone(), Ok(()), false));
        assert_eq!(parse(stream.chunks(1)), (expect.clone(), Ok(()), false));
        for at in 0..=stream.len() {
            assert_eq!(parse([&stream[..at], &stream[at..]]).0, expect, "split at {at}");
            let (found, result, unfinished) = parse([&stream[..at]]);
            assert!(result.is_ok() && expect.starts_with(&found), "cut at {at}");
            assert_eq!(unfinished, !ends_whole(&stream, at), "cut at {at}");
        }
    }

    /// Whether a message ends here.
    fn ends_whole(stream: &[u8], at: usize) -> bool {
        let mut end = 0;
        while end < at {
            end += number(&stream[end..]) as usize;
        }
        end == at
    }

    #[test]
    fn a_bit_that_is_wrong_anywhere_is_seen() {
        let message = aws_message(&EVENT, b"{\"a\":1}");
        for at in 0..message.len() * 8 {
            let mut broken = message.clone();
            broken[at / 8] ^= 1 << (at % 8);
            let (found, result, _) = parse([&broken[..]]);
            assert!(found.is_empty() && result.is_err(), "bit {at}: {found:?}");
        }
    }

    #[test]
    fn lengths_have_limits() {
        let mut parser = AwsEventParser::new(32);
        let mut out = Vec::new();
        let long = parser.push(&aws_message(&[], &[b'x'; 17]), &mut out);
        assert_eq!(long, Err(FrameTooLarge { limit: 32 }.into()));
        let lengths = |all: u32, headers: u32| {
            let mut prelude = [all.to_be_bytes(), headers.to_be_bytes()].concat();
            prelude.extend_from_slice(&crc32fast::hash(&prelude).to_be_bytes());
            parse([&prelude[..]]).1
        };
        let impossible = Err(FrameError::Broken("has impossible lengths"));
        assert_eq!(lengths(15, 0), impossible);
        assert_eq!(lengths(16, 1), impossible);
        assert_eq!(lengths(16, u32::MAX), impossible);
        assert_eq!(lengths(0, 0), impossible);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(
            bytes in proptest::collection::vec(any::<u8>(), 0..64),
            headers in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let (found, result, _) = parse([&bytes[..]]);
            prop_assert!(found.is_empty() || result.is_ok());
            // Whatever stands between good checksums.
            let length = |length: usize| u32::try_from(length).unwrap().to_be_bytes();
            let mut message = length(LEAST + headers.len()).to_vec();
            message.extend_from_slice(&length(headers.len()));
            message.extend_from_slice(&crc32fast::hash(&message).to_be_bytes());
            message.extend_from_slice(&headers);
            message.extend_from_slice(&crc32fast::hash(&message).to_be_bytes());
            let (found, result, _) = parse([&message[..]]);
            prop_assert!(result.is_err() || found.len() == 1);
        }
    }
}
