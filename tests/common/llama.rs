//! A real llama.cpp server with a real, small model.

use std::{net::SocketAddr, process::Command};

use serde_json::Value;

use super::{counterparts::counterpart, process::Process};

/// The model that `tests/run` installs.
pub const MODEL: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";

/// A running llama-server with two slots of 1,024 tokens.
pub struct LlamaServer(Process);

impl LlamaServer {
    /// Starts it and waits until the model is loaded. One thread, because those of one server wait
    /// for each other without giving way, and are very slow where they must share a processor.
    pub async fn start() -> Option<Self> {
        Self::with_threads(1).await
    }

    /// The same with so many threads.
    pub async fn with_threads(threads: usize) -> Option<Self> {
        Self::with(threads, &[]).await
    }

    /// The same with these further flags.
    pub async fn with(threads: usize, flags: &[&str]) -> Option<Self> {
        let (program, model) = (counterpart("llama-server")?, counterpart(MODEL)?);
        let process = Process::start(
            Command::new(program)
                .args(["--host", "127.0.0.1", "--port", "0", "--metrics"])
                .args(["--threads", &threads.to_string()])
                // Ahead of what else runs here, where that is allowed; else it is a warning.
                .args(["--prio", "2"])
                .args(["--ctx-size", "2048", "--parallel", "2"])
                .args(flags)
                .arg("-m")
                .arg(model),
        )
        .await;
        process.ready("/health").await;
        Some(Self(process))
    }

    /// Where it listens; its OpenAI dialect is under `/v1`.
    pub fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// The text of a GET.
    pub async fn text(&self, path: &str) -> String {
        self.0.text(path).await
    }

    /// Waits until some slot has generated a few tokens of an answer.
    pub async fn answering(&self) {
        let far = |slot: &Value| slot["next_token"][0]["n_decoded"].as_u64() >= Some(5);
        let ask = || async {
            let slots = self.0.get("/slots").await;
            let slots = slots.as_array()?;
            slots.iter().any(|s| s["is_processing"] == true && far(s)).then_some(())
        };
        self.0.poll("an answer under way", ask).await;
    }

    /// The JSON that answers a POST.
    pub async fn post(&self, path: &str, body: &Value) -> Value {
        self.0.post(path, body).await
    }
}
