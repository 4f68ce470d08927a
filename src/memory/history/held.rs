//! A recording as it is held: what is long in it, the answer and its stamps, compressed to a fifth.
//! It is unpacked when somebody looks at it.

use std::fmt;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use zstd::bulk::Compressor;

use super::flight::Flight;
use super::numbers::{BytesError, Reader, put, put_text};
use crate::answer::failure::FailureReason;
use crate::answer::recording::{Arrival, Chunk, Offset};
use crate::target::Target;

/// A quick one: the events of an answer resemble each other so much that more effort saves little.
const LEVEL: i32 = 1;

/// Compresses what is long in recordings.
pub(super) struct Packer(Mutex<Compressor<'static>>);

impl fmt::Debug for Packer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packer").finish_non_exhaustive()
    }
}

/// A whole probe.
#[derive(Debug)]
pub struct Held {
    /// Without what is long.
    short: Flight,
    long: Box<[u8]>,
    /// Of what is long, unpacked.
    length: usize,
}

impl Packer {
    /// Without a compressor there is none.
    pub fn new() -> Option<Self> {
        let compressor = Compressor::new(LEVEL);
        let compressor = compressor.inspect_err(|error| {
            tracing::error!(%error, "recordings of probes cannot be held in memory");
        });
        Some(Self(Mutex::new(compressor.ok()?)))
    }

    /// The flight as it is held.
    ///
    /// # Errors
    /// When there is no memory to compress it.
    pub fn hold(&self, mut flight: Flight) -> io::Result<Held> {
        let long = take_long(&mut flight);
        let packed = self.0.lock().compress(&long)?;
        Ok(Held { short: flight, long: packed.into_boxed_slice(), length: long.len() })
    }
}

impl Held {
    /// What was probed.
    pub(super) fn target(&self) -> &Arc<Target> {
        &self.short.target
    }

    /// Why it failed, if it did.
    pub(super) fn reason(&self) -> Option<FailureReason> {
        self.short.probe.outcome.reason()
    }

    /// See [`Outcome::explanation`](crate::answer::outcome::Outcome::explanation).
    pub(super) fn explanation(&self) -> Option<&str> {
        self.short.probe.outcome.explanation()
    }

    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        let probe = &self.short.probe;
        let phases = size_of_val(&*probe.outcome.measurement.phases);
        let failure = probe.outcome.result.as_ref().err();
        let texts = failure.map_or(0, |failure| {
            failure.detail.capacity() + failure.explanation.as_ref().map_or(0, |text| text.len())
        });
        let model = probe.model.as_ref().map_or(0, String::capacity);
        size_of::<Self>() + self.long.len() + phases + texts + model
    }

    /// The whole of it. What was packed here can be unpacked: `None` would be a defect.
    #[must_use]
    pub fn flight(&self) -> Option<Flight> {
        let long = zstd::bulk::decompress(&self.long, self.length).ok()?;
        let mut flight = self.short.clone();
        let unpacked = put_back(&mut flight, &long);
        debug_assert!(unpacked.is_ok(), "{unpacked:?}");
        unpacked.ok().map(|()| flight)
    }
}

/// Numbers that follow each other are kept as differences, which are small.
#[derive(Default)]
struct Before(i64);

impl Before {
    fn put(&mut self, value: i64, out: &mut Vec<u8>) {
        let difference = value.wrapping_sub(self.0);
        put(out, ((difference << 1) ^ (difference >> 63)).cast_unsigned());
        self.0 = value;
    }

    fn take(&mut self, from: &mut Reader<'_>) -> Result<i64, BytesError> {
        let folded = from.number()?;
        let difference = (folded >> 1).cast_signed() ^ -(folded & 1).cast_signed();
        self.0 = self.0.wrapping_add(difference);
        Ok(self.0)
    }
}

/// Takes the response's headers and body, the stamps of its events and the gaps between them.
fn take_long(flight: &mut Flight) -> Vec<u8> {
    let recording = &mut flight.probe.recording;
    let figures = &mut flight.probe.outcome.measurement;
    let body: usize = recording.chunks.iter().map(|chunk| chunk.bytes.len()).sum();
    let mut out = Vec::with_capacity(body + 24 * recording.chunks.len() + 2048);
    let headers = recording.head.as_mut().map(|head| std::mem::take(&mut head.headers));
    let headers = headers.unwrap_or_default();
    put(&mut out, headers.len() as u64);
    for text in headers.iter().flat_map(|(name, value)| [name, value]) {
        put_text(&mut out, text);
    }
    let chunks = std::mem::take(&mut recording.chunks);
    put(&mut out, chunks.len() as u64);
    let (mut read, mut task, mut kernel) =
        (Before::default(), Before::default(), Before::default());
    for Chunk { bytes, arrival } in &chunks {
        put(&mut out, bytes.len() as u64);
        read.put(arrival.read.into(), &mut out);
        task.put(arrival.task.0, &mut out);
        out.push(u8::from(arrival.kernel.is_some()));
        if let Some(unix) = arrival.kernel {
            kernel.put(unix, &mut out);
        }
    }
    let content_at = std::mem::take(&mut figures.content_at);
    put(&mut out, content_at.len() as u64);
    let mut at = Before::default();
    for offset in &content_at {
        at.put(offset.0, &mut out);
    }
    let gaps = std::mem::take(&mut figures.gaps);
    put(&mut out, gaps.len() as u64);
    for gap in &gaps {
        put(&mut out, gap.as_secs());
        put(&mut out, gap.subsec_nanos().into());
    }
    for chunk in &chunks {
        out.extend_from_slice(&chunk.bytes);
    }
    out
}

