//! What latencies and shares have in common: a reference to collect, then bets against it.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::observation::Observation;
use crate::regression::comparison::Signal;
use crate::regression::detect::{
    Alarm, Change, DayFit, Estimate, HourOfDay, LatencyReferenceBuilder, Observed, PastDetector,
    ReferenceError, ShareDetector, ShareReferenceBuilder, Threshold, Tolerance,
};

/// A detector with the reference that it needs.
pub(super) trait Judge:
    Sized + Debug + Clone + PartialEq + Serialize + DeserializeOwned
{
    /// Collects the reference.
    type Builder: Default + Debug + Clone + PartialEq + Serialize + DeserializeOwned;
    /// What it looks at.
    type Input: Copy;

    fn input(observation: &Observation, signal: Signal) -> Option<Self::Input>;
    fn add(builder: &mut Self::Builder, hour: HourOfDay, input: Self::Input);
    fn collected(builder: &Self::Builder) -> u64;
    /// How the day of an observation fits those of what was collected.
    fn day_fit(builder: &Self::Builder, hour: HourOfDay) -> DayFit;
    /// Whether the reference is of days of another kind than those that come now.
    fn is_outlived(&self, hour: HourOfDay) -> bool;
    fn freeze(
        builder: &Self::Builder,
        tolerance: Tolerance,
        threshold: Threshold,
    ) -> Result<Self, ReferenceError>;
    /// The same reference under another tolerance; `None` where the tolerance is part of it.
    fn tolerating(&self, tolerance: Tolerance) -> Option<Self>;
    fn observe(&mut self, hour: HourOfDay, input: Self::Input) -> Option<Change>;
    fn set_threshold(&mut self, threshold: Threshold);
    fn reference_observations(&self) -> u64;
    fn evidence_log10(&self) -> Option<f64>;
    fn effect(&self) -> Option<Estimate>;
    fn alarm(&self) -> &Alarm;
}

impl Judge for PastDetector {
    type Builder = LatencyReferenceBuilder;
    type Input = Observed;

    fn input(observation: &Observation, signal: Signal) -> Option<Observed> {
        observation.latency(signal)
    }

    fn add(builder: &mut LatencyReferenceBuilder, hour: HourOfDay, input: Observed) {
        builder.add(hour, input);
    }

    fn collected(builder: &LatencyReferenceBuilder) -> u64 {
        builder.observations()
    }

    fn day_fit(builder: &LatencyReferenceBuilder, hour: HourOfDay) -> DayFit {
        builder.day_fit(hour)
    }

    fn is_outlived(&self, hour: HourOfDay) -> bool {
        self.is_outlived(hour)
    }

    fn freeze(
        builder: &LatencyReferenceBuilder,
        tolerance: Tolerance,
        threshold: Threshold,
    ) -> Result<Self, ReferenceError> {
        Ok(Self::new(builder.freeze()?, tolerance, threshold))
    }

    fn tolerating(&self, tolerance: Tolerance) -> Option<Self> {
        Some(Self::new(self.reference().clone(), tolerance, self.threshold()))
    }

    fn observe(&mut self, hour: HourOfDay, input: Observed) -> Option<Change> {
        self.observe(hour, input)
    }

    fn set_threshold(&mut self, threshold: Threshold) {
        self.set_threshold(threshold);
    }

    fn reference_observations(&self) -> u64 {
        self.reference().observations()
    }

    fn evidence_log10(&self) -> Option<f64> {
        self.evidence_log10()
    }

    fn effect(&self) -> Option<Estimate> {
        self.effect()
    }

    fn alarm(&self) -> &Alarm {
        self.alarm()
    }
}

impl Judge for ShareDetector {
    type Builder = ShareReferenceBuilder;
    type Input = bool;

    fn input(observation: &Observation, signal: Signal) -> Option<bool> {
        observation.bad(signal)
    }

    fn add(builder: &mut ShareReferenceBuilder, hour: HourOfDay, input: bool) {
        builder.add(hour, input);
    }

    fn collected(builder: &ShareReferenceBuilder) -> u64 {
        builder.observations()
    }

    /// What fails is bad on any day.
    fn day_fit(_: &ShareReferenceBuilder, _: HourOfDay) -> DayFit {
        DayFit::Same
    }

    fn is_outlived(&self, _: HourOfDay) -> bool {
        false
    }

    fn freeze(
        builder: &ShareReferenceBuilder,
        tolerance: Tolerance,
        threshold: Threshold,
    ) -> Result<Self, ReferenceError> {
        Ok(Self::new(builder.freeze(tolerance.delta())?, threshold))
    }

    fn tolerating(&self, _: Tolerance) -> Option<Self> {
        None
    }

    fn observe(&mut self, hour: HourOfDay, input: bool) -> Option<Change> {
        self.observe(hour, input)
    }

    fn set_threshold(&mut self, threshold: Threshold) {
        self.set_threshold(threshold);
    }

    fn reference_observations(&self) -> u64 {
        self.reference().observations()
    }

    fn evidence_log10(&self) -> Option<f64> {
        self.evidence_log10()
    }

    fn effect(&self) -> Option<Estimate> {
        None
    }

    fn alarm(&self) -> &Alarm {
        self.alarm()
    }
}
