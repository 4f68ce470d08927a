//! A server's state at one instant, whatever engine it runs.

/// Count and sum of a histogram since the server's start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Totals {
    /// Observations.
    pub count: f64,
    /// Their sum, in the histogram's unit.
    pub sum: f64,
}

/// What a metrics page says, in one naming. `None` is what it does not say. Numbers of requests
/// and of the KV cache are the server's, all clients together.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sample {
    /// Which engine's names were found.
    pub engine: &'static str,
    /// Requests that are being worked on.
    pub running: Option<f64>,
    /// Requests that wait to be worked on.
    pub waiting: Option<f64>,
    /// Used share of the KV cache, 0 to 1; of several engines the fullest.
    pub kv_cache_usage: Option<f64>,
    /// Prompt tokens (blocks in some releases) looked up in the prefix cache since the start.
    pub prefix_cache_queries: Option<f64>,
    /// Those of them that were found.
    pub prefix_cache_hits: Option<f64>,
    /// Share of hits as the server computes it, where it does not count both.
    pub prefix_cache_hit_ratio: Option<f64>,
    /// Requests that had to give back their KV cache and start again, since the start.
    pub preemptions: Option<f64>,
    /// Requests that were finished since the start.
    pub finished: Option<f64>,
    /// Tokens generated since the start.
    pub generated_tokens: Option<f64>,
    /// Seconds that each request waited.
    pub queue_time: Option<Totals>,
    /// Seconds from the end of the wait to the first token, of each request.
    pub prefill_time: Option<Totals>,
    /// Prompt tokens of each request, counted when the two times are.
    pub request_prompt_tokens: Option<Totals>,
}

impl Sample {
    /// Running and waiting; absent when either is.
    #[must_use]
    pub fn in_flight(&self) -> Option<f64> {
        Some(self.running? + self.waiting?)
    }

    /// The names of what the page says about the server's load.
    pub fn known(&self) -> impl Iterator<Item = &'static str> + use<> {
        let said = [
            ("running", self.running.is_some()),
            ("waiting", self.waiting.is_some()),
            ("kv_cache_usage", self.kv_cache_usage.is_some()),
            ("prefix_cache_queries", self.prefix_cache_queries.is_some()),
            ("prefix_cache_hits", self.prefix_cache_hits.is_some()),
            ("prefix_cache_hit_ratio", self.prefix_cache_hit_ratio.is_some()),
            ("preemptions", self.preemptions.is_some()),
        ];
        said.into_iter().filter_map(|(name, known)| known.then_some(name))
    }
}

/// How much a counter rose; absent when either end is unknown or it was reset in between.
pub(super) fn rise(before: Option<f64>, after: Option<f64>) -> Option<f64> {
    let rise = after? - before?;
    (rise >= 0.0).then_some(rise)
}