/// Puts back what [`take_long`] took.
fn put_back(flight: &mut Flight, long: &[u8]) -> Result<(), BytesError> {
    let recording = &mut flight.probe.recording;
    let figures = &mut flight.probe.outcome.measurement;
    let mut rest = Reader(long);
    let mut headers = Vec::new();
    for _ in 0..rest.number()? {
        headers.push((rest.text()?.to_owned(), rest.text()?.to_owned()));
    }
    if let Some(head) = &mut recording.head {
        head.headers = headers;
    }
    let (mut read, mut task, mut kernel) =
        (Before::default(), Before::default(), Before::default());
    let mut arrivals = Vec::new();
    for _ in 0..rest.number()? {
        let length = usize::try_from(rest.number()?)?;
        let read = u32::try_from(read.take(&mut rest)?)?;
        let task = Offset(task.take(&mut rest)?);
        let stamped = rest.take(1)?[0] == 1;
        let kernel = if stamped { Some(kernel.take(&mut rest)?) } else { None };
        arrivals.push((length, Arrival { read, task, kernel }));
    }
    let mut at = Before::default();
    for _ in 0..rest.number()? {
        figures.content_at.push(Offset(at.take(&mut rest)?));
    }
    for _ in 0..rest.number()? {
        let (seconds, nanos) = (rest.number()?, rest.small()?);
        figures.gaps.push(std::time::Duration::new(seconds, nanos));
    }
    let mut body = Bytes::copy_from_slice(rest.0);
    for (length, arrival) in arrivals {
        let bytes = body.split_to(length.min(body.len()));
        recording.chunks.push(Chunk { bytes, arrival });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::answer::failure::Failure;
    use crate::answer::measure::Measurement;
    use crate::answer::recording::Head;
    use crate::probe::Probe;
    use crate::target::request::ProbeId;
    use crate::testing;

    fn flight(chunks: usize, text: impl Fn(usize) -> String) -> Flight {
        let target = Arc::new(testing::target("t"));
        let mut recording = testing::recording();
        let headers = [("content-type", "text/event-stream"), ("x-request-id", "")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        recording.head = Some(Head { status: 200, headers: headers.to_vec() });
        let chunk = |i: usize| {
            let nanos = i64::try_from(i * i * 7_919).unwrap();
            let kernel = (!i.is_multiple_of(3)).then_some(1_700_000_000_000_000_000 - nanos);
            let arrival =
                Arrival { read: u32::try_from(i / 2).unwrap(), task: Offset(nanos), kernel };
            Chunk { bytes: text(i).into(), arrival }
        };
        recording.chunks = (0..chunks).map(chunk).collect();
        let outcome = testing::outcome(Measurement {
            content_at: vec![Offset(i64::MIN), Offset(i64::MAX), Offset(-7)],
            gaps: vec![Duration::MAX, Duration::ZERO, Duration::from_nanos(12_345_678)],
            ..Measurement::default()
        });
        let workload = Arc::clone(&target.workloads[0]);
        let probe = Probe::new(ProbeId::random(), workload, recording, outcome);
        Flight { target, probe }
    }

    #[test]
    fn what_is_held_comes_back_whole() {
        for chunks in [0, 1, 100] {
            let whole = flight(chunks, |i| "x".repeat(i % 7));
            let held = Packer::new().unwrap().hold(whole.clone()).unwrap();
            let back = held.flight().unwrap();
            assert_eq!(back.probe.recording, whole.probe.recording, "{chunks}");
            assert_eq!(back.probe.outcome, whole.probe.outcome, "{chunks}");
        }
    }

    /// A server's own error may be as long as an answer.
    #[test]
    fn what_a_server_says_of_its_failure_is_counted_and_bounded() {
        let packer = Packer::new().unwrap();
        let mut failed = flight(0, |_| String::new());
        let without = packer.hold(failed.clone()).unwrap().bytes();
        let said = Failure::new(FailureReason::ErrorEvent, "x".repeat(8 << 20));
        failed.probe.outcome.result = Err(said);
        let with = packer.hold(failed).unwrap().bytes();
        assert!((without + 4096..without + 8192).contains(&with), "{without}, {with}");
    }

    #[test]
    fn an_answer_in_events_takes_a_tenth_of_its_bytes() {
        let event = |i: usize| {
            format!(
                "data: {{\"id\":\"chatcmpl-123\",\"object\":\"chat.completion.chunk\",\"created\":\
                 1700000000,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\
                 \" word{i}\"}},\"logprobs\":null,\"finish_reason\":null}}]}}\n\n"
            )
        };
        let whole = flight(64, event);
        let body: usize = whole.probe.recording.chunks.iter().map(|c| c.bytes.len()).sum();
        let held = Packer::new().unwrap().hold(whole).unwrap();
        assert!(held.long.len() < body / 10, "{} of {body}", held.long.len());
        assert!(held.bytes() < body / 3, "{} of {body}", held.bytes());
    }
}
