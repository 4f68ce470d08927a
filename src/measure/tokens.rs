//! Who counted the tokens: the server's usage report, the tokenizer, or the events.

use super::{Measurement, TokenCount, TokenSource};
use crate::timeline::{Event, EventKind, Timeline, Usage};

/// Token counts by the target's tokenizer, for what the server does not report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tokenized {
    /// Tokens of the prompt's text (a chat template's own tokens are not in it).
    pub input: Option<u64>,
    /// Tokens of the answer, reasoning and tool calls included.
    pub output: Option<u64>,
}

impl Tokenized {
    /// The counts that once went into `m`: where a server's count came first, the tokenizer's is
    /// known only as far as it left a trace.
    #[must_use]
    pub fn of(m: &Measurement) -> Self {
        let counted = |count: Option<TokenCount>| {
            count.filter(|c| c.source == TokenSource::Tokenizer).map(|c| c.tokens)
        };
        let beside = m.token_disagreement.map(|(_, tokenizer)| tokenizer);
        Self { input: counted(m.input_tokens), output: counted(m.output_tokens).or(beside) }
    }
}

/// From the cumulative usage that came with the first content, else 1.
pub(super) fn tokens_of_first_event(timeline: &Timeline, first: &Event) -> u64 {
    let up_to_first = timeline.events.iter().take_while(|e| !std::ptr::eq(*e, first));
    let counts = up_to_first.filter_map(|e| match &e.kind {
        EventKind::Usage(usage) => usage.output,
        _ => None,
    });
    counts.last().unwrap_or(1).max(1)
}

/// The newest value of each count: usage may come on every chunk, cumulative, or once.
pub(super) fn merged_usage(timeline: &Timeline) -> Usage {
    timeline.events.iter().fold(Usage::default(), |sum, event| match &event.kind {
        EventKind::Usage(u) => Usage {
            input: u.input.or(sum.input),
            cached_input: u.cached_input.or(sum.cached_input),
            output: u.output.or(sum.output),
            reasoning: u.reasoning.or(sum.reasoning),
        },
        _ => sum,
    })
}

pub(super) fn count_tokens(
    m: &mut Measurement,
    usage: Usage,
    tokenized: Tokenized,
    content_events: usize,
) {
    let by = |source| move |tokens| TokenCount { tokens, source };
    m.input_tokens =
        usage.input.map(by(TokenSource::Usage)).or(tokenized.input.map(by(TokenSource::Tokenizer)));
    if content_events == 0 {
        return;
    }
    // A report of zero tokens beside real content is no report.
    let reported = usage.output.filter(|n| *n > 0);
    m.output_tokens = reported
        .map(by(TokenSource::Usage))
        .or(tokenized.output.map(by(TokenSource::Tokenizer)))
        .or(Some(by(TokenSource::Events)(content_events as u64)));
    m.token_disagreement = reported.zip(tokenized.output);
}
