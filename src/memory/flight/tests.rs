use crate::answer::recording::Recording;
use crate::probe::Probe;
use crate::target::request::ProbeId;
use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::folder::Folder;
use super::*;
use crate::answer::recording::{Arrival, Chunk, ClockPair, Head, Offset};
use crate::answer::slo::ObjectiveKind;
use crate::interpret::interpret;
use crate::memory::history::History;
use crate::probe::sink::{ProbeEvent, Sink, SinkPanics, TargetSinks, TargetStatus};
use crate::target::Target;
use crate::testing;
use crate::workload::{Cancel, Validator, Workload};

fn target() -> Arc<Target> {
    let slos = vec![testing::slo(
        "fast",
        &[(ObjectiveKind::Ttft, 0.5), (ObjectiveKind::TokensPerSecond, 3.0)],
    )];
    let expect = vec![
        Validator::Contains("wör".to_owned()),
        Validator::Regex(regex::Regex::new("^hello").unwrap()),
        Validator::MinOutputTokens(2),
    ];
    let workloads = vec![testing::workload("chat", expect)];
    Arc::new(Target { workloads, slos, ..testing::target("a target/with: odd name") })
}

/// A stream of two tokens with kernel stamps, cut in the middle of a character.
fn recording() -> Recording {
    let text = "data: {\"choices\":[{\"delta\":{\"content\":\"hello\"}}]}\n\n\
                data: {\"choices\":[{\"delta\":{\"content\":\" wörld\"},\"finish_reason\":\"stop\"}]}\n\n\
                data: [DONE]\n\n";
    let cut = text.find('ö').unwrap() + 1;
    let unix = 1_700_000_000_000_000_000;
    let arrival = |read: u32, ms: i64| Arrival {
        read,
        task: Offset(ms * 1_000_000 + 17),
        kernel: Some(unix + ms * 1_000_000),
    };
    let chunk = |bytes: &[u8], arrival| Chunk { bytes: Bytes::copy_from_slice(bytes), arrival };
    let (first, last) = (arrival(1, 100), arrival(2, 300));
    Recording {
        head: Some(Head {
            status: 200,
            headers: [
                ("content-type", "text/event-stream"),
                ("set-cookie", "a-secret-of-somebody"),
                ("x-ratelimit-remaining-requests", "41"),
            ]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into(),
        }),
        first_byte: Some(first),
        chunks: vec![chunk(&text.as_bytes()[..cut], first), chunk(&text.as_bytes()[cut..], last)],
        last_read: Some(last),
        address: Some(([10, 0, 0, 7], 8000).into()),
        clock: ClockPair { unix_at_start: unix, unix_at_end: unix + 3 },
        ..testing::recording()
    }
}

fn flight(recording: Recording) -> Flight {
    let target = target();
    let workload = Arc::clone(&target.workloads[0]);
    let outcome = interpret(&target, &workload, &workload.prompts[0], &recording);
    Flight { target, probe: Probe::new(ProbeId::random(), workload, recording, outcome) }
}

fn text() -> String {
    FlightRecord::of(&flight(recording())).unwrap().write().unwrap()
}

#[test]
fn every_time_out_is_kept() {
    let endings = [
        Ending::TimedOut,
        Ending::FirstTokenTimedOut,
        Ending::Stalled,
        Ending::TailTimedOut,
        Ending::StoodStill(std::time::Duration::from_nanos(3_000_000_007)),
    ];
    for ending in endings {
        let record = FlightRecord::of(&flight(Recording { ending, ..recording() })).unwrap();
        let read = FlightRecord::read(record.write().unwrap().as_bytes()).unwrap();
        assert_eq!(read.recording, record.recording);
    }
}

#[test]
fn what_is_read_is_what_was_written() {
    let flight = flight(recording());
    assert!(flight.probe.outcome.succeeded(), "{:?}", flight.probe.outcome);
    let written = FlightRecord::of(&flight).unwrap();
    let read = FlightRecord::read(written.write().unwrap().as_bytes()).unwrap();
    assert_eq!(read.recording, written.recording);
    assert_eq!((&read.slos, read.outcome.clone()), (&written.slos, written.outcome.clone()));
    assert_eq!(read.workload.validators, flight.probe.workload.validators);
    let again = read.interpret();
    assert_eq!(again.outcome, flight.probe.outcome);
    assert_eq!(again.id, flight.probe.id);
    assert!(read.differences(&again).is_empty());
}

