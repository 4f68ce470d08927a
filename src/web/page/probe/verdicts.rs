//! What each SLO says about a probe, objective by objective.

use maud::{Markup, html};

use crate::answer::slo::{Objective, ObjectiveKind, Slo, Verdict};
use crate::memory::history::{Flight, State};
use crate::web::page::table::{self, Column, number, text};
use crate::web::page::{figure, state};

const COLUMNS: [Column; 5] =
    [text("Objective"), text("SLO"), number("Bound"), number("Observed"), text("Verdict")];

pub(super) fn section(flight: &Flight) -> Markup {
    let verdicts = &flight.probe.outcome.verdicts;
    if verdicts.is_empty() {
        return html! {};
    }
    let slos = verdicts.iter().filter_map(|verdict| {
        let slo = flight.target.slos.iter().find(|slo| slo.name == verdict.slo)?;
        Some((&**slo, verdict))
    });
    let rows = html! {
        @for (slo, verdict) in slos {
            @for objective in &slo.objectives { (row(flight, slo, verdict, objective)) }
        }
    };
    let caption = html! { "Each objective of the SLOs that cover the workload" };
    html! {
        section aria-labelledby="verdicts" {
            h2 #verdicts { "Verdicts" }
            (table::table("cards", &caption, &COLUMNS, None, &rows))
        }
    }
}

fn row(flight: &Flight, slo: &Slo, verdict: &Verdict, objective: &Objective) -> Markup {
    let kind = objective.kind;
    let observed = objective.observed(&flight.probe.outcome.measurement);
    let cells = [
        html! { (figure::objective_name(kind)) },
        html! { (slo.name) },
        html! { (figure::bound(objective)) },
        html! { @match observed { Some(v) => (figure::in_unit_of(kind, v)), None => (figure::NONE) } },
        judged(flight, verdict, kind),
    ];
    table::row(&format!("{} {}", slo.name, kind.as_str()), "", &COLUMNS, &cells)
}

fn judged(flight: &Flight, verdict: &Verdict, kind: ObjectiveKind) -> Markup {
    let used = verdict.consumption.iter().find(|(k, _)| *k == kind).map(|(_, used)| *used);
    match used {
        Some(used) if used <= 1.0 => state::badge(State::Healthy, "met"),
        Some(_) => state::badge(State::Degraded, "missed"),
        None if flight.probe.outcome.succeeded() => state::badge(State::NotProbed, "not observed"),
        None => state::badge(State::Failing, "probe failed"),
    }
}
