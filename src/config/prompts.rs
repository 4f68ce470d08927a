//! Prompt files: one prompt per line, as plain text or JSON.
//!
//! Errors name the file and the line, never the text of a prompt.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::text::input_file;
use crate::workload::{Message, Prompt};

/// Largest prompt file, in bytes.
pub const MAX_FILE_BYTES: u64 = 64 << 20;
/// Most prompts of one workload.
pub const MAX_PROMPTS: usize = 100_000;

const EXPECTED: &str = "expected a JSON string, {\"prompt\": \"…\"}, {\"messages\": \
    [{\"role\": \"user\", \"content\": \"…\"}]} or a line of plain text";

/// What is wrong with one prompt. Its text is not in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// Not one of the forms.
    #[error("not a prompt (JSON error at column {0}), {EXPECTED}")]
    Json(usize),
    /// A message of nobody known.
    #[error("unknown role, expected system, developer, user or assistant")]
    Role,
    /// No message.
    #[error("no messages, {EXPECTED}")]
    NoMessages,
    /// There is nothing to answer.
    #[error("the last message is not the user's, expected role `user`")]
    NotTheUsers,
    /// There is nothing to read.
    #[error("the prompt is empty, expected some text")]
    Empty,
}

/// What is wrong with a file of prompts. No text of one is in it.
#[derive(Debug, thiserror::Error)]
pub enum PromptsError {
    /// It cannot be opened or read.
    #[error("cannot read prompt file {}: {error}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It is larger than is read.
    #[error("prompt file {} is larger than {} MiB", .0.display(), MAX_FILE_BYTES >> 20)]
    TooLarge(PathBuf),
    /// It is no text.
    #[error("prompt file {}:{line}: not UTF-8, {EXPECTED}", file.display())]
    NotText {
        /// The file.
        file: PathBuf,
        /// From 1.
        line: usize,
    },
    /// It holds what is no prompt, or none.
    #[error("prompt file {}{refused}", file.display())]
    Refused {
        /// The file.
        file: PathBuf,
        /// What.
        refused: Refused,
    },
}

/// What is wrong with the lines of a file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// One of them, from 1.
    #[error(":{line}: {why}")]
    Line {
        /// Its number.
        line: usize,
        /// What is wrong with it.
        why: PromptError,
    },
    /// There are more than are kept.
    #[error(" holds more than {MAX_PROMPTS} prompts")]
    TooMany,
    /// There is none.
    #[error(" holds no prompt, expected one per line")]
    None,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TextLine {
    prompt: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MessagesLine {
    messages: Vec<MessageLine>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageLine {
    role: String,
    content: String,
}

/// Reads a prompt file.
///
/// # Errors
/// When it cannot be read, is too large, holds no prompt, or a line is not one; says which line.
pub fn load(file: &Path) -> Result<Vec<Prompt>, PromptsError> {
    let named = || file.to_owned();
    let bytes = input_file::read(file, MAX_FILE_BYTES)
        .map_err(|error| PromptsError::Unreadable { file: named(), error })?;
    let text = input_file::text(bytes.ok_or_else(|| PromptsError::TooLarge(named()))?)
        .map_err(|(line, _)| PromptsError::NotText { file: named(), line })?;
    parse(&text).map_err(|refused| PromptsError::Refused { file: named(), refused })
}

/// Prompts of a file's text; blank lines are skipped.
fn parse(text: &str) -> Result<Vec<Prompt>, Refused> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut prompts = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        if prompts.len() == MAX_PROMPTS {
            return Err(Refused::TooMany);
        }
        let prompt = parse_line(line);
        prompts.push(prompt.map_err(|why| Refused::Line { line: index + 1, why })?);
    }
    if prompts.is_empty() {
        return Err(Refused::None);
    }
    Ok(prompts)
}

