//! The figures of one probe, as types. A figure that cannot be observed is `None`, never zero.

use std::time::Duration;

use strum::{IntoStaticStr, VariantArray};

use super::tokenized::Tokenized;
use crate::answer::degenerate::Degenerate;
use crate::answer::recording::Offset;
use crate::answer::timeline::{Finish, Results, ServerTiming};

/// Where the output token count comes from, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum TokenSource {
    /// The server's usage report.
    Usage,
    /// The target's tokenizer over the text.
    Tokenizer,
    /// One token per content event.
    Events,
}

impl TokenSource {
    /// Every source.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The label value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A number of tokens and who counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenCount {
    /// How many.
    pub tokens: u64,
    /// Who counted.
    pub source: TokenSource,
}

/// How the tokens after the first read were counted, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ItlSource {
    /// The server's counts so far, at the first read and at the last content.
    Usage,
    /// The target's tokenizer over what the first read held.
    Tokenizer,
    /// The server's count, in proportion to the characters.
    Characters,
    /// One token per event.
    Events,
}

impl ItlSource {
    /// The name in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A part of a request's time, as a label value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Phase {
    /// Name resolution.
    Resolve,
    /// TCP handshake.
    Connect,
    /// TLS handshake.
    Tls,
    /// First to last byte of the request handed to the kernel.
    Send,
    /// Request sent to first byte of the response.
    Processing,
    /// First byte of the response to first content.
    FirstToken,
    /// First to last content.
    Decode,
    /// Last content to the end of the body.
    Tail,
}

impl Phase {
    /// Every phase, in the order of a request.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The label value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A phase that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhaseSpan {
    /// Which.
    pub phase: Phase,
    /// When it began.
    pub start: Offset,
    /// How long it took.
    pub duration: Duration,
}

impl PhaseSpan {
    /// When it ended.
    #[must_use]
    pub fn end(&self) -> Offset {
        let nanos = i64::try_from(self.duration.as_nanos()).unwrap_or(i64::MAX);
        Offset(self.start.0.saturating_add(nanos))
    }
}

/// Every figure of one probe. `None` and empty mean "not observable", never zero.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Measurement {
    /// `first_byte − send`.
    pub ttfb: Option<Duration>,
    /// First content − `send`. Absent without content and on answers that were not streamed.
    pub ttft: Option<Duration>,
    /// First content − `started`, on new connections only.
    pub ttft_with_connect: Option<Duration>,
    /// First answer content (reasoning excluded) − `send`.
    pub ttfo: Option<Duration>,
    /// Second content event − first.
    pub ttst: Option<Duration>,
    /// Gaps between consecutive content events; a gap that touches a coalesced event is left out.
    pub gaps: Vec<Duration>,
    /// The longest gap between reads with content; a coalesced event's stamp is an upper bound. Of
    /// an answer that was given up in its midst, the silence at its end counts: a lower bound.
    pub longest_gap: Option<Duration>,
    /// (last content − first content) / (tokens after the first read that held content), of what
    /// was shown; the mean of several choices.
    pub itl: Option<Duration>,
    /// How those tokens were counted.
    pub itl_source: Option<ItlSource>,
    /// Last content − `send`, or the results' end. Absent when the probe failed.
    pub request_latency: Option<Duration>,
    /// The phases that happened.
    pub phases: Vec<PhaseSpan>,
    /// Prompt tokens, as the server or the tokenizer counts.
    pub input_tokens: Option<TokenCount>,
    /// Prompt tokens served from the prefix cache, as the server reports.
    pub cached_input_tokens: Option<u64>,
    /// Tokens generated and billed, reasoning included. Absent where nobody counted any.
    pub output_tokens: Option<TokenCount>,
    /// Reasoning tokens, as the server reports.
    pub reasoning_tokens: Option<u64>,
    /// What the tokenizer counted.
    pub tokenized: Tokenized,
    /// The tokenizer's count beside the server's, where both exist: (usage, tokenizer).
    pub token_disagreement: Option<(u64, u64)>,
    /// Stage durations, as the server reports.
    pub server_timing: ServerTiming,
    /// Why generation ended.
    pub finish: Option<Finish>,
    /// Vectors or documents, of an API that generates no text.
    pub results: Option<Results>,
    /// Instants of the content events.
    pub content_at: Vec<Offset>,
    /// Whether what was generated looks like no answer at all.
    pub degenerate: Degenerate,
    /// Content events that shared a read with a later one.
    pub coalesced: u64,
}

impl Measurement {
    /// What was counted, where the times were the reader's own doing.
    #[must_use]
    pub fn without_times(self) -> Self {
        Self {
            input_tokens: self.input_tokens,
            cached_input_tokens: self.cached_input_tokens,
            output_tokens: self.output_tokens,
            reasoning_tokens: self.reasoning_tokens,
            tokenized: self.tokenized,
            token_disagreement: self.token_disagreement,
            finish: self.finish,
            content_at: self.content_at,
            results: self.results,
            degenerate: self.degenerate,
            ..Self::default()
        }
    }

    /// 1 / ITL.
    #[must_use]
    pub fn output_tokens_per_second(&self) -> Option<f64> {
        self.itl.filter(|d| !d.is_zero()).map(|d| 1.0 / d.as_secs_f64())
    }

    /// Input tokens / TTFT.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // token counts are far below 2^53
    pub fn prefill_tokens_per_second(&self) -> Option<f64> {
        let ttft = self.ttft.filter(|d| !d.is_zero())?;
        Some(self.input_tokens?.tokens as f64 / ttft.as_secs_f64())
    }
}
