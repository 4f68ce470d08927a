//! What the target gives as a function of its load, by its scheduled sweeps.

use std::time::Duration;

use maud::{Markup, html};

use super::view::View;
use crate::load::sweeps::Snapshot;
use crate::sweep::{Percentiles, ScheduledSweep, SweepLevel, SweepRun};
use crate::web::page::table::{self, Column, number, text};
use crate::web::page::{figure, moment};

/// So many runs are shown, of those that are remembered: two weeks of nights.
const SHOWN: usize = 14;

const LEVELS: [Column; 8] = [
    text("Users"),
    number("Requests"),
    text("Failed"),
    number("TTFT p50"),
    number("TTFT p95"),
    number("ITL p95"),
    number("Requests/s"),
    number("Attainment"),
];

const RUNS: [Column; 4] =
    [text("Began"), text("How it ended"), number("Knee"), text("Attainment by users")];

/// Nothing where the target is not swept.
pub(super) fn section(view: &View<'_>) -> Markup {
    let live = view.daemon.metrics.sweeps();
    let of_target = live.iter().filter(|live| live.spec().target.name == view.target.name);
    let sweeps: Vec<_> = of_target.map(|live| (live.spec(), live.snapshot())).collect();
    if sweeps.is_empty() {
        return html! {};
    }
    html! {
        section aria-labelledby="levels" data-live="levels" {
            h2 #levels { "Load levels" }
            p.note {
                "While a sweep of this host and port is under way, probes of the target are in no other \
                 figure than whether it answers, and what it costs."
            }
            @for (spec, snapshot) in &sweeps { (sweep(spec, snapshot, view.now)) }
        }
    }
}

fn sweep(spec: &ScheduledSweep, snapshot: &Snapshot, now: i64) -> Markup {
    let past = &snapshot.past;
    html! {
        dl.facts {
            (fact("Sweep", &html! { (spec.name) }))
            (fact("Now", &html! { @match snapshot.running {
                Some(began) => { "under way, began " (moment::ago(moment::of_millis(began), now)) },
                None => "waiting",
            } }))
            @if let Some(next) = snapshot.next.filter(|_| snapshot.running.is_none()) {
                (fact("Next", &moment::time(moment::of_millis(next), now)))
            }
            @if let Some(knee) = past.knee() {
                (fact("Knee", &html! { (users(knee)) }))
            }
            @if let Some(usual) = past.usual_knee() {
                (fact("Usual knee", &html! { (usual) " users" }))
            }
        }
        @if let Some(last) = past.last() { (levels(last, now)) }
        @if past.runs().len() > 1 { (runs(snapshot, now)) }
    }
}

fn fact(name: &str, fact: &Markup) -> Markup {
    html! { div { dt { (name) } dd { (fact) } } }
}

fn users(knee: u32) -> String {
    match knee {
        0 => "no level is good".to_owned(),
        knee => figure::counted(knee.into(), "user", "users"),
    }
}

fn levels(run: &SweepRun, now: i64) -> Markup {
    let caption = html! {
        "The last sweep, " (moment::ago(moment::of_millis(run.began), now)) ": " (run.result.in_words())
    };
    let rows = html! {
        @for level in &run.levels { (level_row(level)) }
        @if run.levels.is_empty() { (table::nothing(&LEVELS, "No level was begun.")) }
    };
    table::table("cards", &caption, &LEVELS, None, &rows)
}

fn level_row(level: &SweepLevel) -> Markup {
    let seconds = |percentiles: Option<Percentiles>, which: fn(Percentiles) -> f64| {
        let seconds = percentiles.map(which);
        let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        html! { (figure::duration_or_none(duration)) }
    };
    let (key, errors) = (level.users.to_string(), errors(level));
    let cells = [
        html! { (key) @if !level.valid { " " span.note { "not valid" } } },
        html! { (figure::count(level.requests)) },
        html! { @if errors.is_empty() { (figure::NONE) } @else { (errors) } },
        seconds(level.ttft, |p| p.p50),
        seconds(level.ttft, |p| p.p95),
        seconds(level.itl, |p| p.p95),
        html! { @match level.request_rate { Some(rate) => (format!("{rate:.2}")), None => (figure::NONE) } },
        html! { @match level.attainment { Some(share) => (figure::share(share)), None => (figure::NONE) } },
    ];
    table::row(&key, "", &LEVELS, &cells)
}

