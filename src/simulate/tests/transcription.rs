//! The dialects that write down what is said, against their other half.

use super::dialects::{ask_for, target};
use super::*;
use crate::answer::measure::TokenSource;
use crate::dialect::{self, Kind};

#[tokio::test(start_paused = true)]
async fn what_is_said_is_what_is_read() {
    for dialect in dialect::all().filter(|dialect| dialect.kind() == Kind::Transcribe) {
        let mut texts = Vec::new();
        for stream in [true, false] {
            let asked = ask_for("simulated", &target(&dialect, stream), exact(), 100).await;
            assert!(asked.outcome.succeeded(), "{dialect:?}: {:?}", asked.outcome.result);
            let m = &asked.outcome.measurement;
            assert_eq!(m.ttft, stream.then_some(200 * MS), "{dialect:?}");
            assert_eq!(m.itl, stream.then_some(10 * MS), "{dialect:?}");
            assert_eq!(m.request_latency, Some(240 * MS), "{dialect:?}");
            let output = m.output_tokens.map(|t| (t.tokens, t.source));
            assert_eq!(output, Some((5, TokenSource::Usage)), "{dialect:?}");
            // A second of sound.
            assert_eq!(m.input_tokens.map(|t| t.tokens), Some(11), "{dialect:?}");
            texts.push(asked.text);
        }
        assert_eq!(texts[0], texts[1], "{dialect:?}");
        assert_eq!(texts[0].split_whitespace().count(), 5, "{dialect:?}");
    }
}
