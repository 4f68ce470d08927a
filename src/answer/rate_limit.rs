//! Rate limits, as headers state them.

use crate::answer::recording::Head;

/// A rate limit as the response headers state it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RateLimit {
    /// How much is allowed.
    pub limit: Option<u64>,
    /// How much of it is left.
    pub remaining: Option<u64>,
}

/// The rate limits of one response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RateLimits {
    /// Of requests.
    pub requests: RateLimit,
    /// Of tokens.
    pub tokens: RateLimit,
}

impl RateLimits {
    /// From the headers whose names `name` makes of `limit` or `remaining` and of `requests` or
    /// `tokens`.
    pub(crate) fn named(head: &Head, name: impl Fn(&str, &str) -> String) -> Self {
        let header =
            |what: &str, unit: &str| head.header(&name(what, unit))?.trim().parse::<u64>().ok();
        let of = |unit: &str| RateLimit {
            limit: header("limit", unit),
            remaining: header("remaining", unit),
        };
        Self { requests: of("requests"), tokens: of("tokens") }
    }

    /// From the headers that OpenAI introduced and gateways copy.
    pub(crate) fn usual(head: &Head) -> Self {
        Self::named(head, |what, unit| format!("x-ratelimit-{what}-{unit}"))
    }
}
