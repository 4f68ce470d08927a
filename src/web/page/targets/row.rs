//! One target in the table of all.

use maud::{Markup, html};

use crate::daemon::Daemon;
use crate::memory::history::{Overview, Quantiles, Summary, Window};
use crate::target::Target;
use crate::web::page::sparkline::{self, Figure};
use crate::web::page::table::{self, Column, picture, text};
use crate::web::page::target::{facts, windows};
use crate::web::page::{figure, link, moment, state};

/// A window's quantiles of a figure.
type Of = fn(&Window) -> Option<Quantiles>;

/// In the order of a row's cells.
pub(super) const COLUMNS: [Column; 7] = [
    text("Target"),
    text("State"),
    picture("Time to first token"),
    picture("Inter-token latency"),
    text("SLO attainment, goodput"),
    text("Last failure"),
    text("Last probe"),
];

pub(super) fn of(daemon: &Daemon, target: &Target, now: i64) -> Markup {
    let overview = daemon.history.overview(target, now);
    let version = overview.last.as_ref().map_or("", |last| last.id.as_str());
    let cells = [
        name(daemon, target),
        state::of_target(overview.state),
        quantiles(sparkline::TTFT, &overview, |window| window.ttft),
        quantiles(sparkline::ITL, &overview, |window| window.itl),
        slos(&overview),
        failure(overview.last_failure.as_deref(), now),
        last(overview.last.as_deref(), now),
    ];
    table::row(&target.name, version, &COLUMNS, &cells)
}

fn name(daemon: &Daemon, target: &Target) -> Markup {
    html! {
        a href=(link::target("", &target.name)) { (target.name) }
        @if let Some(model) = facts::model(daemon, target) { span.note { (model) } }
    }
}

/// The windows beside the hour, each with its name.
fn beside(overview: &Overview) -> [(&'static str, &Window); 3] {
    [("now", &overview.now), ("24 h", &overview.day), ("30 d", &overview.month)]
}

fn quantiles(of: Figure, overview: &Overview, median: Of) -> Markup {
    html! {
        (sparkline::draw(of, &overview.hour))
        span.figures {
            @match (of.hour)(&overview.hour) {
                Some(q) => {
                    span title="median" { b { (figure::duration(q.p50)) } } " "
                    span.note title="95th percentile" { "p95 " (figure::duration(q.p95)) }
                },
                None => (figure::NONE),
            }
        }
        div.beside title="median" {
            @for (name, window) in beside(overview) {
                span { span.note { (name) } " " (figure::duration_or_none(median(window).map(|q| q.p50))) } " "
            }
        }
    }
}

fn slos(overview: &Overview) -> Markup {
    html! {
        @if overview.hour.slos.is_empty() { (figure::NONE) }
        @for (i, hour) in overview.hour.slos.iter().enumerate() {
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
                @if let Some(goodput) = hour.goodput {
                    div.note { (figure::rate(goodput)) }
                }
                div.beside {
                    @for (name, window) in beside(overview) {
                        @if let Some(slo) = window.slos.get(i) {
                            span { span.note { (name) } " " (windows::attainment(slo)) } " "
                        }
                    }
                }
            }
        }
    }
}

fn failure(failure: Option<&Summary>, now: i64) -> Markup {
    html! {
        @match failure {
            Some(probe) => {
                a.reason href=(link::probe("", probe.id.as_str())) {
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
