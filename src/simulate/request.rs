//! What a request asks for, in whatever dialect, and the complaints about those that ask badly.

use http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::complaint::Complaint;
use super::config::{ANSWER_TOKENS, SimulatorConfig};

/// A request that can be answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ask {
    pub stream: bool,
    /// Whether tokens are to be counted.
    pub wants_usage: bool,
    /// Everything the model would read; kept for the prefix cache and never shown.
    pub prompt: String,
    pub input_tokens: u32,
    /// Length of a complete answer.
    pub output_tokens: u32,
    /// Whether the answer is that long because the request said so.
    pub cut_by_limit: bool,
}

/// What a request says it wants, in whatever dialect.
pub(super) struct Wanted {
    /// Everything the model would read.
    pub prompt: String,
    pub stream: bool,
    /// Whether tokens are to be counted.
    pub usage: bool,
    /// The largest number of tokens in the answer.
    pub limit: Option<u32>,
    /// Whether the answer goes on up to the limit.
    pub ignore_eos: bool,
}

impl Wanted {
    /// The request, unless its limit is none.
    pub fn ask(self, config: &SimulatorConfig) -> Result<Ask, Complaint> {
        if self.limit == Some(0) {
            let message = "`max_tokens` is 0, expected at least 1".to_owned();
            return Err(Complaint::bad_request(message, "max_tokens"));
        }
        let own_length = if self.ignore_eos { *ANSWER_TOKENS.end() } else { config.answer_tokens };
        Ok(Ask {
            stream: self.stream,
            wants_usage: self.usage,
            input_tokens: count_tokens(&self.prompt),
            prompt: self.prompt,
            output_tokens: self.limit.map_or(config.answer_tokens, |limit| limit.min(own_length)),
            cut_by_limit: self.limit.is_some_and(|limit| limit <= own_length),
        })
    }
}

