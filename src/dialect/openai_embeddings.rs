//! `POST /embeddings`, as OpenAI, Azure, vLLM, llama.cpp, Voyage and gateways serve it.

use serde_json::{Map, Value, json};

use super::language::{Ask, DecodeError, Dialect, Kind, Reader, Shape, SharedDialect};
use super::openai::usage::usages;
use super::results::{Answer, WholeReader, as_object, asked, vectors};
use super::values::{array, wrong};
use crate::answer::timeline::Usage;

/// The OpenAI embeddings API.
#[derive(Debug)]
pub struct OpenAiEmbeddings;

/// The name in the configuration.
pub const NAME: &str = "openai-embeddings";

/// The constructor.
#[must_use]
pub fn new() -> SharedDialect {
    SharedDialect::new(OpenAiEmbeddings)
}

impl Dialect for OpenAiEmbeddings {
    fn name(&self) -> &'static str {
        NAME
    }

    fn kind(&self) -> Kind {
        Kind::Embed
    }

    fn path(&self, _: &str, _: Shape) -> String {
        "embeddings".to_owned()
    }

    /// Without a form of the numbers: every server has one, and not every one knows the key.
    fn body(&self, ask: &Ask<'_>) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert("model".to_owned(), json!(ask.model));
        body.insert("input".to_owned(), json!(ask.prompt.text()));
        body
    }

    fn reader(&self, _: Shape) -> Box<dyn Reader> {
        Box::new(WholeReader(find))
    }
}

fn find(answer: &Value) -> Result<Answer, DecodeError> {
    let root = as_object(answer)?;
    let mut found = Vec::new();
    for element in array(root, "data")? {
        let Value::Object(element) = element else {
            return Err(wrong("an element of `data`", "an object", element));
        };
        found.push(element.get("embedding").unwrap_or(&Value::Null));
    }
    let usage = usages(root).into_iter().map(asked).reduce(Usage::merged);
    Ok(Answer { results: vectors(found)?, usage, timing: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::timeline::Results;
    use crate::dialect::results::tests::{check, told};

    #[test]
    fn vectors_and_tokens_are_counted() {
        let body = json!({"object": "list", "model": "m",
            "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -0.25]}],
            "usage": {"prompt_tokens": 7, "total_tokens": 7}});
        check(&new(), &body, Results { count: 1, dimension: Some(2) }, Some(7));
        let body = json!({"data": [{"embedding": "AAAAPwAAgD8="}], "usage": {"total_tokens": 9}});
        check(&new(), &body, Results { count: 1, dimension: Some(2) }, Some(9));
        check(&new(), &json!({"data": []}), Results::default(), None);
        check(&new(), &json!({"data": null}), Results::default(), None);
        check(&new(), &json!({"data": [{"embedding": []}]}), Results::default(), None);
    }

    #[test]
    fn what_has_no_vector_is_malformed() {
        for body in [
            r#"{"data": [{"index": 0}]}"#,
            r#"{"data": [{"embedding": [0.5, NaN]}]}"#,
            r#"{"data": [[0.5]]}"#,
            r#"{"data": {"embedding": [0.5]}}"#,
            "[[0.5]]",
        ] {
            assert!(matches!(told(&new(), body), Err(DecodeError::Malformed(_))), "{body}");
        }
    }
}
