//! What each fault looks like on the wire.

use super::*;

async fn stream_with(fault: Fault) -> Answer {
    Client::new(with_fault(fault)).await.chat(&chat()).await
}

async fn whole_with(fault: Fault) -> Answer {
    Client::new(with_fault(fault)).await.chat(&whole()).await
}

#[tokio::test(start_paused = true)]
async fn an_error_event_comes_under_200_and_is_followed_by_done() {
    let fault = Fault::ErrorEvent { after_tokens: 2 };
    let answer = stream_with(fault).await;
    assert_eq!(answer.status, 200);
    let error = "220 error scripted failure of the engine";
    check_events(&answer, &["200 role assistant", "200 token", "210 token", error, "220 done"]);
    let expect = concat!(
        r#"data: {"error":{"code":500,"message":"scripted failure of the engine","#,
        r#""param":null,"type":"InternalServerError"}}"#,
        "\n\n"
    );
    assert_eq!(answer.frames[3].1, expect);
    let whole = whole_with(fault).await;
    assert_eq!((whole.status.as_u16(), whole.head_at), (200, 220));
    assert_eq!(whole.json()["error"]["code"], 500);
}

#[tokio::test(start_paused = true)]
async fn a_truncated_answer_ends_cleanly_without_finish() {
    let fault = Fault::Truncate { after_tokens: 2 };
    let answer = stream_with(fault).await;
    check_events(&answer, &["200 role assistant", "200 token", "210 token"]);
    assert!(answer.clean);
    let whole = whole_with(fault).await;
    assert_eq!(whole.json()["choices"][0]["finish_reason"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_fault_beyond_the_answer_comes_at_its_end() {
    let mut client = Client::new(with_fault(Fault::Truncate { after_tokens: 99 })).await;
    let mut body = chat();
    body["max_tokens"] = json!(1);
    let answer = client.chat(&body).await;
    check_events(&answer, &["200 role assistant", "200 token"]);
    assert!(answer.clean);
}

#[tokio::test(start_paused = true)]
async fn the_last_event_is_cut_in_mid_json() {
    let fault = Fault::CutJson { after_tokens: 1 };
    let answer = stream_with(fault).await;
    check_events(&answer, &["200 role assistant", "200 token", "210 cut"]);
    assert!(answer.clean);
    assert!(answer.frames[2].1.starts_with(r#"data: {"id":"chatcmpl-"#));
    let whole = whole_with(fault).await;
    assert!(whole.clean && serde_json::from_str::<Value>(&whole.text()).is_err());
    assert!(whole.text().starts_with(r#"{"id":"chatcmpl-"#));
}

#[tokio::test(start_paused = true)]
async fn a_cut_body_loses_its_connection() {
    let fault = Fault::CutBody { after_tokens: 1 };
    let answer = stream_with(fault).await;
    check_events(&answer, &["200 role assistant", "200 token"]);
    assert!(!answer.clean);
    let whole = whole_with(fault).await;
    assert!(!whole.clean && whole.text().starts_with(r#"{"id":"#));
}

#[tokio::test(start_paused = true)]
async fn a_stall_is_silence_and_then_the_rest() {
    let fault = Fault::Stall { after_tokens: 2, pause: 5000 * MS };
    let answer = stream_with(fault).await;
    assert_eq!(answer.content_at(), [200, 210, 5220, 5230, 5240]);
    assert!(answer.text().ends_with("data: [DONE]\n\n"));
    assert_eq!(whole_with(fault).await.head_at, 5240);
    let first = Fault::Stall { after_tokens: 0, pause: 5000 * MS };
    assert_eq!(stream_with(first).await.content_at()[0], 5200);
}

#[tokio::test(start_paused = true)]
async fn an_html_page_comes_under_200() {
    let answer = stream_with(Fault::Html).await;
    assert_eq!((answer.status.as_u16(), answer.head_at), (200, 0));
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(answer.text().starts_with("<!DOCTYPE html>"));
}

#[tokio::test(start_paused = true)]
async fn an_empty_answer_has_everything_but_content() {
    let answer = stream_with(Fault::Empty).await;
    let expect = ["200 role assistant", "200 nothing stop", "200 usage 4+0", "200 done"];
    check_events(&answer, &expect);
    let whole = whole_with(Fault::Empty).await;
    assert_eq!(whole.head_at, 200);
    assert_eq!(whole.json()["choices"][0]["message"]["content"], "");
    assert_eq!(whole.json()["choices"][0]["finish_reason"], "stop");
}

#[tokio::test(start_paused = true)]
async fn a_status_is_an_error_in_openai_form() {
    let answer = stream_with(Fault::HttpStatus(StatusCode::SERVICE_UNAVAILABLE)).await;
    assert_eq!((answer.status.as_u16(), answer.head_at), (503, 0));
    let expect = json!({"error": {"message": "scripted failure", "type": "InternalServerError",
        "param": null, "code": 503}});
    assert_eq!(answer.json(), expect);
}

#[tokio::test(start_paused = true)]
async fn throttling_says_when_to_come_again() {
    let answer = stream_with(Fault::Throttle { retry_after: 1500 * MS }).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, Some("2")));
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_gets_no_response() {
    let mut client = Client::new(with_fault(Fault::Refuse)).await;
    let body = Full::new(Bytes::from(chat().to_string()));
    let request = Request::post("/v1/chat/completions").header("host", "s").body(body);
    let error = client.send(request.expect("a request")).await.expect_err("no response");
    assert!(error.is_incomplete_message(), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn done_can_be_slow() {
    let answer = stream_with(Fault::SlowDone { pause: 1000 * MS }).await;
    let tail = answer.events().split_off(7);
    let expect = [(240, "usage 4+5".to_owned()), (1240, "done".to_owned())];
    assert_eq!(tail, expect);
}

#[tokio::test(start_paused = true)]
async fn usage_can_be_kept_back() {
    assert!(!stream_with(Fault::NoUsage).await.text().contains("usage"));
    assert_eq!(whole_with(Fault::NoUsage).await.json()["usage"], Value::Null);
    let silent = SimulatorConfig { usage: false, ..exact() };
    assert!(!Client::new(silent).await.chat(&chat()).await.text().contains("usage"));
}

#[tokio::test(start_paused = true)]
async fn the_role_can_come_before_the_prefill() {
    let answer = stream_with(Fault::RoleFirst).await;
    let events = answer.events();
    assert_eq!(events[0], (0, "role assistant".to_owned()));
    assert_eq!(events[1], (200, "token".to_owned()));
    assert!(!events[1..].iter().any(|(_, event)| event.starts_with("role")));
}

#[tokio::test(start_paused = true)]
async fn a_burst_is_sent_when_its_last_token_is_ready() {
    let answer = stream_with(Fault::Burst { tokens: 2 }).await;
    assert_eq!(answer.content_at(), [210, 210, 230, 230, 240]);
    let writes: Vec<usize> =
        answer.frames.iter().map(|(_, f)| f.matches("data: ").count()).collect();
    assert_eq!(writes, [1, 2, 2, 1, 1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_burst_stops_where_another_fault_begins() {
    let mut config = with_fault(Fault::Burst { tokens: 4 });
    config.faults.push(Chance::always(Fault::ErrorEvent { after_tokens: 2 }));
    let answer = Client::new(config).await.chat(&chat()).await;
    let error = "220 error scripted failure of the engine";
    check_events(&answer, &["200 role assistant", "210 token", "210 token", error, "220 done"]);
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_a_phase_ends_with_the_phase() {
    let phase = Phase {
        after: 1000 * MS,
        lasts: Some(1000 * MS),
        faults: vec![Chance::always(Fault::HttpStatus(StatusCode::BAD_GATEWAY))],
        ..Phase::default()
    };
    let mut client = Client::new(SimulatorConfig { script: vec![phase], ..exact() }).await;
    for (at, expect) in [(0, 200), (1000, 502), (1999, 502), (2000, 200)] {
        tokio::time::sleep_until(client.start + at * MS).await;
        assert_eq!(client.chat(&chat()).await.status.as_u16(), expect, "{at}");
    }
}
