//! Checks on the answer's content.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use regex::Regex;
use serde_json::Value;

use super::judged::Judged;
use crate::answer::degenerate::least_distinct;
use crate::answer::timeline::Finish;

/// The label value of a check that needs no configuration: the server ended the answer because it
/// only repeated itself.
pub const REPETITION: &str = "repetition";
/// The label value of another such check: the answer certainly is no answer.
pub const DEGENERATE: &str = "degenerate";
/// The label value of another such check: there are fewer results than inputs.
pub const RESULTS: &str = "results";

/// One check.
#[derive(Clone)]
pub enum Validator {
    /// The text contains this text.
    Contains(String),
    /// The expression matches somewhere in the text.
    Regex(Regex),
    /// At least so many output tokens.
    MinOutputTokens(u64),
    /// The text is JSON of this form, alone or in one code fence.
    JsonSchema(Schema),
    /// A tool was called as it should be.
    ToolCall(ToolCheck),
    /// Generation ended in one of these ways.
    Finish(Vec<Finish>),
    /// In every window of 64 words, at least this share are different ones.
    MinDistinctRatio(f64),
}

/// What a tool call must be like.
#[derive(Clone, PartialEq)]
pub struct ToolCheck {
    /// The function's name; `None` for any.
    pub name: Option<String>,
    /// The form of the arguments; `None` for any JSON.
    pub arguments: Option<Schema>,
}

/// Why a text is no JSON Schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// Not even JSON.
    #[error("not JSON (line {line}, column {column}), expected a JSON Schema")]
    NotJson {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// JSON, and no schema.
    #[error("not a JSON Schema at `{place}`: {why}")]
    NotASchema {
        /// As a JSON pointer.
        place: String,
        /// Without the values.
        why: String,
    },
}

/// A JSON Schema from a file.
#[derive(Clone)]
pub struct Schema {
    file: PathBuf,
    text: String,
    compiled: Arc<jsonschema::Validator>,
}

impl Schema {
    /// Compiles the text of `file`. Nothing else is read, whatever the schema refers to.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn new(file: &Path, text: String) -> Result<Self, SchemaError> {
        let schema: Value = serde_json::from_str(&text)
            .map_err(|e| SchemaError::NotJson { line: e.line(), column: e.column() })?;
        let compiled = jsonschema::validator_for(&schema).map_err(|e| SchemaError::NotASchema {
            place: e.instance_path().to_string(),
            why: e.masked().to_string(),
        })?;
        Ok(Self { file: file.to_owned(), text, compiled: Arc::new(compiled) })
    }

    /// Where it came from.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    fn accepts(&self, json: &str) -> bool {
        serde_json::from_str(json).is_ok_and(|value| self.compiled.is_valid(&value))
    }
}

/// Equal when their texts are.
impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Validator {
    /// The label values of all kinds that are configured.
    pub const NAMES: [&'static str; 7] = [
        "contains",
        "regex",
        "min_output_tokens",
        "json_schema",
        "tool_call",
        "finish",
        "min_distinct_ratio",
    ];

    /// The label value, also the key in the configuration.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Contains(_) => "contains",
            Self::Regex(_) => "regex",
            Self::MinOutputTokens(_) => "min_output_tokens",
            Self::JsonSchema(_) => "json_schema",
            Self::ToolCall(_) => "tool_call",
            Self::Finish(_) => "finish",
            Self::MinDistinctRatio(_) => "min_distinct_ratio",
        }
    }

    /// Everything that makes it another check of its kind, as one text: for fingerprints.
    #[must_use]
    pub fn identity(&self) -> String {
        match self {
            Self::Contains(text) => text.clone(),
            Self::Regex(regex) => regex.as_str().to_owned(),
            Self::MinOutputTokens(least) => least.to_string(),
            Self::JsonSchema(schema) => schema.text.clone(),
            Self::ToolCall(ToolCheck { name, arguments }) => {
                let schema = arguments.as_ref().map_or("", Schema::text);
                format!("{name:?} {schema}")
            }
            Self::Finish(finishes) => format!("{finishes:?}"),
            Self::MinDistinctRatio(least) => least.to_string(),
        }
    }

    /// Whether the answer passes: every choice of it. An unknown token count fails the minimum.
    #[must_use]
    pub fn accepts(&self, answer: &Judged) -> bool {
        match self {
            Self::Contains(text) => answer.texts.iter().all(|part| part.contains(text)),
            Self::Regex(regex) => answer.texts.iter().all(|part| regex.is_match(part)),
            Self::MinOutputTokens(least) => answer.output_tokens.is_some_and(|n| n >= *least),
            Self::JsonSchema(schema) => {
                answer.texts.iter().all(|part| schema.accepts(without_fence(part)))
            }
            Self::ToolCall(check) => check.accepts(answer),
            Self::Finish(finishes) => answer.finish.is_some_and(|f| finishes.contains(&f)),
            Self::MinDistinctRatio(least) => {
                answer.texts.iter().all(|part| least_distinct(part) >= *least)
            }
        }
    }
}

