//! One server against its own past, and nothing has changed: what is said all the same.

use llm_prober::regression::detect::{
    Change, HourOfDay, LatencyReferenceBuilder, Observed, PastDetector, ShareDetector,
    ShareReferenceBuilder, Threshold, Tolerance,
};

use crate::effort::Effort;
use crate::nulls::tolerance;
use crate::rule::Rule;
use crate::runs::seeded;
use crate::sides::{DAY, Days, Kind, Worse, observed};
use crate::summary::{mean, percent};
use crate::targets::Targets;

/// What may be worse before it counts.
pub const TOLERANCE: f64 = 0.10;

/// By latency and by failures, against a day.
pub struct Past {
    pub latencies: PastDetector,
    failures: ShareDetector,
}

impl Past {
    /// From the next day on that is one of its kind; `None` where that is no reference.
    pub fn learnt(days: &mut Days, delta: f64) -> Option<Self> {
        let mut latencies = LatencyReferenceBuilder::default();
        let mut failures = ShareReferenceBuilder::default();
        for _ in 0..days.per_day {
            let (hour, ln) = days.next(Worse::No);
            latencies.add(hour, observed(ln));
            failures.add(hour, ln.is_infinite());
        }
        #[allow(clippy::cast_precision_loss)]
        let threshold = Threshold::of(30.0 * days.per_day as f64);
        let margin = Tolerance::FAILURES.delta();
        Some(Self {
            latencies: PastDetector::new(latencies.freeze().ok()?, tolerance(delta), threshold),
            failures: ShareDetector::new(failures.freeze(margin).ok()?, threshold),
        })
    }

    /// Alarms that an observation raises.
    pub fn observe(&mut self, hour: HourOfDay, ln: f64) -> u32 {
        let raised = [
            self.latencies.observe(hour, observed(ln)),
            self.failures.observe(hour, ln.is_infinite()),
        ];
        raised.map(|change| u32::from(change == Some(Change::Raised))).iter().sum()
    }
}

#[derive(Default)]
struct Month {
    alarms: f64,
    /// Those of them before a drift has crossed what is tolerated.
    early: f64,
    /// Those of the first day.
    first_day: f64,
    rule: f64,
    /// Whether the interval denied the truth at some look.
    missed: bool,
    each: f64,
}

/// A month after a day's reference.
fn month(mut days: Days) -> Month {
    let (mut month, mut rule) = (Month::default(), Rule::new());
    let Some(mut past) = Past::learnt(&mut days, TOLERANCE) else { return month };
    for at in 0..30 * days.per_day {
        let (hour, ln) = days.next(Worse::No);
        if past.latencies.is_outlived(hour) {
            let Some(again) = Past::learnt(&mut days, TOLERANCE) else { return month };
            past = again;
        }
        let alarms = f64::from(past.observe(hour, ln));
        month.alarms += alarms;
        month.first_day += if at < days.per_day { alarms } else { 0.0 };
        month.early += if at < 9 * days.per_day { alarms } else { 0.0 };
        if let Observed::Finite(seconds) = observed(ln) {
            month.rule += f64::from(u8::from(rule.observe(seconds)));
        }
        if at.is_multiple_of(500) && days.drift == 0.0 {
            month.missed |= past.latencies.effect().is_some_and(|effect| {
                effect.lower.is_some_and(|lower| lower > 1.0)
                    || effect.upper.is_some_and(|upper| upper < 1.0)
            });
        }
    }
    month.each = past.latencies.observations_per_independent_one();
    month
}

struct Stream {
    name: &'static str,
    days: fn(u64) -> Days,
    promised: bool,
}

/// Which kind, and the swing of a day.
fn days(seed: u64, kind: Kind, swing: f64) -> Days {
    Days { swing, ..Days::new(seed, kind, DAY) }
}

