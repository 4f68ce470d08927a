//! The newest failures of all targets.

use maud::{Markup, html};

use crate::history::History;
use crate::web::page::{link, moment, state};

/// So many are shown.
const SHOWN: usize = 10;

pub(super) fn section(history: &History, now: i64) -> Markup {
    let failures = history.failures(SHOWN);
    html! {
        section aria-labelledby="failures" {
            h2 #failures { "Last failures" }
            table {
                caption { "The newest failures of all targets" }
                thead {
                    tr {
                        th scope="col" { "Time" }
                        th scope="col" { "Target" }
                        th scope="col" { "Workload" }
                        th scope="col" { "Reason" }
                    }
                }
                tbody data-live="failures" data-rows="" {
                    @for probe in &failures {
                        tr data-key=(probe.id.as_str()) {
                            th scope="row" {
                                a href=(link::probe("", probe.id.as_str())) { (moment::time(probe.started_unix_nanos, now)) }
                            }
                            td { a href=(link::target("", &probe.target.name)) { (probe.target.name) } }
                            td { (probe.workload.name) }
                            td {
                                (state::of_probe(probe))
                                @if let Some(status) = probe.http_status { " " span.note { "status " (status) } }
                            }
                        }
                    }
                    @if failures.is_empty() { tr data-key="" { td colspan="4" { "None that is remembered." } } }
                }
            }
        }
    }
}
