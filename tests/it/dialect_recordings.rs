//! What servers sent in each dialect, read as a probe reads it: every folder of `tests/dialects/` is
//! named after its dialect and holds `NAME.raw` (status line, headers, body) and `expected.jsonl`.
//!
//! `LLM_PROBER_DIALECT_CASES` names one more folder, of many dialects, which are told by the key
//! `dialect` of each line: the name of one of ours, or its beginning up to a dash.
#![allow(clippy::unwrap_used)]

use crate::common;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::{essence, outcome, recording, target, verdict};
use llm_prober::answer::outcome::Outcome;
use llm_prober::answer::recording::{Ending, Head, Recording};
use llm_prober::dialect;
use llm_prober::target::Target;
use serde_json::Value;

/// A captured response: its head, its body without the framing of HTTP, and whether that ended as
/// HTTP says.
struct Captured {
    head: Head,
    body: Vec<u8>,
    complete: bool,
}

impl Captured {
    fn read(raw: &[u8]) -> Self {
        let end = raw.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&raw[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.trim().to_ascii_lowercase(), value.trim().to_owned())
        });
        let head = Head { status, headers: headers.collect() };
        let rest = &raw[end + 4..];
        let (body, complete) =
            match (head.header("transfer-encoding"), head.header("content-length")) {
                (Some(coding), _) if coding.contains("chunked") => unchunked(rest),
                (_, Some(length)) => {
                    (rest.to_vec(), rest.len() >= length.parse::<usize>().unwrap())
                }
                _ => (rest.to_vec(), true),
            };
        Self { head, body, complete }
    }

    /// In these portions, with a read for each.
    fn recording<'a>(&self, portions: impl IntoIterator<Item = &'a [u8]>) -> Recording {
        let portions: Vec<_> = (10..).zip(portions).collect();
        let cut = || Ending::CutOff("the body breaks off".to_owned());
        let ending = if self.complete { Ending::Complete } else { cut() };
        Recording { head: Some(self.head.clone()), ending, ..recording("", &portions) }
    }
}

fn unchunked(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|w| w == b"\r\n") {
        let size = String::from_utf8_lossy(&rest[..end]).into_owned();
        let size = usize::from_str_radix(size.split(';').next().unwrap().trim(), 16).unwrap();
        if size == 0 {
            return (body, true);
        }
        let chunk = &rest[end + 2..];
        body.extend_from_slice(&chunk[..size.min(chunk.len())]);
        rest = chunk.get(size + 2..).unwrap_or_default();
    }
    (body, false)
}

/// What differs from what is expected.
fn differences(found: &Outcome, expect: &Value) -> Vec<String> {
    let m = &found.measurement;
    let mut differences = Vec::new();
    let also = &expect["outcome_also"];
    let accepted =
        [&expect["outcome"], also].into_iter().chain(also.as_array().into_iter().flatten());
    if !accepted.into_iter().any(|word| word == verdict(found)) {
        differences.push(format!("{}: {:?}", verdict(found), found.result));
    }
    if expect["outcome"] != "success" {
        return differences;
    }
    let counts = [
        ("output_tokens", m.output_tokens.map(|t| t.tokens)),
        ("input_tokens", m.input_tokens.map(|t| t.tokens)),
        ("content_events", Some(m.content_at.len() as u64)),
    ];
    for (key, count) in counts {
        // Who counts 0 tokens beside content does not count.
        let expected = expect[key].as_u64().filter(|n| *n > 0);
        if expected.is_some_and(|expected| Some(expected) != count) {
            differences.push(format!("{key} {count:?}, expected {}", expect[key]));
        }
    }
    differences
}

/// The expectation with what it says may be different.
fn alternative(expect: &Value) -> Option<Value> {
    let mut other = expect.as_object()?.clone();
    other.extend(expect["alt"].as_object()?.clone());
    Some(Value::Object(other))
}

fn check(target: &Target, name: &str, raw: &[u8], expect: &Value) -> Result<(), String> {
    let captured = Captured::read(raw);
    let body = &captured.body[..];
    let whole = outcome(target, &captured.recording([body]));
    for at in points(body.len()) {
        let cut = outcome(target, &captured.recording([&body[..at], &body[at..]]));
        assert_eq!(essence(&cut), essence(&whole), "{name} split at {at}");
    }
    let bytes = outcome(target, &captured.recording(body.chunks(1)));
    assert_eq!(essence(&bytes), essence(&whole), "{name} byte by byte");
    let first = differences(&whole, expect);
    let other = alternative(expect).map_or_else(|| first.clone(), |e| differences(&whole, &e));
    if first.is_empty() || other.is_empty() {
        return Ok(());
    }
    Err(format!("{name}: {}", first.join("; ")))
}

