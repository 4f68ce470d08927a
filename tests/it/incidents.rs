//! Flight records: each file of `tests/incidents/` is read as it was when it happened, and every
//! capture of a real server survives being written and read.
//!
//! To make an incident a test, copy its file there.
#![allow(clippy::unwrap_used)]
#![allow(clippy::needless_raw_string_hashes)] // as expect-test writes them

use crate::common;

use std::path::PathBuf;
use std::sync::Arc;

use common::client::Client;
use common::daemon::run;
use common::scripted::{Step, always, pipe};
use common::{chat_target, completions_target, outcome};
use expect_test::expect;
use llm_prober::answer::recording::{Ending, Recording};
use llm_prober::memory::flight::FlightRecord;
use llm_prober::memory::history::Flight;
use llm_prober::probe::Probe;
use llm_prober::target::Target;
use llm_prober::target::request::ProbeId;

fn files(folder: &str, suffix: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    let mut files: Vec<_> = entries.filter(|p| p.to_string_lossy().ends_with(suffix)).collect();
    files.sort();
    files
}

/// The figures that it was recorded with are what is expected.
#[test]
fn every_incident_is_read_as_it_happened() {
    let files = files("tests/incidents", ".flight.jsonl");
    assert!(files.len() >= 2, "{files:?}");
    for file in files {
        let record = FlightRecord::read(&std::fs::read(&file).unwrap()).unwrap();
        let keys = record.outcome.as_object().unwrap().len();
        assert!(keys > 20, "{} has only {keys} figures", file.display());
        let differences = record.differences(&record.interpret());
        assert!(differences.is_empty(), "{}: {differences:?}", file.display());
    }
}

fn flight(target: &Arc<Target>, recording: Recording) -> Flight {
    let outcome = outcome(target, &recording);
    let workload = Arc::clone(&target.workloads[0]);
    let probe = Probe::new(ProbeId::random(), workload, recording, outcome);
    Flight { target: Arc::clone(target), probe }
}

fn check_round_trip(what: &str, target: &Arc<Target>, recording: Recording) {
    let flight = flight(target, recording);
    let text = FlightRecord::of(&flight).unwrap().write().unwrap();
    let read = FlightRecord::read(text.as_bytes()).unwrap();
    let again = read.interpret();
    assert_eq!(again.outcome, flight.probe.outcome, "{what}");
    assert!(read.differences(&again).is_empty(), "{what}");
    assert_eq!(read.write().unwrap(), text, "{what}");
}

#[tokio::test(start_paused = true)]
async fn every_capture_survives() {
    let captures = files("tests/captures", ".raw");
    assert!(captures.len() > 30, "{captures:?}");
    for file in captures {
        let name = file.display().to_string();
        let target =
            if name.contains("completions") { completions_target() } else { chat_target() };
        let raw = std::fs::read(&file).unwrap();
        // Whole, and broken off in the middle.
        for raw in [&raw[..], &raw[..raw.len() / 2]] {
            let (dialer, _) = pipe(always([Step::Request, Step::Send(raw.to_vec())]));
            let recording = Client::pipe(dialer, "").exchange().await;
            assert!(recording.first_byte.is_some(), "{name}");
            check_round_trip(&name, &target, recording);
        }
    }
}

#[test]
fn every_ending_survives() {
    let endings = [
        Ending::Complete,
        Ending::ResolveFailed("why".into()),
        Ending::ConnectFailed("why".into()),
        Ending::TlsFailed("why".into()),
        Ending::TimedOut,
        Ending::Stalled,
        Ending::CutOff("why".into()),
        Ending::NotHttp("why".into()),
        Ending::TooLarge("why".into()),
        Ending::Cancelled,
        Ending::Internal("why".into()),
    ];
    for ending in endings {
        let mut recording = common::recording("text/event-stream", &[(5, b"data: {}\n\n")]);
        recording.ending = ending;
        check_round_trip(&format!("{:?}", recording.ending), &chat_target(), recording);
    }
}

/// A tokenizer's counts travel with the record, because the tokenizer does not.
#[test]
fn a_tokenizers_counts_survive() {
    let target = common::target(
        "tokenizers: {words: {file: tests/fixtures/words.tokenizer.json}}\n\
         targets: [{name: t, url: 'http://localhost/v1', model: m, tokenizer: words}]",
    );
    let text = r#"{"choices":[{"delta":{"content":"one two three"},"finish_reason":"stop"}]}"#;
    for usage in ["", "data: {\"choices\":[],\"usage\":{\"completion_tokens\":2}}\n\n"] {
        let body = format!("data: {text}\n\n{usage}");
        let recording = common::recording("text/event-stream", &[(5, body.as_bytes())]);
        assert!(outcome(&target, &recording).measurement.output_tokens.is_some());
        check_round_trip(usage, &target, recording);
    }
}

fn replay(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = run([&["replay"], arguments].concat());
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_command_draws_and_its_exit_code_judges() {
    let (code, out, err) = replay(&["tests/incidents/simulated-stalled.flight.jsonl"]);
    assert_eq!((code, err.as_str()), (Some(1), ""));
    expect![[r#"
        simulated / chat  probe f29a1c1af259520d867ad6b49bd610da
          send         █                                                                0.022 ms
          processing   █                                                                0.420 ms
          first_token  ████                                                            56.141 ms
          decode          ████                                                         55.503 ms
          decode             ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░  1001.505 ms  unfinished
          tokens          ····                                                     
          FAILED: stalled (status 200): the answer did not go on
          slo interactive: MISSED: the probe failed
          time to first byte               0.442 ms
          time to first token             56.584 ms
            with connect                          –
          time to first output token      56.584 ms
          time to second token            14.006 ms
          inter-token latency             13.876 ms
          longest gap                   1001.505 ms
          request latency                         –
          input tokens                            –
          output tokens                           5 events

    "#]]
    .assert_eq(&out);
    let good = "tests/incidents/simulated-slo-missed.flight.jsonl";
    assert_eq!(replay(&[good]).0, Some(0), "it succeeded");
    let (code, out, _) =
        replay(&["--json", good, "tests/incidents/simulated-truncated.flight.jsonl"]);
    let outcomes: Vec<_> = out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["outcome"].clone())
        .collect();
    assert_eq!((code, outcomes), (Some(1), vec!["success".into(), "truncated".into()]));
}

#[test]
fn a_record_comes_from_standard_input_too() {
    let file = std::fs::File::open("tests/incidents/simulated-truncated.flight.jsonl").unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_llm-prober"));
    let output = command.args(["replay", "--json", "-"]).stdin(file).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.contains("\"outcome\":\"truncated\""), "{out}");
}

/// As `llm-prober replay FOLDER/* 2>&1 | head` does it.
#[test]
fn who_has_read_enough_is_no_failure() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_llm-prober"));
    command.args(["replay", "tests/incidents/simulated-slo-missed.flight.jsonl"]);
    command.stdout(writer.try_clone().unwrap()).stderr(writer);
    assert_eq!(command.status().unwrap().code(), Some(0));
}

#[test]
fn what_is_no_record_is_a_mistake() {
    let (code, out, err) = replay(&["Cargo.toml"]);
    assert_eq!((code, out.as_str()), (Some(64), ""));
    assert!(err.starts_with("Cargo.toml: line 1: not a flight record, expected"), "{err}");
    // The files beside it are shown.
    let good = "tests/incidents/simulated-slo-missed.flight.jsonl";
    let (code, out, err) = replay(&["--json", "no/such/file", good]);
    assert_eq!((code, out.lines().count()), (Some(64), 1));
    assert!(err.starts_with("no/such/file: No such file"), "{err}");
}
