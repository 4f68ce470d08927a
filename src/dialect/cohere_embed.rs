//! `POST /v2/embed`, as Cohere and vLLM serve it.

use serde_json::{Map, Value, json};

use super::cohere::{MODELS, tokens};
use super::language::{Ask, DecodeError, Dialect, Kind, Reader, Shape, SharedDialect};
use super::results::{Answer, WholeReader, as_object, vectors};
use super::values::wrong;
use crate::answer::timeline::Results;

/// Cohere's embeddings.
#[derive(Debug)]
pub struct CohereEmbed;

/// The name in the configuration.
pub const NAME: &str = "cohere-embed";

/// The constructor.
#[must_use]
pub fn new() -> SharedDialect {
    SharedDialect::new(CohereEmbed)
}

impl Dialect for CohereEmbed {
    fn name(&self) -> &'static str {
        NAME
    }

    fn kind(&self) -> Kind {
        Kind::Embed
    }

    fn path(&self, _: &str, _: Shape) -> String {
        "v2/embed".to_owned()
    }

    /// Models from the third version on want to know what the vector is for.
    fn body(&self, ask: &Ask<'_>) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert("model".to_owned(), json!(ask.model));
        body.insert("texts".to_owned(), json!([ask.prompt.text()]));
        body.insert("input_type".to_owned(), json!("search_query"));
        body.insert("embedding_types".to_owned(), json!(["float"]));
        body
    }

    fn reader(&self, _: Shape) -> Box<dyn Reader> {
        Box::new(WholeReader(find))
    }

    fn models(&self) -> &'static str {
        MODELS
    }
}

/// One list of vectors for each type of number that was asked for; the older form has one list.
fn find(answer: &Value) -> Result<Answer, DecodeError> {
    let root = as_object(answer)?;
    let results = match root.get("embeddings") {
        None | Some(Value::Null) => Results::default(),
        Some(Value::Array(list)) => vectors(list)?,
        Some(Value::Object(types)) => of_types(types)?,
        Some(other) => return Err(wrong("`embeddings`", "an object", other)),
    };
    Ok(Answer { results, usage: tokens(root), timing: None })
}

/// The first that is there; every one has to be good.
fn of_types(types: &Map<String, Value>) -> Result<Results, DecodeError> {
    let mut first = None;
    for (_, list) in types.iter().filter(|(_, list)| !list.is_null()) {
        let Value::Array(list) = list else {
            return Err(wrong("a type of `embeddings`", "a list of vectors", list));
        };
        let results = vectors(list)?;
        first.get_or_insert(results);
    }
    Ok(first.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::results::tests::{check, told};

    #[test]
    fn vectors_are_under_their_type() {
        let meta = json!({"api_version": {"version": "2"}, "billed_units": {"input_tokens": 7}});
        let body = json!({"id": "x", "embeddings": {"float": [[0.5, -0.25]]}, "meta": meta});
        check(&new(), &body, Results { count: 1, dimension: Some(2) }, Some(7));
        let older = json!({"embeddings": [[0.5, -0.25], [1, 2]]});
        check(&new(), &older, Results { count: 2, dimension: Some(2) }, None);
        for empty in [json!({}), json!({"float": []}), json!({"float": null}), json!([])] {
            check(&new(), &json!({"embeddings": empty}), Results::default(), None);
        }
        for body in [
            r#"{"embeddings": {"float": [[0.5, null]]}}"#,
            r#"{"embeddings": {"float": [[0.5]], "int8": [["x"]]}}"#,
            r#"{"embeddings": {"float": 7}}"#,
            r#"{"embeddings": "none"}"#,
        ] {
            assert!(matches!(told(&new(), body), Err(DecodeError::Malformed(_))), "{body}");
        }
    }
}
