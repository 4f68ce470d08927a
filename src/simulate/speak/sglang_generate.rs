//! `POST /generate` in SGLang's form.

use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::openai;
use super::speaker::{Finish, SoFar, Speaker, Usage, Writer, piece};
use crate::simulate::complaint::Complaint;
use crate::simulate::config::SimulatorConfig;
use crate::simulate::request::{Ask, Text, Wanted, decode};

#[derive(Debug)]
pub(super) struct Generate;

#[derive(Deserialize)]
struct Asked {
    text: Option<Text>,
    sampling_params: Option<Sampling>,
    #[serde(default)]
    stream: bool,
}

#[derive(Deserialize)]
struct Sampling {
    max_new_tokens: Option<u32>,
    #[serde(default)]
    ignore_eos: bool,
}

impl Speaker for Generate {
    #[cfg(test)]
    fn name(&self) -> &'static str {
        "sglang-generate"
    }

    fn path(&self) -> &'static str {
        "/generate"
    }

    /// TGI's requests go to the same path, with a text of another name.
    fn knows(&self, body: &[u8]) -> bool {
        decode::<Asked>(body).is_ok_and(|asked| asked.text.is_some())
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
        let text = asked
            .text
            .ok_or_else(|| Complaint::bad_request("`text` is missing".to_owned(), "text"))?;
        let mut prompt = String::new();
        text.push_to(&mut prompt);
        let sampling = asked.sampling_params.as_ref();
        let wanted = Wanted {
            prompt,
            stream: asked.stream,
            usage: true,
            limit: sampling.and_then(|sampling| sampling.max_new_tokens),
            ignore_eos: sampling.is_some_and(|sampling| sampling.ignore_eos),
        };
        wanted.ask(config)
    }

    fn complaint(&self, complaint: &Complaint) -> Value {
        json!({"error": {"message": complaint.message}})
    }

    fn writer(&self, id: u64, _: u64, _: &str) -> Box<dyn Writer> {
        Box::new(TextWriter { id: format!("{id:016x}"), said: SoFar::default() })
    }
}

/// Writes the whole text so far, again and again.
#[derive(Debug)]
struct TextWriter {
    id: String,
    said: SoFar,
}

impl TextWriter {
    fn all(&self, text: &str, finish: Option<Finish>, usage: Option<Usage>) -> Value {
        let mut about = json!({"id": self.id, "finish_reason": finish.map(|finish| match finish {
            Finish::Stop => json!({"type": "stop", "matched": 2}),
            Finish::Length => json!({"type": "length"}),
        })});
        if let Some(usage) = usage {
            about["prompt_tokens"] = json!(usage.input);
            about["completion_tokens"] = json!(usage.output);
            if let Some(cached) = usage.cached {
                about["cached_tokens"] = json!(cached);
            }
        }
        json!({"text": text, "meta_info": about})
    }

    fn event(&self, finish: Option<Finish>) -> String {
        format!("data: {}\n\n", self.all(&self.said.text(), finish, self.said.counted()))
    }
}

impl Writer for TextWriter {
    fn opening(&self, usage: Option<Usage>) -> Option<String> {
        self.said.begin(usage);
        None
    }

    fn token(&self, word: &str, first: bool, finish: Option<Finish>) -> String {
        self.said.add(&piece(word, first));
        self.event(finish)
    }

    /// A model that stops by itself says so with a token that has no text.
    fn tail(&self, finish: Finish, _: Option<Usage>) -> Vec<String> {
        let stop = (finish == Finish::Stop).then(|| self.event(Some(finish)));
        stop.into_iter().collect()
    }

    fn done(&self, _: bool) -> Option<String> {
        Some("data: [DONE]\n\n".to_owned())
    }

    fn error(&self, complaint: &Complaint) -> String {
        format!("data: {}\n\n", Generate.complaint(complaint))
    }

    fn whole(&self, text: &str, finish: Option<Finish>, usage: Option<Usage>) -> String {
        self.all(text, finish, usage).to_string()
    }
}
