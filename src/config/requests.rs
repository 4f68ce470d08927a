//! Files of captured requests: one JSON object per line, as a gateway logs them.
//!
//! Errors name the file, the line and the key or column, never what users asked.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::text::input_file;
use crate::workload::captured::{BodyError, Form};
use crate::workload::{Captured, Prompt};

/// Largest file, in bytes.
const MAX_FILE_BYTES: u64 = 512 << 20;
/// Longest line, in bytes.
const MAX_LINE_BYTES: u64 = 4 << 20;
/// Most bytes of the lines that are kept.
const MAX_KEPT_BYTES: usize = 64 << 20;
/// Most requests that are kept.
const MAX_REQUESTS: usize = 100_000;
/// Unix times beyond are milliseconds or nonsense (the year 5138).
const LAST: Duration = Duration::from_secs(100_000_000_000);

const EXPECTED: &str = "expected {\"body\": {…}}, with \"timestamp\" if it is known, or a bare \
    request body";

/// Which of a file's requests are kept.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// The share, above 0, at most 1.
    pub ratio: f64,
    /// The same seed keeps the same requests.
    pub seed: u64,
}

/// Reads a file: in the order of arrival where the log has times.
///
/// # Errors
/// When it cannot be read, is too large, holds no request, or a line is not one; says which line.
pub fn load(file: &Path, sample: Sample) -> Result<Vec<Prompt>, RequestsError> {
    let named = || file.to_owned();
    let opened = input_file::open(file);
    let opened = opened.map_err(|error| RequestsError::Unreadable { file: named(), error })?;
    parse(BufReader::new(opened.take(MAX_FILE_BYTES + 1)), sample)
        .map_err(|refused| RequestsError::Refused { file: named(), refused })
}

/// What is wrong with a file of captured requests. Nothing that users asked is in it.
#[derive(Debug, thiserror::Error)]
pub enum RequestsError {
    /// It cannot be opened.
    #[error("cannot read request file {}: {error}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It holds what is no request, or none.
    #[error("request file {}{refused}", file.display())]
    Refused {
        /// The file.
        file: PathBuf,
        /// What.
        refused: Refused,
    },
}

/// What is wrong with the lines of a file.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// One of them.
    #[error(":{line}{}: {why}", column.map_or_else(String::new, |column| format!(":{column}")))]
    Line {
        /// From 1.
        line: u64,
        /// Where it is known.
        column: Option<usize>,
        /// What is wrong with it.
        why: LineError,
    },
    /// There is none.
    #[error(" holds no request, expected one per line")]
    None,
    /// None was drawn.
    #[error(" holds {0} requests, of which `sample` keeps none; expected more")]
    NoneKept(u64),
}

/// What is wrong with one line.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// It breaks off.
    #[error("cannot be read: {0}")]
    Unreadable(std::io::Error),
    /// It, or all up to here, is too long.
    #[error(
        "too large, expected lines of at most {} MiB, {} MiB in all",
        MAX_LINE_BYTES >> 20, MAX_FILE_BYTES >> 20
    )]
    TooLarge,
    /// Not JSON, or no object.
    #[error("not a JSON object, {EXPECTED}")]
    NotAnObject(usize),
    /// A log entry without a body that could be sent.
    #[error("`body` is not an object, {EXPECTED}")]
    BodyNotAnObject,
    /// Some other object.
    #[error("neither a log entry nor a body, {EXPECTED}")]
    NoBody,
    /// A time that is none.
    #[error("`timestamp` is not a time, expected Unix seconds or 2026-01-31T12:00:00.5Z")]
    Timestamp,
    /// A body that is no request.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// Another kind than the lines before.
    #[error(
        "unlike the first request: expected all or none to have a timestamp, and all to be for chat \
         or all for completions"
    )]
    Mixed,
    /// More than are kept.
    #[error(
        "more than {MAX_REQUESTS} requests or {} MiB, expected less, or a `sample`",
        MAX_KEPT_BYTES >> 20
    )]
    TooMany,
}

fn parse(lines: impl BufRead, sample: Sample) -> Result<Vec<Prompt>, Refused> {
    let mut kept = Kept::new(sample);
    each_line(lines, |line| kept.add(captured(line)?, line.len()))?;
    match (kept.requests.is_empty(), kept.all) {
        (false, _) => Ok(in_order(kept.requests)),
        (true, 0) => Err(Refused::None),
        (true, all) => Err(Refused::NoneKept(all)),
    }
}

