use super::super::faults::{Chance, Fault};
use super::*;

fn check(text: &str, expect: &str) {
    let error = parse(Path::new("sim.yml"), text).expect_err(text).to_string();
    assert_eq!(error, expect);
}

#[test]
fn an_empty_file_is_the_default() {
    for text in ["", "# nothing\n", "---\n"] {
        assert_eq!(parse(Path::new("sim.yml"), text), Ok(SimulatorConfig::default()), "{text}");
    }
}

#[test]
fn the_shipped_example_shows_every_option() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/simulator.yml");
    let text = std::fs::read_to_string(&path).expect("shipped");
    let config = read(&path).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(config.script[0].after, Duration::from_secs(600));
    assert_eq!(config.faults.len(), 14, "a line for every fault");
    let keys = [
        "model",
        "seed",
        "slots",
        "queue",
        "ttft",
        "prefill_rate",
        "itl",
        "jitter",
        "answer_tokens",
        "usage",
        "prefix_cache",
        "max_connections",
        "drain",
        "faults",
        "script",
        "load",
        "users",
        "think_time",
        "rate",
        "input_tokens",
        "output_tokens",
        "swing",
        "after",
        "for",
        "repeat_every",
        "ttft_factor",
        "itl_factor",
        "load_factor",
    ];
    for key in keys {
        assert!(text.contains(&format!("{key}: ")) || text.contains(&format!("{key}:\n")), "{key}");
    }
}

#[test]
fn every_fault_and_every_phase_key_is_read() {
    let text = "
faults:
  burst: {probability: 0.5, tokens: 3}
  throttle: {probability: 1}
script:
  - {after: 10m, for: 5m, repeat_every: 1h, ttft_factor: 1.5, itl_factor: 1.2, slots: 0,
     load_factor: 4, faults: {cut_json: {probability: 0.1, after_tokens: 2}}}
load: {rate: 2, output_tokens: 9, swing: {period: 1d, amplitude: 0.3}}
";
    let second = Duration::from_secs(1);
    let config = parse(Path::new("sim.yml"), text).expect("good");
    let throttle = Chance::always(Fault::Throttle { retry_after: second });
    let burst = Chance { fault: Fault::Burst { tokens: 3 }, probability: 0.5 };
    assert_eq!(config.faults, [throttle, burst]);
    let cut = Chance { fault: Fault::CutJson { after_tokens: 2 }, probability: 0.1 };
    let phase = Phase {
        after: 600 * second,
        lasts: Some(300 * second),
        repeat_every: Some(3600 * second),
        ttft_factor: 1.5,
        itl_factor: 1.2,
        load_factor: 4.0,
        slots: Some(0),
        faults: vec![cut],
    };
    assert_eq!(config.script, [phase]);
    let swing = Some(Swing { period: 86_400 * second, amplitude: 0.3 });
    let load = Load { source: Source::Rate(2.0), input_tokens: 256, output_tokens: 9, swing };
    assert_eq!(config.load, Some(load));
}

#[test]
fn problems_are_shown_where_they_are() {
    check(
        "ttft: 200ms\nslots: 0\n",
        "sim.yml:2:8: `slots` is 0, expected 1 to 100000\n  |\n2 | slots: 0\n  |        ^",
    );
    check(
        "script:\n  - {after: 1m, itl_factr: 2}\n",
        "sim.yml:2:17: unknown key `itl_factr` (did you mean `itl_factor`?), expected one of: after, for, repeat_every, \
         ttft_factor, itl_factor, load_factor, slots, faults\n  |\n\
         2 |   - {after: 1m, itl_factr: 2}\n  |                 ^",
    );
    check(
        "itl: 10\n",
        "sim.yml:1:6: `10`: expected a duration with a unit, such as 15s, 500ms or 30d\n  |\n\
         1 | itl: 10\n  |      ^",
    );
    check(
        "jitter: much\n",
        "sim.yml:1:9: not a valid value, expected a number\n  |\n1 | jitter: much\n  |         ^",
    );
    check(
        "seed: 1\nseed: 2\n",
        "sim.yml:2:1: the key `seed` appears twice, expected once\n  |\n2 | seed: 2\n  | ^",
    );
}

/// First lines only: how the rest looks is checked above.
#[test]
fn every_limit_says_what_was_expected() {
    let first = |text: &str| {
        let error = parse(Path::new("sim.yml"), text).expect_err(text).to_string();
        error.lines().next().unwrap_or_default().to_owned()
    };
    for (text, expect) in [
        ("itl: 2h", "1:6: `itl` is 2h, expected 0s to 1h"),
        ("jitter: .nan", "1:9: `jitter` is NaN, expected 0 to 2"),
        ("prefill_rate: 0", "1:15: `prefill_rate` is 0, expected 0.001 to 1000000000"),
        ("faults: {html: {probability: 2}}", "1:30: `probability` is 2, expected 0 to 1"),
        ("faults: {html: {}}", "1:16: `probability` is missing here"),
        (
            "faults: {http_status: {probability: 1, status: 200}}",
            "1:48: `status` is 200, expected 400 to 599",
        ),
        (
            "script: [{after: 1m, repeat_every: 1h}]",
            "1:36: `repeat_every` needs `for`, expected both",
        ),
        (
            "script: [{after: 1m, for: 2h, repeat_every: 1h}]",
            "1:45: `repeat_every` is 1h, expected at least 1s and at least as long as `for`",
        ),
        ("script: [{for: 2h}]", "1:11: `after` is missing here"),
        ("load: {}", "1:7: expected either `users` or `rate`"),
        ("load: {users: 1, rate: 1}", "1:7: expected either `users` or `rate`"),
        (
            "load: {rate: 1, think_time: 1s}",
            "1:29: `think_time` goes with `users`, not with `rate`",
        ),
        (
            "load: {rate: 150, swing: {period: 1d, amplitude: 1}}",
            "1:14: `rate` is 150, expected more than 0 and at most 200 per second at the peak of \
             swing and phases",
        ),
        (
            "load: {users: 9000}\nscript: [{after: 1m, load_factor: 2}]",
            "1:15: `users` is 18000 at the peak of swing and phases, expected 1 to 10000",
        ),
        (
            "load: {users: 1000, think_time: 1s}",
            "1:33: `think_time` is 1s, expected at least 5s with that many users",
        ),
    ] {
        assert_eq!(first(text), format!("sim.yml:{expect}"), "{text}");
    }
    let many = format!("script: [{}]", "{after: 1m},".repeat(101));
    assert_eq!(first(&many), "sim.yml:1:9: 101 phases, expected at most 100");
}
