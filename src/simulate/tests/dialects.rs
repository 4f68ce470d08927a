//! Every dialect against its other half: what the simulator says in it is what is read of it.

use std::sync::Arc;

use http_body_util::Full;

use super::*;
use crate::answer::failure::FailureReason;
use crate::answer::measure::TokenSource;
use crate::answer::outcome::Outcome;
use crate::answer::recording::{Arrival, Chunk, Ending, Head, Offset, Recording};
use crate::answer::timeline::Finish;
use crate::dialect::{self, Kind, Shape, SharedDialect};
use crate::interpret::decode::decode;
use crate::interpret::interpret;
use crate::simulate::complaint::Complaint;
use crate::target::learned::Learned;
use crate::target::request::{ProbeId, build};
use crate::target::secret::Secret;
use crate::target::{Auth, Target};
use crate::testing;
use crate::workload::mix::Draw;
use crate::workload::{Prompt, Workload};

const MODEL: &str = "simulated";

/// What is asked in one dialect, and what it amounts to.
pub(super) struct Asked {
    pub outcome: Outcome,
    /// All that was generated.
    pub text: String,
    pub recording: Recording,
}

/// Those that generate text, and count it.
fn generating() -> impl Iterator<Item = SharedDialect> {
    writing().filter(|dialect| {
        dialect.kind() == Kind::Generate && !speaker_of(dialect).ends_with_the_body()
    })
}

/// Those that write text.
fn writing() -> impl Iterator<Item = SharedDialect> {
    dialect::all().filter(|dialect| dialect.kind().writes())
}

/// The other half of a dialect.
fn speaker_of(dialect: &SharedDialect) -> &'static dyn speak::Speaker {
    let speakers = speak::SPEAKERS.iter().copied();
    let named: Vec<_> = speakers.filter(|speaker| speaker.name() == dialect.name()).collect();
    let [speaker] = named[..] else { panic!("{dialect:?} is spoken {} times", named.len()) };
    speaker
}

/// A target of this dialect at the simulator.
pub(super) fn target(dialect: &SharedDialect, stream: bool) -> Target {
    let speaker = speaker_of(dialect);
    let place = dialect.path(MODEL, Shape { stream });
    let path = place.split('?').next().unwrap_or_default();
    let base = ["/v1", ""].into_iter().find(|base| speaker.takes(&format!("{base}/{path}")));
    let base = base.unwrap_or_else(|| panic!("{speaker:?} does not take {path}"));
    let url = format!("http://simulator{base}").parse().expect("a URL");
    // Any key will do, so that none of AWS's is looked for.
    let key = Auth::Bearer(Secret::Env("CARGO_PKG_NAME".to_owned()));
    let auth = dialect.signed_for().map(|_| key);
    Target { url, dialect: dialect.clone(), stream, auth, ..testing::target("t") }
}

pub(super) async fn ask_for(
    model: &str,
    target: &Target,
    config: SimulatorConfig,
    most: u32,
) -> Asked {
    let workload = Workload { max_output_tokens: most, ..Workload::clone(&target.workloads[0]) };
    let prompt = Prompt::user("one two three");
    let draw = Draw { workload: Arc::new(workload), prompt };
    let terms = Learned::default().terms(target, &draw, model);
    let request = build(target, &draw, model, &ProbeId::random(), terms).expect("a request");
    let answer = Client::new(config).await.send(request).await.expect("a response");
    let recording = recording(&answer);
    let source = recording.timestamp_source();
    let most = target.limits.max_body_bytes;
    let timeline = decode(&*target.dialect, target.shape(), &recording, source, most);
    let text = timeline.content().filter_map(|event| event.kind.text()).collect();
    let outcome = interpret(target, &draw.workload, &draw.prompt, &recording);
    Asked { outcome, text, recording }
}

/// Whether a request says which model is meant: some APIs have only one.
fn says_the_model(target: &Target) -> bool {
    let request = |model| {
        let draw = Draw {
            workload: Arc::clone(&target.workloads[0]),
            prompt: Prompt::user("one two three"),
        };
        let terms = Learned::default().terms(target, &draw, model);
        let id = ProbeId::parse(&"1".repeat(32)).expect("an id");
        let request = build(target, &draw, model, &id, terms).expect("a request");
        (request.uri().clone(), format!("{:?}", request.body()))
    };
    request(MODEL) != request("other")
}

async fn ask(dialect: &SharedDialect, stream: bool, config: SimulatorConfig) -> Asked {
    ask_for(MODEL, &target(dialect, stream), config, 100).await
}

/// The request was sent at 0; every frame came with a read of its own.
fn recording(answer: &Answer) -> Recording {
    let arrival = |read: usize, ms: u128| Arrival {
        read: u32::try_from(read).expect("few"),
        task: Offset(i64::try_from(ms).expect("short") * 1_000_000),
        kernel: None,
    };
    let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.as_str().to_owned(), value.to_str().expect("text").to_owned())
    };
    let frames = answer.frames.iter().zip(&answer.bytes).enumerate();
    let chunks = frames.map(|(read, ((ms, _), bytes))| Chunk {
        bytes: bytes.clone(),
        arrival: arrival(read, *ms),
    });
    Recording {
        send: Some(Offset(0)),
        sent: Some(Offset(0)),
        first_byte: Some(arrival(0, answer.head_at)),
        head: Some(Head {
            status: answer.status.as_u16(),
            headers: answer.headers.iter().map(header).collect(),
        }),
        chunks: chunks.collect(),
        ended: Offset(10_000_000_000),
        ending: if answer.clean { Ending::Complete } else { Ending::CutOff("cut".into()) },
        ..Recording::begin(0)
    }
}

