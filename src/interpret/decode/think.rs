//! Reasoning that stands in the answer's own text, between tags: `<think>` at its opening, or all
//! before a `</think>` that nothing opened (chat templates put the opening into the prompt).
//!
//! The tags are tokens of the reasoning, and stay in its text. Because a tag may be cut by events,
//! a text that could still become a tag counts as answer until it is one; then it is told anew.

use std::collections::BTreeMap;

use crate::answer::timeline::{Event, EventKind};

/// What opens reasoning, and what closes it again.
const TAGS: [(&str, &str); 6] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
];
/// Choices beyond this number are taken as they come.
const MAX_CHOICES: usize = 256;

/// Where each choice is.
#[derive(Debug, Default)]
pub(super) struct Thoughts(BTreeMap<u32, Choice>);

#[derive(Debug)]
struct Choice {
    place: Place,
    /// Reasoning came in some way.
    reasoned: bool,
}

#[derive(Debug)]
enum Place {
    /// Nothing but blanks and what may become a tag, since the event of this number.
    Opening { seen: String, since: usize },
    /// Until this tag.
    Reasoning { close: &'static str, held: String },
    /// The answer.
    Answer { held: String },
}

impl Thoughts {
    /// Takes an event of its own kind in, so that it is known that reasoning came.
    pub fn other(&mut self, choice: u32, kind: &EventKind) {
        if matches!(kind, EventKind::Reasoning(_) | EventKind::Hidden)
            && let Some(choice) = self.choice(choice, 0)
        {
            choice.reasoned = true;
        }
    }

    /// Tells answer text as what it is: appends one or more events like `like` to `events`, and
    /// mends the kinds of earlier ones.
    pub fn text(&mut self, text: String, like: &Event, events: &mut Vec<Event>) {
        let mut rest = text;
        loop {
            let Some(choice) = self.choice(like.choice, events.len()) else {
                return push(EventKind::Content(rest), like, events);
            };
            let Some(after) = choice.step(rest, like, events) else { return };
            rest = after;
        }
    }

    fn choice(&mut self, index: u32, events: usize) -> Option<&mut Choice> {
        if self.0.len() >= MAX_CHOICES && !self.0.contains_key(&index) {
            return None;
        }
        Some(self.0.entry(index).or_insert_with(|| Choice {
            place: Place::Opening { seen: String::new(), since: events },
            reasoned: false,
        }))
    }
}

impl Choice {
    /// Takes as much of `text` as belongs to the present place; what is left is for the next.
    fn step(&mut self, text: String, like: &Event, events: &mut Vec<Event>) -> Option<String> {
        match &mut self.place {
            Place::Opening { seen, since } => {
                seen.push_str(&text);
                let start = seen.trim_start();
                if let Some((_, close)) = TAGS.iter().find(|(open, _)| start.starts_with(open)) {
                    retell(like.choice, &mut events[*since..]);
                    self.reasoned = true;
                    self.place = Place::Reasoning { close, held: String::new() };
                    return Some(text);
                }
                if TAGS.iter().any(|(open, _)| open.starts_with(start)) {
                    // Blanks alone are not held, however many there are.
                    *seen = start.to_owned();
                    push(EventKind::Content(text), like, events);
                    return None;
                }
                self.place = Place::Answer { held: String::new() };
                Some(text)
            }
            Place::Reasoning { close, held } => {
                let Some(end) = end_of(close, held, &text) else {
                    push(EventKind::Reasoning(text), like, events);
                    return None;
                };
                Some(self.close(end, text, like, events))
            }
            Place::Answer { held } => {
                let (open, close) = TAGS[0];
                if !self.reasoned && end_of(open, &mut held.clone(), &text).is_some() {
                    self.reasoned = true; // opened in the middle: then this text is about tags
                }
                let end = if self.reasoned { None } else { end_of(close, held, &text) };
                let Some(end) = end else {
                    push(EventKind::Content(text), like, events);
                    return None;
                };
                retell(like.choice, events);
                self.reasoned = true;
                Some(self.close(end, text, like, events))
            }
        }
    }

    /// Reasoning ends so many bytes into `text`; what is left of it may open anew.
    fn close(
        &mut self,
        end: usize,
        mut text: String,
        like: &Event,
        events: &mut Vec<Event>,
    ) -> String {
        let after = text.split_off(end);
        push(EventKind::Reasoning(text), like, events);
        self.place = Place::Opening { seen: String::new(), since: events.len() };
        after
    }
}

fn push(kind: EventKind, like: &Event, events: &mut Vec<Event>) {
    if kind.text().is_some_and(|text| !text.is_empty()) {
        events.push(Event { kind, ..like.clone() });
    }
}

/// Makes the choice's answer texts reasoning.
fn retell(choice: u32, events: &mut [Event]) {
    for event in events.iter_mut().filter(|event| event.choice == choice) {
        if let EventKind::Content(text) = &mut event.kind {
            event.kind = EventKind::Reasoning(std::mem::take(text));
        }
    }
}

/// How far into `text` the tag goes that begins in `held` or in `text`; `held` keeps what may be
/// the beginning of one.
fn end_of(tag: &str, held: &mut String, text: &str) -> Option<usize> {
    let before = held.len();
    held.push_str(text);
    if let Some(at) = held.find(tag) {
        return (at + tag.len()).checked_sub(before);
    }
    let least = held.len().saturating_sub(tag.len() - 1);
    let keep = (least..=held.len()).find(|at| held.is_char_boundary(*at)).unwrap_or(held.len());
    held.drain(..keep);
    None
}
