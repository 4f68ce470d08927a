//! The whole text of each explanation.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::answer::recording::{Arrival, Chunk, Head, Offset};
use crate::interpret::interpret;
use crate::target::Auth;
use crate::target::request::endpoint;
use crate::target::secret::Secret;
use crate::testing;

const ASKED: &str = "POST http://llm.test:8000/v1/chat/completions: ";

fn target_at(url: &str) -> Target {
    Target { url: url.parse().unwrap(), ..testing::target("t") }
}

/// Nothing happened yet but a request that was sent.
fn sent() -> Recording {
    let at = |ms: i64| Some(Offset(ms * 1_000_000));
    let mut recording = Recording::begin(0);
    (recording.connection.resolved, recording.connection.connected) = (at(1), at(2));
    (recording.send, recording.sent) = (at(3), at(4));
    recording
}

fn answered(status: u16, headers: &[(&str, &str)], body: &str) -> Recording {
    let arrival = Arrival { read: 0, task: Offset(5_000_000), kernel: None };
    let headers = headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let chunk = Chunk { bytes: Bytes::copy_from_slice(body.as_bytes()), arrival };
    Recording {
        first_byte: Some(arrival),
        head: Some(Head { status, headers }),
        chunks: vec![chunk],
        ..sent()
    }
}

fn ended(ending: Ending) -> Recording {
    Recording { ending, ..sent() }
}

fn explained(target: &Target, recording: &Recording, findings: &Findings) -> Arc<str> {
    let workload = &target.workloads[0];
    let outcome = interpret(target, workload, &workload.prompts[0], recording);
    let failure = outcome.result.as_ref().expect_err("a failure");
    let limits = target.limits;
    explain(&Facts { target, limits, asked: &endpoint(target, "m"), recording, failure, findings })
}

fn check(recording: &Recording, expect: &str) {
    let target = testing::target("t");
    let found = explained(&target, recording, &Findings::default());
    assert_eq!(&*found, format!("{ASKED}{expect}"));
}

#[test]
fn connections_are_explained_in_full() {
    check(
        &ended(Ending::ResolveFailed("llm.test: Name or service not known".to_owned())),
        "The host name could not be resolved: llm.test: Name or service not known.",
    );
    check(
        &ended(Ending::ConnectFailed("10.0.0.1:8000: Connection refused".to_owned())),
        "No TCP connection to the server could be made: 10.0.0.1:8000: Connection refused.",
    );
    check(
        &ended(Ending::TlsFailed("the server closed the connection in the middle".to_owned())),
        "The TLS handshake failed: the server closed the connection in the middle.",
    );
    check(
        &ended(Ending::CutOff("connection closed before message completed".to_owned())),
        "The connection broke before an answer came: connection closed before message completed.",
    );
    check(
        &ended(Ending::NotHttp("invalid HTTP version parsed".to_owned())),
        "What came is not an answer in HTTP: invalid HTTP version parsed.",
    );
    check(
        &ended(Ending::TooLarge("the body exceeds 10 bytes".to_owned())),
        "The answer was larger than what is read: the body exceeds 10 bytes.",
    );
    check(&ended(Ending::Cancelled), "The prober gave up on purpose, for a reload or its own end.");
    check(
        &ended(Ending::StoodStill(Duration::from_millis(3_210))),
        "The prober itself stood still for 3.2 s meanwhile (its process was stopped, its machine \
         suspended, or it got no CPU), so this says nothing about the server.",
    );
    check(
        &ended(Ending::Internal("cannot read secret file /token: not found".to_owned())),
        "The prober itself could not make the probe: cannot read secret file /token: not found.",
    );
    check(
        &Recording { ending: Ending::CutOff("reset".to_owned()), ..answered(200, &[], "") },
        "The answer was cut off: reset.",
    );
}

#[test]
fn a_time_out_says_what_was_waited_for() {
    let check = |change: fn(&mut Recording), waited: &str| {
        let mut recording = ended(Ending::TimedOut);
        change(&mut recording);
        let expect = format!("The whole request took longer than 1m, its timeout: {waited}.");
        self::check(&recording, &expect);
    };
    check(|_| {}, "the request was sent, and nothing of an answer came");
    check(|r| r.sent = None, "the server did not take the whole request");
    check(
        |r| (r.send, r.sent) = (None, None),
        "the server took the connection, but did not do its part of the TLS handshake",
    );
    check(
        |r| (r.connection.connected, r.send, r.sent) = (None, None, None),
        "there was no TCP connection by then",
    );
    check(
        |r| {
            r.connection = crate::answer::recording::ConnectionPhases::default();
            (r.send, r.sent) = (None, None);
        },
        "the host name was not resolved by then",
    );
    check(|r| r.head = answered(200, &[], "").head, "the answer had begun, and went on too long");
}

