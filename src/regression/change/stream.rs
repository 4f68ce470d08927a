//! One signal of one workload: collects a reference, then is compared with it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::judge::Judge;
use super::observation::Observation;
use super::snapshot::{ReferenceSnapshot, StreamSnapshot};
use crate::regression::comparison::Signal;
use crate::regression::detect::{Change, DayFit, ReferenceError, Threshold, Tolerance};

/// A longer reference is of working days and of weekends, as they come.
const OF_ONE_KIND: Duration = Duration::from_secs(2 * 86_400);

/// What happened to a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Its reference is complete.
    Complete,
    /// What was collected is no reference; another one is collected.
    Unfit(ReferenceError),
    /// Its alarm.
    Alarm(Change),
    /// It is collected anew, because these fields are no longer the same.
    Outdated(Vec<String>),
}

/// What a stream goes by; never written down.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Terms {
    pub reference: Duration,
    pub min_samples: u64,
    pub threshold: Threshold,
}

impl Terms {
    /// Whether a reference is of one kind of day: of working days, or of a weekend until that is over.
    fn one_kind_of_day(&self) -> bool {
        self.reference <= OF_ONE_KIND
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", bound = "")]
enum Phase<J: Judge> {
    Collecting {
        builder: J::Builder,
        since_unix_millis: Option<u64>,
        /// Since when nothing was taken, because of a weekend.
        #[serde(default)]
        paused_unix_millis: Option<u64>,
    },
    Watching {
        judge: J,
        complete_unix_millis: u64,
    },
}

impl<J: Judge> Phase<J> {
    fn start() -> Self {
        Self::Collecting {
            builder: J::Builder::default(),
            since_unix_millis: None,
            paused_unix_millis: None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
pub(super) struct Stream<J: Judge> {
    pub signal: Signal,
    tolerance: Tolerance,
    phase: Phase<J>,
    alarms: u64,
    last_alarm_unix_millis: Option<u64>,
}

impl<J: Judge> Stream<J> {
    pub fn new(signal: Signal, tolerance: Tolerance) -> Self {
        let phase = Phase::start();
        Self { signal, tolerance, phase, alarms: 0, last_alarm_unix_millis: None }
    }

    /// Goes on where `earlier` was, unless what is measured is `differing` from what it was then;
    /// says so.
    pub fn adopt(
        &mut self,
        earlier: &Self,
        differing: Vec<String>,
        threshold: Threshold,
    ) -> Option<What> {
        self.alarms = earlier.alarms;
        self.last_alarm_unix_millis = earlier.last_alarm_unix_millis;
        if !differing.is_empty() {
            return Some(What::Outdated(differing));
        }
        self.phase = earlier.phase.clone();
        if let Phase::Watching { judge, .. } = &mut self.phase {
            if self.tolerance != earlier.tolerance {
                let Some(adjusted) = judge.tolerating(self.tolerance) else {
                    self.phase = Phase::start();
                    return Some(What::Outdated(vec!["tolerance".to_owned()]));
                };
                *judge = adjusted;
            }
            judge.set_threshold(threshold);
        }
        None
    }

    /// Forgets the reference; an alarm is over.
    pub fn begin_anew(&mut self) {
        self.phase = Phase::start();
    }

    pub fn observe(&mut self, observation: &Observation, terms: &Terms) -> Option<What> {
        let input = J::input(observation, self.signal)?;
        let (now, hour) = (observation.unix_millis, observation.hour());
        match &mut self.phase {
            Phase::Collecting { builder, since_unix_millis, paused_unix_millis } => {
                let fit =
                    if terms.one_kind_of_day() { J::day_fit(builder, hour) } else { DayFit::Same };
                match fit {
                    DayFit::Same => {}
                    DayFit::Weekend => {
                        paused_unix_millis.get_or_insert(now);
                        return None;
                    }
                    DayFit::AfterWeekend => {
                        *builder = J::Builder::default();
                        *since_unix_millis = None;
                    }
                }
                J::add(builder, hour, input);
                let paused = paused_unix_millis.take().map_or(0, |since| now.saturating_sub(since));
                // A clock that was set back counts from there.
                let since = since_unix_millis.map_or(now, |since| since + paused).min(now);
                *since_unix_millis = Some(since);
                let long = Duration::from_millis(now - since) >= terms.reference;
                (long && J::collected(builder) >= terms.min_samples)
                    .then(|| self.complete(now, terms.threshold))
            }
            Phase::Watching { judge, .. } if judge.is_outlived(hour) => {
                self.begin_anew();
                self.observe(observation, terms);
                Some(What::Outdated(vec!["kind of day".to_owned()]))
            }
            Phase::Watching { judge, .. } => {
                let change = judge.observe(hour, input)?;
                if change == Change::Raised {
                    self.alarms = self.alarms.saturating_add(1);
                    self.last_alarm_unix_millis = Some(now);
                }
                Some(What::Alarm(change))
            }
        }
    }

    fn complete(&mut self, now: u64, threshold: Threshold) -> What {
        let Phase::Collecting { builder, .. } = &self.phase else { return What::Complete };
        match J::freeze(builder, self.tolerance, threshold) {
            Ok(judge) => {
                self.phase = Phase::Watching { judge, complete_unix_millis: now };
                What::Complete
            }
            Err(error) => {
                self.begin_anew();
                What::Unfit(error)
            }
        }
    }

    pub fn snapshot(&self, terms: &Terms) -> StreamSnapshot {
        let (judge, reference) = match &self.phase {
            Phase::Collecting { builder, .. } => {
                let observations = J::collected(builder);
                (None, ReferenceSnapshot { observations, complete_unix_millis: None })
            }
            Phase::Watching { judge, complete_unix_millis } => {
                let observations = judge.reference_observations();
                let complete_unix_millis = Some(*complete_unix_millis);
                (Some(judge), ReferenceSnapshot { observations, complete_unix_millis })
            }
        };
        StreamSnapshot {
            signal: self.signal,
            evidence_log10: judge.and_then(J::evidence_log10),
            threshold_log10: terms.threshold.log10(),
            effect: judge.and_then(J::effect),
            alarmed: judge.map(|judge| judge.alarm().is_active()),
            alarms: self.alarms,
            last_alarm_unix_millis: self.last_alarm_unix_millis,
            reference: Some(reference),
        }
    }
}
