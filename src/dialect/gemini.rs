//! `POST /v1beta/models/M:streamGenerateContent`: Google's Gemini API, which gateways speak, too.
//!
//! Each event is a piece of the whole answer, with the counts so far. Thoughts are counted beside
//! the answer; what is shown of them is a summary.

use serde_json::{Map, Value, json};
use url::form_urlencoded::byte_serialize;

use super::errors::error;
use super::finish::finish;
use super::language::{
    Ask, DecodeError, Dialect, Frame, KeyStyle, Reader, Shape, SharedDialect, path_part,
};
use super::models::ModelPage;
use super::openai::usage::usage;
use super::payload::object_of;
use super::values::{array, call_text, has_text, object, objects, text, whole_number, wrong};
use crate::answer::timeline::{CallDelta, EventKind, Finish, Told, Usage};

/// The name in the configuration.
pub const NAME: &str = "gemini";
/// The list of models, in pages of the most that one may have.
const MODELS: &str = "v1beta/models?pageSize=1000";
/// What the names of models may begin with: the rest of their path.
const COLLECTIONS: [&str; 2] = ["models/", "tunedModels/"];

/// The Gemini API.
#[derive(Debug)]
pub struct Gemini;

/// The constructor.
#[must_use]
pub fn new() -> SharedDialect {
    SharedDialect::new(Gemini)
}

impl Dialect for Gemini {
    fn name(&self) -> &'static str {
        NAME
    }

    fn key(&self) -> KeyStyle {
        KeyStyle::Header("x-goog-api-key")
    }

    /// Without `alt=sse` a stream would be one JSON array.
    fn path(&self, model: &str, shape: Shape) -> String {
        let named = COLLECTIONS.iter().any(|collection| model.starts_with(collection));
        let collection = if named { "" } else { COLLECTIONS[0] };
        let model = path_part(model);
        let method = if shape.stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
        format!("v1beta/{collection}{model}:{method}")
    }

    /// What a system says stands apart from the conversation, and the assistant is called model.
    fn body(&self, ask: &Ask<'_>) -> Map<String, Value> {
        let (system, others): (Vec<_>, Vec<_>) =
            ask.prompt.messages.iter().partition(|message| message.role == "system");
        let part = |m: &&crate::workload::Message| json!({"text": m.content});
        let content = |m: &&crate::workload::Message| {
            let role = if m.role == "assistant" { "model" } else { "user" };
            json!({"role": role, "parts": [part(m)]})
        };
        let mut body = Map::new();
        if !system.is_empty() {
            let parts: Value = system.iter().map(part).collect();
            body.insert("systemInstruction".to_owned(), json!({"parts": parts}));
        }
        body.insert("contents".to_owned(), others.iter().map(content).collect());
        let limit = json!({"maxOutputTokens": ask.max_output_tokens});
        body.insert("generationConfig".to_owned(), limit);
        body
    }

    fn reader(&self, _: Shape) -> Box<dyn Reader> {
        Box::new(CandidateReader::default())
    }

    fn models(&self) -> &'static str {
        MODELS
    }

    /// Those that generate, without the name of their collection.
    fn model_page(&self, page: &Value) -> Option<ModelPage> {
        let only = ModelPage::only(page)?;
        let generates = |model: &&Map<String, Value>| {
            let methods = model.get("supportedGenerationMethods").and_then(Value::as_array);
            methods.is_none_or(|methods| methods.iter().any(|method| method == "generateContent"))
        };
        let Some(root) = page.as_object().filter(|page| page.contains_key("models")) else {
            return Some(only);
        };
        let models = objects(root, "models").filter(generates);
        let names = models
            .filter_map(|model| model.get("name")?.as_str())
            .map(|name| name.strip_prefix(COLLECTIONS[0]).unwrap_or(name).to_owned());
        let next = root.get("nextPageToken").and_then(Value::as_str).filter(|t| !t.is_empty());
        let next = next.map(|token| {
            let token: String = byte_serialize(token.as_bytes()).collect();
            format!("{MODELS}&pageToken={token}")
        });
        Some(ModelPage { names: names.collect(), next })
    }
}

#[derive(Debug, Default)]
struct CandidateReader {
    /// Calls so far, which have no numbers of their own.
    calls: u32,
}

impl Reader for CandidateReader {
    fn frame(&mut self, frame: &Frame<'_>, told: &mut Vec<Told>) -> Result<(), DecodeError> {
        let Some(root) = object_of(frame, told)? else { return Ok(()) };
        // Usage goes before the content of its frame: it counts the tokens up to and including it.
        told.extend(counts(&root).map(EventKind::Usage).map(Told::whole));
        if let Some(message) = error(frame, &root) {
            told.push(Told::whole(EventKind::Error(message)));
            return Ok(());
        }
        for candidate in array(&root, "candidates")? {
            let Value::Object(candidate) = candidate else {
                return Err(wrong("an element of `candidates`", "an object", candidate));
            };
            let index = candidate.get("index").and_then(whole_number).unwrap_or(0);
            let choice = u32::try_from(index).unwrap_or(u32::MAX);
            let mut events = Vec::new();
            if let Some(content) = object(candidate, "content")? {
                self.content(content, &mut events)?;
            }
            events.extend(finish(candidate, "finishReason"));
            told.extend(events.into_iter().map(|kind| Told { choice, kind }));
        }
        // A prompt that is refused has no candidates.
        let feedback = object(&root, "promptFeedback")?;
        if feedback.is_some_and(|feedback| has_text(feedback, "blockReason")) {
            told.push(Told::whole(EventKind::Finish(Finish::ContentFilter)));
        }
        Ok(())
    }
}

