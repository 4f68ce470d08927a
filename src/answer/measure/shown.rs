//! What an answer showed of what was generated.

use crate::answer::timeline::{Event, EventKind, Timeline};

/// A part of the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Span {
    /// Reasoning, answer and tool calls.
    All,
    /// All but reasoning.
    Answer,
}

/// The content of an answer, and what is known of its reasoning.
pub(super) struct Shown<'t> {
    content: Vec<&'t Event>,
    /// Content events of reasoning.
    pub reasoning_events: usize,
    /// Characters of reasoning.
    pub reasoning_characters: usize,
    /// Characters of all else.
    pub answer_characters: usize,
    /// Something was generated that was not shown.
    pub sealed: bool,
    /// What is shown of the reasoning is a summary.
    pub summarised: bool,
}

impl<'t> Shown<'t> {
    pub fn of(timeline: &'t Timeline) -> Self {
        let mut shown = Self {
            content: timeline.content().collect(),
            reasoning_events: 0,
            reasoning_characters: 0,
            answer_characters: 0,
            sealed: timeline.any(|kind| *kind == EventKind::Hidden),
            summarised: false,
        };
        for event in &shown.content {
            let characters = event.kind.text().map_or(0, |text| text.chars().count());
            if is_reasoning(event) {
                shown.reasoning_events += 1;
                shown.reasoning_characters += characters;
            } else {
                shown.answer_characters += characters;
            }
        }
        let pairs = timeline.events.windows(2);
        shown.summarised = pairs.into_iter().any(|pair| {
            pair[0].kind == EventKind::Hidden
                && is_reasoning(&pair[1])
                && (pair[0].frame, pair[0].choice) == (pair[1].frame, pair[1].choice)
        });
        shown
    }

    /// The content events of a part, in order.
    pub fn events(&self, span: Span) -> Vec<&'t Event> {
        let wanted = |event: &&Event| span == Span::All || !is_reasoning(event);
        self.content.iter().copied().filter(wanted).collect()
    }
}

fn is_reasoning(event: &Event) -> bool {
    matches!(event.kind, EventKind::Reasoning(_))
}

/// The texts whose tokens matter, where a tokenizer can count them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Texts {
    /// All content.
    pub all: String,
    /// Of it, reasoning.
    pub reasoning: String,
    /// Of all, what came with the first read that held content.
    pub first_read: String,
    /// Of what is not reasoning, what came with the first read that held some.
    pub first_answer_read: String,
}

impl Texts {
    /// The texts of an answer.
    #[must_use]
    pub fn of(timeline: &Timeline) -> Self {
        let shown = Shown::of(timeline);
        let (all, answer) = (shown.events(Span::All), shown.events(Span::Answer));
        let first = |events: &[&Event]| {
            let read = events.first().map(|e| e.read);
            join(events.iter().copied().filter(|e| Some(e.read) == read))
        };
        Self {
            reasoning: join(all.iter().copied().filter(|e| is_reasoning(e))),
            first_read: first(&all),
            first_answer_read: first(&answer),
            all: join(all.into_iter()),
        }
    }
}

fn join<'e>(events: impl Iterator<Item = &'e Event>) -> String {
    events.filter_map(|e| e.kind.text()).collect()
}
