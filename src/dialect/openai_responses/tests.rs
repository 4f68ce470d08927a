//! What each event tells, alone and after others.

use super::*;
use crate::answer::timeline::ToolDelta;

/// What these events tell, of which one without a type may be a whole body.
fn told(frames: &[Value]) -> Vec<EventKind> {
    let mut reader = new().reader(Shape { stream: true });
    let mut told = Vec::new();
    for frame in frames {
        let event = frame["type"].as_str().unwrap_or_default();
        let data = frame.to_string();
        let frame = Frame { event, data: &data, whole: event.is_empty(), bare: false };
        reader.frame(&frame, &mut told).unwrap();
    }
    told.into_iter().map(|told| told.kind).collect()
}

fn content(text: &str) -> EventKind {
    EventKind::Content(text.to_owned())
}

fn reasoning(text: &str) -> EventKind {
    EventKind::Reasoning(text.to_owned())
}

fn called(index: u32, id: &str, name: &str, arguments: &str) -> EventKind {
    let (id, name, arguments) = (id.to_owned(), name.to_owned(), arguments.to_owned());
    let mut called = ToolDelta::default();
    called.add(Some(CallDelta { index, id, name, arguments }));
    EventKind::ToolCall(called)
}

fn end(kind: &str, response: &Value) -> Value {
    json!({"type": kind, "response": response})
}

const STOP: [EventKind; 2] = [EventKind::Finish(Finish::Stop), EventKind::Done];

#[test]
fn what_was_told_in_deltas_is_not_told_again() {
    let part = json!({"type": "output_text", "text": "ab"});
    let item = json!({"type": "message", "id": "m", "content": [part]});
    let frames = [
        json!({"type": "response.output_text.delta", "item_id": "m", "delta": "a"}),
        json!({"type": "response.created", "response": {"status": "in_progress"}}),
        json!({"type": "response.output_text.delta", "item_id": "m", "delta": "b", "obfuscation": "x"}),
        json!({"type": "response.output_text.delta", "item_id": "m", "delta": ""}),
        json!({"type": "response.output_text.done", "item_id": "m", "text": "ab"}),
        json!({"type": "response.content_part.done", "item_id": "m", "part": part}),
        json!({"type": "response.output_item.done", "item": item}),
        end("response.completed", &json!({"status": "completed", "output": [item]})),
    ];
    assert_eq!(told(&frames), [&[content("a"), content("b")][..], &STOP].concat());
}

#[test]
fn what_was_told_nowhere_else_is_told_when_it_is_done() {
    let call = |id: &str, arguments: &str| json!({"type": "function_call", "call_id": id, "name": "look", "arguments": arguments});
    let added = |index: u32, item: Value| json!({"type": "response.output_item.added", "output_index": index, "item": item});
    let done = |index: u32, item: Value| json!({"type": "response.output_item.done", "output_index": index, "item": item});
    let delta = json!({"type": "response.function_call_arguments.delta", "output_index": 0,
        "delta": "{}"});
    let frames = [
        added(0, call("c", "")),
        delta,
        done(0, call("c", "{}")),
        added(1, call("d", "")),
        done(1, call("d", "{\"a\":1}")),
    ];
    let expect = [
        called(0, "c", "look", ""),
        called(0, "", "", "{}"),
        called(1, "d", "look", ""),
        called(1, "d", "", "{\"a\":1}"),
    ];
    assert_eq!(told(&frames), expect);
    // Nothing but the final object.
    let message = json!({"type": "message", "content": [{"type": "output_text", "text": "a"},
        {"type": "refusal", "refusal": "b"}]});
    let output = json!([message, {"type": "web_search_call"}, call("c", "{}")]);
    let whole = json!({"object": "response", "status": "completed", "output": output});
    let all = [content("a"), content("b"), called(2, "c", "look", "{}")];
    assert_eq!(told(&[end("response.completed", &whole)]), [&all[..], &STOP].concat());
    assert_eq!(told(&[whole]), [&all[..], &STOP[..1]].concat());
}

