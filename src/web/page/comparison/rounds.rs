//! How it is asked, and which rounds count.

use maud::{Markup, html};

use super::view::View;
use crate::regression::comparison::{ANSWERED_PAIRS, AnswerCheck, AnswerCounts, Order};
use crate::web::page::figure;

pub(super) fn section(view: &View<'_>) -> Markup {
    let (spec, snapshot) = (view.spec, &view.snapshot);
    let order = match spec.order {
        Order::Simultaneous => "both at the same instant",
        Order::BackToBack => "one after the other, in random order",
    };
    let tolerance = figure::objective_share(spec.tolerance.delta());
    let dropped = snapshot.dropped.iter().filter(|(_, rounds)| *rounds > 0);
    html! {
        section aria-labelledby="rounds" data-live="rounds" {
            h2 #rounds { "Rounds" }
            dl.facts {
                (fact("Asked", order))
                (fact("One round per", &figure::setting(spec.timing.interval())))
                (fact("A latency may grow by", &tolerance))
                (fact("Judged", &figure::count(snapshot.pairs())))
                (fact("Both sides failed", &figure::count(snapshot.both_failed())))
                @for w in &snapshot.workloads {
                    (fact(&format!("Both answered {}", w.workload), &answered(w.answered)))
                }
                @for (reason, rounds) in dropped {
                    (fact(&format!("Not judged: {}", reason.as_str()), &figure::count(*rounds)))
                }
                @for w in &snapshot.workloads {
                    @if let Some(answers) = w.answers {
                        (fact(&format!("Answers to {}", w.workload), &differing(&answers)))
                    }
                }
            }
        }
    }
}

/// Since the run began or an alarm last went on or off.
fn answered(pairs: u64) -> String {
    format!("{} of at least {ANSWERED_PAIRS} needed", figure::count(pairs))
}

fn fact(name: &str, fact: &str) -> Markup {
    html! { div { dt { (name) } dd { (fact) } } }
}

fn differing(answers: &AnswerCounts) -> String {
    let each = AnswerCheck::ALL
        .iter()
        .copied()
        .map(|c| format!("{} {}", answers.differing(c), c.as_str()));
    format!(
        "of {} differ: {}",
        figure::count(answers.compared),
        each.collect::<Vec<_>>().join(", ")
    )
}