/// Its times are none of the server's.
#[test]
fn a_slow_reader_stays_one() {
    let Flight { target, probe } = flight(recording());
    let cancel = Some(Cancel::Slow { bytes_per_second: 200 });
    let workload = Arc::new(Workload { cancel, ..(*probe.workload).clone() });
    let recording = Recording { ending: Ending::ReaderStopped, ..recording() };
    let outcome = interpret(&target, &workload, &workload.prompts[0], &recording);
    assert!(outcome.given_up() && outcome.measurement.ttft.is_none(), "{outcome:?}");
    let probe = Probe::new(ProbeId::random(), workload, recording, outcome.clone());
    let written = FlightRecord::of(&Flight { target, probe }).unwrap();
    let read = FlightRecord::read(written.write().unwrap().as_bytes()).unwrap();
    assert_eq!(read.interpret().outcome, outcome);
}

#[test]
fn a_changed_interpretation_is_noticed() {
    let text = text().replacen("\"outcome\":\"success\"", "\"outcome\":\"stalled\"", 1);
    let record = FlightRecord::read(text.as_bytes()).unwrap();
    assert_eq!(record.differences(&record.interpret()), ["outcome"]);
}

#[test]
fn secrets_and_prompts_stay_out() {
    let text = text();
    assert!(!text.contains("a-secret-of-somebody") && !text.contains("Hello?"), "{text}");
    assert!(text.contains("\"x-ratelimit-remaining-requests\",\"41\""), "{text}");
    assert!(text.contains("[\"set-cookie\",\"<redacted>\"]"), "{text}");
}

#[test]
fn nothing_sent_is_nothing_to_record() {
    let mut flight = flight(recording());
    flight.probe.recording = crate::transport::not_sent();
    assert!(FlightRecord::of(&flight).is_none());
}

#[test]
fn wrong_files_are_refused_with_their_line() {
    let good = text();
    let check = |text: String, expect: &str| {
        let error = FlightRecord::read(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}\nexpected: {expect}");
    };
    let replaced = |from: &str, to: &str| {
        assert!(good.contains(from), "{from} is not in {good}");
        good.replacen(from, to, 1)
    };
    check(String::new(), "empty, expected a flight record");
    check("{\"choices\":[]}".to_owned(), "line 1: not a flight record, expected");
    check("no JSON".to_owned(), "line 1: not a flight record, expected");
    check(
        replaced("\"version\":1", "\"version\":2"),
        "line 1: version 2 of the format, expected 1",
    );
    check(replaced("\"send\":", "\"sends\":"), "line 1: unknown field `sends`");
    check(replaced("\"api\":\"openai-chat\"", "\"api\":\"x\""), "line 1: api `x`, expected one of");
    check(replaced("\"kind\":\"ttft\"", "\"kind\":\"x\""), "line 1: objective `x`, expected one");
    check(replaced("\"threshold\":0.5", "\"threshold\":0.0"), "line 1: the threshold of ttft is 0");
    check(replaced("^hello", "(hello"), "line 1: workload.expect: ");
    check(replaced("\"ended\":2000000000", "\"ended\":2000000000000000000"), "out of range");
    check(replaced("\"unix_at_end\":", "\"unix_at_end\":-"), "line 1: the wall clock -");
    check(replaced("\"base64\":\"", "\"base64\":\"!"), "line 2: base64: ");
    check(replaced("\"base64\"", "\"text\":\"\",\"base64\""), "line 2: expected either");
    check(replaced("\n{\"read\":2,", "\n{\"read\":0,"), "line 3: arrived before the line above");
    check(replaced("\"portions\":2", "\"portions\":1"), "line 3: more portions than the 1");
    let cut = good.trim_end().rfind('\n').unwrap();
    let missing = "truncated: the record breaks off after line 2, with 1 of 2 portions";
    check(good[..=cut].to_owned(), missing);
    // A wrong line in the middle, or one that was ended, is damage of another kind.
    check(format!("{}\n", &good[..good.len() - 5]), "line 3: EOF while parsing");
}

