//! Definitions have numbers. Whoever changes what a figure means gives it the next number here, and
//! says in a line what changed: then nothing that was measured before is held against it. A
//! reference of that figure begins anew, and no other.

/// Time to first token. 1: from the end of sending to the first generated text.
pub const TTFT: u32 = 1;
/// Inter-token latency. 1: over the tokens between the first and the last event. 2: over those that
/// arrived in this time, whatever the bill says.
pub const ITL: u32 = 2;
/// Request latency. 1: from the beginning of sending to the end of the answer.
pub const REQUEST_LATENCY: u32 = 1;
/// Longest gap. 1: the longest silence between two content events. 2: also the silence that a probe
/// ended in.
pub const LONGEST_GAP: u32 = 2;
/// Output tokens per second. 1: output tokens over request latency.
pub const TOKENS_PER_SECOND: u32 = 1;
/// Deadlines of tokens. 1: met / (met + missed), a late token missing whole periods.
pub const DEADLINE: u32 = 1;
/// Failure. 1: every end but an answer that arrived whole, with content and accepted by its
/// validators. 2: an answer is whole with its last finish, whatever follows; without progress it has
/// stalled, whatever bytes come; what only repeats itself is not accepted.
pub const FAILURE: u32 = 2;
