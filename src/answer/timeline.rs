//! A decoded answer: what happened, when. The dialects write it, `measure` reads it.

use std::time::Duration;

use strum::{IntoStaticStr, VariantArray};

use crate::answer::recording::Offset;

/// Token counts as the server reports them; the newest report wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Tokens of the prompt.
    pub input: Option<u64>,
    /// Those of them that came from the server's prefix cache.
    pub cached_input: Option<u64>,
    /// Tokens generated, as the server counts them; see [`Usage::generated`].
    pub output: Option<u64>,
    /// Tokens of reasoning.
    pub reasoning: Option<u64>,
    /// All tokens, of prompt and answer.
    pub total: Option<u64>,
}

impl Usage {
    /// This report and a newer one together, each count by itself: the newest that is not zero,
    /// because some servers fill the last report with zeros.
    #[must_use]
    pub fn merged(self, newer: Self) -> Self {
        let newest = |old: Option<u64>, new: Option<u64>| new.filter(|n| *n > 0).or(old).or(new);
        Self {
            input: newest(self.input, newer.input),
            cached_input: newest(self.cached_input, newer.cached_input),
            output: newest(self.output, newer.output),
            reasoning: newest(self.reasoning, newer.reasoning),
            total: newest(self.total, newer.total),
        }
    }

    /// Tokens generated and billed, reasoning included: where the total says so, the server counts
    /// its reasoning on top of the output instead of within it.
    #[must_use]
    pub fn generated(&self) -> Option<u64> {
        let output = self.output?;
        let reasoning = self.reasoning.unwrap_or(0);
        let both = output.checked_add(reasoning)?;
        let on_top = self.input.and_then(|input| input.checked_add(both)) == self.total;
        Some(if self.total.is_some() && on_top { both } else { output })
    }
}

/// Stage durations as the server itself reports them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ServerTiming {
    /// Waiting for a slot.
    pub queue: Option<Duration>,
    /// Loading the model.
    pub load: Option<Duration>,
    /// Reading the prompt.
    pub prefill: Option<Duration>,
    /// Generating.
    pub decode: Option<Duration>,
}

/// Why generation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Finish {
    /// The model stopped by itself.
    Stop,
    /// The token limit was reached.
    Length,
    /// The model called a tool.
    ToolCalls,
    /// A filter cut in.
    ContentFilter,
    /// The server noticed that the model only repeats itself.
    Repetition,
    /// Anything else.
    Other,
}

impl Finish {
    /// Every value.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The label value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What one event tells of tool calls.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ToolDelta {
    /// All that was generated, names and arguments together; never empty.
    pub text: String,
    /// Which call each piece is of.
    pub calls: Vec<CallDelta>,
}

/// A piece of one call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CallDelta {
    /// Which call of the message.
    pub index: u32,
    /// The call's own name for itself; empty where it is not said.
    pub id: String,
    /// Of the function's name.
    pub name: String,
    /// Of its arguments: JSON, in the end.
    pub arguments: String,
}

impl ToolDelta {
    /// Adds a piece that holds something.
    pub fn add(&mut self, call: Option<CallDelta>) {
        let Some(call) = call.filter(|c| !(c.name.is_empty() && c.arguments.is_empty())) else {
            return;
        };
        self.text += &call.name;
        self.text += &call.arguments;
        self.calls.push(call);
    }
}

/// What an answer holds that is no text: vectors, or documents in a new order. Never none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Results {
    /// How many.
    pub count: u64,
    /// Numbers of each vector; `None` of what is no vector.
    pub dimension: Option<u64>,
}

/// One thing the server told us. Text is never empty: an empty delta is not content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// Answer text.
    Content(String),
    /// Reasoning text.
    Reasoning(String),
    /// Names or arguments of tool calls.
    ToolCall(ToolDelta),
    /// Vectors, or documents in a new order: all of them, since they come in one piece.
    Results(Results),
    /// Something was generated that the server does not show: encrypted or redacted reasoning, a
    /// signature. No content, but progress. Just before reasoning of the same frame it says that
    /// the text is only a summary.
    Hidden,
    /// Token counts.
    Usage(Usage),
    /// Stage durations.
    ServerTiming(ServerTiming),
    /// Generation ended.
    Finish(Finish),
    /// The server reported an error in the answer.
    Error(String),
    /// The protocol's end marker (`[DONE]`).
    Done,
}

impl EventKind {
    /// The pieces of calls that came together; `None` where they hold nothing.
    #[must_use]
    pub fn called(pieces: impl IntoIterator<Item = CallDelta>) -> Option<Self> {
        let mut called = ToolDelta::default();
        pieces.into_iter().for_each(|piece| called.add(Some(piece)));
        (!called.text.is_empty()).then_some(Self::ToolCall(called))
    }

    /// Whether a user would see something generated: answer, reasoning or tool call.
    #[must_use]
    pub fn is_content(&self) -> bool {
        self.text().is_some()
    }

    /// The generated text, whatever its kind; `None` for anything else.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Content(text) | Self::Reasoning(text) => Some(text),
            Self::ToolCall(calls) => Some(&calls.text),
            _ => None,
        }
    }
}

/// What a dialect reads in a frame: an [`EventKind`] and which of the answer's choices it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The choice's `index`; 0 for what concerns the whole answer.
    pub choice: u32,
    /// What.
    pub kind: EventKind,
}

impl Told {
    /// Something that concerns the whole answer.
    #[must_use]
    pub fn whole(kind: EventKind) -> Self {
        Self { choice: 0, kind }
    }
}

/// An [`EventKind`] with the instant of the read that completed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When the bytes that completed the event arrived.
    pub at: Offset,
    /// Which read that was; events with equal numbers arrived together.
    pub read: u32,
    /// Which frame of the answer told it; what one frame holds came as one piece.
    pub frame: u32,
    /// Of which of the answer's choices; 0 for what concerns the whole answer.
    pub choice: u32,
    /// What.
    pub kind: EventKind,
}

/// How decoding ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecodeEnd {
    /// Every byte was understood.
    Clean,
    /// The last event broke off in the middle.
    Partial(String),
    /// Something does not follow the protocol.
    Malformed(String),
}

/// The decoded answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// In order of arrival.
    pub events: Vec<Event>,
    /// Whether the answer was streamed. A whole body shows only when everything was there.
    pub streamed: bool,
    /// How decoding ended.
    pub end: DecodeEnd,
}

impl Timeline {
    /// The events that carry generated content.
    #[must_use]
    pub fn content(&self) -> impl DoubleEndedIterator<Item = &Event> {
        self.events.iter().filter(|e| e.kind.is_content())
    }

    /// The results of an API that generates no text.
    #[must_use]
    pub fn results(&self) -> Option<(&Event, Results)> {
        self.events.iter().rev().find_map(|event| match event.kind {
            EventKind::Results(results) => Some((event, results)),
            _ => None,
        })
    }

    /// Forgets counts of tokens beyond these: whoever counts so is not to be believed.
    pub fn disbelieve(&mut self, most_input: u64, most_output: u64) {
        for event in &mut self.events {
            let EventKind::Usage(usage) = &mut event.kind else { continue };
            for count in [&mut usage.input, &mut usage.cached_input] {
                count.take_if(|count| *count > most_input);
            }
            for count in [&mut usage.output, &mut usage.reasoning] {
                count.take_if(|count| *count > most_output);
            }
        }
    }

    /// Whether an event of this kind occurred.
    pub fn any(&self, wanted: impl Fn(&EventKind) -> bool) -> bool {
        self.events.iter().any(|e| wanted(&e.kind))
    }
}
