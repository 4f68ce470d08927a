//! How the users of a workload behave: when they stop reading, and whether they ask again.

use serde_yaml::Spanned;

use super::prefix::whole;
use super::timing;
use crate::config::error::Report;
use crate::config::keys::range_in_words;
use crate::config::raw::{
    self, BYTES_PER_SECOND, DEFAULT_THINK_TIME, OUTPUT_TOKENS, THINK_TIMES, TIMEOUTS, TURNS,
};
use crate::text::units::HumanDuration;
use crate::workload::{Cancel, Conversation};

pub(super) fn cancel(
    raw: &Spanned<raw::Cancel>,
    max_output_tokens: Option<u32>,
    report: &mut Report<'_>,
) -> Option<Cancel> {
    match &raw.value {
        raw::Cancel::AfterOutputTokens(tokens) => {
            let after = whole("after_output_tokens", tokens, &OUTPUT_TOKENS, report)?;
            if max_output_tokens.is_some_and(|most| after >= most) {
                let why = "after_output_tokens is not below max_output_tokens, so that no reader \
                           would stop; expected less";
                return report.add(tokens.referenced, why);
            }
            Some(Cancel::AfterOutputTokens(after.into()))
        }
        raw::Cancel::After(time) => {
            let HumanDuration(after) = time.value;
            if !TIMEOUTS.contains(&after) {
                let why = format!("after out of range, expected {}", range_in_words(&TIMEOUTS));
                return report.add(time.referenced, why);
            }
            Some(Cancel::After(after))
        }
        raw::Cancel::BytesPerSecond(bytes) => {
            let bytes_per_second = whole("bytes_per_second", bytes, &BYTES_PER_SECOND, report)?;
            Some(Cancel::Slow { bytes_per_second })
        }
    }
}

pub(super) fn conversation(
    raw: &Spanned<raw::Conversation>,
    captured: bool,
    report: &mut Report<'_>,
) -> Option<Conversation> {
    let raw::Conversation { turns, think_time } = &raw.value;
    if captured {
        let why = "a conversation of captured requests, which go out as they are; expected other \
                   `prompts`, or no `conversation`";
        return report.add(raw.referenced, why);
    }
    let turns = whole("turns", turns, &TURNS, report);
    let think_time = timing::duration(
        "think_time",
        think_time.as_ref(),
        DEFAULT_THINK_TIME,
        &THINK_TIMES,
        report,
    );
    Some(Conversation { turns: turns?, think_time: think_time? })
}
