//! `POST /v2/rerank`, as Cohere and vLLM serve it.

use serde_json::{Map, Value};

use super::cohere::{MODELS, tokens};
use super::language::{Ask, DecodeError, Dialect, Kind, Reader, Shape, SharedDialect};
use super::results::{Answer, WholeReader, as_object, ranked_in, rerank_body};

/// Cohere's reranking.
#[derive(Debug)]
pub struct CohereRerank;

/// The name in the configuration.
pub const NAME: &str = "cohere-rerank";

/// The constructor.
#[must_use]
pub fn new() -> SharedDialect {
    SharedDialect::new(CohereRerank)
}

impl Dialect for CohereRerank {
    fn name(&self) -> &'static str {
        NAME
    }

    fn kind(&self) -> Kind {
        Kind::Rerank
    }

    fn path(&self, _: &str, _: Shape) -> String {
        "v2/rerank".to_owned()
    }

    fn body(&self, ask: &Ask<'_>) -> Map<String, Value> {
        rerank_body(ask, "documents", true)
    }

    fn reader(&self, _: Shape) -> Box<dyn Reader> {
        Box::new(WholeReader(find))
    }

    fn models(&self) -> &'static str {
        MODELS
    }
}

fn find(answer: &Value) -> Result<Answer, DecodeError> {
    let root = as_object(answer)?;
    Ok(Answer { results: ranked_in(root)?, usage: tokens(root), timing: None })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::answer::timeline::Results;
    use crate::dialect::results::tests::{check, told};

    #[test]
    fn documents_are_counted() {
        let results = json!([{"index": 1, "relevance_score": 0.9},
            {"index": 0, "relevance_score": 0.1}]);
        let body = json!({"id": "x", "results": results,
            "meta": {"billed_units": {"search_units": 1}, "tokens": {"input_tokens": 31}}});
        check(&new(), &body, Results { count: 2, dimension: None }, Some(31));
        check(&new(), &json!({"results": []}), Results::default(), None);
        check(&new(), &json!({}), Results::default(), None);
        for body in [r#"{"results": [{"index": 0}]}"#, r#"{"results": {}}"#, "[]]"] {
            assert!(matches!(told(&new(), body), Err(DecodeError::Malformed(_))), "{body}");
        }
    }
}
