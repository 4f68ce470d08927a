//! The engines' names for what they all have: one file and one line each.

mod description;
mod dynamo;
mod llama_cpp;
mod sglang;
mod tgi;
mod triton;
mod trtllm;
mod vllm;

pub use description::Engine;

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
