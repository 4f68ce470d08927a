//! The target against its own past, where that is watched.

use maud::{Markup, html};

use super::view::View;
use crate::memory::history::State;
use crate::regression::change::{ChangeDetection, Standing, StreamSnapshot};
use crate::web::page::effect::{self, Scale};
use crate::web::page::table::{self, Column, number, picture, text};
use crate::web::page::{figure, moment, state};

const COLUMNS: [Column; 5] = [
    text("Signal"),
    text("State"),
    picture("Now against the past"),
    number("Evidence"),
    text("Last alarm"),
];

pub(super) fn section(view: &View<'_>) -> Markup {
    let watch = view.daemon.watch(&view.target.name);
    let streams = watch.map(|watch| watch.snapshot()).unwrap_or_default();
    if streams.is_empty() {
        return html! {};
    }
    let settings = view.daemon.config().change_detection;
    html! {
        section aria-labelledby="change" {
            h2 #change { "Compared with its own past" }
            (shown(&streams, &settings, view.now))
        }
    }
}

fn shown(streams: &[(String, StreamSnapshot)], of: &ChangeDetection, now: i64) -> Markup {
    let effects = streams.iter().filter_map(|(_, s)| Some((s.effect?, of.tolerances.of(s.signal))));
    let scale = Scale::of(effects);
    let rows = html! { @for (workload, s) in streams { (row(workload, s, of, scale, now)) } };
    let caption = html! {
        "Median now against the reference, with its 95 % interval. Shaded: what is tolerated. \
         Evidence: an alarm is raised when the first number reaches the second (powers of ten)."
    };
    table::table("cards effects", &caption, &COLUMNS, Some("change"), &rows)
}

fn row(workload: &str, s: &StreamSnapshot, of: &ChangeDetection, scale: Scale, now: i64) -> Markup {
    let standing = s.standing();
    let cells = [
        html! { (figure::signal_name(s.signal)) span.note { (workload) } },
        badge(standing),
        html! {
            @match (standing, &s.effect) {
                (Standing::Collecting, _) => span.note { (collected(s, of)) },
                (_, Some(effect)) => (effect::draw(effect, of.tolerances.of(s.signal), scale)),
                (_, None) => (figure::NONE),
            }
        },
        html! {
            @match s.evidence_log10 {
                Some(found) => (figure::evidence(found, s.threshold_log10)),
                None => (figure::NONE),
            }
        },
        html! {
            @match s.last_alarm_unix_millis.and_then(|ms| i64::try_from(ms).ok()) {
                Some(millis) => (moment::ago(millis.saturating_mul(1_000_000), now)),
                None => (figure::NONE),
            }
        },
    ];
    let key = format!("{workload} {}", s.signal.as_str());
    table::row(&key, standing.as_str(), &COLUMNS, &cells)
}

fn badge(standing: Standing) -> Markup {
    match standing {
        Standing::Collecting => state::badge(State::NotProbed, "collecting"),
        Standing::Watching => state::badge(State::Healthy, "watching"),
        Standing::Alarm => state::badge(State::Degraded, "got worse"),
    }
}

/// Both must be there, so many observations and so much time.
fn collected(s: &StreamSnapshot, of: &ChangeDetection) -> String {
    let seen = figure::count(s.reference.map_or(0, |r| r.observations));
    let (least, time) = (figure::count(of.min_samples), figure::setting(of.reference));
    format!("reference: {seen} of at least {least} observations, over at least {time}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regression::change::ReferenceSnapshot;
    use crate::regression::comparison::Signal;
    use crate::regression::detect::Estimate;

    fn text(alarmed: Option<bool>, effect: Option<Estimate>) -> String {
        let reference = ReferenceSnapshot { observations: 412, complete_unix_millis: None };
        let stream = StreamSnapshot {
            signal: Signal::Ttft,
            evidence_log10: alarmed.map(|_| 5.25),
            threshold_log10: 4.5,
            effect,
            alarmed,
            alarms: 1,
            last_alarm_unix_millis: alarmed.map(|_| 1_000),
            reference: Some(reference),
        };
        let streams = [("chat".to_owned(), stream)];
        shown(&streams, &ChangeDetection::usual(), 61_000_000_000).into_string()
    }

    #[test]
    fn each_state_in_words() {
        let check = |page: &str, parts: &[&str]| {
            for part in parts {
                assert!(page.contains(part), "no {part} in {page}");
            }
        };
        let collecting = text(None, None);
        check(
            &collecting,
            &["collecting", "reference: 412 of at least 500 observations, over at least 24 h"],
        );
        let (ratio, lower, upper) = (Some(1.3), Some(1.2), Some(1.4));
        let effect = Estimate { ratio, lower, upper, observations: 90 };
        let alarm = text(Some(true), Some(effect));
        check(&alarm, &["got worse", "5.2 of 4.5", "+30.0 %", "+20.0 % to +40.0 %", ">60 s ago<"]);
        check(&alarm, &["The interval is above the tolerance of +10.0 %"]);
        let watching = text(Some(false), None);
        check(&watching, &["watching", "5.2 of 4.5"]);
        assert!(!watching.contains("<svg") && !watching.contains("reference:"), "{watching}");
    }
}
