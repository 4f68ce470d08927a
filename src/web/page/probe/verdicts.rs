//! What each SLO says about a probe, objective by objective.

use maud::{Markup, html};

use crate::history::{Flight, State};
use crate::slo::{Objective, Slo, Verdict};
use crate::web::page::{figure, state};

pub(super) fn section(flight: &Flight) -> Option<Markup> {
    let verdicts = &flight.probe.outcome.verdicts;
    let slos = verdicts.iter().filter_map(|verdict| {
        let slo = flight.target.slos.iter().find(|slo| slo.name == verdict.slo)?;
        Some((&**slo, verdict))
    });
    (!verdicts.is_empty()).then(|| {
        html! {
            section aria-labelledby="verdicts" {
                h2 #verdicts { "Verdicts" }
                table {
                    caption { "Each objective of the SLOs that cover the workload" }
                    thead {
                        tr {
                            th scope="col" { "SLO" }
                            th scope="col" { "Objective" }
                            th.number scope="col" { "Asked" }
                            th.number scope="col" { "Observed" }
                            th scope="col" { "Verdict" }
                        }
                    }
                    tbody {
                        @for (slo, verdict) in slos {
                            @for objective in &slo.objectives { (row(flight, slo, verdict, objective)) }
                        }
                    }
                }
            }
        }
    })
}

fn row(flight: &Flight, slo: &Slo, verdict: &Verdict, objective: &Objective) -> Markup {
    let observed = objective.observed(&flight.probe.outcome.measurement);
    let judged = verdict.consumption.iter().find(|(kind, _)| *kind == objective.kind);
    html! {
        tr {
            th scope="row" { (slo.name) }
            td { (figure::objective_name(objective.kind)) }
            td.number { (figure::bound(objective)) }
            td.number { @match observed { Some(v) => (figure::in_unit_of(objective.kind, v)), None => (figure::NONE) } }
            td {
                @match judged {
                    Some((_, used)) if *used <= 1.0 => (state::badge(State::Healthy, "met")),
                    Some(_) => (state::badge(State::Degraded, "missed")),
                    None if flight.probe.outcome.succeeded() => (state::badge(State::NotProbed, "does not apply")),
                    None => (state::badge(State::Failing, "bad: the probe failed")),
                }
            }
        }
    }
}
