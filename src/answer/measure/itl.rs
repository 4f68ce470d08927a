//! Inter-token latency: of what could be seen, and only of that.
//!
//! `(last content − first content) / (tokens after the first content that was read)`. What came
//! with the first read has no time of its own, and tokens that were billed but never shown took
//! none of the time between what was shown.

#![allow(clippy::cast_precision_loss)] // token counts are far below 2^53

use std::time::Duration;

use super::measurement::{ItlSource, Measurement, TokenSource};
use super::shown::{Shown, Span};
use super::tokenized::Tokenized;
use super::tokens::Counts;
use crate::answer::timeline::{Event, Finish, Timeline};

/// Several choices: the latency of each, then the mean, because their tokens interleave.
pub(super) fn inter_token_latency(
    m: &Measurement,
    timeline: &Timeline,
    counts: &Counts,
) -> Option<(Duration, ItlSource)> {
    let shown = Shown::of(timeline);
    let (span, total) = span(m, &shown, counts)?;
    let events = shown.events(span);
    let mut choices: Vec<u32> = events.iter().map(|e| e.choice).collect();
    choices.sort_unstable();
    choices.dedup();
    if let [_] = choices.as_slice() {
        return of_choice(m, span, &events, total, Some(counts));
    }
    let mut latencies = Vec::new();
    for choice in choices {
        let own: Vec<&Event> = events.iter().copied().filter(|e| e.choice == choice).collect();
        let share = |total: f64| {
            let one_each = is_near(total, events.len() as f64);
            let share = characters(&own) / characters(&events);
            if one_each { own.len() as f64 } else { total * share }
        };
        latencies.extend(of_choice(m, span, &own, total.map(share), None));
    }
    let source = latencies.iter().map(|(_, source)| *source).max()?;
    let sum: Duration = latencies.iter().map(|(latency, _)| *latency).sum();
    Some((sum / u32::try_from(latencies.len()).ok()?, source))
}

/// What can be timed, and how many tokens the server or the tokenizer counts in it; no count where
/// only the events can be counted.
fn span(m: &Measurement, shown: &Shown<'_>, counts: &Counts) -> Option<(Span, Option<f64>)> {
    let usage = &counts.merged;
    let tokenized = &m.tokenized;
    let billed = usage.reasoning.filter(|n| *n > 0);
    let answer_alone = if shown.reasoning_characters == 0 {
        // Nothing of it was shown; if it was not counted either, it cannot be taken off.
        shown.sealed && usage.reasoning.is_none() && usage.output.is_some()
    } else {
        shown.summarised || billed.is_some_and(|n| disagree(n, shown, counts, tokenized))
    };
    let output = m.output_tokens?;
    if answer_alone {
        let reported = counts.generated.filter(|n| *n > 0).zip(billed);
        let answer = reported.and_then(|(all, reasoning)| all.checked_sub(reasoning));
        let counted = || tokenized.output?.checked_sub(tokenized.reasoning.unwrap_or(0));
        let tokens = answer.or_else(counted).filter(|n| *n > 0)?;
        return Some((Span::Answer, Some(tokens as f64)));
    }
    let hidden = if shown.reasoning_characters == 0 { billed.unwrap_or(0) } else { 0 };
    let tokens = match output.source {
        TokenSource::Events => return Some((Span::All, None)),
        TokenSource::Tokenizer => output.tokens,
        TokenSource::Usage => output.tokens.checked_sub(hidden).filter(|n| *n > 0)?,
    };
    Some((Span::All, Some(tokens as f64)))
}

/// Whether the reasoning that was billed and the reasoning that was shown differ by more than a
/// quarter, as far as that can be known: then what was shown is a summary.
fn disagree(billed: u64, shown: &Shown<'_>, counts: &Counts, tokenized: &Tokenized) -> bool {
    /// An answer of fewer tokens says little about how long its tokens are.
    const TELLING: u64 = 20;
    /// Characters per token, in any language.
    const PLAUSIBLE: std::ops::RangeInclusive<f64> = 0.8..=10.0;
    let near = |n: f64| (n - billed as f64).abs() <= billed as f64 / 4.0;
    if let Some(counted) = tokenized.reasoning {
        return !near(counted as f64);
    }
    if near(shown.reasoning_events as f64) {
        return false;
    }
    let characters = shown.reasoning_characters as f64;
    let answer = counts.generated.and_then(|all| all.checked_sub(billed)).unwrap_or(0);
    if answer >= TELLING && shown.answer_characters > 0 {
        return !near(characters * answer as f64 / shown.answer_characters as f64);
    }
    !PLAUSIBLE.contains(&(characters / billed as f64))
}

/// Absent when all content came in one read: nothing was seen between two tokens.
fn of_choice(
    m: &Measurement,
    span: Span,
    events: &[&Event],
    total: Option<f64>,
    counts: Option<&Counts>,
) -> Option<(Duration, ItlSource)> {
    let (first, last) = (events.first()?, events.last()?);
    if first.read == last.read {
        return None;
    }
    let (later, source) = later_tokens(m, span, events, total, counts);
    // Whatever came later was at least one token.
    let seconds = last.at.since(first.at).as_secs_f64() / later.max(1.0);
    Some((Duration::try_from_secs_f64(seconds).ok()?, source))
}

/// Tokens after the first read. `counts` are of this choice alone, if there are any.
fn later_tokens(
    m: &Measurement,
    span: Span,
    events: &[&Event],
    total: Option<f64>,
    counts: Option<&Counts>,
) -> (f64, ItlSource) {
    let first_read = events[0].read;
    let in_first = events.iter().take_while(|e| e.read == first_read).count();
    let later_events = (events.len() - in_first) as f64;
    let Some(total) = total else { return (later_events, ItlSource::Events) };
    let seen = counts.and_then(|counts| counts.between(events));
    if let Some(later) = seen.filter(|n| *n > 0) {
        return (later as f64, ItlSource::Usage);
    }
    let tokenized = counts.and(match span {
        Span::All => m.tokenized.first_read,
        Span::Answer => m.tokenized.first_answer_read,
    });
    if let Some(first) = tokenized.filter(|first| (*first as f64) < total) {
        return (total - first as f64, ItlSource::Tokenizer);
    }
    // A model that stops by itself says so with a token that nobody sees.
    let stopped = matches!(m.finish, Some(Finish::Stop | Finish::ToolCalls));
    let surplus = total - events.len() as f64;
    if is_near(surplus, 0.0) || (stopped && is_near(surplus, 1.0)) {
        return (later_events, ItlSource::Events);
    }
    let share = characters(&events[in_first..]) / characters(events);
    (total * share, ItlSource::Characters)
}

/// Whether two counts are the same, the one being a share.
fn is_near(a: f64, b: f64) -> bool {
    (a - b).abs() < 0.01
}

fn characters(events: &[&Event]) -> f64 {
    let texts = events.iter().filter_map(|e| e.kind.text());
    texts.map(|text| text.chars().count()).sum::<usize>() as f64
}
