//! What of the history is written down, and back: a row for each minute, hour, failure, recording
//! and mark, each written once more only when it has changed.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::entry::Summary;
use super::flight::Flight;
use super::packed::TallyError;
use crate::memory::flight::read::{MAX_FILE_BYTES, ReadError};
use crate::memory::flight::record::FlightRecord;
use crate::target::Target;
use crate::target::request::ProbeId;
use crate::workload::{Prefix, Workload};

/// What a row holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    /// A failed probe in a line, by its number.
    Failure,
    /// An hour, by its number.
    Hour,
    /// The newest probe in a line.
    Last,
    /// A mark, by its number.
    Mark,
    /// A minute, by its number.
    Minute,
    /// The flight record of a failed probe, by the probe's number.
    Recording,
}

impl Kind {
    const ALL: [(Self, u8); 6] = [
        (Self::Failure, b'f'),
        (Self::Hour, b'h'),
        (Self::Last, b'l'),
        (Self::Mark, b'k'),
        (Self::Minute, b'm'),
        (Self::Recording, b'r'),
    ];

    fn letter(self) -> u8 {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or(b'?', |(_, letter)| *letter)
    }
}

/// Which row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub target: Arc<str>,
    pub kind: Kind,
    pub number: i64,
}

/// What the keys of a target begin with: no name is the beginning of another's.
pub(super) fn prefix(target: &str) -> Vec<u8> {
    let length = u32::try_from(target.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), target.as_bytes()].concat()
}

impl Key {
    pub fn bytes(&self) -> Vec<u8> {
        // Shifted, so that the order of bytes is that of numbers.
        let number = self.number.cast_unsigned() ^ (1 << 63);
        [&prefix(&self.target)[..], &[self.kind.letter()], &number.to_be_bytes()].concat()
    }

    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (name, rest) = rest.split_at_checked(length)?;
        let (letter, number) = rest.split_first()?;
        let kind = Kind::ALL.iter().find(|(_, l)| l == letter)?.0;
        let number = u64::from_be_bytes(number.try_into().ok()?) ^ (1 << 63);
        let target = std::str::from_utf8(name).ok()?.into();
        Some(Self { target, kind, number: number.cast_signed() })
    }
}

/// Why a row cannot be read.
#[derive(Debug, Error)]
pub(super) enum RowError {
    /// A minute or an hour is none.
    #[error(transparent)]
    Tally(#[from] TallyError),
    /// A line is not JSON of this form.
    #[error(transparent)]
    Line(#[from] serde_json::Error),
    /// A probe failed for a reason that this release does not know.
    #[error("the reason `{0}`")]
    Reason(String),
    /// A failed probe did not fail.
    #[error("a failure without a reason")]
    NoReason,
    /// A probe has no id.
    #[error("a probe's id of 32 hex digits")]
    Id,
    /// A recording cannot be unpacked.
    #[error(transparent)]
    Unpack(#[from] std::io::Error),
    /// A recording is no flight record.
    #[error(transparent)]
    Recording(#[from] ReadError),
}

/// A probe in a line. Durations are nanoseconds.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    id: String,
    workload: String,
    started_unix_nanos: i64,
    duration: u64,
    reason: Option<String>,
    http_status: Option<u16>,
    ttft: Option<u64>,
    itl: Option<u64>,
    longest_gap: Option<u64>,
    request_latency: Option<u64>,
    output_tokens: Option<u64>,
    slos: Vec<(String, bool)>,
}

pub(super) fn line(summary: &Summary) -> Option<Vec<u8>> {
    let nanos = |d: Duration| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX);
    let line = Line {
        id: summary.id.as_str().to_owned(),
        workload: summary.workload.name.clone(),
        started_unix_nanos: summary.started_unix_nanos,
        duration: nanos(summary.duration),
        reason: summary.reason.map(|r| r.as_str().to_owned()),
        http_status: summary.http_status,
        ttft: summary.ttft.map(nanos),
        itl: summary.itl.map(nanos),
        longest_gap: summary.longest_gap.map(nanos),
        request_latency: summary.request_latency.map(nanos),
        output_tokens: summary.output_tokens,
        slos: summary.slos.iter().map(|(slo, good)| (slo.name.clone(), *good)).collect(),
    };
    serde_json::to_vec(&line).ok()
}

/// Of a target as it is configured now; what it has no longer, the line goes without.
pub(super) fn summary(bytes: &[u8], target: &Arc<Target>) -> Result<Summary, RowError> {
    let line: Line = serde_json::from_slice(bytes)?;
    let reason = line.reason.as_deref();
    let reason =
        reason.map(|n| n.parse().map_err(|_| RowError::Reason(n.to_owned()))).transpose()?;
    let slo = |(name, good): &(String, bool)| {
        let slo = target.slos.iter().find(|slo| slo.name == *name)?;
        Some((Arc::clone(slo), *good))
    };
    let workload = target.workloads.iter().find(|w| w.name == line.workload).cloned();
    Ok(Summary {
        id: ProbeId::parse(&line.id).ok_or(RowError::Id)?,
        target: Arc::clone(target),
        workload: workload.unwrap_or_else(|| gone(&line.workload)),
        started_unix_nanos: line.started_unix_nanos,
        duration: Duration::from_nanos(line.duration),
        reason,
        odd: None,
        http_status: line.http_status,
        ttft: line.ttft.map(Duration::from_nanos),
        itl: line.itl.map(Duration::from_nanos),
        longest_gap: line.longest_gap.map(Duration::from_nanos),
        request_latency: line.request_latency.map(Duration::from_nanos),
        output_tokens: line.output_tokens,
        slos: line.slos.iter().filter_map(slo).collect(),
    })
}

/// Of a workload that the target has no longer only the name is left.
fn gone(name: &str) -> Arc<Workload> {
    Arc::new(Workload {
        prefix: Prefix::Shared,
        max_output_tokens: 0,
        ..Workload::new(name.to_owned(), Arc::new([]))
    })
}

/// The flight record, compressed; `None` where nothing was ever sent.
pub(super) fn recording(flight: &Flight) -> Option<Vec<u8>> {
    let text = FlightRecord::of(flight)?.write().ok()?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(text.as_bytes()).ok()?;
    gzip.finish().ok()
}

/// Interprets the record again.
pub(super) fn flight(bytes: &[u8], target: &Arc<Target>) -> Result<Flight, RowError> {
    let mut text = Vec::new();
    let most = MAX_FILE_BYTES as u64 + 1;
    GzDecoder::new(bytes).take(most).read_to_end(&mut text)?;
    let record = FlightRecord::read(&text)?;
    Ok(Flight::new(target, record.interpret()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_the_order_of_their_numbers_and_come_back() {
        let key = |target: &str, kind, number| Key { target: target.into(), kind, number };
        let keys = [
            key("a", Kind::Hour, -1),
            key("a", Kind::Hour, 0),
            key("a", Kind::Hour, i64::MAX),
            key("a", Kind::Minute, i64::MIN),
            key("ab", Kind::Failure, 7),
        ];
        let bytes: Vec<_> = keys.iter().map(Key::bytes).collect();
        assert!(bytes.is_sorted());
        assert_eq!(bytes.iter().map(|b| Key::read(b).unwrap()).collect::<Vec<_>>(), keys);
        assert!(!bytes[4].starts_with(&prefix("a")) && bytes[3].starts_with(&prefix("a")));
        for cut in 0..bytes[0].len() {
            assert_eq!(Key::read(&bytes[0][..cut]), None);
        }
    }
}
