//! Which profiles are compared, and which are not.
#![allow(clippy::needless_raw_string_hashes)] // as expect-test writes them

use std::sync::Arc;

use expect_test::expect;

use super::*;
use crate::regression::gate::identity::TokenizerFile;
use crate::regression::gate::mix;
use crate::workload::{Captured, Prompt, Workload};

fn refusal(baseline: &Profile, candidate: &Profile, limit: &str) -> String {
    limited(baseline, candidate, limit).unwrap_err().to_string()
}

#[test]
fn unlike_profiles_are_refused() {
    let outcomes = steps(200, 1.0);
    let baseline = profile(&outcomes);
    let mut workload = Workload::clone(&testing::workload("chat", Vec::new()));
    workload.prompts = vec![Prompt::user("Something confidential?")].into();
    workload.max_output_tokens = 32;
    let other = testing::workload("other", Vec::new());
    let mut changed = target();
    changed.workloads = vec![Arc::new(workload), other];
    changed.slos = vec![testing::slo("fast", &[(ObjectiveKind::Ttft, 0.5)])];
    changed.model = Some("large".to_owned());
    changed.version.insert("hardware".to_owned(), "1xH100".to_owned());
    changed.stream = false;
    changed.extra_body.insert("temperature".to_owned(), 1.into());
    let mut candidate = profile_of(&changed, &outcomes);
    candidate.identity.concurrency = 8;
    candidate.identity.token_source = Some("events".to_owned());
    candidate.identity.tokenizer = Some(TokenizerFile::new("t", b"tokenizer"));
    let expect = expect![[r#"
        the profiles cannot be compared:
          model differs: tiny / large
          hardware differs: 8xH200 / 1xH100
          stream differs: true / false
          concurrency differs: 1 / 8
          extra_body differs: none / SHA-256 9e3dbad7…
          tokenizer differs: none / SHA-256 5f97e377…
          token_source differs: usage / events
          mix differs: workload chat: share: 100.0 % / 50.0 %
          mix differs: workload chat: prompts: 1 with SHA-256 52a6dea8… / 1 with SHA-256 ac281729…
          mix differs: workload chat: max_output_tokens: 16 / 32
          mix differs: workload other is only in the candidate
          slos differs: the bounds of fast differ
          (baseline / candidate; --allow-different=model,hardware,stream,concurrency,extra_body,tokenizer,token_source,mix,slos compares all the same)"#]];
    expect.assert_eq(&refusal(&baseline, &candidate, "errors=1%"));
}

#[test]
fn captured_requests_are_told_apart() {
    let asked = |temperature: f64| {
        let body = serde_json::json!({"prompt": "Once", "temperature": temperature});
        let captured = Captured::new(body.as_object().unwrap().clone()).unwrap();
        let mut workload = Workload::clone(&testing::workload("chat", Vec::new()));
        workload.prompts = vec![Prompt::captured(captured)].into();
        mix::of(&[Arc::new(workload)])
    };
    assert_eq!(asked(0.0), asked(0.0));
    let found = mix::differences(&asked(0.0), &asked(1.0));
    assert!(matches!(&found[..], [only] if only.contains("prompts")), "{found:?}");
}

#[test]
fn what_a_release_changes_may_differ() {
    let outcomes = steps(200, 1.0);
    let mut next = target();
    next.name = "next".to_owned();
    next.url = "http://canary:8000/v1".parse().unwrap();
    next.version.insert("serving_image".to_owned(), "v:2".to_owned());
    let candidate = profile_of(&next, &outcomes);
    let comparison = compared(&profile(&outcomes), &candidate).unwrap();
    assert_eq!((comparison.decision, comparison.allowed), (Decision::Pass, Vec::new()));
}

#[test]
fn the_user_may_allow_a_difference() {
    let outcomes = steps(200, 1.0);
    let mut next = target();
    next.version.insert("hardware".to_owned(), "1xH100".to_owned());
    let (baseline, candidate) = (profile(&outcomes), profile_of(&next, &outcomes));
    let allowed = |names: &[&str]| {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        compare(&baseline, &candidate, &Limits::default(), &names)
    };
    assert!(allowed(&["model", "mix"]).is_err());
    let comparison = allowed(&["hardware"]).unwrap();
    assert_eq!(comparison.allowed.len(), 1);
}

#[test]
fn too_few_probes_for_a_limit_are_refused() {
    let of = |count| profile(&steps(count, 1.0));
    let why = refusal(&of(200), &of(99), "ttft_p99=20%");
    let expect = "ttft_p99 needs at least 100 probes, the candidate has 99: take more (--count), \
                  or drop the limit (--limit=ttft_p99=none)";
    assert!(why.contains(expect), "{why}");
    assert!(refusal(&of(19), &of(200), "errors=1%").contains("the baseline has 19"));
    assert!(limited(&of(19), &of(19), "ttft_p95=none").is_ok());
    let broken = profile(&vec![failure(FailureReason::HttpStatus, Some(500)); 200]);
    assert!(refusal(&broken, &of(200), "errors=1%").contains("no probe of the baseline succeeded"));
}

#[test]
fn a_limit_on_what_nobody_measured_is_refused() {
    let whole = |mut outcome: Outcome| {
        outcome.measurement.ttft = None;
        outcome
    };
    let profile = profile(&steps(200, 1.0).into_iter().map(whole).collect::<Vec<_>>());
    let why = refusal(&profile, &profile, "ttft_p50=10%");
    assert!(why.contains("ttft_p50 has a limit, but neither profile holds the figure"), "{why}");
    // A limit that nobody asked for is left out.
    assert_eq!(compared(&profile, &profile).unwrap().decision, Decision::Pass);
}