impl CandidateReader {
    /// Thoughts, answer and calls, each of them as one piece: that is how they came.
    fn content(
        &mut self,
        content: &Map<String, Value>,
        events: &mut Vec<EventKind>,
    ) -> Result<(), DecodeError> {
        let (mut thoughts, mut answer, mut calls) = (String::new(), String::new(), Vec::new());
        let mut signed = false;
        for part in objects(content, "parts") {
            signed |= has_text(part, "thoughtSignature");
            let words = text(part, "text")?.unwrap_or_default();
            if part.get("thought") == Some(&Value::Bool(true)) {
                thoughts.push_str(&words);
            } else {
                answer.push_str(&words);
            }
            // What the server runs by itself, too; what that gives back was not generated.
            let run = part.get("executableCode").and_then(Value::as_object);
            let call = part.get("functionCall").and_then(Value::as_object).or(run);
            calls.extend(call.map(|call| self.call(call)));
            // A picture, or sound.
            let media = part.get("inlineData").is_some_and(Value::is_object);
            signed |= media;
        }
        if !thoughts.is_empty() {
            events.extend([EventKind::Hidden, EventKind::Reasoning(thoughts)]);
        } else if signed {
            events.push(EventKind::Hidden);
        }
        events.extend(Some(answer).filter(|text| !text.is_empty()).map(EventKind::Content));
        events.extend(EventKind::called(calls));
        Ok(())
    }

    fn call(&mut self, call: &Map<String, Value>) -> CallDelta {
        let index = self.calls;
        self.calls = self.calls.saturating_add(1);
        let arguments = call.get("args").or_else(|| call.get("code"));
        CallDelta {
            index,
            id: call_text(call.get("id")),
            name: call_text(call.get("name")),
            arguments: call_text(arguments),
        }
    }
}

