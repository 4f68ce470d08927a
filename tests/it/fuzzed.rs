//! The fuzz targets' entry points on what is near to the real thing: pieces of it, changed in a few
//! places. `PROPTEST_CASES=100000 cargo test --test it -- fuzzed` takes longer.

#[path = "../../fuzz/src/lib.rs"]
mod entry;

use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;

/// A change of some bytes.
#[derive(Debug, Clone)]
enum Change {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize, usize),
    CutOff(Index),
}

impl Change {
    fn apply(self, bytes: &mut Vec<u8>) {
        // Before each byte, and behind the last.
        let place = |index: Index, bytes: &Vec<u8>| index.index(bytes.len() + 1);
        match self {
            Self::Set(at, byte) => {
                let at = place(at, bytes);
                bytes.truncate(bytes.len().max(at));
                if let Some(here) = bytes.get_mut(at) {
                    *here = byte;
                }
            }
            Self::Insert(at, more) => {
                let at = place(at, bytes);
                bytes.splice(at..at, more);
            }
            Self::Remove(at, length) => {
                let at = place(at, bytes);
                let end = (at + length).min(bytes.len());
                bytes.drain(at..end);
            }
            Self::Repeat(at, length, times) => {
                let at = place(at, bytes);
                let end = (at + length).min(bytes.len());
                let again = bytes[at..end].repeat(times);
                bytes.splice(end..end, again);
            }
            Self::CutOff(at) => bytes.truncate(place(at, bytes)),
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    let word = prop::sample::select(vec![
        &b"\n\n"[..],
        b"\r",
        b"data: ",
        b"[DONE]",
        b"null",
        b"{",
        b"]",
        b"-1",
        b"18446744073709551616",
        b"1e999",
        b"\\u0000",
        b"\\ud800",
        b"\xff",
        b"\xef\xbb\xbf",
        b"<think>",
        b"NaN",
        b"*a",
        b"&a ",
    ]);
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (at(), word).prop_map(|(at, word)| Change::Insert(at, word.to_vec())),
        (at(), prop::collection::vec(any::<u8>(), 1..8)).prop_map(|(at, b)| Change::Insert(at, b)),
        (at(), 1..64_usize).prop_map(|(at, length)| Change::Remove(at, length)),
        (at(), 1..64_usize, 1..40_usize).prop_map(|(at, n, times)| Change::Repeat(at, n, times)),
        at().prop_map(Change::CutOff),
    ]
}

/// Anything, or one of these with a few changes.
fn near(seeds: &[Vec<u8>]) -> impl Strategy<Value = Vec<u8>> + use<> {
    assert!(!seeds.is_empty());
    let changed = (prop::sample::select(seeds.to_vec()), prop::collection::vec(change(), 0..6));
    let changed = changed.prop_map(|(mut bytes, changes)| {
        for change in changes {
            change.apply(&mut bytes);
        }
        bytes
    });
    prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..200),
        7 => changed,
    ]
}

/// The files below a folder whose name ends so, if they are not too large to be changed a few hundred
/// times; each behind these bytes.
fn files(folder: &str, end: &str, before: &[u8]) -> Vec<Vec<u8>> {
    const MOST: u64 = 40_000;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = std::fs::read_dir(&folder).unwrap().map(Result::unwrap);
    let mut found: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.to_str().unwrap().ends_with(end) && path.is_file())
        .filter(|path| path.metadata().unwrap().len() <= MOST)
        .collect();
    found.sort();
    let read = |path| [before, &std::fs::read(path).unwrap()].concat();
    let found: Vec<_> = found.into_iter().map(read).collect();
    assert!(!found.is_empty(), "no {end} in {}", folder.display());
    found
}

/// Bodies of answers, without their heads.
fn bodies() -> Vec<Vec<u8>> {
    let answers = files("tests/captures", ".raw", b"");
    let answers = answers.into_iter().chain(files("tests/dialects/openai-chat", ".raw", b""));
    let body = |answer: Vec<u8>| {
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        answer[end.map_or(0, |end| end + 4)..].to_vec()
    };
    answers.map(body).collect()
}

/// A real database, and a real history in it.
static DATABASE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    use llm_prober::memory::state::Saved;
    let folder = tempfile::tempdir().unwrap();
    drop(Saved::open(folder.path()).unwrap());
    let file = std::fs::read(folder.path().join("state.redb")).unwrap();
    [&[0], file.as_slice()].concat()
});

/// The rows of a real history, each alone and all together.
fn history() -> Vec<Vec<u8>> {
    use llm_prober::memory::flight::FlightRecord;
    use llm_prober::memory::history::History;
    let (history, target) = (History::default(), crate::common::chat_target());
    history.restore(Vec::new(), std::slice::from_ref(&target));
    for record in files("tests/incidents", ".jsonl", b"") {
        history.add(&target, FlightRecord::read(&record).unwrap().interpret());
    }
    let rows = history.rows(&history.take_unsaved());
    let row = |(key, value): (&Vec<u8>, &Option<Vec<u8>>)| {
        let value = value.as_ref()?;
        let [high, low] = u16::try_from(value.len()).unwrap().to_be_bytes();
        let lengths = [u8::try_from(key.len()).unwrap(), high, low];
        Some([&lengths[..], key, value].concat())
    };
    let mut rows: Vec<_> = rows.changed.iter().filter_map(row).collect();
    assert!(rows.len() > 4, "{rows:?}");
    rows.push(rows.concat());
    rows
}

fn few() -> ProptestConfig {
    // What was found stands in a test of its own: files beside the tests would be forgotten.
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

fn fewer() -> ProptestConfig {
    let usual = few();
    ProptestConfig { cases: usual.cases / 8, ..usual }
}

fn behind(bytes: &[u8], bodies: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    bodies.into_iter().map(|body| [bytes, &body].concat()).collect()
}

proptest! {
    #![proptest_config(few())]

    #[test]
    fn framings(data in near(&behind(&[7], bodies()))) {
        entry::framings(&data);
    }

    #[test]
    fn answers(of in 0..3_u8, head in 0..32_u8, length in 1..=u8::MAX, body in near(&bodies())) {
        entry::answers(&[&[of, head, length], body.as_slice()].concat());
    }

    #[test]
    fn configurations(data in near(&files("config", ".yml", b""))) {
        entry::configurations(&data);
    }

    #[test]
    fn web_configurations(data in near(&[
        b"tls_server_config: {cert_file: server.pem, key_file: server.key, min_version: TLS12}".to_vec(),
        b"basic_auth_users:\n  alice: $2y$10$UuqzlaVBOLVQYaK4VjpBfuzB8lTKHBzGKq\nrate_limit: {interval: 1s}".to_vec(),
        b"http_server_config:\n  http2: true\n  headers:\n    X-Frame-Options: deny\n".to_vec(),
    ])) {
        entry::web_configurations(&data);
    }

    #[test]
    fn server_metrics(data in near(&files("tests/server_metrics", ".txt", b""))) {
        entry::server_metrics(&data);
    }

    #[test]
    fn history_rows(data in near(&history())) {
        entry::history_rows(&data);
    }
}

proptest! {
    #![proptest_config(fewer())]

    #[test]
    fn flights(data in near(&files("tests/incidents", ".jsonl", b""))) {
        entry::flights(&data);
    }

    #[test]
    fn state_files(data in near(&[
        DATABASE.clone(),
        b"\x01{\"format\": \"llm-prober state\", \"version\": 1, \"detection\": 1, \"sections\": {}}".to_vec(),
    ])) {
        entry::state_files(&data);
    }
}
