//! What the APIs share whose answers are no text: one JSON value with vectors, or with documents in
//! a new order. Strict, since nothing else says that such an answer is a good one.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::errors::{error, listed_error};
use super::json::parse;
use super::language::{Ask, DecodeError, Frame, Reader};
use super::payload::object_of;
use super::values::{array, whole_number, wrong};
use crate::answer::timeline::{EventKind, Results, ServerTiming, Told, Usage};

/// Bytes of a number in base64: IEEE 754 in single precision, the lowest byte first.
const NUMBER_BYTES: usize = 4;

/// What an answer amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Answer {
    /// None of them is no answer.
    pub results: Results,
    /// Tokens, as far as the server counts them.
    pub usage: Option<Usage>,
    /// Stage times, where it tells them.
    pub timing: Option<ServerTiming>,
}

/// Reads an answer out of a JSON value that is no error.
pub(super) type Find = fn(&Value) -> Result<Answer, DecodeError>;

/// Reads an answer that comes in one piece.
pub(super) struct WholeReader(pub Find);

impl Reader for WholeReader {
    fn frame(&mut self, frame: &Frame<'_>, told: &mut Vec<Told>) -> Result<(), DecodeError> {
        let Some(value) = value_of(frame, told)? else { return Ok(()) };
        let Answer { results, usage, timing } = (self.0)(&value)?;
        // Some APIs have no other mark of an error.
        let said = value.get("message").and_then(Value::as_str).filter(|_| results.count == 0);
        if let Some(message) = said {
            told.push(Told::whole(EventKind::Error(message.to_owned())));
            return Ok(());
        }
        let events = [
            usage.map(EventKind::Usage),
            timing.map(EventKind::ServerTiming),
            (results.count > 0).then_some(EventKind::Results(results)),
            Some(EventKind::Done),
        ];
        told.extend(events.into_iter().flatten().map(Told::whole));
        Ok(())
    }
}

/// The object or list of an answer; `None` where it tells all by itself, as an error does.
fn value_of(frame: &Frame<'_>, told: &mut Vec<Told>) -> Result<Option<Value>, DecodeError> {
    let data = frame.data.trim();
    let found = if !frame.whole || !data.starts_with('[') {
        let root = object_of(frame, told)?;
        root.map(|root| (error(frame, &root), Value::Object(root)))
    } else {
        let list: Vec<Value> = match parse(data) {
            Ok(Value::Array(list)) => list,
            Ok(other) => return Err(wrong("the answer", "a list", &other)),
            Err(e) if e.is_eof() => {
                return Err(DecodeError::Partial(format!("the answer breaks off: {e}")));
            }
            Err(e) => return Err(DecodeError::Malformed(format!("the answer is not JSON: {e}"))),
        };
        Some((listed_error(frame, &list), Value::Array(list)))
    };
    let Some((failure, value)) = found else { return Ok(None) };
    if let Some(message) = failure {
        told.push(Told::whole(EventKind::Error(message)));
        return Ok(None);
    }
    Ok(Some(value))
}

/// The object that an answer is.
pub(super) fn as_object(answer: &Value) -> Result<&Map<String, Value>, DecodeError> {
    answer.as_object().ok_or_else(|| wrong("the answer", "an object", answer))
}

/// The tokens of what was asked: where nothing is generated, all there are.
pub(super) fn asked(usage: Usage) -> Usage {
    Usage { input: usage.input.or(usage.total), output: None, reasoning: None, ..usage }
}

/// What is asked for an order of documents, under the key that they have in the API.
pub(super) fn rerank_body(ask: &Ask<'_>, key: &str, names_model: bool) -> Map<String, Value> {
    let mut body = Map::new();
    if names_model {
        body.insert("model".to_owned(), json!(ask.model));
    }
    body.insert("query".to_owned(), json!(ask.prompt.text()));
    body.insert(key.to_owned(), json!(ask.prompt.documents()));
    body
}

/// Vectors, which all have to have as many numbers.
pub(super) fn vectors<'a>(
    vectors: impl IntoIterator<Item = &'a Value>,
) -> Result<Results, DecodeError> {
    let mut results = Results::default();
    for vector in vectors {
        let dimension = dimension(vector)?;
        let first = *results.dimension.get_or_insert(dimension);
        if first != dimension {
            let why = format!("vectors of {first} and of {dimension} numbers in one answer");
            return Err(DecodeError::Malformed(why));
        }
        // A vector of nothing is none.
        results.count += u64::from(dimension > 0);
    }
    Ok(results)
}