/// Thoughts are counted beside the answer, except where the total says that they are within.
fn counts(root: &Map<String, Value>) -> Option<Usage> {
    let counted = usage(root.get("usageMetadata")?.as_object()?, false)?;
    let both = counted.output.unwrap_or(0).checked_add(counted.reasoning.unwrap_or(0))?;
    let answered = counted.output.is_some() || counted.reasoning.is_some();
    let without = counted.input.zip(counted.output).map(|(input, output)| input + output);
    let within = counted.total.is_some() && without == counted.total;
    let output = if within { counted.output } else { Some(both).filter(|_| answered) };
    // The total has done its work; prompts of tools, which it holds as well, would only confuse.
    Some(Usage { output, total: None, ..counted })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::timeline::ToolDelta;

    fn told(frames: &[Value]) -> Vec<EventKind> {
        let mut reader = new().reader(Shape { stream: true });
        let mut told = Vec::new();
        for frame in frames {
            let data = frame.to_string();
            let frame = Frame { event: "", data: &data, whole: false, bare: false };
            reader.frame(&frame, &mut told).unwrap();
        }
        told.into_iter().map(|told| told.kind).collect()
    }

    fn parts(parts: &Value) -> Value {
        json!({"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0}]})
    }

    fn content(text: &str) -> EventKind {
        EventKind::Content(text.to_owned())
    }

    fn called(index: u32, name: &str, arguments: &str) -> CallDelta {
        let (id, name, arguments) = (String::new(), name.to_owned(), arguments.to_owned());
        CallDelta { index, id, name, arguments }
    }

    #[test]
    fn what_came_as_one_is_one() {
        let both = parts(&json!([{"text": "so", "thought": true}, {"text": "a"}, {"text": "b"}]));
        let so = EventKind::Reasoning("so".to_owned());
        assert_eq!(told(&[both]), [EventKind::Hidden, so, content("ab")]);
        let sealed = parts(&json!([{"text": "", "thoughtSignature": "x"}]));
        assert_eq!(told(&[sealed]), [EventKind::Hidden]);
        let nothing = [parts(&json!([])), parts(&json!([{"text": ""}])), parts(&Value::Null)];
        assert!(told(&nothing).is_empty());
    }

    #[test]
    fn calls_are_numbered_and_results_are_not_generated() {
        let call = |city: &str| json!({"functionCall": {"name": "look", "args": {"city": city}}});
        let run = json!({"executableCode": {"language": "PYTHON", "code": "1+1"}});
        let result = json!({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}});
        let frames = [parts(&json!([call("a"), call("b")])), parts(&json!([run, result]))];
        let mut two = ToolDelta::default();
        two.add(Some(called(0, "look", "{\"city\":\"a\"}")));
        two.add(Some(called(1, "look", "{\"city\":\"b\"}")));
        let code = EventKind::called([called(2, "", "1+1")]).unwrap();
        assert_eq!(told(&frames), [EventKind::ToolCall(two), code]);
    }

    #[test]
    fn thoughts_are_counted_beside_the_answer() {
        let check = |report: Value, expect: (Option<u64>, Option<u64>)| {
            let events = told(&[json!({"usageMetadata": report})]);
            let [EventKind::Usage(usage)] = events[..] else { panic!("{events:?}") };
            assert_eq!((usage.generated(), usage.reasoning), expect, "{report}");
            assert_eq!(usage.input, Some(9), "{report}");
        };
        let report = |answer: Value, thoughts: Value, total: u64| {
            json!({"promptTokenCount": 9, "candidatesTokenCount": answer,
                "thoughtsTokenCount": thoughts, "totalTokenCount": total})
        };
        check(report(json!(29), json!(256), 294), (Some(285), Some(256)));
        check(report(json!(29), json!(20), 38), (Some(29), Some(20)));
        check(report(json!(29), Value::Null, 38), (Some(29), None));
        check(report(Value::Null, json!(256), 265), (Some(256), Some(256)));
        check(report(Value::Null, Value::Null, 9), (None, None));
        // With the prompts of tools.
        check(report(json!(29), json!(20), 100), (Some(49), Some(20)));
    }

    #[test]
    fn every_end_says_what_it_is() {
        let check = |reason: &str, expect: Option<Finish>| {
            let found = told(&[json!({"candidates": [{"finishReason": reason}]})]);
            assert_eq!(found, expect.map(EventKind::Finish).into_iter().collect::<Vec<_>>());
        };
        check("STOP", Some(Finish::Stop));
        check("MAX_TOKENS", Some(Finish::Length));
        for reason in ["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"] {
            check(reason, Some(Finish::ContentFilter));
        }
        check("MALFORMED_FUNCTION_CALL", Some(Finish::Other));
        check("FINISH_REASON_UNSPECIFIED", None);
        let blocked = json!({"promptFeedback": {"blockReason": "SAFETY"}});
        assert_eq!(told(&[blocked]), [EventKind::Finish(Finish::ContentFilter)]);
        let rated = json!({"promptFeedback": {"safetyRatings": []}});
        assert!(told(&[rated]).is_empty());
        let error = json!({"error": {"code": 503, "message": "no", "status": "UNAVAILABLE"}});
        assert_eq!(told(&[error]), [EventKind::Error("no".to_owned())]);
    }

    #[test]
    fn the_model_is_in_the_path() {
        let path = |model: &str, stream| new().path(model, Shape { stream });
        assert_eq!(path("m", true), "v1beta/models/m:streamGenerateContent?alt=sse");
        assert_eq!(path("models/m", false), "v1beta/models/m:generateContent");
        assert_eq!(path("tunedModels/m", false), "v1beta/tunedModels/m:generateContent");
        assert_eq!(path("a?b#c%", false), "v1beta/models/a%3Fb%23c%25:generateContent");
    }

    #[test]
    fn models_that_generate_are_listed() {
        let model = |name: &str, methods: &[&str]| json!({"name": name, "supportedGenerationMethods": methods});
        let page = json!({"models": [model("models/a", &["generateContent", "countTokens"]),
            model("models/b", &["embedContent"]), {"name": "tunedModels/c"}], "nextPageToken": "x="});
        let expect = ModelPage {
            names: vec!["a".to_owned(), "tunedModels/c".to_owned()],
            next: Some("v1beta/models?pageSize=1000&pageToken=x%3D".to_owned()),
        };
        assert_eq!(new().model_page(&page), Some(expect));
        assert_eq!(new().model_page(&json!({"error": {"code": 401, "message": "no"}})), None);
    }

    #[test]
    fn the_system_stands_apart() {
        let say = |role: &str, content: &str| crate::workload::Message {
            role: role.to_owned(),
            content: content.to_owned(),
        };
        let messages =
            vec![say("system", "Be brief."), say("user", "Hello?"), say("assistant", "Yes.")];
        let prompt = crate::workload::Prompt::new(messages);
        let ask = Ask {
            model: "m",
            prompt: &prompt,
            max_output_tokens: 7,
            limit_key: crate::workload::LimitKey::MaxTokens,
            usage: super::super::AskUsage::AtTheEnd,
            shape: Shape { stream: true },
        };
        let expect = json!({"systemInstruction": {"parts": [{"text": "Be brief."}]},
            "contents": [{"role": "user", "parts": [{"text": "Hello?"}]},
                {"role": "model", "parts": [{"text": "Yes."}]}],
            "generationConfig": {"maxOutputTokens": 7}});
        assert_eq!(Value::Object(new().body(&ask)), expect);
    }
}