/// As a full disk or a download that was broken off leaves it: at each byte.
#[test]
fn a_truncated_file_is_called_that() {
    let good = text();
    let ends: Vec<_> = good.match_indices('\n').map(|(at, _)| at).collect();
    for cut in 40..good.len() {
        let said = FlightRecord::read(&good.as_bytes()[..cut]).map_err(|e| e.to_string());
        let expect = match ends.iter().filter(|end| **end < cut).count() {
            0 if cut == ends[0] => {
                "truncated: the record breaks off after line 1, with 0 of 2 portions"
            }
            0 => {
                "line 1: truncated: the record breaks off in its head, and everything after it is \
                  missing"
            }
            1 if cut == ends[0] + 1 => {
                "truncated: the record breaks off after line 1, with 0 of 2 portions"
            }
            1 if cut == ends[1] => {
                "truncated: the record breaks off after line 2, with 1 of 2 portions"
            }
            1 => "line 2: truncated: the record breaks off in this line, after 0 of 2 portions",
            _ if cut == ends[1] + 1 => {
                "truncated: the record breaks off after line 2, with 1 of 2 portions"
            }
            // All that is lost is the last line break.
            _ if cut == ends[2] => {
                assert!(said.is_ok(), "{said:?}");
                continue;
            }
            _ => "line 3: truncated: the record breaks off in this line, after 1 of 2 portions",
        };
        assert_eq!(said.err().as_deref(), Some(expect), "cut at {cut}");
    }
}

/// Whatever a file holds, it is refused or it can be interpreted.
#[test]
fn no_file_does_harm() {
    let good = text();
    for at in 0..good.len() {
        for change in ["", "9", "-", "null"] {
            let mut bytes = good.as_bytes()[..at].to_vec();
            bytes.extend_from_slice(change.as_bytes());
            bytes.extend_from_slice(&good.as_bytes()[at + 1..]);
            if let Ok(record) = FlightRecord::read(&bytes) {
                let probe = record.interpret();
                assert!(!crate::report::waterfall::draw(&record.target, &probe).is_empty());
            }
        }
    }
}

fn started_after(minutes: i64) -> FlightRecord {
    let mut recording = recording();
    recording.started_unix_nanos += minutes * 60_000_000_000;
    FlightRecord::of(&flight(recording)).unwrap()
}

fn names(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_folder_keeps_to_its_size() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new/folder");
    let size = text().len() as u64;
    let mut folder = Folder::open(&path, 3 * size + size / 2).unwrap();
    std::fs::write(path.join("notes.txt"), "somebody's own").unwrap();
    (0..5).for_each(|i| folder.write(&started_after(i)).unwrap());
    let kept = names(&path);
    assert_eq!(kept.len(), 4, "{kept:?}");
    let newest = "2023-11-14T22-17-20.000Z_a-target-with--odd-name_success_";
    assert!(kept[2].starts_with(newest) && kept[3] == "notes.txt", "{kept:?}");
    assert_eq!(folder.holds(), (3, 3 * size));
    let file = path.join(&kept[0]);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    FlightRecord::read(&std::fs::read(file).unwrap()).unwrap();
    // What is there counts after a restart, and what cannot fit drives nothing out.
    let mut folder = Folder::open(&path, 2 * size).unwrap();
    assert_eq!(folder.holds(), (2, 2 * size));
    let mut folder_of_none = Folder::open(&dir.path().join("none"), size - 1).unwrap();
    assert!(folder_of_none.write(&started_after(9)).is_err());
    // Somebody deletes a file meanwhile.
    std::fs::remove_file(path.join(&names(&path)[0])).unwrap();
    folder.write(&started_after(9)).unwrap();
    assert_eq!(names(&path).len(), 3);
}

/// Whoever may write to the folder shall not have files elsewhere overwritten.
#[test]
fn a_link_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(elsewhere.path(), "precious").unwrap();
    let link = || {
        let link = dir.path().join(".unfinished.flight.tmp");
        std::os::unix::fs::symlink(elsewhere.path(), link).unwrap();
    };
    link();
    let mut folder = Folder::open(dir.path(), 1 << 20).unwrap();
    link();
    folder.write(&started_after(1)).unwrap();
    assert_eq!(folder.holds().0, 1);
    assert_eq!(std::fs::read_to_string(elsewhere.path()).unwrap(), "precious");
}