#[test]
fn reasoning_is_shown_or_summed_up_or_sealed() {
    let delta = |kind: &str| json!({"type": kind, "output_index": 0, "delta": "so"});
    let item = |key: &str, value: Value| {
        json!({"type": "response.output_item.done", "output_index": 0,
            "item": {"type": "reasoning", key: value}})
    };
    let shown = [delta("response.reasoning_text.delta"), item("content", json!([{"text": "so"}]))];
    assert_eq!(told(&shown), [reasoning("so")]);
    let summary =
        [delta("response.reasoning_summary_text.delta"), item("encrypted_content", json!("x"))];
    assert_eq!(told(&summary), [EventKind::Hidden, reasoning("so")]);
    let sealed = item("encrypted_content", json!("x"));
    assert_eq!(told(&[sealed.clone(), sealed]), [EventKind::Hidden]);
    let part = json!({"type": "response.reasoning_part.done", "output_index": 0,
        "part": {"type": "reasoning_text", "text": "so"}});
    assert_eq!(told(&[part]), [reasoning("so")]);
}

#[test]
fn every_end_says_what_it_is() {
    let usage = json!({"input_tokens": 7, "input_tokens_details": {"cached_tokens": 3},
        "output_tokens": 9, "output_tokens_details": {"reasoning_tokens": 5}, "total_tokens": 16});
    let counted = EventKind::Usage(Usage {
        input: Some(7),
        cached_input: Some(3),
        output: Some(9),
        reasoning: Some(5),
        total: Some(16),
    });
    let ended = |kind: &str, status: &str, reason: Option<&str>| {
        let details = reason.map(|reason| json!({"reason": reason}));
        let mut events = told(&[end(
            kind,
            &json!({"status": status, "incomplete_details": details, "usage": usage}),
        )]);
        assert_eq!((events.remove(0), events.pop()), (counted.clone(), Some(EventKind::Done)));
        events.pop()
    };
    let finish = |finish| Some(EventKind::Finish(finish));
    assert_eq!(ended("response.completed", "completed", None), finish(Finish::Stop));
    let limit = Some("max_output_tokens");
    assert_eq!(ended("response.incomplete", "incomplete", limit), finish(Finish::Length));
    assert_eq!(ended("response.completed", "incomplete", limit), finish(Finish::Length));
    assert_eq!(ended("response.incomplete", "in_progress", None), finish(Finish::Other));
    let filter = Some("content_filter");
    assert_eq!(ended("response.incomplete", "incomplete", filter), finish(Finish::ContentFilter));
    for kind in ["response.failed", "response.cancelled"] {
        let error = ended(kind, kind.strip_prefix("response.").unwrap(), None);
        assert!(matches!(error, Some(EventKind::Error(_))), "{kind}: {error:?}");
    }
}

#[test]
fn errors_in_every_place() {
    let no = EventKind::Error("no".to_owned());
    let failed = end("response.failed", &json!({"status": "failed", "error": {"message": "no"}}));
    assert_eq!(told(&[failed]), [no.clone(), EventKind::Done]);
    for error in [
        json!({"type": "error", "code": "x", "message": "no", "param": null}),
        json!({"type": "error", "error": {"type": "x", "message": "no"}}),
        json!({"error": {"message": "no"}}),
        json!({"object": "response", "status": "failed", "error": {"message": "no"}}),
    ] {
        assert_eq!(told(&[error]), std::slice::from_ref(&no));
    }
}

#[test]
fn calls_with_ids_alone_are_told_apart() {
    let call = |id: &str| {
        json!({"type": "response.output_item.added",
            "item": {"type": "function_call", "id": id, "name": "look"}})
    };
    let delta = |id: &str| json!({"type": "response.function_call_arguments.delta", "item_id": id, "delta": "{"});
    let frames = [call("a"), call("b"), delta("a"), delta("b")];
    let expect = [
        called(0, "a", "look", ""),
        called(1, "b", "look", ""),
        called(0, "a", "", "{"),
        called(1, "b", "", "{"),
    ];
    assert_eq!(told(&frames), expect);
}
