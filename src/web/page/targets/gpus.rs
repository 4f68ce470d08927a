//! The GPUs of this machine, where there are any.

use std::time::UNIX_EPOCH;

use maud::{Markup, html};

use crate::daemon::Daemon;
use crate::gpu::state::{Reading, Seen};
use crate::memory::history::State;
use crate::web::page::table::{self, Column, number, text};
use crate::web::page::{figure, moment, state};

const COLUMNS: [Column; 7] = [
    text("GPU"),
    text("State"),
    number("Busy"),
    number("Memory"),
    number("Power"),
    number("Temperature"),
    text("Clocks held down by"),
];

/// Holds no clock down that anybody would want up.
const IDLE: &str = "gpu_idle";

pub(super) async fn section(daemon: &Daemon, now: i64) -> Markup {
    daemon.look_at_gpus().await;
    let Some(view) = daemon.metrics.gpus().filter(|view| !view.gpus.is_empty()) else {
        return html! {};
    };
    let rows = html! { @for gpu in &view.gpus { (row(gpu, now)) } };
    let caption = html! { "Of the machine that the prober runs on" };
    html! {
        section aria-labelledby="gpus" {
            h2 #gpus { "GPUs" }
            (table::table("cards", &caption, &COLUMNS, Some("gpus"), &rows))
        }
    }
}

fn row(gpu: &Seen, now: i64) -> Markup {
    let (index, reading) = (gpu.state.index.to_string(), &gpu.state.reading);
    let share = |share: Option<f64>| html! { (share.map_or_else(none, figure::share)) };
    let cells = [
        html! { (index) @if let Some(name) = &gpu.state.facts.name { span.note { (name) } } },
        collected(gpu, now),
        share(reading.utilization),
        html! {
            @match reading.memory {
                Some(m) => { (figure::bytes(m.used)) " of " (figure::bytes(m.total)) },
                None => (figure::NONE),
            }
        },
        html! { (reading.power_watts.map_or_else(none, |w| format!("{w:.0} W"))) },
        html! { (temperature(reading)) },
        html! { (throttled(reading)) },
    ];
    // Figures of the same GPU are no news.
    table::row(&index, "", &COLUMNS, &cells)
}

fn none() -> String {
    figure::NONE.to_owned()
}

fn collected(gpu: &Seen, now: i64) -> Markup {
    let since = gpu.state.at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let at = i64::try_from(since.as_nanos()).unwrap_or(i64::MAX);
    html! {
        @if gpu.success() { (state::badge(State::Healthy, "ok")) }
        @else if gpu.was_looked_at() { (state::badge(State::Failing, "no values")) }
        @else { (state::badge(State::NotProbed, "no data yet")) }
        @if gpu.was_looked_at() { " " span.note { (moment::ago(at, now)) } }
    }
}

fn temperature(reading: &Reading) -> String {
    let gpu = reading.temperatures.iter().find(|(sensor, _)| *sensor == "gpu");
    gpu.map_or_else(none, |(_, degrees)| format!("{degrees:.0} °C"))
}

fn throttled(reading: &Reading) -> String {
    if reading.clock_events.is_empty() {
        return none();
    }
    let active = reading.clock_events.iter().filter(|(reason, on)| *on && *reason != IDLE);
    let active: Vec<_> = active.map(|(reason, _)| *reason).collect();
    if active.is_empty() { "nothing".to_owned() } else { active.join(", ") }
}
