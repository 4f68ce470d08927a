//! Every signal of every workload: effect, verdict, evidence.

use maud::{Markup, html};

use super::verdict;
use super::view::View;
use crate::memory::history::State;
use crate::regression::comparison::{
    Discordant, GateSnapshot, Signal, StreamSnapshot, TogetherSnapshot, WorkloadSnapshot,
};
use crate::web::page::effect::{self, Scale};
use crate::web::page::table::{self, Column, number, picture, text};
use crate::web::page::{figure, state};

const COLUMNS: [Column; 6] = [
    text("Signal"),
    picture("Candidate against baseline"),
    text("Verdict"),
    number("Evidence for worse"),
    number("Evidence for not worse"),
    text("Alarm"),
];

pub(super) fn section(view: &View<'_>) -> Markup {
    let workloads = &view.snapshot.workloads;
    let pooled = view.snapshot.together.iter().flat_map(|all| &all.latencies);
    let gates = workloads.iter().flat_map(|w| &w.streams).map(|s| &s.gate);
    let effects = gates.chain(pooled.map(|p| &p.gate)).filter_map(|gate| gate.effect);
    let scale = Scale::of(effects.map(|effect| (effect, view.spec.tolerance)));
    let rows = html! {
        @for workload in workloads {
            @for stream in &workload.streams { (row(view, workload, stream, scale)) }
        }
        @if let Some(all) = &view.snapshot.together { (together(view, all, scale)) }
    };
    let caption = html! {
        "Median of candidate / baseline with its 95 % interval, since the run began or an alarm was \
         last raised or cleared. Shaded: what is tolerated. Evidence: the verdict stands when the \
         first number reaches the second (powers of ten)."
    };
    html! {
        section aria-labelledby="signals" {
            h2 #signals { "Signals" }
            (table::table("cards effects", &caption, &COLUMNS, Some("signals"), &rows))
        }
    }
}

fn row(view: &View<'_>, w: &WorkloadSnapshot, s: &StreamSnapshot, scale: Scale) -> Markup {
    let (gate, needed) = (&s.gate, view.snapshot.needed);
    let cells = [
        html! { (figure::signal_name(s.signal)) span.note { (w.workload) } },
        html! {
            @match (&gate.effect, s.discordant) {
                (Some(effect), _) => (effect::draw(effect, view.spec.tolerance, scale)),
                (None, Some(pairs)) => (discordant(pairs)),
                (None, None) => (figure::NONE),
            }
            " " span.note { (pairs(s)) }
        },
        verdict::badge(gate.verdict),
        html! { (figure::evidence(gate.regressed_log10, needed.regressed)) },
        html! { (figure::evidence(gate.not_worse_log10, needed.not_worse)) },
        alarm(s),
    ];
    table::row(&format!("{} {}", w.workload, s.signal.as_str()), "", &COLUMNS, &cells)
}

/// What is judged over all workloads: the latencies that decide, and failures.
fn together(view: &View<'_>, all: &TogetherSnapshot, scale: Scale) -> Markup {
    html! {
        @for pooled in &all.latencies {
            @let found = html! {
                @if let Some(effect) = &pooled.gate.effect {
                    (effect::draw(effect, view.spec.tolerance, scale))
                } @else { (figure::NONE) }
            };
            (over_all(view, pooled.signal, &found, pooled.pairs, &pooled.gate))
        }
        (over_all(view, Signal::Failure, &discordant(all.discordant), all.pairs, &all.gate))
    }
}

/// A signal over all workloads, which has a gate and no alarm.
fn over_all(
    view: &View<'_>,
    signal: Signal,
    found: &Markup,
    pairs: u64,
    gate: &GateSnapshot,
) -> Markup {
    let needed = view.snapshot.needed;
    let cells = [
        html! { (figure::signal_name(signal)) span.note { "all workloads" } },
        html! { (found) " " span.note { (figure::counted(pairs, "pair", "pairs")) } },
        verdict::badge(gate.verdict),
        html! { (figure::evidence(gate.regressed_log10, needed.regressed)) },
        html! { (figure::evidence(gate.not_worse_log10, needed.not_worse)) },
        html! { (figure::NONE) },
    ];
    table::row(&format!("all {}", signal.as_str()), "", &COLUMNS, &cells)
}

/// Of how many pairs the picture is, of those of the run: after an alarm of the later ones only.
fn pairs(s: &StreamSnapshot) -> String {
    let all = figure::counted(s.pairs, "pair", "pairs");
    match s.gate.effect {
        Some(effect) if effect.observations != s.pairs => {
            format!("{} of {all}", figure::count(effect.observations))
        }
        _ => all,
    }
}

fn discordant(pairs: Discordant) -> Markup {
    html! {
        "only the candidate " b { (figure::count(pairs.candidate_worse)) }
        ", only the baseline " b { (figure::count(pairs.baseline_worse)) }
    }
}

fn alarm(s: &StreamSnapshot) -> Markup {
    html! {
        @if s.alarmed { (state::badge(State::Degraded, "on")) } @else { "off" }
        @if let Some(found) = s.evidence_log10 {
            " " span.note { (figure::evidence(found, s.threshold_log10)) }
        }
    }
}
