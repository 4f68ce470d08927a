//! A target's last hour: figures, SLOs, failures by reason.

use std::time::Duration;

use maud::{Markup, html};

use super::view::View;
use crate::memory::history::{Hour, Quantiles, SloHour, State};
use crate::web::page::sparkline::{self, Figure};
use crate::web::page::table::{self, Column, number, picture, text};
use crate::web::page::{figure, state};

pub(super) fn section(view: &View<'_>) -> Markup {
    let hour = &view.overview.hour;
    html! {
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
    }
}

const FIGURES: [Column; 5] =
    [text("Figure"), picture("Minute by minute"), number("p50"), number("p95"), number("p99")];

fn figures(hour: &Hour) -> Markup {
    let caption = html! {
        "Quantiles; in the pictures the median (line), the 95th percentile (dashed), the strictest \
         objective where it is near (dotted), minutes with failures (marks), and where it became \
         another server or model (upright)"
    };
    let rows = html! { @for of in [sparkline::TTFT, sparkline::ITL] { (row(of, hour)) } };
    table::table("cards wide", &caption, &FIGURES, None, &rows)
}

fn row(of: Figure, hour: &Hour) -> Markup {
    let quantiles = (of.hour)(hour);
    let value = |of: fn(Quantiles) -> Duration| {
        html! { (figure::duration_or_none(quantiles.map(of))) }
    };
    let cells = [
        html! { (of.name) },
        sparkline::draw(of, hour),
        value(|q| q.p50),
        value(|q| q.p95),
        value(|q| q.p99),
    ];
    table::row(of.name, "", &FIGURES, &cells)
}

const SLOS: [Column; 6] = [
    text("SLO"),
    text("Each probe"),
    number("Attainment"),
    number("Objective"),
    number("Good probes"),
    number("Goodput"),
];

fn slos(slos: &[SloHour]) -> Markup {
    let rows = html! { @for hour in slos { (slo(hour)) } };
    let caption = html! { "SLOs over the last hour" };
    html! {
        @if !slos.is_empty() { (table::table("cards", &caption, &SLOS, None, &rows)) }
    }
}

fn slo(hour: &SloHour) -> Markup {
    let attainment = hour.attainment();
    let missed = attainment.is_some_and(|share| share < hour.slo.objective);
    let objectives = &hour.slo.objectives;
    let cells = [
        html! { (hour.slo.name) },
        html! { @for o in objectives { div { (figure::objective_name(o.kind)) " " (figure::bound(o)) } } },
        html! {
            @if missed { (state::badge(State::Degraded, "missed")) " " }
            @match attainment { Some(share) => (figure::share(share)), None => (figure::NONE) }
        },
        html! { (figure::objective_share(hour.slo.objective)) },
        html! { (figure::count(hour.good.into())) " of " (figure::count(hour.probes.into())) },
        html! { @match hour.goodput { Some(rate) => (figure::rate(rate)), None => (figure::NONE) } },
    ];
    table::row(&hour.slo.name, "", &SLOS, &cells)
}
