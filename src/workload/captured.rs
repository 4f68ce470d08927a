//! Requests of real users, as a gateway logged them, made fit for being sent again.

use std::fmt;
use std::time::Duration;
use strum::IntoStaticStr;

use serde_json::{Map, Value};

/// Which API a body was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Form {
    /// A conversation under `messages`.
    Chat,
    /// A text under `prompt`.
    Completions,
}

impl Form {
    /// For messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Keys of a body that are not sent: they tell who asked, carry credentials, store the answer at
/// the provider, or ask for several answers in one.
const DROPPED: [&str; 20] = [
    "api_base",
    "api_key",
    "best_of",
    "cache_salt",
    "conversation_id",
    "extra_headers",
    "headers",
    "litellm_call_id",
    "litellm_metadata",
    "litellm_session_id",
    "litellm_trace_id",
    "metadata",
    "n",
    "prompt_cache_key",
    "request_id",
    "safety_identifier",
    "session_id",
    "store",
    "user",
    "user_id",
];

/// A captured request.
#[derive(Clone, PartialEq)]
pub struct Captured {
    /// Which API it is for.
    pub form: Form,
    /// What is sent, but for what the target decides: model, streaming, the limit of tokens.
    pub body: Map<String, Value>,
    /// When it arrived, since the Unix epoch; absent where the log has no times.
    pub at: Option<Duration>,
}

/// Why a body is no request that could be sent. Without the text: what users asked is private.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Of another type.
    #[error("`prompt` is not a text, expected one")]
    Prompt,
    /// Or both.
    #[error("expected either `messages` or `prompt` in the body")]
    Neither,
    /// Of another type, or empty.
    #[error("`messages` is not a list with something in it, expected one")]
    Messages,
    /// Of the message of this number, from 1.
    #[error("message {0} has no role, expected a text")]
    Role(usize),
    /// Of the message of this number, from 1.
    #[error("message {0} has no content, expected a text or a list of parts")]
    Content(usize),
}

/// The form alone: what users asked is not for logs.
impl fmt::Debug for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Captured({})", self.form.as_str())
    }
}

impl Captured {
    /// Makes a body fit for sending.
    ///
    /// # Errors
    /// Says what is missing and was expected, without the text.
    pub fn new(mut body: Map<String, Value>) -> Result<Self, BodyError> {
        let form = match (body.get("messages"), body.get("prompt")) {
            (Some(messages), None) => check_messages(messages).map(|()| Form::Chat)?,
            (None, Some(Value::String(text))) if !text.is_empty() => Form::Completions,
            (None, Some(_)) => return Err(BodyError::Prompt),
            _ => return Err(BodyError::Neither),
        };
        for key in DROPPED {
            body.remove(key);
        }
        for message in messages_mut(&mut body) {
            let called = ["tool", "function"].map(Value::from);
            // A function's name belongs to the conversation, a participant's tells who asked.
            if !message.get("role").is_some_and(|role| called.contains(role)) {
                message.remove("name");
            }
        }
        Ok(Self { form, body, at: None })
    }

    /// The same request with `nonce` in front of its very first words.
    #[must_use]
    pub fn with_nonce(&self, nonce: &str) -> Self {
        let mut captured = self.clone();
        let first = messages_mut(&mut captured.body).find_map(|m| m.get_mut("content"));
        let text = match first {
            Some(Value::Array(parts)) => {
                let part = serde_json::json!({"type": "text", "text": format!("[{nonce}]")});
                parts.insert(0, part);
                return captured;
            }
            Some(text) => Some(text),
            None => captured.body.get_mut("prompt"),
        };
        if let Some(Value::String(text)) = text {
            text.insert_str(0, &format!("[{nonce}] "));
        }
        captured
    }

    /// All its texts, one per line, for counting tokens.
    #[must_use]
    pub fn text(&self) -> String {
        let mut texts: Vec<&str> =
            self.body.get("prompt").and_then(Value::as_str).into_iter().collect();
        let messages = self.body.get("messages").and_then(Value::as_array);
        for content in messages.into_iter().flatten().filter_map(|m| m.get("content")) {
            match content {
                Value::String(text) => texts.push(text),
                Value::Array(parts) => {
                    texts.extend(parts.iter().filter_map(|part| part.get("text")?.as_str()));
                }
                _ => {}
            }
        }
        texts.join("\n")
    }
}

