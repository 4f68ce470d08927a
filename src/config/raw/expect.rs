//! `expect`.

use std::ops::Bound;
use std::path::PathBuf;

use serde_yaml::Spanned;

use super::parts::Maybe;
use crate::answer::timeline::Finish;
use crate::config::keys::range::above;

pub(in crate::config) const DISTINCT_RATIOS: (Bound<f64>, Bound<f64>) = above(0.0, 1.0);

keys! {
    struct Expect {
        /// The text holds this text.
        contains: Maybe<String> => private,
        /// The text matches this regular expression.
        regex: Maybe<String> => private,
        /// The answer has at least so many tokens.
        min_output_tokens: Maybe<u64> => shown,
        /// A file with a JSON Schema: the text is JSON of this form, alone or in one code fence.
        json_schema: Maybe<PathBuf> => shown,
        /// A tool must be called, and each call of it must have right arguments.
        tool_call: Maybe<ToolCall> => inside,
        /// Why the answer ended: one of these.
        finish: Maybe<Vec<Spanned<String>>> => shown.among(Finish::ALL.iter().copied().map(Finish::as_str)),
        /// Different words in any 64 in a row, at least. Healthy code and tables go down to 0.03.
        min_distinct_ratio: Maybe<f64> => shown.range(DISTINCT_RATIOS),
        /// The text that `contains`, `regex`, `json_schema` and `min_distinct_ratio` look at.
        r#in: Maybe<Part> => shown.default("answer"),
    }
}

keys! {
    struct ToolCall {
        /// The name of a function.
        name: Maybe<String> => shown.otherwise("any"),
        /// A file with the JSON Schema of its arguments.
        arguments_schema: Maybe<PathBuf> => shown.otherwise("any arguments"),
    }
}

choices! {
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Part {
        /// what the user reads
        "answer" => Answer,
        /// what the model thinks
        "reasoning" => Reasoning,
        /// the arguments of tool calls
        "tool_calls" => ToolCalls,
    }
}
