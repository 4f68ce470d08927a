//! `POST /generate_stream`, and `/generate` in TGI's form.

use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::speaker::{Finish, SoFar, Speaker, Usage, Writer, piece};
use crate::simulate::complaint::Complaint;
use crate::simulate::config::SimulatorConfig;
use crate::simulate::request::{Ask, Text, Wanted, decode};

const STREAM: &str = "/generate_stream";
const WHOLE: &str = "/generate";

#[derive(Debug)]
pub(super) struct Generate;

#[derive(Deserialize)]
struct Asked {
    inputs: Option<Text>,
    parameters: Option<Parameters>,
}

#[derive(Deserialize)]
struct Parameters {
    max_new_tokens: Option<u32>,
    #[serde(default)]
    details: bool,
}

impl Speaker for Generate {
    #[cfg(test)]
    fn name(&self) -> &'static str {
        "tgi-generate"
    }

    #[cfg(test)]
    fn hides_the_cache(&self, _: bool) -> bool {
        true
    }

    fn path(&self) -> &'static str {
        STREAM
    }

    fn takes(&self, path: &str) -> bool {
        [STREAM, WHOLE].contains(&path)
    }

    /// SGLang's requests go to the same path, with a text of another name.
    fn knows(&self, body: &[u8]) -> bool {
        decode::<Asked>(body).is_ok_and(|asked| asked.inputs.is_some())
    }

    fn models_path(&self) -> &'static str {
        "/info"
    }

    fn asks_for_models(&self, _: &Parts) -> bool {
        true
    }

    fn models(&self, model: &str) -> Value {
        json!({"model_id": model})
    }

    fn read(&self, head: &Parts, body: &[u8], config: &SimulatorConfig) -> Result<Ask, Complaint> {
        let asked: Asked = decode(body)?;
        let text = asked
            .inputs
            .ok_or_else(|| Complaint::bad_request("`inputs` is missing".to_owned(), "inputs"))?;
        let mut prompt = String::new();
        text.push_to(&mut prompt);
        let wanted = Wanted {
            prompt,
            stream: head.uri.path() == STREAM,
            usage: asked.parameters.as_ref().is_some_and(|parameters| parameters.details),
            limit: asked.parameters.and_then(|parameters| parameters.max_new_tokens),
            ignore_eos: false,
        };
        wanted.ask(config)
    }

    fn complaint(&self, complaint: &Complaint) -> Value {
        let kind = match complaint.status.as_u16() {
            429 => "overloaded",
            400..=499 => "validation",
            _ => "generation",
        };
        json!({"error": complaint.message, "error_type": kind})
    }

    fn writer(&self, _: u64, _: u64, _: &str) -> Box<dyn Writer> {
        Box::new(TokenWriter { said: SoFar::default() })
    }
}

/// Writes tokens, and the whole text with the last one.
#[derive(Debug)]
struct TokenWriter {
    said: SoFar,
}

impl TokenWriter {
    /// The newest token. Without details its answer ends all the same.
    fn event(&self, text: &str, special: bool, finish: Option<Finish>) -> String {
        let details = self.said.counted().zip(finish).map(|(usage, finish)| {
            json!({
                "finish_reason": reason(finish),
                "generated_tokens": usage.output,
                "input_length": usage.input,
                "seed": null,
            })
        });
        let event = json!({
            "token": {"id": 1, "text": text, "logprob": -0.5, "special": special},
            "generated_text": finish.map(|_| self.said.text()),
            "details": details,
        });
        format!("data:{event}\n\n")
    }
}

impl Writer for TokenWriter {
    fn opening(&self, usage: Option<Usage>) -> Option<String> {
        self.said.begin(usage);
        None
    }

    fn token(&self, word: &str, first: bool, finish: Option<Finish>) -> String {
        let piece = piece(word, first);
        self.said.add(&piece);
        self.event(&piece, false, finish)
    }

    /// A model that stops by itself says so with a token that no reader sees.
    fn tail(&self, finish: Finish, _: Option<Usage>) -> Vec<String> {
        let stop = || self.event("</s>", true, Some(finish));
        (finish == Finish::Stop).then(stop).into_iter().collect()
    }

    /// Its last event is the end.
    fn done(&self, _: bool) -> Option<String> {
        None
    }

    fn error(&self, complaint: &Complaint) -> String {
        format!("data:{}\n\n", Generate.complaint(complaint))
    }

    fn headers(&self, usage: Option<Usage>) -> Vec<(&'static str, String)> {
        let Some(usage) = usage else { return Vec::new() };
        vec![
            ("x-prompt-tokens", usage.input.to_string()),
            ("x-generated-tokens", usage.output.to_string()),
        ]
    }

    fn whole(&self, text: &str, finish: Option<Finish>, usage: Option<Usage>) -> String {
        let details = json!({
            "finish_reason": finish.map(reason),
            "generated_tokens": usage.map(|usage| usage.output),
        });
        json!({"generated_text": text, "details": details}).to_string()
    }
}

fn reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "eos_token",
        Finish::Length => "length",
    }
}
