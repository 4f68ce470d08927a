//! What strangers can send, and what can stand in files, read as the program reads it. Whatever it is,
//! nothing panics; and what is said of each holds.
//!
//! The fuzz targets call these, and so do the tests with proptest, where there is no nightly compiler.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use llm_prober::answer::framing::{FrameTooLarge, Framed, LineParser, SseParser};
use llm_prober::answer::recording::{Arrival, Chunk, Head, Offset, Recording, TimestampSource};
use llm_prober::answer::timeline::Timeline;
use llm_prober::config::Config;
use llm_prober::dialect::{self, Shape};
use llm_prober::interpret::decode::decode;
use llm_prober::memory::flight::FlightRecord;
use llm_prober::memory::history::History;
use llm_prober::memory::state::Saved;
use llm_prober::server_metrics::{Page, Selector};
use llm_prober::target::Target;
use llm_prober::web::Access;

/// Largest frame, and event.
const MOST: usize = 4 << 10;

/// However a body is cut, the frames are the same. The first byte says how long the pieces are.
pub fn framings(data: &[u8]) {
    let Some((&length, body)) = data.split_first() else { return };
    let pieces = || body.chunks(usize::from(length).max(1));
    assert_eq!(sse(pieces()).ok(), sse([body].into_iter()).ok());
    assert_eq!(lines(pieces()).ok(), lines([body].into_iter()).ok());
}

fn sse<'p>(pieces: impl Iterator<Item = &'p [u8]>) -> Result<Vec<Framed>, FrameTooLarge> {
    let (mut parser, mut frames) = (SseParser::new(MOST), Vec::new());
    for piece in pieces {
        parser.push(piece, &mut frames)?;
    }
    frames.extend(parser.finish());
    Ok(frames)
}

fn lines<'p>(pieces: impl Iterator<Item = &'p [u8]>) -> Result<Vec<Framed>, FrameTooLarge> {
    let (mut parser, mut frames) = (LineParser::new(MOST), Vec::new());
    for piece in pieces {
        parser.push(piece, &mut frames)?;
    }
    frames.extend(parser.finish());
    Ok(frames)
}

/// What is read of an answer does not depend on the pieces that it came in. The first three bytes say
/// which dialect it is of, what its head says, and how long the pieces are.
pub fn answers(data: &[u8]) {
    let [of, head, length, body @ ..] = data else { return };
    let dialects = dialect::DIALECTS.len();
    let Some((_, new)) = dialect::DIALECTS.get(usize::from(*of) % dialects) else { return };
    let read = |pieces: Vec<&[u8]>| {
        let shape = Shape { stream: head & 1 == 0 };
        decode(&*new(), shape, &recording(*head, &pieces), TimestampSource::Task, MOST)
    };
    let whole = told(&read(vec![body]));
    assert_eq!(told(&read(body.chunks(usize::from(*length).max(1)).collect())), whole);
}

/// What is said, without when.
fn told(timeline: &Timeline) -> String {
    let events: Vec<_> = timeline.events.iter().map(|event| (event.choice, &event.kind)).collect();
    format!("{events:?} {:?} {}", timeline.end, timeline.streamed)
}

fn recording(head: u8, pieces: &[&[u8]]) -> Recording {
    let content_type = match head >> 1 & 3 {
        0 => "text/event-stream",
        1 => "application/json",
        2 => "application/x-ndjson",
        _ => "text/plain",
    };
    let mut headers = vec![("content-type".to_owned(), content_type.to_owned())];
    match head >> 3 & 3 {
        0 => {}
        1 => headers.push(("content-encoding".to_owned(), "gzip".to_owned())),
        2 => headers.push(("content-encoding".to_owned(), "zstd".to_owned())),
        _ => headers.push(("content-encoding".to_owned(), "br".to_owned())),
    }
    let chunk = |(read, piece): (u32, &&[u8])| {
        let arrival = Arrival { read, task: Offset(read.into()), kernel: None };
        Chunk { bytes: Bytes::copy_from_slice(piece), arrival }
    };
    let chunks: Vec<Chunk> = (0..).zip(pieces).map(chunk).collect();
    let first = chunks.first().map(|chunk| chunk.arrival);
    let last = chunks.last().map(|chunk| chunk.arrival);
    Recording {
        head: Some(Head { status: 200, headers }),
        first_byte: first,
        last_read: last,
        chunks,
        ..Recording::begin(0)
    }
}

/// A configuration is taken or refused, and either can be shown.
pub fn configurations(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Config::parse(text, Path::new("fuzz.yml"), Path::new("/nonexistent")) {
        Ok(config) => drop(config.redacted()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// The file of `--web.config.file` is taken or refused.
pub fn web_configurations(data: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("web.yml");
    std::fs::write(&file, data).expect("a file");
    if let Err(error) = Access::read(&file) {
        assert!(!error.to_string().is_empty());
    }
}

/// A flight record that is read is written as it was read.
pub fn flights(data: &[u8]) {
    let Ok(record) = FlightRecord::read(data) else { return };
    let probe = record.interpret();
    drop(record.differences(&probe));
    let text = record.write().expect("what was read can be written");
    let again = FlightRecord::read(text.as_bytes()).expect("what was written can be read");
    assert_eq!(again.recording, record.recording);
    assert_eq!(again.interpret().outcome, probe.outcome);
}

/// A page is read as far as it goes, and says no number that cannot be.
pub fn server_metrics(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(page) = Page::parse(&text) else { return };
    for model in [None, Some("m")] {
        let selector = Selector { model, ..Selector::default() };
        let Ok(sample) = page.sample(&selector) else { continue };
        for number in [sample.running, sample.waiting, sample.preemptions, sample.generated_tokens]
        {
            assert!(number.is_none_or(|number| number.is_finite() && number >= 0.0), "{sample:?}");
        }
        assert!(sample.kv_cache_usage.is_none_or(|share| (0.0..=1.0).contains(&share)));
    }
}

/// A target, as the history knows it.
static TARGET: LazyLock<Arc<Target>> = LazyLock::new(|| {
    let text = "targets: [{name: t, url: 'http://h/v1', model: m}]";
    let config = Config::parse(text, Path::new("fuzz.yml"), Path::new("")).expect("a target");
    Arc::clone(&config.targets[0])
});

/// The rows of a history that was saved: each has a byte for the length of its key and two for that of
/// its value, then those.
pub fn history_rows(mut data: &[u8]) {
    let mut rows = Vec::new();
    while let [key, high, low, rest @ ..] = data {
        let (key, rest) = rest.split_at(usize::from(*key).min(rest.len()));
        let value = usize::from(u16::from_be_bytes([*high, *low]));
        let (value, rest) = rest.split_at(value.min(rest.len()));
        rows.push((key.to_vec(), value.to_vec()));
        data = rest;
    }
    let history = History::default();
    history.restore(rows, std::slice::from_ref(&*TARGET));
    drop(history.overview(&TARGET, 1_700_000_000_000_000_000));
    for entry in history.probes("t") {
        drop(entry.flight());
    }
    let unsaved = history.take_unsaved();
    drop(history.rows(&unsaved));
}

/// The database that a start finds, or the file of an earlier release: by the first byte.
pub fn state_files(data: &[u8]) {
    let Some((&which, content)) = data.split_first() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let name = if which & 1 == 0 { "state.redb" } else { "state.json" };
    std::fs::write(folder.path().join(name), content).expect("a file");
    let Ok(mut saved) = Saved::open(folder.path()) else { return };
    let history = History::default();
    history.restore(saved.take_history(), std::slice::from_ref(&*TARGET));
}
