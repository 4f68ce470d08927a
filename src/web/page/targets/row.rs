//! One target in the table of all.

use maud::{Markup, html};

use crate::daemon::Daemon;
use crate::history::{Overview, SloHour, Summary};
use crate::target::Target;
use crate::web::page::sparkline::{self, Figure};
use crate::web::page::{figure, link, moment, state};

/// In the order of a row's cells.
pub(super) const COLUMNS: [&str; 7] = [
    "State",
    "Target",
    "Time to first token",
    "Inter-token latency",
    "SLOs: attainment, goodput",
    "Last failure",
    "Last probe",
];

pub(super) fn of(daemon: &Daemon, target: &Target, now: i64) -> Markup {
    let overview = daemon.history.overview(target, now);
    let model = super::super::target::model(daemon, target);
    let version = overview.last.as_ref().map_or("", |last| last.id.as_str());
    html! {
        tr role="row" data-key=(target.name) data-version=(version) {
            td role="cell" { (state::of_target(overview.state)) }
            th scope="row" role="rowheader" {
                a href=(link::target("", &target.name)) { (target.name) }
                @if let Some(model) = model { span.note { (model) } }
            }
            (quantiles(sparkline::TTFT, &overview))
            (quantiles(sparkline::ITL, &overview))
            (cell(COLUMNS[4], slos(&overview.hour.slos)))
            (cell(COLUMNS[5], failure(overview.last_failure.as_deref(), now)))
            (cell(COLUMNS[6], last(overview.last.as_deref(), now)))
        }
    }
}

/// Where rows are cards there are no column headers; then each cell shows its own.
fn cell(column: &str, content: Markup) -> Markup {
    html! { td role="cell" { span.column aria-hidden="true" { (column) } (content) } }
}

fn quantiles(of: Figure, overview: &Overview) -> Markup {
    let content = html! {
        (sparkline::draw(of, &overview.hour))
        @match (of.hour)(&overview.hour) {
            Some(q) => span.figures {
                span title="median" { b { (figure::duration(q.p50)) } }
                " "
                span.note title="95th percentile" { "p95 " (figure::duration(q.p95)) }
            },
            None => span.figures { (figure::NONE) },
        }
    };
    cell(of.name, content)
}

fn slos(slos: &[SloHour]) -> Markup {
    html! {
        @if slos.is_empty() { (figure::NONE) }
        @for hour in slos {
            div.slo {
                span.note { (hour.slo.name) } " "
                @match hour.attainment() {
                    Some(share) if share < hour.slo.objective => b.badge.warn {
                        span aria-hidden="true" { "▲ " } (figure::share(share))
                        span.unseen { " missed" }
                    },
                    Some(share) => b { (figure::share(share)) },
                    None => (figure::NONE),
                }
                " " span.note { "of " (figure::objective_share(hour.slo.objective)) }
                @if let Some(goodput) = hour.goodput { " " span.note { "· " (figure::rate(goodput)) } }
            }
        }
    }
}

fn failure(failure: Option<&Summary>, now: i64) -> Markup {
    html! {
        @match failure {
            Some(probe) => {
                a href=(link::probe("", probe.id.as_str())) {
                    @if let Some(reason) = probe.reason { (reason) }
                }
                " " span.note { (moment::ago(probe.started_unix_nanos, now)) }
            },
            None => span.note { "none" },
        }
    }
}

fn last(last: Option<&Summary>, now: i64) -> Markup {
    html! {
        @match last {
            Some(probe) => {
                a href=(link::probe("", probe.id.as_str())) { (moment::ago(probe.started_unix_nanos, now)) }
                " " span.note { (probe.workload.name) }
            },
            None => (figure::NONE),
        }
    }
}
