use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;
use serde_json::json;

use super::{Fingerprint, in_words, of_slos, of_target, of_workload};
use crate::answer::slo::{ObjectiveKind, Slo};
use crate::target::secret::Secret;
use crate::target::{Auth, ConnectionMode, Limits, Target, Tls};
use crate::testing::{slo, target, workload};
use crate::workload::{Message, Prefix, Prompt, Validator, Workload};

fn with(change: impl FnOnce(&mut Target)) -> Target {
    let mut target = target("t");
    change(&mut target);
    target
}

#[test]
fn each_field_that_bears_on_a_figure_is_named_when_it_differs() {
    let body = |value| json!({"temperature": value}).as_object().unwrap().clone();
    let limits = |change: fn(&mut Limits)| with(|t| change(&mut t.limits));
    let cases = [
        ("url", with(|t| t.url = "http://other.test/v1".parse().unwrap())),
        ("model", with(|t| t.model = Some("large".into()))),
        ("stream", with(|t| t.stream = false)),
        ("headers", with(|t| t.headers = vec![("x-route".into(), "b".into())])),
        ("extra_body", with(|t| t.extra_body = body(1))),
        (
            "tls.server_name",
            with(|t| t.tls = Tls { server_name: Some("s".into()), ..Tls::default() }),
        ),
        ("connection", with(|t| t.connection = ConnectionMode::Fresh)),
        ("timeout", limits(|l| l.timeout = Duration::from_secs(1))),
        ("stall_timeout", limits(|l| l.stall_timeout = Duration::from_secs(1))),
        ("max_body_bytes", limits(|l| l.max_body_bytes = 7)),
        ("version.image", with(|t| drop(t.version.insert("image".into(), "2".into())))),
    ];
    let plain = of_target(&target("t"));
    for (field, other) in cases {
        assert_eq!(of_target(&other).differing(&plain), [field]);
        assert_eq!(plain.differing(&of_target(&other)), [field]);
    }
}

#[test]
fn secrets_names_and_costs_are_not_in_it() {
    let plain = of_target(&target("t"));
    let cases = [
        with(|t| t.auth = Some(Auth::Bearer(Secret::File(PathBuf::from("/run/key"))))),
        with(|t| t.name = "other".into()),
        with(|t| t.schedule.interval = Duration::from_secs(1)),
        with(|t| drop(t.labels.insert("team".into(), "b".into()))),
        with(|t| t.max_in_flight = 9),
    ];
    for other in cases {
        assert_eq!(of_target(&other), plain);
    }
}

#[test]
fn the_order_of_keys_in_a_body_says_nothing() {
    let of = |text: &str| {
        let extra_body = serde_json::from_str(text).unwrap();
        of_target(&Target { extra_body, ..target("t") })
    };
    assert_eq!(of(r#"{"a": {"b": 1, "c": 2}, "d": 3}"#), of(r#"{"d": 3, "a": {"c": 2, "b": 1}}"#));
    assert_ne!(of(r#"{"a": {"b": 1}}"#), of(r#"{"a": {"b": "1"}}"#));
}

#[test]
fn so_is_each_of_a_workload() {
    let plain = workload("chat", vec![Validator::Contains("4".into())]);
    let other = |change: fn(&mut Workload)| {
        let mut workload = Workload::clone(&plain);
        change(&mut workload);
        of_workload(&workload).differing(&of_workload(&plain))
    };
    assert_eq!(other(|w| w.name = "other".into()), [] as [&str; 0]);
    assert_eq!(other(|w| w.weight = 2.0), ["weight"]);
    assert_eq!(other(|w| w.prefix = Prefix::Shared), ["prefix"]);
    assert_eq!(other(|w| w.max_output_tokens = 1), ["max_output_tokens"]);
    assert_eq!(other(|w| w.prompts = vec![Prompt::user("Hi.")].into()), ["prompts"]);
    // What is expected counts, not only that something is.
    assert_eq!(other(|w| w.validators = vec![Validator::Contains("5".into())]), ["expect"]);
    let regex = |w: &mut Workload| {
        w.validators = vec![Validator::Regex(Regex::new("4").unwrap())];
    };
    assert_eq!(other(regex), ["expect"]);
}

/// Two messages are not one that is as long.
#[test]
fn parts_do_not_run_into_each_other() {
    let of = |texts: &[&str]| {
        let message = |text: &&str| Message { role: String::new(), content: (*text).to_owned() };
        let prompts = vec![Prompt::new(texts.iter().map(message).collect())].into();
        of_workload(&Workload { prompts, ..Workload::clone(&workload("chat", Vec::new())) })
    };
    assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
    assert_ne!(of(&["ab"]), of(&["a", "b"]));
}

#[test]
fn of_an_slo_count_its_bounds() {
    let of = |slo: &Arc<Slo>| of_slos([slo].into_iter());
    let quick = slo("quick", &[(ObjectiveKind::Ttft, 0.5)]);
    let other = |change: fn(&mut Slo)| {
        let mut slo = Slo::clone(&quick);
        change(&mut slo);
        of(&Arc::new(slo))
    };
    assert_eq!(other(|s| s.objective = 0.5), of(&quick));
    assert_ne!(other(|s| s.objectives[0].threshold = 0.4), of(&quick));
    assert_ne!(of_slos(std::iter::empty()), of(&quick));
}

#[test]
fn a_few_names_are_shown() {
    let names = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>();
    assert_eq!(in_words(&names(1)), "0");
    assert_eq!(in_words(&names(3)), "0, 1, 2");
    assert_eq!(in_words(&names(5)), "0, 1, 2 and 2 more");
}

#[test]
fn written_down_it_is_a_mapping_of_fields() {
    let mut print = Fingerprint::default();
    print.part("baseline", of_target(&target("t")));
    let text = serde_json::to_string(&print).unwrap();
    assert!(text.contains("\"baseline url\":") && !text.contains("llm.test"), "{text}");
    assert_eq!(serde_json::from_str::<Fingerprint>(&text).unwrap(), print);
}
