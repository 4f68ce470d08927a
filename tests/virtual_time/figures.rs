//! What the simulator was told is what the prober measures.

use std::time::Duration;

use llm_prober::answer::measure::{Phase, TokenSource};
use llm_prober::probe::{Probe, Probing};
use llm_prober::simulate::{Chance, Fault, SimulatorConfig};
use llm_prober::transport::Transport;
use llm_prober::workload::Mix;
use tokio_util::sync::CancellationToken;

use crate::common::simulated::{Server, exact};
use crate::common::{target, verdict};

const MS: Duration = Duration::from_millis(1);

async fn probe(settings: &str, simulator: SimulatorConfig) -> Probe {
    let target = target(&format!(
        "workloads: {{w: {{weight: 1, prompts: {{inline: [one two three]}}}}}}\n\
         targets: [{{name: t, url: 'http://llm.test/v1', model: m{settings}}}]"
    ));
    let transport = Transport::pipe(&target, Server::new(simulator).dialer());
    let draw = Mix::new(&target.workloads, 1).draw().unwrap();
    let probing = Probing::new(target, transport);
    probing.probe(draw, Duration::ZERO, CancellationToken::new()).await
}

#[tokio::test(start_paused = true)]
async fn a_streamed_answer() {
    for api in ["openai-chat", "openai-completions"] {
        for tokens in [2_u32, 5, 40] {
            let probe = probe(&format!(", api: {api}"), exact(tokens)).await;
            assert_eq!(verdict(&probe.outcome), "success", "{:?}", probe.outcome.result);
            let m = &probe.outcome.measurement;
            let gaps = tokens - 1;
            assert_eq!((m.ttft, m.ttfo, m.ttst), (Some(200 * MS), Some(200 * MS), Some(10 * MS)));
            assert_eq!((m.itl, m.longest_gap), (Some(10 * MS), Some(10 * MS)));
            assert_eq!(m.request_latency, Some(200 * MS + gaps * 10 * MS));
            assert_eq!(m.gaps, vec![10 * MS; gaps as usize]);
            assert_eq!(m.output_tokens_per_second(), Some(100.0));
            let counted = m.output_tokens.unwrap();
            assert_eq!((counted.tokens, counted.source), (tokens.into(), TokenSource::Usage));
            // The head leaves at once; the first content decides.
            assert_eq!(m.ttfb, Some(Duration::ZERO));
            let phase = |phase| m.phases.iter().find(|p| p.phase == phase).map(|p| p.duration);
            assert_eq!(phase(Phase::FirstToken), Some(200 * MS));
            assert_eq!(phase(Phase::Decode), Some(gaps * 10 * MS));
            assert_eq!(phase(Phase::Tail), Some(Duration::ZERO));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_one_piece() {
    for api in ["openai-chat", "openai-completions"] {
        let probe = probe(&format!(", api: {api}, stream: false"), exact(5)).await;
        assert_eq!(verdict(&probe.outcome), "success", "{:?}", probe.outcome.result);
        let m = &probe.outcome.measurement;
        assert_eq!((m.ttft, m.itl, m.longest_gap), (None, None, None));
        assert_eq!((m.ttfb, m.request_latency), (Some(240 * MS), Some(240 * MS)));
    }
}

#[tokio::test(start_paused = true)]
async fn faults_show_in_the_figure_they_belong_to() {
    let with = |fault| SimulatorConfig { faults: vec![Chance::always(fault)], ..exact(5) };
    let m = probe("", with(Fault::SlowDone { pause: 1000 * MS })).await.outcome.measurement;
    let tail = m.phases.iter().find(|p| p.phase == Phase::Tail).unwrap().duration;
    assert_eq!((m.request_latency, tail), (Some(240 * MS), 1000 * MS));

    let stall = Fault::Stall { after_tokens: 2, pause: 3000 * MS };
    let m = probe("", with(stall)).await.outcome.measurement;
    assert_eq!((m.longest_gap, m.itl), (Some(3010 * MS), Some(760 * MS)));
    assert_eq!(m.gaps, [10 * MS, 3010 * MS, 10 * MS, 10 * MS]);

    let m = probe("", with(Fault::RoleFirst)).await.outcome.measurement;
    assert_eq!(m.ttft, Some(200 * MS), "a role is no token");

    let m = probe("", with(Fault::Burst { tokens: 5 })).await.outcome.measurement;
    assert_eq!((m.coalesced, m.gaps.len(), m.ttst), (4, 0, None));

    let m = probe("", with(Fault::NoUsage)).await.outcome.measurement;
    assert_eq!((m.itl, m.output_tokens.unwrap().source), (Some(10 * MS), TokenSource::Events));
}

#[tokio::test(start_paused = true)]
async fn broken_answers_are_failures() {
    let ended = [
        (Fault::Refuse, "truncated"),
        (Fault::HttpStatus(http::StatusCode::SERVICE_UNAVAILABLE), "http_status"),
        (Fault::Throttle { retry_after: 1000 * MS }, "throttled"),
        (Fault::Html, "malformed"),
        (Fault::Empty, "empty"),
        (Fault::ErrorEvent { after_tokens: 2 }, "error_event"),
        (Fault::Truncate { after_tokens: 2 }, "truncated"),
        (Fault::CutJson { after_tokens: 2 }, "truncated"),
        (Fault::CutBody { after_tokens: 2 }, "truncated"),
        (Fault::Stall { after_tokens: 2, pause: 21_000 * MS }, "stalled"),
    ];
    for (fault, expect) in ended {
        let simulator = SimulatorConfig { faults: vec![Chance::always(fault)], ..exact(5) };
        let probe = probe("", simulator).await;
        assert_eq!(verdict(&probe.outcome), expect, "{fault:?}: {:?}", probe.outcome.result);
        let m = &probe.outcome.measurement;
        assert_eq!(m.request_latency, None, "{fault:?}");
        let tokens = if m.content_at.is_empty() { None } else { Some(200 * MS) };
        assert_eq!(m.ttft, tokens, "{fault:?}: what was seen before the failure counts");
    }
}