fn messages_mut(body: &mut Map<String, Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    let messages = body.get_mut("messages").and_then(Value::as_array_mut);
    messages.into_iter().flatten().filter_map(Value::as_object_mut)
}

/// Roles and contents are the server's to judge, but not what no server would take.
fn check_messages(messages: &Value) -> Result<(), BodyError> {
    let messages = messages.as_array().filter(|list| !list.is_empty());
    let messages = messages.ok_or(BodyError::Messages)?;
    for (index, message) in messages.iter().enumerate() {
        if !message.get("role").is_some_and(Value::is_string) {
            return Err(BodyError::Role(index + 1));
        }
        let readable = |c: &Value| c.is_string() || c.is_array() || c.is_null();
        if !message.get("content").is_none_or(readable) {
            return Err(BodyError::Content(index + 1));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn captured(body: &Value) -> Captured {
        Captured::new(body.as_object().unwrap().clone()).unwrap()
    }

    #[test]
    fn what_tells_who_asked_is_dropped() {
        let found = captured(&json!({
            "messages": [
                {"role": "user", "name": "hush", "content": "hi"},
                {"role": "tool", "name": "lookup", "tool_call_id": "c1", "content": "x"},
            ],
            "user": "hush", "safety_identifier": "hush", "metadata": {"team": "hush"},
            "prompt_cache_key": "hush", "api_key": "hush", "n": 3, "store": true,
            "temperature": 0.2, "tools": [{"type": "function"}], "seed": 7,
        }));
        let expect = json!({
            "messages": [
                {"role": "user", "content": "hi"},
                {"role": "tool", "name": "lookup", "tool_call_id": "c1", "content": "x"},
            ],
            "temperature": 0.2, "tools": [{"type": "function"}], "seed": 7,
        });
        assert_eq!((Value::Object(found.body), found.form), (expect, Form::Chat));
    }

    #[test]
    fn a_nonce_goes_in_front_of_the_first_words() {
        let check = |body: Value, pointer: &str, expect: Value| {
            let found = Value::Object(captured(&body).with_nonce("ab").body);
            assert_eq!(found.pointer(pointer), Some(&expect), "{found}");
        };
        let text = json!({"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]});
        check(text.clone(), "/messages/0/content", json!("[ab] s"));
        check(text, "/messages/1/content", json!("u"));
        let image = json!({"type": "image_url", "image_url": {"url": "data:x"}});
        let parts = json!({"messages": [{"role": "user", "content": [image]}]});
        check(parts, "/messages/0/content/0", json!({"type": "text", "text": "[ab]"}));
        check(json!({"prompt": "once"}), "/prompt", json!("[ab] once"));
    }

    #[test]
    fn all_texts_count() {
        let body = json!({"messages": [
            {"role": "system", "content": "one"},
            {"role": "assistant", "content": null, "tool_calls": []},
            {"role": "user", "content": [{"type": "text", "text": "two"}, {"type": "image_url"}]},
        ]});
        assert_eq!(captured(&body).text(), "one\ntwo");
        assert_eq!(captured(&json!({"prompt": "three"})).text(), "three");
    }

    #[test]
    fn what_no_server_would_take_is_refused() {
        let check = |body: Value, part: &str| {
            let why = Captured::new(body.as_object().unwrap().clone()).unwrap_err().to_string();
            assert!(why.contains(part) && !why.contains("hush"), "{why}");
        };
        check(json!({"input": "hush"}), "either `messages` or `prompt`");
        check(json!({"messages": [], "prompt": "hush"}), "either `messages` or `prompt`");
        check(json!({"messages": []}), "`messages` is not a list");
        check(json!({"messages": "hush"}), "`messages` is not a list");
        check(json!({"messages": ["hush"]}), "message 1 has no role");
        check(
            json!({"messages": [{"role": "user", "content": {"hush": 1}}]}),
            "message 1 has no content",
        );
        check(json!({"prompt": ["hush"]}), "`prompt` is not a text");
        check(json!({"prompt": ""}), "`prompt` is not a text");
    }
}