fn errors(level: &SweepLevel) -> String {
    let each = level.errors.iter().map(|(reason, n)| format!("{n} {reason}"));
    each.collect::<Vec<_>>().join(", ")
}

fn runs(snapshot: &Snapshot, now: i64) -> Markup {
    let past = &snapshot.past;
    let caption = html! { "The knee over the last sweeps, newest first" };
    let rows = html! { @for run in past.runs().rev().take(SHOWN) { (run_row(run, now)) } };
    table::table("cards dense", &caption, &RUNS, None, &rows)
}

fn run_row(run: &SweepRun, now: i64) -> Markup {
    let valid = run.levels.iter().filter(|level| level.valid);
    let attainments = valid
        .filter_map(|level| Some(format!("{}: {}", level.users, figure::share(level.attainment?))));
    let cells = [
        moment::time(moment::of_millis(run.began), now),
        html! { (run.result.in_words()) },
        html! { @match run.knee { Some(knee) => (users(knee)), None => (figure::NONE) } },
        html! { (attainments.collect::<Vec<_>>().join(", ")) },
    ];
    table::row(&run.began.to_string(), "", &RUNS, &cells)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::{SweepPast, SweepResult};
    use crate::testing;

    const NIGHT: u64 = 1_767_578_400_000;

    fn spec() -> ScheduledSweep {
        ScheduledSweep {
            name: "nightly".to_owned(),
            target: std::sync::Arc::new(testing::target("t")),
            workload: None,
            levels: vec![1, 8],
            requests_per_level: 100,
            most_output_tokens: 1_000,
            most_duration: Duration::from_secs(60),
            timetable: crate::sweep::Timetable {
                every: Duration::from_secs(86_400),
                at: 180,
                utc_offset: 0,
            },
            attainment: 0.9,
        }
    }

    fn run(night: u64, knee: Option<u32>) -> SweepRun {
        let level = |users, attainment, valid| SweepLevel {
            users,
            requests: 100,
            good: 0,
            errors: if valid { [].into() } else { [("throttled".to_owned(), 1)].into() },
            ttft: Some(Percentiles { p50: 0.25, p95: 0.5, p99: 1.0 }),
            itl: None,
            request_latency: None,
            attainment: Some(attainment),
            request_rate: Some(3.0),
            valid,
        };
        SweepRun {
            began: NIGHT + night * 86_400_000,
            ended: NIGHT + night * 86_400_000 + 1,
            result: SweepResult::RateLimited,
            levels: vec![level(1, 1.0, true), level(8, 0.995, false)],
            knee,
        }
    }

    fn shown(runs: impl IntoIterator<Item = SweepRun>, running: Option<u64>) -> String {
        let live = crate::load::sweeps::Live::new(spec().into(), SweepPast::default());
        live.plan(NIGHT + 9 * 86_400_000);
        runs.into_iter().for_each(|run| live.end(run));
        if let Some(began) = running {
            live.begin(began);
        }
        let now = i64::try_from(NIGHT + 10 * 86_400_000).unwrap() * 1_000_000;
        sweep(live.spec(), &live.snapshot(), now).into_string()
    }

    #[test]
    fn the_last_run_and_the_knee_over_the_runs() {
        let nights = [(1, 50), (2, 50), (3, 8), (4, 8)];
        let page = shown(nights.map(|(night, knee)| run(night, Some(knee))), None);
        for part in [
            "<dd>8 users</dd>",
            "<dd>50 users</dd>",
            "<dd>waiting</dd>",
            "broken off: the server refused a request (429)",
            "not valid",
            "1 throttled",
            "99.5 %",
            "1: 100 %",
            "2026-01-06 02:00:00",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(!page.contains("8: 99.5 %"), "a level that is not valid: {page}");
    }

    #[test]
    fn what_is_under_way_and_what_tells_nothing() {
        let page = shown([], Some(NIGHT));
        assert!(page.contains("under way, began ") && !page.contains("<table"), "{page}");
        let page = shown([run(1, None)], None);
        assert!(!page.contains("<dt>Knee</dt>") && !page.contains("How it ended"), "{page}");
        assert!(shown([run(1, Some(0))], None).contains("no level is good"));
    }

    #[test]
    fn no_more_runs_than_fit_a_page() {
        let page = shown((0..40).map(|night| run(night, Some(8))), None);
        assert_eq!(page.matches("1: 100 %").count(), SHOWN, "{page}");
    }
}
