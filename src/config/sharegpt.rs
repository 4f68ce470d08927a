//! Conversations in `ShareGPT`'s form: what users said, and nothing of what was answered.

use std::fmt;
use std::io::BufRead;
use std::path::Path;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::Value;

use super::requests::Sample;
use super::rows::{DataSet, DataSetError, Kept, each_line, open};
use crate::workload::{Message, Prompt};

const EXPECTED: &str = "expected a JSON list, or one object per line, of {\"conversations\": \
    [{\"from\": \"human\", \"value\": \"…\"}, {\"from\": \"gpt\", \"value\": \"…\"}]}";

/// A conversation. Some writers call it and its parts as a chat API does.
#[derive(Deserialize)]
struct Row {
    #[serde(alias = "conversation", alias = "messages")]
    conversations: Vec<Turn>,
}

#[derive(Deserialize)]
struct Turn {
    #[serde(alias = "role")]
    from: String,
    #[serde(alias = "content")]
    value: String,
}

/// Reads a data set.
///
/// # Errors
/// When it cannot be read, is of another form, has no usable row or too many.
pub(super) fn load(file: &Path, sample: Sample) -> Result<DataSet, DataSetError> {
    let mut kept = Kept::new(file, sample);
    let mut reader = open(file)?;
    if first_byte(file, &mut reader)? == Some(b'[') {
        list(file, reader, &mut kept)?;
    } else {
        each_line(file, reader, |_, line| match line {
            Some("") => Ok(()),
            line => {
                let row = line.and_then(|line| serde_json::from_str(line).ok());
                kept.add(row.and_then(prompt), line.map_or(0, str::len))
            }
        })?;
    }
    kept.done(EXPECTED)
}

/// The first byte that is neither white space nor a byte-order mark; it stays unread.
fn first_byte(file: &Path, reader: &mut impl BufRead) -> Result<Option<u8>, DataSetError> {
    loop {
        let unreadable = |error| DataSetError::Unreadable { file: file.to_owned(), error };
        let buffer = reader.fill_buf().map_err(unreadable)?;
        let Some(first) = buffer.first().copied() else { return Ok(None) };
        if !(first.is_ascii_whitespace() || [0xef, 0xbb, 0xbf].contains(&first)) {
            return Ok(Some(first));
        }
        reader.consume(1);
    }
}

/// One row after the other: the whole list may be larger than the memory it would take.
fn list(file: &Path, reader: impl BufRead, kept: &mut Kept) -> Result<(), DataSetError> {
    let mut refused = None;
    let mut json = serde_json::Deserializer::from_reader(reader);
    let read = Rows { kept, refused: &mut refused }.deserialize(&mut json);
    match (refused, read) {
        (Some(refused), _) => Err(refused),
        (None, Ok(())) => Ok(()),
        // The library's own words may quote the text.
        (None, Err(error)) => Err(DataSetError::Form {
            file: file.to_owned(),
            line: u64::try_from(error.line()).ok(),
            expected: EXPECTED,
        }),
    }
}

struct Rows<'k> {
    kept: &'k mut Kept,
    refused: &'k mut Option<DataSetError>,
}

impl<'de> DeserializeSeed<'de> for Rows<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        // Any value first: a row of another form is counted, and does not end the list.
        while let Some(row) = rows.next_element::<Value>()? {
            let prompt = serde_json::from_value(row).ok().and_then(prompt);
            let bytes = prompt.as_ref().map_or(0, bytes);
            if let Err(error) = self.kept.add(prompt, bytes) {
                *self.refused = Some(error);
                return Err(serde::de::Error::custom("too many"));
            }
        }
        Ok(())
    }
}

fn bytes(prompt: &Prompt) -> usize {
    let said = prompt.messages.iter().map(|message| message.content.len());
    said.chain(prompt.further.iter().map(String::len)).sum()
}

/// What the user said, first and then; `None` where it is not a user who begins, or says nothing.
fn prompt(row: Row) -> Option<Prompt> {
    let (mut system, mut said) = (Vec::new(), Vec::new());
    for turn in row.conversations {
        match turn.from.as_str() {
            "human" | "user" => said.push(turn.value),
            "system" if said.is_empty() => {
                system.push(Message { role: "system".to_owned(), content: turn.value });
            }
            _ if said.is_empty() => return None,
            _ => {}
        }
    }
    let good = |text: &String| !text.trim().is_empty();
    if said.is_empty() || !said.iter().all(good) {
        return None;
    }
    let first = said.remove(0);
    system.push(Message { role: "user".to_owned(), content: first });
    Some(Prompt { further: said.into(), ..Prompt::new(system) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Sample = Sample { ratio: 1.0, seed: 0 };

    fn read(text: &str) -> Result<(Vec<String>, u64), String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let set = load(file.path(), ALL).map_err(|error| error.to_string())?;
        let text = |prompt: &Prompt| [&[prompt.text()], &*prompt.further].concat().join(" | ");
        Ok((set.prompts.iter().map(text).collect(), set.rows.unusable))
    }

    const ROWS: [&str; 7] = [
        r#"{"id": "a", "conversations": [{"from": "human", "value": "one"}, {"from": "gpt", "value": "x"}, {"from": "human", "value": "two"}]}"#,
        r#"{"conversations": [{"from": "system", "value": "be brief"}, {"from": "user", "value": "three"}]}"#,
        r#"{"messages": [{"role": "user", "content": "four"}]}"#,
        // Not usable: the rest of a conversation, nothing, an empty question, something else.
        r#"{"conversations": [{"from": "gpt", "value": "x"}, {"from": "human", "value": "hush"}]}"#,
        r#"{"conversations": []}"#,
        r#"{"conversations": [{"from": "human", "value": " "}]}"#,
        r#"{"items": 7}"#,
    ];

    #[test]
    fn a_list_or_a_line_for_each() {
        let expect = ["one | two", "be brief\nthree", "four"].map(str::to_owned).to_vec();
        assert_eq!(read(&format!("\u{feff} [{}]", ROWS.join(",\n"))), Ok((expect.clone(), 4)));
        assert_eq!(read(&ROWS.join("\n")), Ok((expect, 4)));
    }

    #[test]
    fn what_is_no_data_set_is_told_without_its_text() {
        let check = |text: &str, part: &str| {
            let why = read(text).unwrap_err();
            assert!(why.contains(part) && !why.contains("hush"), "{why}");
        };
        check("[{\"hush\": 1}, \n\"hush", ":2: expected a JSON list");
        check("[]", "no row that could be used (0 others)");
        check("hush", "no row that could be used (1 others)");
        check(ROWS[3], "no row that could be used (1 others)");
        check("", "no row that could be used (0 others)");
    }
}
