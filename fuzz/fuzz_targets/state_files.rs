#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| llm_prober_fuzz::state_files(data));