/// Hands over each line that is not blank.
fn each_line(
    mut lines: impl BufRead,
    mut each: impl FnMut(&[u8]) -> Result<(), LineError>,
) -> Result<(), Refused> {
    let (mut line, mut read) = (Vec::new(), 0_u64);
    for number in 1_u64.. {
        let refused = |why| {
            let column = if let LineError::NotAnObject(column) = why { Some(column) } else { None };
            Refused::Line { line: number, column, why }
        };
        line.clear();
        let length = lines.by_ref().take(MAX_LINE_BYTES + 1).read_until(b'\n', &mut line);
        let length = length.map_err(|e| refused(LineError::Unreadable(e)))? as u64;
        read += length;
        if length > MAX_LINE_BYTES || read > MAX_FILE_BYTES {
            return Err(refused(LineError::TooLarge));
        }
        if length == 0 {
            break;
        }
        let text = line.trim_ascii_end();
        if !text.is_empty() {
            each(text).map_err(refused)?;
        }
    }
    Ok(())
}

/// The sample as it grows.
struct Kept {
    ratio: f64,
    rng: ChaCha8Rng,
    all: u64,
    /// What all must be like: the form, and whether there are times.
    kind: Option<(Form, bool)>,
    bytes: usize,
    requests: Vec<Captured>,
}

impl Kept {
    fn new(Sample { ratio, seed }: Sample) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(seed);
        Self { ratio, rng, all: 0, kind: None, bytes: 0, requests: Vec::new() }
    }

    /// Draws whether to keep a request of so many bytes.
    fn add(&mut self, captured: Captured, bytes: usize) -> Result<(), LineError> {
        let kind = (captured.form, captured.at.is_some());
        if *self.kind.get_or_insert(kind) != kind {
            return Err(LineError::Mixed);
        }
        self.all += 1;
        if self.rng.random::<f64>() < self.ratio {
            self.bytes += bytes;
            self.requests.push(captured);
        }
        if self.requests.len() > MAX_REQUESTS || self.bytes > MAX_KEPT_BYTES {
            return Err(LineError::TooMany);
        }
        Ok(())
    }
}

/// Gateways log requests as they end; here they are as they began.
fn in_order(mut requests: Vec<Captured>) -> Vec<Prompt> {
    requests.sort_by_key(|captured| captured.at);
    requests.into_iter().map(Prompt::captured).collect()
}

/// One line.
fn captured(line: &[u8]) -> Result<Captured, LineError> {
    // The library's message may quote the text, so only the column is taken from it.
    let mut object: Map<String, Value> =
        serde_json::from_slice(line).map_err(|e| LineError::NotAnObject(e.column()))?;
    let timestamp = object.remove("timestamp").filter(|t| !t.is_null());
    let body = match object.remove("body") {
        Some(Value::Object(body)) => body,
        Some(_) => return Err(LineError::BodyNotAnObject),
        None if object.contains_key("messages") || object.contains_key("prompt") => object,
        None => return Err(LineError::NoBody),
    };
    let at = timestamp.as_ref().map(since_epoch).transpose()?;
    Captured::new(body).map(|captured| Captured { at, ..captured }).map_err(LineError::Body)
}

fn since_epoch(timestamp: &Value) -> Result<Duration, LineError> {
    let at = match timestamp {
        Value::Number(seconds) => seconds.as_f64().and_then(whole_microseconds),
        Value::String(text) => OffsetDateTime::parse(text, &Rfc3339).ok().and_then(|at| {
            let seconds = u64::try_from(at.unix_timestamp()).ok()?;
            Some(Duration::new(seconds, at.nanosecond()))
        }),
        _ => None,
    };
    at.filter(|at| *at <= LAST).ok_or(LineError::Timestamp)
}