impl ToolCheck {
    /// Each choice must have a call of the tool, and every one of them must be right.
    fn accepts(&self, answer: &Judged) -> bool {
        answer.calls.iter().all(|calls| {
            let named = |name: &str| self.name.as_ref().is_none_or(|wanted| wanted == name);
            let mut calls = calls.iter().filter(|call| named(&call.name)).peekable();
            calls.peek().is_some()
                && calls.all(|call| match &self.arguments {
                    Some(schema) => schema.accepts(call.arguments()),
                    None => serde_json::from_str::<Value>(call.arguments()).is_ok(),
                })
        })
    }
}

/// The text inside a code fence that is all there is: models like to put JSON into one, and
/// clients are used to taking it out.
fn without_fence(text: &str) -> &str {
    let text = text.trim();
    let inside = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    let inside = inside.and_then(|inside| inside.split_once('\n'));
    match inside {
        Some((language, code)) if !language.contains(['{', '[', '"']) => code,
        _ => text,
    }
}

/// The kind alone: what an answer must contain is not for logs.
impl std::fmt::Debug for Validator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Compiled expressions are equal when their sources are.
impl PartialEq for Validator {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name() && self.identity() == other.identity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::judged::Call;

    fn schema() -> Schema {
        let text = r#"{"type": "object", "required": ["city"],
            "properties": {"city": {"type": "string"}}, "additionalProperties": false}"#;
        Schema::new(Path::new("city.json"), text.to_owned()).unwrap()
    }

    fn text(text: &str) -> Judged {
        Judged { texts: vec![text.to_owned()], ..Judged::default() }
    }

    #[test]
    fn json_of_a_form_alone_or_in_a_fence() {
        let check = Validator::JsonSchema(schema());
        for good in [
            r#"{"city": "Oslo"}"#,
            " {\"city\":\n\"Oslo\"}\n",
            "```json\n{\"city\": \"Oslo\"}\n```",
            "```\n{\"city\": \"Oslo\"}```",
        ] {
            assert!(check.accepts(&text(good)), "{good}");
        }
        for bad in [
            "",
            "Oslo",
            r#"{"city": 7}"#,
            r#"{"city": "Oslo", "country": "Norway"}"#,
            r#"{"city": "Oslo""#,
            "Here it is: ```json\n{\"city\": \"Oslo\"}\n```",
            "```json\n{\"city\": \"Oslo\"}",
        ] {
            assert!(!check.accepts(&text(bad)), "{bad}");
        }
        // Every choice must be right.
        let mut two = text(r#"{"city": "Oslo"}"#);
        two.texts.push("Oslo".to_owned());
        assert!(!check.accepts(&two));
    }

    #[test]
    fn a_schema_refers_to_nothing_outside() {
        let refused = |text: &str| {
            Schema::new(Path::new("s.json"), text.to_owned())
                .err()
                .map(|e| e.to_string())
                .unwrap_or_default()
        };
        assert!(refused("{").starts_with("not JSON (line 1"), "{}", refused("{"));
        assert!(refused(r#"{"type": 7}"#).starts_with("not a JSON Schema"));
        for outside in ["http://127.0.0.1:1/x.json", "file:///etc/hostname"] {
            let why = refused(&format!(r#"{{"$ref": "{outside}"}}"#));
            assert!(why.starts_with("not a JSON Schema"), "{why}");
        }
    }

    #[test]
    fn tool_calls() {
        let called = |calls: &[(&str, &str)]| {
            let call = |(name, arguments): &(&str, &str)| Call::new(name, arguments);
            Judged { calls: vec![calls.iter().map(call).collect()], ..Judged::default() }
        };
        let check = |name: Option<&str>, arguments: Option<Schema>| {
            Validator::ToolCall(ToolCheck { name: name.map(str::to_owned), arguments })
        };
        let weather = check(Some("weather"), Some(schema()));
        let good = ("weather", r#"{"city": "Oslo"}"#);
        assert!(weather.accepts(&called(&[good])));
        assert!(weather.accepts(&called(&[("time", "nonsense"), good])));
        assert!(!weather.accepts(&called(&[])));
        assert!(!weather.accepts(&called(&[("time", r#"{"city": "Oslo"}"#)])));
        assert!(!weather.accepts(&called(&[good, ("weather", r#"{"city": 7}"#)])));
        assert!(!weather.accepts(&called(&[("weather", r#"{"city": "Os"#)])));
        assert!(!weather.accepts(&called(&[("weather", "")])));
        // A tool without parameters may be called without arguments.
        assert!(check(Some("now"), None).accepts(&called(&[("now", "")])));
        assert!(check(None, None).accepts(&called(&[("any", "{}")])));
        assert!(!check(None, None).accepts(&called(&[("any", "{")])));
    }

    #[test]
    fn finishes_and_words() {
        let ended = |finish| Judged { finish, ..Judged::default() };
        let check = Validator::Finish(vec![Finish::Stop, Finish::ToolCalls]);
        assert!(check.accepts(&ended(Some(Finish::Stop))));
        assert!(!check.accepts(&ended(Some(Finish::Length))));
        assert!(!check.accepts(&ended(None)));
        let check = Validator::MinDistinctRatio(0.2);
        assert!(check.accepts(&text("short, short, short")));
        assert!(!check.accepts(&text(&"so it goes ".repeat(40))));
    }
}