/// The texts of servers, which may quote a prompt or an answer, are in none.
#[test]
fn answers_are_explained_without_a_word_of_theirs() {
    let stream = [("content-type", "text/event-stream")];
    let error = "data: {\"error\": {\"message\": \"hush\"}}\n\n";
    check(
        &answered(200, &stream, error),
        "The server reported an error inside of its answer, under status 200.",
    );
    check(&answered(200, &stream, "data: hush\n\n"), "The answer does not follow the protocol.");
    check(
        &answered(200, &[("content-type", "Text/HTML; charset=utf-8")], "<html>hush"),
        "The answer does not follow the protocol: it is a web page, so this is not the address of \
         the API.",
    );
    check(&answered(500, &[], "hush"), "The server refused the request with status 500.");
    check(
        &answered(429, &[], "hush"),
        "The server refused the request for load or quota (status 429).",
    );
    check(
        &Recording { ending: Ending::Stalled, ..answered(200, &stream, "") },
        "The answer began and then did not go on for longer than 20s, the stall timeout: pings and empty events are no progress.",
    );
    check(
        &answered(200, &stream, "data: [DONE]\n\n"),
        "The answer ended as it should, but without any generated content.",
    );
}

#[test]
fn rejected_answers_name_the_check() {
    let mut target = testing::target("t");
    let validator = crate::workload::Validator::Contains("hush".to_owned());
    target.workloads = vec![testing::workload("w", vec![validator])];
    let body =
        "data: {\"choices\":[{\"delta\":{\"content\":\"no\"},\"finish_reason\":\"stop\"}]}\n\n";
    let recording = answered(200, &[("content-type", "text/event-stream")], body);
    let found = explained(&target, &recording, &Findings::default());
    let expect =
        "The answer came whole, but a check of the workload rejected it: rejected by contains.";
    assert_eq!(&*found, format!("{ASKED}{expect}"));
}

fn check_at(url: &str, recording: &Recording, findings: &Findings, expect: &str) {
    assert_eq!(&*explained(&target_at(url), recording, findings), expect);
}

#[test]
fn a_path_that_is_not_there() {
    let check = |url: &str, expect: &str| {
        check_at(url, &answered(404, &[], "not found"), &Findings::default(), expect);
    };
    check(
        "http://h:8000/v1/v1",
        "POST http://h:8000/v1/v1/chat/completions: The server refused the request with status 404. \
         /v1 is in its path twice, expected url: http://h:8000/v1.",
    );
    check(
        "http://h:8000",
        "POST http://h:8000/chat/completions: The server refused the request with status 404. \
         There is no /v1 in its path, which most servers want: try url: http://h:8000/v1.",
    );
    check(
        "http://h:8000/v1/chat",
        "POST http://h:8000/v1/chat/chat/completions: The server refused the request with status \
         404. /chat does not belong to the base URL, expected url: http://h:8000/v1.",
    );
    check(
        "http://h:8000/v1",
        "POST http://h:8000/v1/chat/completions: The server refused the request with status 404.",
    );
}

fn listed(ids: &[&str]) -> Findings {
    let ids: Vec<_> = ids.iter().map(|&id| id.to_owned()).collect();
    Findings { models: Some(Ok(Listed::new(&ids, "tiny"))), ..Findings::default() }
}

#[test]
fn a_model_that_is_not_there() {
    let check = |status: u16, body: &str, findings: &Findings, more: &str| {
        let expect = format!("{ASKED}The server refused the request with status {status}.{more}");
        check_at("http://llm.test:8000/v1", &answered(status, &[], body), findings, &expect);
    };
    let others = listed(&["small", "large"]);
    let lacking = " The server does not list the model `tiny`; it lists: `small`, `large`.";
    check(404, "The model `tiny` does not exist.", &others, lacking);
    check(400, "Invalid MODEL name passed in model=tiny", &others, lacking);
    check(400, "no messages", &others, "");
    check(500, "model", &others, "");
    // Its own list has it: that the context is too long is no reason to name another.
    let it = listed(&["tiny"]);
    check(400, "This model's maximum context length is 8 tokens", &it, "");
    let api = " The server lists models below this URL, but has no chat/completions there: look at \
               api.";
    check(404, "", &it, api);
    check(404, "", &Findings { models: Some(Err(())), ..Findings::default() }, "");
}

#[test]
fn which_questions_are_worth_asking() {
    let check = |recording: &Recording, expect: Option<Question>| {
        assert_eq!(question(&testing::target("t"), recording), expect, "{recording:?}");
    };
    check(&answered(404, &[], ""), Some(Question::Models));
    check(&answered(400, &[], "{\"error\": \"no such model\"}"), Some(Question::Models));
    check(&answered(400, &[], "{\"error\": \"too long\"}"), None);
    check(&answered(200, &[], "model"), None);
    check(&ended(Ending::CutOff(String::new())), Some(Question::Spoken));
    check(&ended(Ending::NotHttp(String::new())), Some(Question::Spoken));
    check(&ended(Ending::TimedOut), None);
    let mut reused = ended(Ending::CutOff(String::new()));
    reused.connection.reused = true;
    check(&reused, None);
    // The name is the server's own.
    let found = Target { model: None, ..testing::target("t") };
    assert_eq!(question(&found, &answered(404, &[], "")), None);
    let tls = target_at("https://llm.test/v1");
    assert_eq!(question(&tls, &ended(Ending::CutOff(String::new()))), None);
}

