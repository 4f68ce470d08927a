//! `POST /rerank` below `…/v1`, as Jina, vLLM, llama.cpp, SGLang, Voyage and gateways serve it.

use serde_json::{Map, Value};

use super::language::{Ask, DecodeError, Dialect, Kind, Reader, Shape, SharedDialect};
use super::openai::usage::usages;
use super::results::{Answer, WholeReader, asked, ranked, ranked_in, rerank_body};
use crate::answer::timeline::Usage;

/// Jina's reranking.
#[derive(Debug)]
pub struct JinaRerank;

/// The name in the configuration.
pub const NAME: &str = "jina-rerank";

/// The constructor.
#[must_use]
pub fn new() -> SharedDialect {
    SharedDialect::new(JinaRerank)
}

impl Dialect for JinaRerank {
    fn name(&self) -> &'static str {
        NAME
    }

    fn kind(&self) -> Kind {
        Kind::Rerank
    }

    fn path(&self, _: &str, _: Shape) -> String {
        "rerank".to_owned()
    }

    fn body(&self, ask: &Ask<'_>) -> Map<String, Value> {
        rerank_body(ask, "documents", true)
    }

    fn reader(&self, _: Shape) -> Box<dyn Reader> {
        Box::new(WholeReader(find))
    }
}

/// Some servers answer with the list alone.
fn find(answer: &Value) -> Result<Answer, DecodeError> {
    match answer {
        Value::Object(root) => {
            let usage = usages(root).into_iter().map(asked).reduce(Usage::merged);
            Ok(Answer { results: ranked_in(root)?, usage, timing: None })
        }
        other => {
            let list = other.as_array().map(Vec::as_slice).unwrap_or_default();
            Ok(Answer { results: ranked(list)?, ..Answer::default() })
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::answer::timeline::Results;
    use crate::dialect::results::tests::{check, told};

    #[test]
    fn documents_are_counted() {
        let results = json!([{"index": 1, "relevance_score": 0.9, "document": {"text": "a"}},
            {"index": 0, "relevance_score": 0.1}]);
        let two = Results { count: 2, dimension: None };
        let usage = json!({"total_tokens": 17});
        check(&new(), &json!({"model": "m", "results": results, "usage": usage}), two, Some(17));
        check(&new(), &json!({"data": results, "usage": {"prompt_tokens": 5}}), two, Some(5));
        check(&new(), &results, two, None);
        check(&new(), &json!({"results": []}), Results::default(), None);
        let body = r#"{"results": [{"index": 0, "relevance_score": NaN}]}"#;
        assert!(matches!(told(&new(), body), Err(DecodeError::Malformed(_))), "{body}");
    }
}