pub(super) fn failure(asked: &Asked) -> (FailureReason, &str) {
    let failure = asked.outcome.result.as_ref().expect_err("a failure");
    (failure.reason, &failure.detail)
}

#[test]
fn the_simulator_speaks_no_other() {
    for speaker in speak::SPEAKERS {
        let known = dialect::by_name(speaker.name()).is_some();
        assert!(known, "{speaker:?} speaks {}, which is no dialect", speaker.name());
    }
    assert_eq!(speak::SPEAKERS.len(), dialect::DIALECTS.len());
}

#[tokio::test(start_paused = true)]
async fn what_is_said_is_what_is_read() {
    for dialect in generating() {
        let streamed = ask(&dialect, true, exact()).await;
        let whole = ask(&dialect, false, exact()).await;
        assert_eq!(streamed.text.split_whitespace().count(), 5, "{dialect:?}");
        assert_eq!(streamed.text, whole.text, "{dialect:?}");
        for (asked, stream) in [(&streamed, true), (&whole, false)] {
            let m = &asked.outcome.measurement;
            assert!(asked.outcome.succeeded(), "{dialect:?}: {:?}", asked.outcome.result);
            assert_eq!((m.input_tokens.map(|t| t.tokens), m.finish), (Some(4), Some(Finish::Stop)));
            let output = m.output_tokens.map(|t| (t.tokens, t.source));
            assert_eq!(output, Some((5, TokenSource::Usage)), "{dialect:?}");
            assert_eq!(m.ttft, stream.then_some(200 * MS), "{dialect:?}");
            assert_eq!(m.itl, stream.then_some(10 * MS), "{dialect:?}");
            assert_eq!(m.content_at.len(), if stream { 5 } else { 1 }, "{dialect:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_ends_the_answer() {
    for dialect in generating() {
        for stream in [true, false] {
            let asked = ask_for(MODEL, &target(&dialect, stream), exact(), 3).await;
            let m = &asked.outcome.measurement;
            assert!(asked.outcome.succeeded(), "{dialect:?}: {:?}", asked.outcome.result);
            let found = (m.output_tokens.map(|t| t.tokens), m.finish);
            assert_eq!(found, (Some(3), Some(Finish::Length)), "{dialect:?} {stream}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn cached_tokens_are_counted() {
    let config = SimulatorConfig { prefix_cache: true, ..exact() };
    for dialect in generating() {
        for stream in [true, false] {
            let asked = ask(&dialect, stream, config.clone()).await;
            let cached = asked.outcome.measurement.cached_input_tokens;
            let told = !speaker_of(&dialect).hides_the_cache(stream);
            assert_eq!(cached, told.then_some(0), "{dialect:?} {stream}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_goes_wrong_is_read_as_that() {
    use FailureReason::{Empty, ErrorEvent, HttpStatus, Malformed, Throttled, Truncated};
    let throttle = Fault::Throttle { retry_after: 1000 * MS };
    let cases = [
        (Fault::ErrorEvent { after_tokens: 2 }, ErrorEvent, "scripted failure of the engine"),
        (Fault::CutJson { after_tokens: 2 }, Truncated, ""),
        (Fault::CutBody { after_tokens: 2 }, Truncated, ""),
        (Fault::Truncate { after_tokens: 2 }, Truncated, ""),
        (Fault::Empty, Empty, ""),
        (Fault::Html, Malformed, ""),
        (Fault::HttpStatus(StatusCode::SERVICE_UNAVAILABLE), HttpStatus, "scripted failure"),
        (throttle, Throttled, "scripted throttling"),
    ];
    for dialect in writing() {
        for (fault, reason, said) in cases {
            for stream in [true, false] {
                let unseen = stream && matches!(fault, Fault::Truncate { .. });
                if unseen && speaker_of(&dialect).ends_with_the_body() {
                    continue;
                }
                let asked = ask(&dialect, stream, with_fault(fault)).await;
                let (found, detail) = failure(&asked);
                assert_eq!(found, reason, "{dialect:?} {fault:?} {stream}: {detail}");
                assert!(detail.contains(said), "{dialect:?} {fault:?}: {detail}");
            }
        }
        let silent = ask(&dialect, true, with_fault(Fault::NoUsage)).await.outcome;
        let source = silent.measurement.output_tokens.map(|t| (t.tokens, t.source));
        assert_eq!(source, Some((5, TokenSource::Events)), "{dialect:?}");
        assert!(silent.succeeded(), "{dialect:?}: {:?}", silent.result);
        if !says_the_model(&target(&dialect, true)) {
            continue;
        }
        let other = ask_for("other", &target(&dialect, true), exact(), 5).await;
        let (reason, detail) = failure(&other);
        assert_eq!((reason, other.outcome.http_status), (HttpStatus, Some(404)), "{dialect:?}");
        assert!(detail.contains("The model `other` does not exist"), "{dialect:?}: {detail}");
    }
}

#[tokio::test(start_paused = true)]
async fn models_are_listed() {
    for dialect in dialect::all().filter(|dialect| dialect.lists_models()) {
        let target = target(&dialect, true);
        let place = target.below(dialect.models());
        let mut request = Request::get(&place[url::Position::BeforePath..]);
        for (name, value) in dialect.headers() {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::default()).expect("a request");
        let mut client = Client::new(exact()).await;
        let list = client.send(request).await.expect("a response").json();
        let page = dialect.model_page(&list).unwrap_or_else(|| panic!("{dialect:?}: {list}"));
        assert_eq!((page.names, page.next), (vec![MODEL.to_owned()], None), "{dialect:?}");
        // What a server says instead of a list is none.
        let refused = Complaint::of_status(StatusCode::UNAUTHORIZED, "no key");
        let refused = speaker_of(&dialect).complaint(&refused);
        assert_eq!(dialect.model_page(&refused), None, "{dialect:?}");
    }
}
