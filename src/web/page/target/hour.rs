//! A target's last hour: figures, SLOs, failures by reason.

use maud::{Markup, html};

use super::View;
use crate::history::{Hour, SloHour};
use crate::web::page::figure;
use crate::web::page::sparkline::{self, Figure};

pub(super) fn section(view: &View<'_>) -> Option<Markup> {
    let hour = &view.overview.hour;
    Some(html! {
        section aria-labelledby="hour" data-live="hour" {
            h2 #hour { "Last hour" }
            p {
                (figure::counted(hour.probes.into(), "probe", "probes")) ", "
                (figure::count(hour.good.into())) " good."
                @if !hour.failures.is_empty() {
                    " Failures: "
                    @for (i, (reason, n)) in hour.failures.iter().enumerate() {
                        @if i > 0 { ", " } (figure::count(u64::from(*n))) " × " (reason)
                    }
                    "."
                }
            }
            (figures(hour))
            (slos(&hour.slos))
        }
    })
}

fn figures(hour: &Hour) -> Markup {
    html! {
        table.wide {
            caption { "Quantiles; in the pictures the median (line), the 95th percentile (dashed) and minutes with failures (marks)" }
            thead {
                tr {
                    th scope="col" { "Figure" }
                    th scope="col" { "Minute by minute" }
                    th.number scope="col" { "p50" }
                    th.number scope="col" { "p95" }
                    th.number scope="col" { "p99" }
                }
            }
            tbody { @for of in [sparkline::TTFT, sparkline::ITL] { (row(of, hour)) } }
        }
    }
}

fn row(of: Figure, hour: &Hour) -> Markup {
    let quantiles = (of.hour)(hour);
    let columns = [quantiles.map(|q| q.p50), quantiles.map(|q| q.p95), quantiles.map(|q| q.p99)];
    html! {
        tr {
            th scope="row" { (of.name) }
            td.picture { (sparkline::draw(of, hour)) }
            @for value in columns { td.number { (figure::duration_or_none(value)) } }
        }
    }
}

fn slos(slos: &[SloHour]) -> Markup {
    html! {
        @if !slos.is_empty() {
            table {
                caption { "SLOs over the last hour" }
                thead {
                    tr {
                        th scope="col" { "SLO" }
                        th scope="col" { "Each probe" }
                        th.number scope="col" { "Attainment" }
                        th.number scope="col" { "Objective" }
                        th.number scope="col" { "Good probes" }
                        th.number scope="col" { "Goodput" }
                    }
                }
                tbody { @for hour in slos { (slo(hour)) } }
            }
        }
    }
}

fn slo(hour: &SloHour) -> Markup {
    let attainment = hour.attainment();
    let missed = attainment.is_some_and(|share| share < hour.slo.objective);
    let objectives = &hour.slo.objectives;
    html! {
        tr {
            th scope="row" { (hour.slo.name) }
            td { @for o in objectives { div { (figure::objective_name(o.kind)) " " (figure::bound(o)) } } }
            td.number {
                @if missed { span.badge.warn { span aria-hidden="true" { "▲" } " missed" } " " }
                @match attainment { Some(share) => (figure::share(share)), None => (figure::NONE) }
            }
            td.number { (figure::objective_share(hour.slo.objective)) }
            td.number { (figure::count(hour.good.into())) " of " (figure::count(hour.probes.into())) }
            td.number { @match hour.goodput { Some(rate) => (figure::rate(rate)), None => (figure::NONE) } }
        }
    }
}
