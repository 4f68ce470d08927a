//! Made prompts have as many tokens as were asked for, as a real server counts them with the model's
//! own tokenizer.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a helper that panics fails its test

use std::path::Path;

use llm_prober::target::tokenizer::TargetTokenizer;
use serde_json::{Map, Value, json};

use crate::common::counterparts::counterpart;
use crate::common::daemon::run;
use crate::common::llama::{LlamaServer, MODEL};

/// The metadata of a GGUF file, as far as a tokenizer needs it.
struct Gguf<'b> {
    rest: &'b [u8],
}

/// A value of the metadata.
enum Found {
    Texts(Vec<String>),
    Numbers(Vec<i64>),
    Other,
}

impl Gguf<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (taken, rest) = self.rest.split_first_chunk().expect("the metadata goes on");
        self.rest = rest;
        *taken
    }

    fn long(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }

    fn text(&mut self) -> String {
        let length = usize::try_from(self.long()).unwrap();
        let (text, rest) = self.rest.split_at(length);
        self.rest = rest;
        String::from_utf8_lossy(text).into_owned()
    }

    /// A number of one of the format's kinds.
    fn number(&mut self, kind: u32) -> i64 {
        match kind {
            0 | 1 | 7 => i64::from(self.take::<1>()[0]),
            2 | 3 => i64::from(i16::from_le_bytes(self.take())),
            4..=6 => i64::from(i32::from_le_bytes(self.take())),
            10..=12 => i64::from_le_bytes(self.take()),
            other => panic!("a value of the unknown kind {other}"),
        }
    }

    fn value(&mut self, kind: u32) -> Found {
        const TEXT: u32 = 8;
        const LIST: u32 = 9;
        match kind {
            TEXT => {
                self.text();
                Found::Other
            }
            LIST => {
                let kind = u32::from_le_bytes(self.take());
                let length = self.long();
                if kind == TEXT {
                    Found::Texts((0..length).map(|_| self.text()).collect())
                } else {
                    Found::Numbers((0..length).map(|_| self.number(kind)).collect())
                }
            }
            kind => {
                self.number(kind);
                Found::Other
            }
        }
    }
}

/// The kind of tokens that only the template uses.
const CONTROL: i64 = 3;

/// The tokenizer in a model's file, as a `tokenizer.json`.
fn tokenizer(model: &Path) -> Value {
    let bytes = std::fs::read(model).unwrap();
    let mut file = Gguf { rest: &bytes };
    assert_eq!(&file.take::<4>(), b"GGUF");
    let _version: [u8; 4] = file.take();
    let _tensors = file.long();
    let (mut tokens, mut merges, mut kinds) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..file.long() {
        let key = file.text();
        let kind = u32::from_le_bytes(file.take());
        match (key.as_str(), file.value(kind)) {
            ("tokenizer.ggml.tokens", Found::Texts(texts)) => tokens = texts,
            ("tokenizer.ggml.merges", Found::Texts(texts)) => merges = texts,
            ("tokenizer.ggml.token_type", Found::Numbers(numbers)) => kinds = numbers,
            _ => {}
        }
    }
    assert!(tokens.len() > 10_000 && merges.len() > 10_000 && kinds.len() == tokens.len());
    let control =
        (0_u32..).zip(tokens.iter().zip(&kinds)).filter(|(_, (_, kind))| **kind == CONTROL);
    let added: Vec<Value> = control
        .map(|(id, (token, _))| {
            json!({"id": id, "content": token, "single_word": false, "lstrip": false,
                   "rstrip": false, "normalized": false, "special": true})
        })
        .collect();
    let vocabulary: Map<String, Value> =
        (0_u32..).zip(&tokens).map(|(id, token)| (token.clone(), json!(id))).collect();
    json!({
        "version": "1.0",
        "added_tokens": added,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Digits", "individual_digits": true},
            {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
        ]},
        "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true,
                    "use_regex": true},
        "model": {"type": "BPE", "vocab": vocabulary, "merges": merges},
    })
}

const PLAIN: &str = "Tell me what the pilot reads before the ship goes out.";

/// Each with how much is asked of it.
const ASKED: [(&str, u64, &str); 8] = [
    ("short", 20, ""),
    ("middle", 150, ""),
    ("long", 600, ""),
    ("longest", 900, ""),
    ("shared", 400, ", prefix: shared"),
    ("tiles", 400, ", prefix: {tiles: 3}"),
    ("long_tiles", 800, ", prefix: {tiles: 2}, prefix_tokens: 700"),
    ("trace", 300, ""),
];

#[tokio::test]
async fn made_prompts_have_the_tokens_that_were_asked_for() {
    let (Some(server), Some(model)) = (LlamaServer::start().await, counterpart(MODEL)) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("tokenizer.json"), tokenizer(&model).to_string()).unwrap();
    let trace =
        "{\"timestamp\": 0, \"input_length\": 300, \"output_length\": 2, \"hash_ids\": [7]}";
    std::fs::write(path("trace.jsonl"), trace).unwrap();
    let workload = |(name, tokens, more): (&str, u64, &str)| {
        let prompts = match name {
            "trace" => "{mooncake: trace.jsonl}".to_owned(),
            _ => format!("{{synthetic: {{input_tokens: {{mean: {tokens}}}}}}}"),
        };
        format!("  {name}: {{prompts: {prompts}, max_output_tokens: 2{more}}}\n")
    };
    let yaml = format!(
        "tokenizers: {{own: {{file: tokenizer.json}}}}\n\
         workloads:\n  plain: {{prompts: {{inline: ['{PLAIN}']}}, prefix: shared}}\n{}\
         targets: [{{name: t, url: 'http://{}/v1', tokenizer: own}}]\n",
        ASKED.map(workload).concat(),
        server.address(),
    );
    std::fs::write(path("t.yml"), yaml).unwrap();
    let count = |workload: &str| {
        let config = format!("--config.file={}", path("t.yml").display());
        let workload = format!("--workload={workload}");
        let output = run(["probe", &config, "--target=t", &workload, "--output=json"]);
        let text = std::str::from_utf8(&output.stdout).unwrap();
        let probe: Value = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {output:?}"));
        // Else the tokenizer would be held against itself.
        assert_eq!(probe["output_tokens_source"], "usage", "{probe}");
        probe["input_tokens"].as_u64().unwrap_or_else(|| panic!("{probe}"))
    };
    // What the chat template adds, of this target.
    let own = TargetTokenizer::load("own", &path("tokenizer.json")).unwrap();
    let template = count("plain") - own.count(PLAIN).unwrap();
    assert!((5..60).contains(&template), "{template}");
    for (name, asked, _) in ASKED {
        for _ in 0..3 {
            let found = count(name);
            let off = found.abs_diff(asked + template);
            assert!(off <= (asked / 50).max(2), "{name}: {found} of {asked} + {template}");
        }
    }
}
