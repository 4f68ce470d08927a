//! `POST /rerank`: Hugging Face's text-embeddings-inference, whose answer is a list.

use serde_json::{Map, Value};

use super::language::{Ask, DecodeError, Dialect, Kind, Reader, Shape, SharedDialect};
use super::models::ModelPage;
use super::results::{Answer, WholeReader, ranked, ranked_in, rerank_body};
use super::tei_embed::{INFO, model_of};

/// Reranking of text-embeddings-inference.
#[derive(Debug)]
pub struct TeiRerank;

/// The name in the configuration.
pub const NAME: &str = "tei-rerank";

/// The constructor.
#[must_use]
pub fn new() -> SharedDialect {
    SharedDialect::new(TeiRerank)
}

impl Dialect for TeiRerank {
    fn name(&self) -> &'static str {
        NAME
    }

    fn kind(&self) -> Kind {
        Kind::Rerank
    }

    fn path(&self, _: &str, _: Shape) -> String {
        "rerank".to_owned()
    }

    /// A server has one model, which is not named.
    fn body(&self, ask: &Ask<'_>) -> Map<String, Value> {
        rerank_body(ask, "texts", false)
    }

    fn reader(&self, _: Shape) -> Box<dyn Reader> {
        Box::new(WholeReader(find))
    }

    fn models(&self) -> &'static str {
        INFO
    }

    fn model_page(&self, page: &Value) -> Option<ModelPage> {
        model_of(page)
    }
}

/// Servers of several APIs answer in another's form.
fn find(answer: &Value) -> Result<Answer, DecodeError> {
    let results = match answer {
        Value::Object(root) => ranked_in(root)?,
        other => ranked(other.as_array().map(Vec::as_slice).unwrap_or_default())?,
    };
    Ok(Answer { results, ..Answer::default() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::answer::timeline::Results;
    use crate::dialect::results::tests::{check, told};

    #[test]
    fn the_answer_is_a_list_of_documents() {
        let two = Results { count: 2, dimension: None };
        let list = json!([{"index": 1, "score": 0.9, "text": "a"}, {"index": 0, "score": -1.5}]);
        check(&new(), &list, two, None);
        check(&new(), &json!({"results": list}), two, None);
        check(&new(), &json!([]), Results::default(), None);
        for body in ["[1, 2]", r#"[{"index": 0, "score": "high"}]"#, "[{}]"] {
            assert!(matches!(told(&new(), body), Err(DecodeError::Malformed(_))), "{body}");
        }
    }
}
