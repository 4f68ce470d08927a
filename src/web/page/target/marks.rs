//! The moments of a target's past at which something became another.

use maud::{Markup, html};

use super::view::View;
use crate::memory::history::{Mark, Occasion};
use crate::target::Moved;
use crate::web::page::moment;
use crate::web::page::table::{self, Column, text};

/// So many are shown; the API has all.
const SHOWN: usize = 20;

const COLUMNS: [Column; 2] = [text("When"), text("What")];

pub(super) fn section(view: &View<'_>) -> Markup {
    let marks = &view.overview.marks;
    if marks.is_empty() {
        return html! {};
    }
    let rows = html! { @for mark in marks.iter().take(SHOWN) { (row(mark, view.now)) } };
    let caption = html! {
        "Alarms, verdicts, and when it became another server or model: figures from before such a \
         line are of the other one"
    };
    html! {
        section aria-labelledby="marks" data-live="marks" {
            h2 #marks { "What happened" }
            (table::table("cards", &caption, &COLUMNS, None, &rows))
        }
    }
}

fn row(mark: &Mark, now: i64) -> Markup {
    let at = html! {
        (moment::time(mark.unix_nanos, now)) " " span.note { (moment::ago(mark.unix_nanos, now)) }
    };
    table::row(&mark.unix_nanos.to_string(), "", &COLUMNS, &[at, html! { (words(&mark.what)) }])
}

fn words(what: &Occasion) -> String {
    match what {
        Occasion::Moved(moved) => {
            let what = match moved {
                Moved::Url => "another URL",
                Moved::Model => "another model",
                Moved::UrlAndModel => "another URL and model",
            };
            format!("A line: {what} from here on")
        }
        Occasion::AlarmRaised { workload, signal } => {
            format!("{signal} of {workload} got worse than its own past")
        }
        Occasion::AlarmCleared { workload, signal } => {
            format!("{signal} of {workload} is no longer worse than its past")
        }
        Occasion::Verdict { comparison, verdict } => {
            format!("comparison {comparison}: {}", verdict.replace('_', " "))
        }
    }
}
