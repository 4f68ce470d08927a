//! `POST /embed`: Hugging Face's text-embeddings-inference, whose answer is a list of vectors.

use serde_json::{Map, Value, json};

use super::language::{Ask, DecodeError, Dialect, Kind, Reader, Shape, SharedDialect};
use super::models::ModelPage;
use super::results::{Answer, WholeReader, vectors};
use super::values::wrong;

/// Embeddings of text-embeddings-inference.
#[derive(Debug)]
pub struct TeiEmbed;

/// The name in the configuration.
pub const NAME: &str = "tei-embed";
/// What the server says about itself and its one model.
pub(super) const INFO: &str = "info";

/// The constructor.
#[must_use]
pub fn new() -> SharedDialect {
    SharedDialect::new(TeiEmbed)
}

impl Dialect for TeiEmbed {
    fn name(&self) -> &'static str {
        NAME
    }

    fn kind(&self) -> Kind {
        Kind::Embed
    }

    fn path(&self, _: &str, _: Shape) -> String {
        "embed".to_owned()
    }

    /// A server has one model, which is not named.
    fn body(&self, ask: &Ask<'_>) -> Map<String, Value> {
        Map::from_iter([("inputs".to_owned(), json!(ask.prompt.text()))])
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

/// The model in what a server says about itself.
pub(super) fn model_of(info: &Value) -> Option<ModelPage> {
    let name = info.get("model_id")?.as_str().filter(|name| !name.is_empty())?;
    Some(ModelPage { names: vec![name.to_owned()], next: None })
}

fn find(answer: &Value) -> Result<Answer, DecodeError> {
    let list = match answer {
        Value::Array(list) => list,
        other => return Err(wrong("the answer", "a list of vectors", other)),
    };
    // One vector alone is the list of its numbers.
    let alone = list.first().is_some_and(Value::is_number);
    let results = if alone { vectors([answer])? } else { vectors(list)? };
    Ok(Answer { results, ..Answer::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::timeline::Results;
    use crate::dialect::results::tests::{check, told};

    #[test]
    fn the_answer_is_a_list_of_vectors() {
        let of = |count, dimension| Results { count, dimension: Some(dimension) };
        check(&new(), &json!([[0.5, -0.25, 1]]), of(1, 3), None);
        check(&new(), &json!([[0.5], [1]]), of(2, 1), None);
        check(&new(), &json!([0.5, -0.25]), of(1, 2), None);
        check(&new(), &json!([]), Results::default(), None);
        for body in ["[[0.5, null]]", "[0.5, null]", "{\"embeddings\": [[1]]}", "[\"a!\"]"] {
            assert!(matches!(told(&new(), body), Err(DecodeError::Malformed(_))), "{body}");
        }
    }

    #[test]
    fn the_model_is_in_what_the_server_says_of_itself() {
        let page = new().model_page(&json!({"model_id": "BAAI/bge-small", "version": "1.8"}));
        assert_eq!(page.unwrap().names, ["BAAI/bge-small"]);
        assert_eq!(new().model_page(&json!({"error": "x"})), None);
    }
}
