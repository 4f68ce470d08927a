//! Both targets side by side.

use std::time::Duration;

use maud::{Markup, html};

use super::view::{ROOT, View};
use crate::memory::history::{Hour, Overview, Quantiles};
use crate::target::Target;
use crate::web::page::sparkline::{self, Figure};
use crate::web::page::table::{self, Column, number, text};
use crate::web::page::target::facts;
use crate::web::page::{figure, link, state};

const COLUMNS: [Column; 3] = [text("Figure"), number("Baseline"), number("Candidate")];

/// What stands in one row, of either side.
type Cell = fn(&Side<'_>) -> Markup;

const ROWS: [(&str, Cell); 8] = [
    ("Target", |s| html! { a href=(link::target(ROOT, &s.target.name)) { (s.target.name) } }),
    ("State", |s| state::of_target(s.overview.state)),
    ("Model", |s| html! { (s.model.as_deref().unwrap_or(figure::NONE)) }),
    ("Time to first token, median", |s| quantile(sparkline::TTFT, s.hour(), |q| q.p50)),
    ("Time to first token, p95", |s| quantile(sparkline::TTFT, s.hour(), |q| q.p95)),
    ("Inter-token latency, median", |s| quantile(sparkline::ITL, s.hour(), |q| q.p50)),
    ("Inter-token latency, p95", |s| quantile(sparkline::ITL, s.hour(), |q| q.p95)),
    ("Good probes", |s| {
        let (good, all) = (s.hour().good, s.hour().probes);
        html! { (figure::count(good.into())) " of " (figure::count(all.into())) }
    }),
];

struct Side<'a> {
    target: &'a Target,
    model: Option<String>,
    overview: Overview,
}

impl<'a> Side<'a> {
    fn of(view: &View<'_>, target: &'a Target) -> Self {
        let overview = view.daemon.history.overview(target, view.now);
        Self { target, model: facts::model(view.daemon, target), overview }
    }

    fn hour(&self) -> &Hour {
        &self.overview.hour
    }
}

pub(super) fn section(view: &View<'_>) -> Markup {
    let sides = [&view.spec.baseline, &view.spec.candidate].map(|t| Side::of(view, t));
    let rows = html! {
        @for (name, cell) in ROWS {
            @let [baseline, candidate] = sides.each_ref().map(cell);
            (table::row(name, "", &COLUMNS, &[html! { (name) }, baseline, candidate]))
        }
    };
    let caption = html! { "All probes of the last hour, of rounds and others" };
    html! {
        section aria-labelledby="sides" {
            h2 #sides { "Both sides" }
            (table::table("cards", &caption, &COLUMNS, Some("sides"), &rows))
        }
    }
}

fn quantile(of: Figure, hour: &Hour, which: fn(Quantiles) -> Duration) -> Markup {
    html! { (figure::duration_or_none((of.hour)(hour).map(which))) }
}