/// How many numbers a vector has, each of which has to be one.
fn dimension(vector: &Value) -> Result<u64, DecodeError> {
    match vector {
        // Servers that do not pool have a vector for every token.
        Value::Array(rows) if rows.first().is_some_and(Value::is_array) => {
            match rows.iter().find(|row| !row.is_array()) {
                Some(other) => Err(wrong("a vector", "a list of numbers", other)),
                None => Ok(vectors(rows)?.dimension.unwrap_or(0)),
            }
        }
        Value::Array(numbers) => {
            match numbers.iter().find(|n| !n.as_f64().is_some_and(f64::is_finite)) {
                Some(other) => Err(wrong("an element of a vector", "a number", other)),
                None => Ok(numbers.len() as u64),
            }
        }
        Value::String(code) => packed(code),
        other => Err(wrong("a vector", "a list of numbers", other)),
    }
}

/// The same in base64.
fn packed(code: &str) -> Result<u64, DecodeError> {
    let malformed = |why: &str| DecodeError::Malformed(format!("a vector in base64 {why}"));
    let bytes = STANDARD.decode(code).map_err(|_| malformed("is none"))?;
    let numbers = bytes.chunks_exact(NUMBER_BYTES);
    if !numbers.remainder().is_empty() {
        return Err(malformed("breaks off within a number"));
    }
    let number = |bytes: &[u8]| bytes.try_into().map(f32::from_le_bytes);
    let mut read = numbers.clone().map(number);
    if !read.all(|number| number.is_ok_and(f32::is_finite)) {
        return Err(malformed("holds what is no number"));
    }
    Ok(numbers.len() as u64)
}

/// Documents in a new order: each says which one it is, and how well it fits.
pub(super) fn ranked(list: &[Value]) -> Result<Results, DecodeError> {
    let mut seen = BTreeSet::new();
    for element in list {
        let Value::Object(element) = element else {
            return Err(wrong("a result", "an object", element));
        };
        let index = element.get("index").unwrap_or(&Value::Null);
        let number = whole_number(index).ok_or_else(|| wrong("`index`", "a number", index))?;
        if !seen.insert(number) {
            return Err(DecodeError::Malformed(format!("document {number} is there twice")));
        }
        let score = ["relevance_score", "score"].iter().find_map(|key| element.get(*key));
        let score = score.unwrap_or(&Value::Null);
        if !score.as_f64().is_some_and(f64::is_finite) {
            return Err(wrong("the score of a result", "a number", score));
        }
    }
    Ok(Results { count: seen.len() as u64, dimension: None })
}

