//! `POST /completion`.

use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::openai;
use super::speaker::{Finish, SoFar, Speaker, Usage, Writer, piece};
use crate::simulate::complaint::Complaint;
use crate::simulate::config::SimulatorConfig;
use crate::simulate::request::{Ask, Text, Wanted, check_model, decode};

#[derive(Debug)]
pub(super) struct Completion;

#[derive(Deserialize)]
struct Asked {
    model: Option<String>,
    prompt: Option<Text>,
    n_predict: Option<i64>,
    #[serde(default)]
    stream: bool,
    #[serde(default)]
    ignore_eos: bool,
}

impl Speaker for Completion {
    #[cfg(test)]
    fn name(&self) -> &'static str {
        "llamacpp-completion"
    }

    fn path(&self) -> &'static str {
        "/completion"
    }

    fn models_path(&self) -> &'static str {
        openai::MODELS
    }

    /// The list is that of the chat API, which answers for it.
    fn asks_for_models(&self, _: &Parts) -> bool {
        false
    }

    fn models(&self, model: &str) -> Value {
        openai::models(model)
    }

    fn read(&self, _: &Parts, body: &[u8], config: &SimulatorConfig) -> Result<Ask, Complaint> {
        let asked: Asked = decode(body)?;
        check_model(asked.model.as_deref(), &config.model)?;
        let text = asked
            .prompt
            .ok_or_else(|| Complaint::bad_request("`prompt` is missing".to_owned(), "prompt"))?;
        let mut prompt = String::new();
        text.push_to(&mut prompt);
        let wanted = Wanted {
            prompt,
            stream: asked.stream,
            usage: true,
            // -1 is no limit, and 0 still gives one token.
            limit: asked.n_predict.and_then(|n| u32::try_from(n).ok()).map(|n| n.max(1)),
            ignore_eos: asked.ignore_eos,
        };
        wanted.ask(config)
    }

    fn complaint(&self, complaint: &Complaint) -> Value {
        openai::complaint(complaint)
    }

    fn writer(&self, _: u64, _: u64, model: &str) -> Box<dyn Writer> {
        Box::new(PieceWriter { model: model.to_owned(), said: SoFar::default() })
    }
}

/// Writes the pieces of one answer, each with the counts so far.
#[derive(Debug)]
struct PieceWriter {
    model: String,
    said: SoFar,
}

impl PieceWriter {
    fn end(&self, text: &str, finish: Option<Finish>, usage: Option<Usage>) -> Value {
        let mut end = json!({"index": 0, "content": text, "model": self.model});
        end["stop"] = json!(finish.is_some());
        if let Some(finish) = finish {
            end["stop_type"] = json!(match finish {
                Finish::Stop => "eos",
                Finish::Length => "limit",
            });
        }
        if let Some(usage) = usage {
            end["tokens_predicted"] = json!(usage.output);
            end["tokens_evaluated"] = json!(usage.input);
            if let Some(cached) = usage.cached {
                let read = usage.input.saturating_sub(cached);
                end["timings"] = json!({"cache_n": cached, "prompt_n": read});
            }
        }
        end
    }
}

impl Writer for PieceWriter {
    fn opening(&self, usage: Option<Usage>) -> Option<String> {
        self.said.begin(usage);
        None
    }

    fn token(&self, word: &str, first: bool, _: Option<Finish>) -> String {
        let piece = piece(word, first);
        self.said.add(&piece);
        let mut event = json!({"index": 0, "content": piece, "stop": false});
        if let Some(usage) = self.said.counted() {
            event["tokens_predicted"] = json!(usage.output);
            event["tokens_evaluated"] = json!(usage.input);
        }
        format!("data: {event}\n\n")
    }

    fn tail(&self, finish: Finish, usage: Option<Usage>) -> Vec<String> {
        vec![format!("data: {}\n\n", self.end("", Some(finish), usage))]
    }

    /// Its last event is the end.
    fn done(&self, _: bool) -> Option<String> {
        None
    }

    fn error(&self, complaint: &Complaint) -> String {
        format!("data: {}\n\n", openai::complaint(complaint))
    }

    fn whole(&self, text: &str, finish: Option<Finish>, usage: Option<Usage>) -> String {
        self.end(text, finish, usage).to_string()
    }
}