#[test]
fn a_folder_that_is_none_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(Folder::open(file.path(), 1 << 20).is_err());
}

/// A recorder beside the history that knows what is odd.
struct Keeping {
    history: Arc<History>,
    recorder: Recorder,
}

impl Keeping {
    fn new(recorder: Recorder) -> Self {
        Self { history: Arc::new(History::new(1 << 20)), recorder }
    }

    /// As the daemon does.
    fn tell(&self, Flight { target, probe }: &Flight) {
        let recorder = self.recorder.sink(&self.history);
        let sinks: [&dyn Sink; 2] = [&self.history, &recorder];
        let sinks = TargetSinks::open(&sinks, target, SinkPanics::default());
        sinks.tell(ProbeEvent::Over(probe), TargetStatus::Active);
    }
}

/// From the history to the files, by kind; what waits at the end is still written.
#[tokio::test]
async fn the_recorder_takes_what_it_is_told_to() {
    for (keep, expect) in [(Keep::Failures, 1), (Keep::Odd, 2), (Keep::All, 3)] {
        let dir = tempfile::tempdir().unwrap();
        let options = RecorderOptions { dir: dir.path().to_owned(), max_bytes: 1 << 20, keep };
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let recorder = Recorder::start(&options, &tasks, stop.clone()).unwrap();
        let keeping = Keeping::new(recorder);
        let mut stalled = recording();
        stalled.ending = Ending::Stalled;
        stalled.chunks.truncate(1);
        let mut late = recording();
        for arrival in late.chunks.iter_mut().map(|c| &mut c.arrival) {
            arrival.kernel = arrival.kernel.map(|at| at + 10_000_000_000);
        }
        for recording in [recording(), stalled, late] {
            keeping.tell(&flight(recording));
        }
        stop.cancel();
        tasks.close();
        tasks.wait().await;
        assert_eq!(names(dir.path()).len(), expect, "{keep:?}: {:?}", names(dir.path()));
        let status = keeping.recorder.status();
        assert_eq!((status.written, status.lost, status.files), (expect as u64, 0, expect as u64));
    }
}

/// Somebody may tidy up, and nothing else may be recorded for long.
#[tokio::test(start_paused = true)]
async fn files_that_somebody_deletes_are_not_counted_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let options =
        RecorderOptions { dir: dir.path().to_owned(), max_bytes: 1 << 20, keep: Keep::All };
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let recorder = Recorder::start(&options, &tasks, stop).unwrap();
    let keeping = Keeping::new(recorder);
    let until = async |files: u64| {
        for _ in 0..600 {
            let status = keeping.recorder.status();
            if (status.files, status.bytes > 0) == (files, files > 0) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
        panic!("{:?}", keeping.recorder.status());
    };
    keeping.tell(&flight(recording()));
    until(1).await;
    for name in names(dir.path()) {
        std::fs::remove_file(dir.path().join(name)).unwrap();
    }
    until(0).await;
}

/// A disk that does not answer costs records, never a probe.
#[tokio::test(flavor = "current_thread")]
async fn a_full_queue_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let options =
        RecorderOptions { dir: dir.path().to_owned(), max_bytes: 1 << 20, keep: Keep::All };
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let recorder = Recorder::start(&options, &tasks, stop).unwrap();
    let keeping = Keeping::new(recorder);
    // The writer has the same thread and does not come to its turn.
    for _ in 0..100 {
        keeping.tell(&flight(recording()));
    }
    assert_eq!(keeping.recorder.status().lost, 100 - 64);
}

#[test]
fn names_of_a_foreign_file_do_nothing_to_the_terminal() {
    let text = text().replacen("\"target\":\"", "\"target\":\"\\u001b[31m\\u0007", 1);
    let record = FlightRecord::read(text.as_bytes()).unwrap();
    let drawn = crate::report::waterfall::draw(&record.target, &record.interpret());
    assert!(!drawn.contains(|c: char| c.is_control() && c != '\n'), "{drawn:?}");
}