/// The documents under `results`, or under `data` as some servers call them.
pub(super) fn ranked_in(root: &Map<String, Value>) -> Result<Results, DecodeError> {
    let key = if root.contains_key("results") { "results" } else { "data" };
    ranked(array(root, key)?)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::dialect::{Shape, SharedDialect};

    /// What a whole body tells in this dialect.
    pub fn told(dialect: &SharedDialect, body: &str) -> Result<Vec<EventKind>, DecodeError> {
        let mut told = Vec::new();
        let frame = Frame { event: "", data: body, whole: true, bare: false };
        dialect.reader(Shape { stream: false }).frame(&frame, &mut told)?;
        Ok(told.into_iter().map(|told| told.kind).collect())
    }

    /// The results of a whole body in this dialect, and its tokens.
    pub fn check(dialect: &SharedDialect, body: &Value, results: Results, input: Option<u64>) {
        let told = told(dialect, &body.to_string()).unwrap();
        let counted = |input| {
            told.iter().any(|kind| matches!(kind, EventKind::Usage(u) if u.input == Some(input)))
        };
        assert!(input.is_none_or(counted), "{told:?}");
        let found = told.iter().find_map(|kind| match kind {
            EventKind::Results(results) => Some(*results),
            _ => None,
        });
        assert_eq!(found.unwrap_or_default().count, results.count, "{told:?}");
        assert_eq!(found.and_then(|found| found.dimension), results.dimension, "{told:?}");
        assert_eq!(told.last(), Some(&EventKind::Done), "{told:?}");
    }

    fn found(list: &Value) -> Result<Results, String> {
        vectors(list.as_array().unwrap()).map_err(|e| e.to_string())
    }

    #[test]
    fn vectors_are_numbers_of_one_length() {
        let of = |count, dimension| Ok(Results { count, dimension: Some(dimension) });
        assert_eq!(found(&json!([[0.5, -1, 2e-7]])), of(1, 3));
        assert_eq!(found(&json!([[0.5, 1], [3, 4]])), of(2, 2));
        assert_eq!(found(&json!([[[0.5, 1], [3, 4], [5, 6]]])), of(1, 2), "one for each token");
        assert_eq!(found(&json!([])), Ok(Results::default()));
        assert_eq!(found(&json!([[]])), of(0, 0));
        let refused = |list: &Value, part: &str| {
            let why = found(list).unwrap_err();
            assert!(why.contains(part), "{list}: {why}");
        };
        refused(&json!([[0.5, null]]), "is null, expected a number");
        refused(&json!([[0.5, "1"]]), "is a string");
        refused(&json!([[0.5], [1, 2]]), "vectors of 1 and of 2 numbers");
        refused(&json!([[0.5], []]), "vectors of 1 and of 0 numbers");
        refused(&json!([[[0.5], 1]]), "is a number, expected a list");
        refused(&json!([null]), "is null, expected a list");
        refused(&json!([7]), "is a number, expected a list");
    }

    #[test]
    fn vectors_in_base64() {
        let code = |numbers: &[f32]| {
            let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
            json!([STANDARD.encode(bytes)])
        };
        let two = Ok(Results { count: 1, dimension: Some(2) });
        assert_eq!(found(&code(&[0.5, -1.5])), two);
        assert_eq!(found(&code(&[])), Ok(Results { count: 0, dimension: Some(0) }));
        assert!(found(&code(&[0.5, f32::NAN])).unwrap_err().contains("no number"));
        assert!(found(&code(&[f32::INFINITY])).unwrap_err().contains("no number"));
        assert!(found(&json!([STANDARD.encode([1, 2, 3, 4, 5])])).unwrap_err().contains("breaks"));
        assert!(found(&json!(["not base64!"])).unwrap_err().contains("is none"));
    }

    #[test]
    fn documents_are_there_once_with_a_score() {
        let check = |list: Value, expect: Result<u64, &str>| {
            let found = ranked(list.as_array().unwrap()).map(|found| found.count);
            match (found, expect) {
                (Ok(found), Ok(expect)) => assert_eq!(found, expect, "{list}"),
                (Err(why), Err(part)) => assert!(why.to_string().contains(part), "{why}"),
                other => panic!("{list}: {other:?}"),
            }
        };
        check(json!([{"index": 1, "score": 0.5}, {"index": 0, "relevance_score": -3}]), Ok(2));
        check(json!([]), Ok(0));
        check(json!([{"index": 1, "score": 0.5}, {"index": 1, "score": 0.4}]), Err("twice"));
        check(json!([{"index": 1, "score": null}]), Err("is null, expected a number"));
        check(json!([{"index": 1}]), Err("the score"));
        check(json!([{"score": 0.5}]), Err("`index` is null"));
        check(json!([{"index": -1, "score": 0.5}]), Err("`index`"));
        check(json!(["a"]), Err("is a string, expected an object"));
    }

    #[test]
    fn errors_and_broken_answers_are_no_answers() {
        let read = |body: &str| {
            let mut told = Vec::new();
            let frame = Frame { event: "", data: body, whole: true, bare: false };
            let mut reader = WholeReader(|value| {
                let results = vectors(value.as_array().into_iter().flatten())?;
                Ok(Answer { results, ..Answer::default() })
            });
            reader.frame(&frame, &mut told)?;
            Ok::<_, DecodeError>(told.into_iter().map(|told| told.kind).collect::<Vec<_>>())
        };
        let error = |why: &str| Ok::<_, DecodeError>(vec![EventKind::Error(why.to_owned())]);
        assert_eq!(read(r#"{"error": {"message": "full"}}"#), error("full"));
        assert_eq!(read(r#"{"error": "full", "error_type": "overloaded"}"#), error("full"));
        assert_eq!(read(r#"[{"error": "full"}]"#), error("full"));
        assert_eq!(read(r#"{"id": "x", "message": "full"}"#), error("full"));
        assert_eq!(read("[]"), Ok(vec![EventKind::Done]));
        assert!(matches!(read("[[0.5,"), Err(DecodeError::Partial(_))));
        assert!(matches!(read(r#"{"data": ["#), Err(DecodeError::Partial(_))));
        assert!(matches!(read("[[0.5]]]"), Err(DecodeError::Malformed(_))));
        assert!(matches!(read("[[NaN]]"), Err(DecodeError::Malformed(_))));
    }
}
