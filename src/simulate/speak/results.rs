//! What the dialects share whose answers are no text: as many words as a model would write, so many
//! vectors or documents there are.

use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::speaker::{Finish, Usage, Writer};
use crate::simulate::complaint::Complaint;
use crate::simulate::config::SimulatorConfig;
use crate::simulate::request::{Ask, Wanted, check_model};

/// Numbers of a vector.
const VECTOR: [f64; 8] = [0.5, -0.25, 0.125, -0.5, 0.25, -0.125, 0.375, -0.375];

/// One text or several.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Texts {
    One(String),
    Many(Vec<String>),
}

impl Texts {
    pub fn into_list(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
        }
    }
}

/// What is asked: a result for each of these texts, which stand under `key`; the model reads them
/// after the query, if there is one.
pub(super) fn ask(
    model: Option<&str>,
    key: &'static str,
    query: Option<String>,
    texts: Option<Vec<String>>,
    config: &SimulatorConfig,
) -> Result<Ask, Complaint> {
    check_model(model, &config.model)?;
    let texts = texts
        .filter(|texts| !texts.is_empty())
        .ok_or_else(|| Complaint::bad_request(format!("`{key}` is missing or empty"), key))?;
    let results = u32::try_from(texts.len()).unwrap_or(u32::MAX);
    let prompt: Vec<String> = query.into_iter().chain(texts).collect();
    let wanted = Wanted {
        prompt: prompt.join("\n"),
        stream: false,
        usage: true,
        limit: Some(results),
        ignore_eos: true,
    };
    wanted.ask(config)
}

/// The query of an order, which has to be there.
pub(super) fn query(query: Option<String>) -> Result<Option<String>, Complaint> {
    let missing = || Complaint::bad_request("`query` is missing".to_owned(), "query");
    query.map(Some).ok_or_else(missing)
}

/// So many vectors.
pub(super) fn vectors(count: usize) -> Value {
    vec![json!(VECTOR); count].into()
}

/// So many documents from the last to the first, with their scores under this name.
pub(super) fn ranked(count: usize, score: &str) -> Value {
    let places = 1..=u32::try_from(count).unwrap_or(u32::MAX);
    let result = |place: u32| json!({"index": place - 1, score: f64::from(place) / 2.0});
    places.rev().map(result).collect()
}

/// Lists of models of servers that have one model each.
pub(super) fn info(model: &str) -> Value {
    json!({"model_id": model, "model_dtype": "float32", "version": env!("CARGO_PKG_VERSION")})
}

/// Cohere's list of models, which is where others have theirs.
pub(super) fn asks_for_cohere_models(request: &Parts) -> bool {
    request.uri.query().is_some_and(|query| query.contains("page_size="))
}

/// The same list.
pub(super) fn cohere_models(model: &str) -> Value {
    json!({"models": [{"name": model, "endpoints": ["embed", "rerank"]}], "next_page_token": ""})
}

/// What Cohere's servers say of the tokens of a request.
pub(super) fn cohere_meta(usage: Option<Usage>) -> Value {
    let mut meta = json!({"api_version": {"version": "2"}});
    if let Some(usage) = usage {
        meta["billed_units"] = json!({"input_tokens": usage.input});
    }
    meta
}

/// What an answer is written from.
pub(super) struct Answer<'a> {
    pub model: &'a str,
    /// Of vectors or documents.
    pub count: usize,
    pub usage: Option<Usage>,
}

/// Writes an answer in one piece; none of these dialects has streams.
#[derive(Debug)]
pub(super) struct WholeWriter {
    model: String,
    body: fn(&Answer<'_>) -> Value,
}

impl WholeWriter {
    pub fn new(model: &str, body: fn(&Answer<'_>) -> Value) -> Self {
        Self { model: model.to_owned(), body }
    }
}

impl Writer for WholeWriter {
    fn opening(&self, _: Option<Usage>) -> Option<String> {
        None
    }

    fn token(&self, _: &str, _: bool, _: Option<Finish>) -> String {
        String::new()
    }

    fn tail(&self, _: Finish, _: Option<Usage>) -> Vec<String> {
        Vec::new()
    }

    fn done(&self, _: bool) -> Option<String> {
        None
    }

    fn error(&self, complaint: &Complaint) -> String {
        json!({"error": complaint.message}).to_string()
    }

    /// An answer that ends early lacks its end: nothing else tells.
    fn whole(&self, text: &str, finish: Option<Finish>, usage: Option<Usage>) -> String {
        let count = text.split_whitespace().count();
        let mut body = (self.body)(&Answer { model: &self.model, count, usage }).to_string();
        if finish.is_none() {
            body.pop();
        }
        body
    }
}