/// One prompt from one line that is not blank.
fn parse_line(line: &str) -> Result<Prompt, PromptError> {
    let prompt = match line.as_bytes()[0] {
        b'{' => parse_object(line)?,
        b'"' => Prompt::user(from_json::<String>(line)?),
        _ => Prompt::user(line),
    };
    check(&prompt)?;
    Ok(prompt)
}

fn parse_object(line: &str) -> Result<Prompt, PromptError> {
    if let Ok(TextLine { prompt }) = serde_json::from_str(line) {
        return Ok(Prompt::user(prompt));
    }
    let MessagesLine { messages } = from_json(line)?;
    let messages = messages.into_iter().map(|m| Message { role: m.role, content: m.content });
    Ok(Prompt::new(messages.collect()))
}

/// The library's message may quote the text, so only the column is taken from it.
fn from_json<'a, T: Deserialize<'a>>(line: &'a str) -> Result<T, PromptError> {
    serde_json::from_str(line).map_err(|e| PromptError::Json(e.column()))
}

/// Refuses what no server would answer.
///
/// # Errors
/// Says what is missing, without the text.
pub fn check(prompt: &Prompt) -> Result<(), PromptError> {
    let known = |role: &str| ["system", "developer", "user", "assistant"].contains(&role);
    if !prompt.messages.iter().all(|m| known(&m.role)) {
        return Err(PromptError::Role);
    }
    match prompt.messages.last() {
        None => Err(PromptError::NoMessages),
        Some(last) if last.role != "user" => Err(PromptError::NotTheUsers),
        Some(last) if last.content.trim().is_empty() => Err(PromptError::Empty),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_a_line() {
        let check = |line: &str, expect: &[(&str, &str)]| {
            let prompts = parse(line);
            let messages = expect
                .iter()
                .map(|(r, c)| Message { role: (*r).to_owned(), content: (*c).to_owned() });
            assert!(prompts == Ok(vec![Prompt::new(messages.collect())]), "{line}");
        };
        check("plain text: [not] JSON", &[("user", "plain text: [not] JSON")]);
        check(r#""a \"quoted\" string""#, &[("user", "a \"quoted\" string")]);
        check(r#"{"prompt": "hi"}"#, &[("user", "hi")]);
        check(
            r#"{"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]}"#,
            &[("system", "s"), ("user", "u")],
        );
        check("\u{feff}\n\n  first  \r\n\n", &[("user", "first")]);
    }

    #[test]
    fn a_line_that_is_no_text_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"ok\ncaf\xe9\n").unwrap();
        let why = load(file.path()).unwrap_err().to_string();
        assert!(why.contains(":2: not UTF-8, expected"), "{why}");
    }

    #[test]
    fn bad_lines_are_named_but_not_quoted() {
        let check = |text: &str, line: Option<usize>, part: &str| {
            let refused = parse(text).err().unwrap();
            let why = refused.to_string();
            let found = match refused {
                Refused::Line { line, .. } => Some(line),
                Refused::TooMany | Refused::None => None,
            };
            assert_eq!(found, line, "{text}");
            assert!(why.contains(part), "{text}: {why}");
            assert!(!why.contains("hush"), "{why}");
        };
        check("ok\n\"hush", Some(2), "JSON error at column 5");
        check("{\"hush\": 1}", Some(1), "expected a JSON string");
        check("{\"prompt\": \"hush\", \"x\": 1}", Some(1), "not a prompt");
        check("{\"messages\": []}", Some(1), "no messages");
        check(
            "{\"messages\": [{\"role\": \"hush\", \"content\": \"a\"}]}",
            Some(1),
            "unknown role",
        );
        let answer = "{\"messages\": [{\"role\": \"assistant\", \"content\": \"hush\"}]}";
        check(answer, Some(1), "not the user's");
        check("\"\"", Some(1), "empty");
        check("\n \n", None, "holds no prompt");
        check(&"hush\n".repeat(MAX_PROMPTS + 1), None, "more than 100000");
    }
}
