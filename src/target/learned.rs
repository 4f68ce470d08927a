//! What a server was found to take where the configuration leaves it open. It is learnt from the
//! refusal that says so, once per model, and said once in the log.

use parking_lot::Mutex;
use serde_json::Value;

use crate::answer::recording::Recording;
use crate::dialect::AskUsage;
use crate::target::{Target, UsageMode};
use crate::workload::LimitKey;
use crate::workload::mix::Draw;

/// So much of a refusal is read.
const REFUSAL_BYTES: usize = 16 << 10;

/// The parts of a request that a server may refuse although it could answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// What the limit of generated tokens is called.
    pub limit_key: LimitKey,
    /// Which counts of tokens are asked for.
    pub usage: AskUsage,
}

/// What is known of one target's server.
#[derive(Debug, Default)]
pub struct Learned(Mutex<Known>);

/// Of one model: another one may be served by another program.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Known {
    model: String,
    limit_key: Option<LimitKey>,
    usage: Option<AskUsage>,
    /// Both ways were refused, so that the refusal was about something else.
    limit_in_vain: bool,
    usage_in_vain: bool,
    /// Continuous counts were taken once: a later refusal is not about them.
    counts_taken: bool,
}

impl Learned {
    /// Goes on with what was learnt before a reload.
    pub fn go_on_from(&self, before: &Self) {
        let known = before.0.lock().clone();
        *self.0.lock() = known;
    }

    /// What to ask with.
    #[must_use]
    pub fn terms(&self, target: &Target, draw: &Draw, model: &str) -> Terms {
        let known = self.of(model);
        let usage = match target.usage {
            UsageMode::None => AskUsage::Not,
            UsageMode::Continuous => known.usage.unwrap_or(AskUsage::Continuously),
            UsageMode::Auto => known.usage.unwrap_or(AskUsage::AtTheEnd),
            UsageMode::Final => AskUsage::AtTheEnd,
        };
        if !target.dialect.bargains() {
            return Terms { limit_key: LimitKey::MaxTokens, usage };
        }
        let limit_key = draw.workload.limit_key.or(known.limit_key).unwrap_or(LimitKey::MaxTokens);
        Terms { limit_key, usage }
    }

    /// What to ask with instead, where this refusal is about the terms.
    #[must_use]
    pub fn instead(
        &self,
        target: &Target,
        draw: &Draw,
        model: &str,
        terms: Terms,
        recording: &Recording,
    ) -> Option<Terms> {
        let known = self.of(model);
        if !(target.dialect.bargains() && is_refused(recording)) {
            return None;
        }
        let words = words(recording);
        let speaks_of = |word: &str| words.contains(word);
        let counted = target.stream && target.usage != UsageMode::Final;
        if counted && terms.usage == AskUsage::Continuously {
            let named = speaks_of("continuous_usage_stats") || speaks_of("stream_options");
            // A server may refuse what it does not know without naming it.
            let suspect = !(known.counts_taken || about_limit(&words));
            if !known.usage_in_vain && (named || suspect) {
                return Some(Terms { usage: AskUsage::AtTheEnd, ..terms });
            }
        }
        let named = speaks_of("stream_options") || speaks_of("include_usage");
        if counted && terms.usage == AskUsage::AtTheEnd && named && !known.usage_in_vain {
            return Some(Terms { usage: AskUsage::Not, ..terms });
        }
        let open = draw.workload.limit_key.is_none() && draw.prompt.captured.is_none();
        let old = terms.limit_key == LimitKey::MaxTokens && !known.limit_in_vain;
        (open && old && about_limit(&words))
            .then_some(Terms { limit_key: LimitKey::MaxCompletionTokens, ..terms })
    }

    /// Remembers the terms of an answer, which were found after `first` had been refused, if they
    /// differ.
    pub fn taken(&self, target: &Target, model: &str, first: Terms, terms: Terms) {
        self.change(model, |known| {
            known.counts_taken |= terms.usage == AskUsage::Continuously;
            (known.limit_in_vain, known.usage_in_vain) = (false, false);
            if terms.limit_key != first.limit_key {
                known.limit_key = Some(terms.limit_key);
            }
            if terms.usage != first.usage {
                known.usage = Some(terms.usage);
            }
        });
        let target = &target.name;
        if terms.limit_key != first.limit_key {
            let key = terms.limit_key.as_str();
            tracing::info!(%target, %model, "the server refuses max_tokens, so {key} is sent");
        }
        match terms.usage {
            usage if usage == first.usage => {}
            AskUsage::AtTheEnd => tracing::info!(%target, %model, "the server refuses \
                continuous_usage_stats, so tokens are counted at the end only"),
            _ => tracing::info!(%target, %model, "the server refuses stream_options, so it is \
                not asked for counts of tokens"),
        }
    }

    /// Remembers that the server refuses these terms as well as the first: what it refuses is
    /// something else, and it is not asked twice for each probe. Until it answers.
    pub fn in_vain(&self, model: &str, first: Terms, terms: Terms) {
        self.change(model, |known| {
            known.limit_in_vain |= terms.limit_key != first.limit_key;
            known.usage_in_vain |= terms.usage != first.usage;
        });
    }

    fn of(&self, model: &str) -> Known {
        let known = self.0.lock();
        if known.model == model {
            known.clone()
        } else {
            Known { model: model.to_owned(), ..Known::default() }
        }
    }

    fn change(&self, model: &str, change: impl FnOnce(&mut Known)) {
        let mut known = self.0.lock();
        if known.model != model {
            *known = Known { model: model.to_owned(), ..Known::default() };
        }
        change(&mut known);
    }
}

/// Whether the server refused to read the request.
#[must_use]
pub fn is_refused(recording: &Recording) -> bool {
    recording.head.as_ref().is_some_and(|head| matches!(head.status, 400 | 422))
}

/// The refusal, in its own words.
fn words(recording: &Recording) -> String {
    let bytes = recording.chunks.iter().flat_map(|chunk| chunk.bytes.iter().copied());
    String::from_utf8_lossy(&bytes.take(REFUSAL_BYTES).collect::<Vec<u8>>()).into_owned()
}

/// Whether it names the other key, or the one it refuses.
fn about_limit(words: &str) -> bool {
    let body: Value = serde_json::from_str(words).unwrap_or_default();
    let param = ["/error/param", "/param"].iter().find_map(|at| body.pointer(at)?.as_str());
    words.contains(LimitKey::MaxCompletionTokens.as_str())
        || param == Some(LimitKey::MaxTokens.as_str())
}
