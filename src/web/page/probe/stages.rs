//! Where the server itself says the time went.

use maud::{Markup, html};

use crate::history::Flight;
use crate::web::page::figure;

pub(super) fn section(flight: &Flight) -> Option<Markup> {
    let timing = flight.probe.outcome.measurement.server_timing;
    let stages = [
        ("Waiting for a slot", timing.queue),
        ("Loading the model", timing.load),
        ("Reading the prompt", timing.prefill),
        ("Generating", timing.decode),
    ];
    let reported = stages.into_iter().filter_map(|(name, took)| Some((name, took?)));
    let reported: Vec<_> = reported.collect();
    (!reported.is_empty()).then(|| {
        html! {
            section aria-labelledby="stages" {
                h2 #stages { "Stages of the server" }
                table.narrow {
                    caption { "As the server reports them" }
                    thead { tr { th scope="col" { "Stage" } th.number scope="col" { "Took" } } }
                    tbody {
                        @for (name, took) in reported {
                            tr { th scope="row" { (name) } td.number { (figure::duration(took)) } }
                        }
                    }
                }
            }
        }
    })
}