/// Everywhere in the beginning and at the end, and in between at places that meet every part of an
/// event in one of them.
fn points(length: usize) -> impl Iterator<Item = usize> {
    (1..length).filter(move |at| *at < 800 || at % 29 == 0 || length - at < 400)
}

/// The lines of a folder's table, each with its recording.
fn cases(folder: &Path) -> Vec<(Value, PathBuf)> {
    let table = folder.join("expected.jsonl");
    let table =
        std::fs::read_to_string(&table).unwrap_or_else(|e| panic!("{}: {e}", table.display()));
    let lines = table.lines().filter(|line| !line.is_empty());
    let case = |line| {
        let expect: Value = serde_json::from_str(line).unwrap();
        let raw = folder.join(format!("{}.raw", expect["name"].as_str().unwrap()));
        (expect, raw)
    };
    lines.map(case).collect()
}

/// A target of this dialect at its usual base URL.
fn target_of(api: &str) -> Arc<Target> {
    target(&format!("targets: [{{name: t, url: 'http://localhost', model: m, api: {api}}}]"))
}

fn check_all(cases: &[(Value, PathBuf)], api: impl Fn(&Value) -> Option<String>) -> usize {
    let (mut judged, mut wrong) = (0, Vec::new());
    for (expect, file) in cases {
        let Some(api) = api(expect) else { continue };
        let raw = std::fs::read(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        judged += 1;
        wrong.extend(check(&target_of(&api), &file.display().to_string(), &raw, expect).err());
    }
    assert!(wrong.is_empty(), "{} of {judged} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    judged
}

#[test]
fn every_recording_is_read_as_its_server_meant_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialects");
    let mut folders = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let api = entry.file_name().into_string().unwrap();
        assert!(dialect::by_name(&api).is_some(), "{api} is no dialect");
        let cases = cases(&entry.path());
        let raw = std::fs::read_dir(entry.path()).unwrap().filter(|file| {
            file.as_ref().unwrap().path().extension().is_some_and(|ending| ending == "raw")
        });
        assert_eq!(raw.count(), cases.len(), "{api}: every recording has its line");
        assert!(check_all(&cases, |_| Some(api.clone())) > 0, "{api} has no recordings");
        folders += 1;
    }
    assert!(folders > 0);
}

/// What other folders call a dialect whose name does not begin so.
const ELSEWHERE: [(&str, &str); 10] = [
    ("azure-chat", "openai-chat"),
    ("embeddings-openai", "openai-embeddings"),
    ("embeddings-ollama", "ollama-embed"),
    ("embeddings-tei", "tei-embed"),
    ("embeddings-cohere", "cohere-embed"),
    ("rerank-cohere", "cohere-rerank"),
    ("rerank-jina", "jina-rerank"),
    ("rerank-tei", "tei-rerank"),
    ("transcription", "openai-transcription"),
    ("transcription-stream", "openai-transcription"),
];

/// Whose expectations we do not share: they leave out the reasoning under `reasoning_details`, and
/// arguments that are told only when they are done.
const DISPUTED: [&str; 2] =
    ["snowflake-cortex.openai-chat.thinking-no-finish", "lmstudio-2025.openai-responses.tool-call"];

#[test]
fn recordings_elsewhere() {
    let Some(folder) = std::env::var_os("LLM_PROBER_DIALECT_CASES") else { return };
    let known = |expect: &Value| {
        let named = expect["dialect"].as_str()?;
        if DISPUTED.iter().any(|name| expect["name"] == *name) {
            return None;
        }
        if let Some((_, ours)) = ELSEWHERE.iter().find(|(theirs, _)| *theirs == named) {
            return Some((*ours).to_owned());
        }
        let is = |name: &&str| {
            name.strip_prefix(named).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        dialect::names().find(is).map(str::to_owned)
    };
    let cases = cases(Path::new(&folder));
    let judged = check_all(&cases, known);
    assert!(judged > 0, "{} has no recording of a dialect that is known", folder.display());
    println!("{judged} of {} recordings are of a dialect that is known", cases.len());
}