/// The shapes in which text comes: as it is, in parts, as token numbers.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Text {
    Plain(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Part {
    Plain(String),
    Typed { text: Option<String> },
    Token(u64),
    Tokens(Vec<u64>),
}

impl Text {
    pub fn push_to(&self, prompt: &mut String) {
        match self {
            Self::Plain(text) => push_line(prompt, text),
            Self::Parts(parts) => parts.iter().for_each(|part| part.push_to(prompt)),
        }
    }
}

impl Part {
    fn push_to(&self, prompt: &mut String) {
        match self {
            Self::Plain(text) => push_line(prompt, text),
            Self::Typed { text } => push_line(prompt, text.as_deref().unwrap_or_default()),
            Self::Token(token) => push_line(prompt, &format!("{:04x}", token % 0x1_0000)),
            Self::Tokens(tokens) => {
                for token in tokens {
                    push_line(prompt, &format!("{:04x}", token % 0x1_0000));
                }
            }
        }
    }
}

fn push_line(prompt: &mut String, text: &str) {
    prompt.push_str(text);
    prompt.push('\n');
}

/// Four characters of a word are one token, and a rest of a word is one more.
pub(super) fn count_tokens(text: &str) -> u32 {
    let tokens: usize = text.split_whitespace().map(|w| w.chars().count().div_ceil(4)).sum();
    u32::try_from(tokens).unwrap_or(u32::MAX)
}

pub(super) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, Complaint> {
    serde_json::from_slice(body).map_err(|error| {
        // serde's text may quote the value, which may be a prompt: the place says enough.
        let what = if error.is_data() { "a field of the wrong type" } else { "not valid JSON" };
        let (line, column) = (error.line(), error.column());
        Complaint::bad_request(format!("{what} at line {line} column {column}"), "body")
    })
}

pub(super) fn check_model(asked: Option<&str>, own: &str) -> Result<(), Complaint> {
    match asked {
        Some(model) if model != own => Err(Complaint {
            status: StatusCode::NOT_FOUND,
            kind: "NotFoundError",
            message: format!("The model `{model}` does not exist. Valid models: {own}."),
            param: Some("model"),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::speak::SPEAKERS;

    /// Which dialect.
    #[derive(Clone, Copy)]
    enum Kind {
        Chat,
        Completion,
    }

    fn ask(kind: Kind, body: &str) -> Result<Ask, String> {
        let (head, ()) = http::Request::new(()).into_parts();
        let speaker = match kind {
            Kind::Chat => SPEAKERS[0],
            Kind::Completion => SPEAKERS[1],
        };
        speaker
            .read(&head, body.as_bytes(), &SimulatorConfig::default())
            .map_err(|complaint| format!("{} {}", complaint.status.as_u16(), complaint.message))
    }

    #[test]
    fn tokens_are_counted_by_words_and_characters() {
        let check = |text: &str, expect: u32| assert_eq!(count_tokens(text), expect, "{text}");
        check("", 0);
        check("one two three", 4);
        check("a bb cccc ddddd", 5);
        check("süße Äpfel\n", 3);
    }

    #[test]
    fn every_shape_of_prompt_is_read() {
        let check = |kind: Kind, body: &str, tokens: u32| {
            assert_eq!(ask(kind, body).map(|a| a.input_tokens), Ok(tokens), "{body}");
        };
        check(Kind::Chat, r#"{"messages":[{"role":"user","content":"one two"}]}"#, 2);
        check(Kind::Chat, r#"{"messages":[{"content":null},{"content":"one"}]}"#, 1);
        let parts = r#"{"messages":[{"content":[{"type":"text","text":"one two"},{"type":"x"}]}]}"#;
        check(Kind::Chat, parts, 2);
        check(Kind::Completion, r#"{"prompt":"one two"}"#, 2);
        check(Kind::Completion, r#"{"prompt":["one","two three"]}"#, 4);
        check(Kind::Completion, r#"{"prompt":[15339, 1917, 0]}"#, 3);
        check(Kind::Completion, r#"{"prompt":[[15339, 1917]]}"#, 2);
    }

    #[test]
    fn the_limit_of_the_request_ends_the_answer() {
        let check = |fields: &str, tokens: u32, cut: bool| {
            let body = format!(r#"{{"prompt":"x"{fields}}}"#);
            let ask = ask(Kind::Completion, &body).expect("a good request");
            assert_eq!((ask.output_tokens, ask.cut_by_limit), (tokens, cut), "{fields}");
        };
        check("", 64, false);
        check(r#","max_tokens":63"#, 63, true);
        check(r#","max_tokens":64"#, 64, true);
        check(r#","max_tokens":65"#, 64, false);
        check(r#","max_tokens":9,"max_completion_tokens":5"#, 5, true);
        check(r#","max_tokens":500,"ignore_eos":true"#, 500, true);
        check(r#","max_tokens":4000000000,"ignore_eos":true"#, 100_000, false);
        check(r#","ignore_eos":true"#, 64, false);
    }

    #[test]
    fn bad_requests_are_told_why_without_quoting_them() {
        let check = |kind: Kind, body: &str, expect: &str| {
            assert_eq!(ask(kind, body).expect_err(body), expect);
        };
        check(Kind::Chat, "{", "400 not valid JSON at line 1 column 1");
        check(Kind::Chat, "{}", "400 `messages` is missing or empty");
        check(Kind::Chat, r#"{"messages":[]}"#, "400 `messages` is missing or empty");
        check(Kind::Completion, "{}", "400 `prompt` is missing");
        let zero = r#"{"prompt":"x","max_tokens":0}"#;
        check(Kind::Completion, zero, "400 `max_tokens` is 0, expected at least 1");
        let model = "404 The model `other` does not exist. Valid models: simulated.";
        check(Kind::Chat, r#"{"model":"other"}"#, model);
        let secret = r#"{"messages":"a secret"}"#;
        check(Kind::Chat, secret, "400 a field of the wrong type at line 1 column 22");
    }
}