/// As a log wrote it: a floating-point number of today's seconds is exact to a quarter of one.
fn whole_microseconds(seconds: f64) -> Option<Duration> {
    let rounded =
        Duration::try_from_secs_f64(seconds).ok()?.checked_add(Duration::from_nanos(500))?;
    Some(Duration::new(rounded.as_secs(), rounded.subsec_micros() * 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Sample = Sample { ratio: 1.0, seed: 0 };

    fn lines(text: &str) -> Result<Vec<Prompt>, Refused> {
        parse(text.as_bytes(), ALL)
    }

    /// Texts and nanoseconds since the epoch.
    fn read(text: &str) -> Vec<(String, Option<u128>)> {
        let at = |p: &Prompt| p.captured.as_ref().unwrap().at.map(|at| at.as_nanos());
        lines(text).unwrap().iter().map(|p| (p.text(), at(p))).collect()
    }

    #[test]
    fn log_entries_are_put_into_the_order_of_arrival() {
        let found = read(
            "{\"timestamp\": \"2026-01-31T13:00:01.5+01:00\", \"id\": \"r1\", \"body\": \
               {\"messages\": [{\"role\": \"user\", \"content\": \"second\"}]}}\n\n\
             {\"timestamp\": 1769860800.3, \"status\": 200, \"body\": \
               {\"messages\": [{\"role\": \"user\", \"content\": \"first\"}]}}",
        );
        assert_eq!(
            found,
            [
                ("first".to_owned(), Some(1_769_860_800_300_000_000)),
                ("second".to_owned(), Some(1_769_860_801_500_000_000))
            ]
        );
    }

    #[test]
    fn bare_bodies_stay_in_the_order_of_the_file() {
        let found = read("{\"prompt\": \"a\", \"max_tokens\": 5}\r\n{\"prompt\": \"b\"}\n");
        assert_eq!(found, [("a".to_owned(), None), ("b".to_owned(), None)]);
    }

    #[test]
    fn a_sample_follows_from_its_seed() {
        let lines: Vec<_> = (0..1000).map(|i| format!("{{\"prompt\": \"{i}\"}}")).collect();
        let text = lines.join("\n");
        let kept = |ratio, seed| -> Vec<_> {
            let found = parse(text.as_bytes(), Sample { ratio, seed }).unwrap();
            found.iter().map(Prompt::text).collect()
        };
        let tenth = kept(0.1, 1);
        // Four standard deviations around the mean.
        assert!((62..=138).contains(&tenth.len()), "{}", tenth.len());
        assert_eq!(tenth, kept(0.1, 1));
        assert_ne!(tenth, kept(0.1, 2));
        assert_eq!(kept(1.0, 1).len(), 1000);
        let refused = parse("{\"prompt\": \"a\"}".as_bytes(), Sample { ratio: 1e-9, seed: 1 });
        let why = refused.unwrap_err().to_string();
        assert!(why.contains("holds 1 requests, of which `sample` keeps none"), "{why}");
    }

    #[test]
    fn bad_lines_are_named_but_not_quoted() {
        let check = |text: &str, place: Option<&str>, part: &str| {
            let why = lines(text).unwrap_err().to_string();
            let found = why.strip_prefix(':').and_then(|why| why.split_once(": "));
            assert_eq!(found.map(|(place, _)| place), place, "{text}");
            assert!(why.contains(part), "{text}: {why}");
            assert!(!why.contains("hush"), "{why}");
        };
        let good = "{\"prompt\": \"a\"}\n";
        check(&format!("{good}{{\"prompt\": \"hush"), Some("2:16"), "not a JSON object");
        check("[\"hush\"]", Some("1:0"), "not a JSON object");
        check("{\"hush\": 1}", Some("1"), "neither a log entry nor a body");
        check("{\"body\": \"hush\"}", Some("1"), "`body` is not an object");
        check("{\"body\": {\"input\": \"hush\"}}", Some("1"), "`messages` or `prompt`");
        let at =
            |time: &str| format!("{{\"timestamp\": {time}, \"body\": {{\"prompt\": \"hush\"}}}}");
        for time in ["\"hush\"", "true", "-1", "1769860800000"] {
            check(&at(time), Some("1"), "`timestamp` is not a time");
        }
        check(&format!("{good}{}", at("1")), Some("2"), "all or none to have a timestamp");
        let chat = "{\"messages\": [{\"role\": \"user\", \"content\": \"hush\"}]}";
        check(&format!("{good}{chat}"), Some("2"), "all to be for chat");
        check("\n \n", None, "holds no request");
        check(&good.repeat(MAX_REQUESTS + 1), Some("100001"), "more than 100000 requests");
        let long = format!("{good}{{\"prompt\": \"{}\"}}", "hush".repeat(1 << 20));
        check(&long, Some("2"), "too large");
    }
}
