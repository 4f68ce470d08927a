//! The mix for targets that name none: short questions, and one prompt with context to read.

use std::sync::Arc;

use super::{Prompt, Workload};

/// Two thirds short questions, one third requests with some context to read.
#[must_use]
pub fn mix() -> Vec<Arc<Workload>> {
    vec![
        workload(
            "short",
            2.0,
            32,
            vec![
                Prompt::user("Name three large rivers and the sea each of them reaches."),
                Prompt::user("Explain in two sentences why the sky is blue."),
                Prompt::user("Write one sentence about a lighthouse at night."),
                Prompt::user("List five everyday uses of a paper clip."),
            ],
        ),
        workload("context", 1.0, 64, vec![Prompt::user(context())]),
    ]
}

fn workload(
    name: &str,
    weight: f64,
    max_output_tokens: u32,
    prompts: Vec<Prompt>,
) -> Arc<Workload> {
    Arc::new(Workload {
        weight,
        max_output_tokens,
        ..Workload::new(name.to_owned(), prompts.into())
    })
}

/// About 500 tokens of text to read before answering.
fn context() -> String {
    let passage = "The harbour office keeps a log of every ship that enters or leaves. \
        Each line holds the hour, the name of the ship, its home port, its cargo and the state \
        of the tide. Pilots read the log before they go out, because a ship that lies deep may \
        pass the bar only at high water. ";
    format!("{}\nSummarise the text above in two sentences.", passage.repeat(8))
}