fn streams() -> Vec<Stream> {
    let of = |name, days| Stream { name, days, promised: true };
    let hard = |name, days| Stream { name, days, promised: false };
    vec![
        of("independent", |s| days(s, Kind::Independent, 0.0)),
        of("ticks of 16 ms", |s| days(s, Kind::Ties(0.016), 0.0)),
        of("Pareto", |s| days(s, Kind::Pareto, 0.0)),
        of("two modes", |s| days(s, Kind::TwoModes, 0.0)),
        of("spread of a half", |s| days(s, Kind::Heavy(0.5), 0.0)),
        of("AR 0.3", |s| days(s, Kind::Autoregression(0.3), 0.0)),
        of("AR 0.6, swing of a half", |s| days(s, Kind::Autoregression(0.6), 0.5)),
        of("AR 0.9", |s| days(s, Kind::Autoregression(0.9), 0.0)),
        of("swing of a half", |s| days(s, Kind::Independent, 0.5)),
        of("the same, one a minute", |s| Days {
            swing: 0.5,
            ..Days::new(s, Kind::Independent, DAY / 4)
        }),
        of("weekends 30 % less", |s| Days { weekend: -0.36, ..days(s, Kind::Independent, 0.5) }),
        of("the same, from a Sunday on", |s| Days {
            weekend: -0.36,
            first_day: 6,
            ..days(s, Kind::Independent, 0.5)
        }),
        of("clocks change", |s| Days {
            clocks_change: Some(12),
            ..days(s, Kind::Independent, 0.3)
        }),
        of("drift of 1 % a day", |s| Days { drift: 0.01, ..days(s, Kind::Independent, 0.0) }),
        hard("bursts", |s| days(s, Kind::Bursts, 0.0)),
        of("queue at 70 %", |s| days(s, Kind::Queue(0.7), 0.0)),
        of("queue at 80 %", |s| days(s, Kind::Queue(0.8), 0.0)),
        hard("queue at 90 %", |s| days(s, Kind::Queue(0.9), 0.0)),
        hard("failures in runs", |s| days(s, Kind::FailureRuns, 0.0)),
    ]
}

pub fn run(effort: &Effort, targets: &mut Targets) {
    let months = effort.months;
    println!(
        "\n## Against the own past of a day, nothing has changed, tolerance 10 %: alarms in 30 days, \
         those in the first nine days and in the first one, per cent of months whose interval is ever \
         wrong, how many probes say as much as one that is independent; alarms of the usual rule; \
         {months} months"
    );
    println!(
        "{:<27} {:>7} {:>10} {:>9} {:>9} {:>7} {:>11}",
        "stream", "alarms", "nine days", "first day", "interval", "probes", "usual rule"
    );
    for stream in streams() {
        let all = seeded(effort, months, |seed| month((stream.days)(seed + 40_000)));
        let of = |of: fn(&Month) -> f64| mean(&all.iter().map(of).collect::<Vec<_>>());
        println!(
            "{:<27} {:>7.2} {:>10.2} {:>9.2} {:>9.0} {:>7.1} {:>11.1}",
            stream.name,
            of(|month| month.alarms),
            of(|month| month.early),
            of(|month| month.first_day),
            percent(&all, |month| month.missed),
            of(|month| month.each),
            of(|month| month.rule),
        );
        let name = format!("past, {}", stream.name);
        if (stream.days)(0).drift > 0.0 {
            let early = all.iter().all(|month| month.early == 0.0);
            targets.check(format!("{name}: none before what is tolerated is crossed"), early);
            let one = all.iter().all(|month| (month.alarms - 1.0).abs() < 0.5);
            targets.check(format!("{name}: then one"), one);
        } else if stream.promised {
            let alarms: Vec<_> = all.iter().map(|month| month.alarms).collect();
            targets.check_alarms(&name, &alarms, 1.0);
            let missed: Vec<_> = all.iter().map(|month| month.missed).collect();
            targets.check_rate(&format!("{name}: wrong interval"), &missed, 0.05);
        }
    }
}
