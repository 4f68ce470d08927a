//! What of an answer its validators look at.

use std::collections::BTreeMap;

use strum::{IntoStaticStr, VariantArray};

use crate::answer::timeline::{EventKind, Finish, Timeline, ToolDelta};

/// Choices, and calls of each, that are judged.
const MAX_PARTS: usize = 256;

/// The part of an answer that is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Part {
    /// The text of the answer.
    #[default]
    Answer,
    /// The text of the reasoning.
    Reasoning,
    /// The tool calls, one per line: name, space, arguments.
    ToolCalls,
}

impl Part {
    /// Every value.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The word in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A tool call, put together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Call {
    index: u32,
    id: String,
    /// The function's name.
    pub name: String,
    arguments: String,
}

impl Call {
    /// A call with these arguments.
    #[must_use]
    pub fn new(name: &str, arguments: &str) -> Self {
        Self { name: name.to_owned(), arguments: arguments.to_owned(), ..Self::default() }
    }

    /// JSON, if the model did it right. No arguments are an empty object.
    #[must_use]
    pub fn arguments(&self) -> &str {
        if self.arguments.trim().is_empty() { "{}" } else { &self.arguments }
    }
}

/// An answer as validators see it: one text and one list of calls for each choice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Judged {
    /// The part that is judged, of each choice.
    pub texts: Vec<String>,
    /// The calls of each choice.
    pub calls: Vec<Vec<Call>>,
    /// Tokens of all choices together, whoever counted.
    pub output_tokens: Option<u64>,
    /// Why generation ended.
    pub finish: Option<Finish>,
}

impl Judged {
    /// The answer in `timeline`, with `part` in the place of its text.
    #[must_use]
    pub fn of(
        timeline: &Timeline,
        part: Part,
        output_tokens: Option<u64>,
        finish: Option<Finish>,
    ) -> Self {
        let mut choices: BTreeMap<u32, (String, Vec<Call>)> = BTreeMap::new();
        for event in timeline.content() {
            if choices.len() >= MAX_PARTS && !choices.contains_key(&event.choice) {
                continue;
            }
            let (text, calls) = choices.entry(event.choice).or_default();
            match (&event.kind, part) {
                (EventKind::Content(piece), Part::Answer)
                | (EventKind::Reasoning(piece), Part::Reasoning) => text.push_str(piece),
                (EventKind::ToolCall(delta), _) => add_calls(calls, delta),
                _ => {}
            }
        }
        let mut judged = Self { output_tokens, finish, ..Self::default() };
        for (text, calls) in choices.into_values() {
            let lines = calls.iter().map(|call| format!("{} {}\n", call.name, call.arguments()));
            judged.texts.push(if part == Part::ToolCalls { lines.collect() } else { text });
            judged.calls.push(calls);
        }
        judged
    }
}

/// Puts pieces of calls where they belong. Some servers number every call 0, and tell them apart
/// by their ids; others repeat id and name with every piece.
fn add_calls(calls: &mut Vec<Call>, delta: &ToolDelta) {
    for piece in &delta.calls {
        let last = calls.iter().rposition(|call| call.index == piece.index);
        let another =
            |call: &Call| !piece.id.is_empty() && !call.id.is_empty() && piece.id != call.id;
        let call = match last {
            Some(at) if !another(&calls[at]) => &mut calls[at],
            _ if calls.len() >= MAX_PARTS => continue,
            _ => {
                calls.push(Call { index: piece.index, ..Call::default() });
                let at = calls.len() - 1;
                &mut calls[at]
            }
        };
        if call.id.is_empty() {
            call.id.clone_from(&piece.id);
        }
        if call.name != piece.name {
            call.name += &piece.name;
        }
        call.arguments += &piece.arguments;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::timeline::CallDelta;

    fn check(pieces: &[(u32, &str, &str, &str)], expect: &[(&str, &str)]) {
        let mut calls = Vec::new();
        for (index, id, name, arguments) in pieces {
            let text = |text: &str| text.to_owned();
            let call = CallDelta {
                index: *index,
                id: text(id),
                name: text(name),
                arguments: text(arguments),
            };
            add_calls(&mut calls, &ToolDelta { text: String::new(), calls: vec![call] });
        }
        let found: Vec<_> = calls.iter().map(|c| (c.name.as_str(), c.arguments())).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn calls_are_put_together() {
        let split = [(0, "a", "get", ""), (0, "", "", "{\"x\""), (0, "", "", ": 1}")];
        check(&split, &[("get", "{\"x\": 1}")]);
        check(&[(0, "a", "get", "{}"), (1, "b", "put", "[]")], &[("get", "{}"), ("put", "[]")]);
        // Numbered alike.
        check(&[(0, "a", "get", "{}"), (0, "b", "get", "[]")], &[("get", "{}"), ("get", "[]")]);
        // Repeated.
        check(&[(0, "a", "get", "{\"x\""), (0, "a", "get", ": 1}")], &[("get", "{\"x\": 1}")]);
        check(&[(0, "a", "now", "")], &[("now", "{}")]);
    }
}
