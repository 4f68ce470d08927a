//! The engines' names for what they all have: one file and one line each.

mod dynamo;
mod llama_cpp;
mod sglang;
mod tgi;
mod triton;
mod trtllm;
mod vllm;

use super::page::Chosen;
use super::sample::Sample;

/// An inference server, known by its names.
pub struct Engine {
    /// The label value.
    pub name: &'static str,
    /// A page with a series of one of these beginnings is this engine's; colons as underscores.
    pub markers: &'static [&'static str],
    /// The label that tells models apart.
    pub model_label: &'static str,
    /// Labels along which series say the same again: of those that differ in nothing else the first
    /// is read.
    pub repeated: &'static [&'static str],
    /// Reads the page; names newest first.
    pub(super) read: fn(&Chosen<'_>) -> Sample,
}

impl Engine {
    /// Whether a series of this name, colons as underscores, is this engine's.
    pub(super) fn marks(&self, name: &str) -> bool {
        self.markers.iter().any(|marker| name.starts_with(marker))
    }
}

/// Every engine. The first that a page has series of counts, if they say anything about load: a
/// worker of Dynamo has its engine's series beside its own, and they say more.
pub static ENGINES: [&Engine; 7] = [
    &vllm::VLLM,
    &sglang::SGLANG,
    &tgi::TGI,
    &llama_cpp::LLAMA_CPP,
    &trtllm::TRTLLM,
    &triton::TRITON,
    &dynamo::DYNAMO,
];
