//! `POST /api/embed`: Ollama's own form. Of the older `/api/embeddings` the answer is understood.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::language::{Ask, DecodeError, Dialect, Kind, Reader, Shape, SharedDialect};
use super::results::{Answer, WholeReader, as_object, vectors};
use super::values::{array, whole_number};
use crate::answer::timeline::{ServerTiming, Usage};

/// Ollama's embeddings.
#[derive(Debug)]
pub struct OllamaEmbed;

/// The name in the configuration.
pub const NAME: &str = "ollama-embed";

/// The constructor.
#[must_use]
pub fn new() -> SharedDialect {
    SharedDialect::new(OllamaEmbed)
}

impl Dialect for OllamaEmbed {
    fn name(&self) -> &'static str {
        NAME
    }

    fn kind(&self) -> Kind {
        Kind::Embed
    }

    fn path(&self, _: &str, _: Shape) -> String {
        "api/embed".to_owned()
    }

    fn body(&self, ask: &Ask<'_>) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert("model".to_owned(), json!(ask.model));
        body.insert("input".to_owned(), json!(ask.prompt.text()));
        body
    }

    fn reader(&self, _: Shape) -> Box<dyn Reader> {
        Box::new(WholeReader(find))
    }

    fn models(&self) -> &'static str {
        "api/tags"
    }
}

/// No model is loaded for longer: the sum of such times would be ruined for good.
const LONGEST_LOAD: Duration = Duration::from_secs(24 * 60 * 60);

fn find(answer: &Value) -> Result<Answer, DecodeError> {
    let root = as_object(answer)?;
    let results = match root.get("embedding") {
        Some(one) => vectors([one])?,
        None => vectors(array(root, "embeddings")?)?,
    };
    let input = root.get("prompt_eval_count").and_then(whole_number);
    let load = root.get("load_duration").and_then(whole_number).map(Duration::from_nanos);
    let load = load.filter(|load| *load <= LONGEST_LOAD);
    Ok(Answer {
        results,
        usage: input.map(|input| Usage { input: Some(input), ..Usage::default() }),
        timing: load.map(|load| ServerTiming { load: Some(load), ..ServerTiming::default() }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::timeline::{EventKind, Results};
    use crate::dialect::results::tests::{check, told};

    #[test]
    fn both_forms_are_read() {
        let body = json!({"model": "m", "embeddings": [[0.5, -0.25, 1]], "prompt_eval_count": 4});
        check(&new(), &body, Results { count: 1, dimension: Some(3) }, Some(4));
        let body = json!({"embedding": [0.5, -0.25]});
        check(&new(), &body, Results { count: 1, dimension: Some(2) }, None);
        check(&new(), &json!({"embedding": []}), Results::default(), None);
        check(&new(), &json!({"embeddings": []}), Results::default(), None);
    }

    #[test]
    fn the_time_to_load_the_model_is_a_stage() {
        let body = r#"{"embeddings": [[1]], "load_duration": 1500000}"#;
        let load = Some(Duration::from_micros(1500));
        let timing = EventKind::ServerTiming(ServerTiming { load, ..ServerTiming::default() });
        assert!(told(&new(), body).unwrap().contains(&timing));
        let body = r#"{"embeddings": [[1]], "load_duration": 900000000000000}"#;
        let told = told(&new(), body).unwrap();
        assert!(!told.iter().any(|kind| matches!(kind, EventKind::ServerTiming(_))), "{told:?}");
    }

    #[test]
    fn a_vector_that_is_none_is_malformed() {
        for body in [r#"{"embedding": null}"#, r#"{"embeddings": [[null]]}"#, "[[1]]"] {
            assert!(matches!(told(&new(), body), Err(DecodeError::Malformed(_))), "{body}");
        }
    }
}
