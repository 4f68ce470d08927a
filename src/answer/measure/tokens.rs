//! Who counted the tokens: the server's usage report, the tokenizer, or the events.

use super::measurement::{Measurement, TokenCount, TokenSource};
use crate::answer::timeline::{Event, EventKind, Timeline, Usage};

/// The server's own counts, from all its reports together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Counts {
    /// Each count by itself.
    pub merged: Usage,
    /// Tokens generated in all.
    pub generated: Option<u64>,
    /// Where most events with content carry one: the count up to each, by frame.
    so_far: Vec<(u32, u64)>,
}

impl Counts {
    pub fn of(timeline: &Timeline) -> Self {
        let usages = timeline.events.iter().filter_map(|event| match &event.kind {
            EventKind::Usage(usage) => Some((event, usage)),
            _ => None,
        });
        let merged = usages.clone().fold(Usage::default(), |sum, (_, new)| sum.merged(*new));
        let mut frames: Vec<u32> = timeline.content().map(|event| event.frame).collect();
        frames.dedup();
        let reports =
            usages.filter_map(|(e, u)| Some((e.frame, u.generated().filter(|n| *n > 0)?)));
        let reports: Vec<(u32, u64)> = reports.collect();
        let (mut beside, mut last) = (Vec::new(), None);
        for (frame, count) in &reports {
            match frames.binary_search(frame) {
                Ok(_) => beside.push((*frame, *count)),
                Err(_) => last = Some(*count),
            }
        }
        let most = beside.iter().map(|(_, count)| *count).max().unwrap_or(0);
        let total_came = last.is_some_and(|n| n >= most && n >= beside.len() as u64);
        let mut counts = Self { generated: merged.generated(), merged, so_far: Vec::new() };
        if are_increments(&beside) {
            // Each report counts its own event alone.
            let mut sum = 0;
            counts.so_far = beside.iter().map(|(frame, n)| (*frame, add(&mut sum, *n))).collect();
            if !total_came {
                let rest = last.filter(|_| reports.last() != beside.last()).unwrap_or(0);
                counts.generated = Some(sum.saturating_add(rest));
            }
        } else {
            counts.so_far = beside;
        }
        if counts.so_far.len() * 2 < frames.len() || counts.so_far.len() < 2 {
            counts.so_far.clear();
        }
        counts
    }

    /// Tokens that came after the first read of these events, up to the last of them; absent where
    /// the server does not count as it goes.
    pub fn between(&self, events: &[&Event]) -> Option<u64> {
        let first_read = events.first()?.read;
        let in_first = events.iter().take_while(|e| e.read == first_read).last()?;
        let up_to = |frame| self.so_far.iter().rev().find(|(at, _)| *at <= frame).map(|(_, n)| *n);
        let first = up_to(in_first.frame).filter(|_| self.so_far[0].0 <= in_first.frame)?;
        // Without a count of its own the last event is still part of the whole.
        let end = events.last()?.frame;
        let last = if self.so_far.last()?.0 == end { up_to(end) } else { self.generated };
        last?.checked_sub(first).filter(|n| *n > 0)
    }
}

fn add(sum: &mut u64, n: u64) -> u64 {
    *sum = sum.saturating_add(n);
    *sum
}

/// Whether counts beside content count each event alone instead of all so far: then they fall, or
/// are fewer in the end than there are events.
fn are_increments(counts: &[(u32, u64)]) -> bool {
    let falls = counts.windows(2).any(|pair| pair[1].1 < pair[0].1);
    let few = counts.last().is_some_and(|(_, last)| *last < counts.len() as u64);
    counts.len() > 1 && (falls || few)
}

pub(super) fn count_tokens(m: &mut Measurement, counts: &Counts, content_events: usize) {
    let by = |source| move |tokens| TokenCount { tokens, source };
    let tokenized = m.tokenized;
    // A report of zero tokens beside a real prompt or content is no report.
    let reported = counts.merged.input.map(by(TokenSource::Usage));
    let counted = tokenized.input.map(by(TokenSource::Tokenizer));
    // Where nothing is generated it is what the server says it bills.
    let billed = reported.filter(|_| m.results.is_some());
    m.input_tokens = reported.filter(|count| count.tokens > 0).or(counted).or(billed);
    let reported = counts.generated.filter(|n| *n > 0);
    m.output_tokens = reported.map(by(TokenSource::Usage));
    if content_events == 0 {
        return;
    }
    m.output_tokens = m
        .output_tokens
        .or(tokenized.output.map(by(TokenSource::Tokenizer)))
        .or(Some(by(TokenSource::Events)(content_events as u64)));
    m.token_disagreement = reported.zip(tokenized.output);
}