#[test]
fn plain_http_on_a_port_of_tls() {
    let expect = "The server speaks TLS on this port, not plain HTTP: expected url: \
                  https://llm.test:8000/v1.";
    let spoken = |spoken| Findings { spoken: Some(spoken), ..Findings::default() };
    let cut = ended(Ending::CutOff("connection reset".to_owned()));
    let broke = "The connection broke before an answer came: connection reset.";
    let url = "http://llm.test:8000/v1";
    check_at(url, &cut, &spoken(Spoken::Tls), &format!("{ASKED}{broke} {expect}"));
    check_at(url, &cut, &spoken(Spoken::PlainHttp), &format!("{ASKED}{broke}"));
    check_at(url, &cut, &spoken(Spoken::Other), &format!("{ASKED}{broke}"));
    let refused = "The server refused the request with status 400.";
    for words in [
        "<center>The plain HTTP request was sent to HTTPS port</center>",
        "Client sent an HTTP request to an HTTPS server.\n",
        "Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />",
    ] {
        check(&answered(400, &[], words), &format!("{refused} {expect}"));
    }
    check(&answered(400, &[], "The plain HTTP request was bad"), refused);
}

#[test]
fn credentials_and_redirections() {
    let url = "http://llm.test:8000/v1";
    check(
        &answered(401, &[], ""),
        "The server refused the request with status 401. No credentials were sent, name some with \
         auth.",
    );
    let bearer = Auth::Bearer(Secret::Env("TOKEN".to_owned()));
    let key = Auth::Header { name: "api-key".to_owned(), value: Secret::File("/run/key".into()) };
    for (auth, sent) in [
        (bearer, "bearer token from environment variable TOKEN"),
        (key, "value of api-key from secret file /run/key"),
    ] {
        let target = Target { auth: Some(auth), ..target_at(url) };
        let found = explained(&target, &answered(401, &[], ""), &Findings::default());
        let refused = "The server refused the request with status 401.";
        assert_eq!(&*found, format!("{ASKED}{refused} It was sent the {sent}."));
    }
    let moved = |location: &str| answered(301, &[("location", location)], "");
    let refused = "The server refused the request with status 301.";
    let follow = |location: &str, hint: &str| {
        check(&moved(location), &format!("{refused} It redirects, which is not followed: {hint}."));
    };
    follow("https://llm.test/v1/chat/completions", "expected url: https://llm.test/v1");
    follow("/api/v1/chat/completions?key=hush", "expected url: http://llm.test:8000/api/v1");
    let elsewhere = "It redirects to another place, which is not followed: look at url.";
    check(&moved("https://login.test/hush?token=hush"), &format!("{refused} {elsewhere}"));
}

#[test]
fn without_a_list_of_models() {
    let check = |url: &str, failure: &Failure, status, expect: &str| {
        let target = Target { model: None, ..target_at(url) };
        assert_eq!(&*explain_no_list(&target, failure, status), expect);
    };
    let asked = "It was asked because no model is configured.";
    check(
        "http://h:1/v1/",
        &Failure::new(FailureReason::Connect, "tcp connect error"),
        None,
        &format!(
            "GET http://h:1/v1/models: No TCP connection to the server could be made: tcp connect \
             error. {asked}"
        ),
    );
    check(
        "http://h:1/v1",
        &Failure::new(FailureReason::Timeout, "no model list in 10s"),
        None,
        &format!("GET http://h:1/v1/models: No model list in 10s. {asked}"),
    );
    check(
        "http://h:1/v1",
        &Failure::new(FailureReason::HttpStatus, "the model list answers with status 503"),
        Some(503),
        &format!(
            "GET http://h:1/v1/models: The server refused the request with status 503. {asked}"
        ),
    );
    check(
        "http://h:1",
        &Failure::new(FailureReason::HttpStatus, "the model list answers with status 404"),
        Some(404),
        "GET http://h:1/models: The server refused the request with status 404. There is no /v1 in \
         its path, which most servers want: try url: http://h:1/v1.",
    );
}

#[test]
fn a_text_stays_in_a_line_and_within_limits() {
    let long = format!("a\n\u{1b}[31m{}", "x".repeat(10_000));
    let found =
        explained(&testing::target("t"), &ended(Ending::ConnectFailed(long)), &Findings::default());
    assert!(!found.contains(char::is_control), "{found}");
    assert_eq!(found.chars().count(), MAX_CHARS + 1);
    assert!(found.ends_with('…'), "{found}");
}
