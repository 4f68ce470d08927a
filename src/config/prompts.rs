//! Prompt files: one prompt per line, as plain text or JSON.
//!
//! Errors name the file and the line, never the text of a prompt.

use std::path::Path;

use serde::Deserialize;

use crate::input_file;
use crate::workload::{Message, Prompt};

/// Largest prompt file, in bytes.
pub const MAX_FILE_BYTES: u64 = 64 << 20;
/// Most prompts of one workload.
pub const MAX_PROMPTS: usize = 100_000;

const EXPECTED: &str = "expected a JSON string, {\"prompt\": \"…\"}, {\"messages\": \
    [{\"role\": \"user\", \"content\": \"…\"}]} or a line of plain text";

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
pub fn load(file: &Path) -> Result<Vec<Prompt>, String> {
    let shown = file.display();
    let bytes = input_file::read(file, MAX_FILE_BYTES)
        .map_err(|e| format!("cannot read prompt file {shown}: {e}"))?;
    let too_large = || format!("prompt file {shown} is larger than {} MiB", MAX_FILE_BYTES >> 20);
    let text = input_file::text(bytes.ok_or_else(too_large)?)
        .map_err(|(line, _)| format!("prompt file {shown}:{line}: not UTF-8, {EXPECTED}"))?;
    parse(&text).map_err(|(line, why)| match line {
        Some(line) => format!("prompt file {shown}:{line}: {why}"),
        None => format!("prompt file {shown} {why}"),
    })
}

/// Prompts of a file's text; blank lines are skipped. An error tells its line where it has one.
fn parse(text: &str) -> Result<Vec<Prompt>, (Option<usize>, String)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut prompts = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        if prompts.len() == MAX_PROMPTS {
            return Err((None, format!("holds more than {MAX_PROMPTS} prompts")));
        }
        prompts.push(parse_line(line).map_err(|why| (Some(index + 1), why))?);
    }
    if prompts.is_empty() {
        return Err((None, "holds no prompt, expected one per line".to_owned()));
    }
    Ok(prompts)
}

/// One prompt from one line that is not blank.
fn parse_line(line: &str) -> Result<Prompt, String> {
    let prompt = match line.as_bytes()[0] {
        b'{' => parse_object(line)?,
        b'"' => Prompt::user(from_json::<String>(line)?),
        _ => Prompt::user(line),
    };
    check(&prompt)?;
    Ok(prompt)
}

fn parse_object(line: &str) -> Result<Prompt, String> {
    if let Ok(TextLine { prompt }) = serde_json::from_str(line) {
        return Ok(Prompt::user(prompt));
    }
    let MessagesLine { messages } = from_json(line)?;
    let messages = messages.into_iter().map(|m| Message { role: m.role, content: m.content });
    Ok(Prompt::new(messages.collect()))
}

/// The library's message may quote the text, so only the column is taken from it.
fn from_json<'a, T: Deserialize<'a>>(line: &'a str) -> Result<T, String> {
    serde_json::from_str(line)
        .map_err(|e| format!("not a prompt (JSON error at column {}), {EXPECTED}", e.column()))
}

/// Refuses what no server would answer.
///
/// # Errors
/// Says what is missing, without the text.
pub fn check(prompt: &Prompt) -> Result<(), String> {
    let known = |role: &str| ["system", "developer", "user", "assistant"].contains(&role);
    if !prompt.messages.iter().all(|m| known(&m.role)) {
        return Err("unknown role, expected system, developer, user or assistant".to_owned());
    }
    match prompt.messages.last() {
        None => Err(format!("no messages, {EXPECTED}")),
        Some(last) if last.role != "user" => {
            Err("the last message is not the user's, expected role `user`".to_owned())
        }
        Some(last) if last.content.trim().is_empty() => {
            Err("the prompt is empty, expected some text".to_owned())
        }
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_a_line() {
        let check = |line: &str, expect: &[(&str, &str)]| {
            let prompts = parse(line).map_err(|(_, why)| why);
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
        let why = load(file.path()).unwrap_err();
        assert!(why.contains(":2: not UTF-8, expected"), "{why}");
    }

    #[test]
    fn bad_lines_are_named_but_not_quoted() {
        let check = |text: &str, line: Option<usize>, part: &str| {
            let (found, why) = parse(text).err().unwrap_or_default();
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
