//! How the server behaves at a given instant: the base, the phases and the swing of the load.
//! Instants are counted from the simulator's creation.

use std::f64::consts::TAU;
use std::time::Duration;

use super::config::{Phase, SimulatorConfig, Swing};
use super::faults::{Chance, merge};

/// The numbers that hold at one instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Conditions {
    pub ttft_factor: f64,
    pub itl_factor: f64,
    pub load_factor: f64,
    pub slots: u32,
}

#[derive(Debug, Clone)]
pub(super) struct Script {
    slots: u32,
    faults: Vec<Chance>,
    phases: Vec<Phase>,
    swing: Option<Swing>,
}

impl Script {
    pub fn new(config: &SimulatorConfig) -> Self {
        Self {
            slots: config.slots,
            faults: config.faults.clone(),
            phases: config.script.clone(),
            swing: config.load.as_ref().and_then(|load| load.swing),
        }
    }

    /// What holds at `at`; a phase holds from its first instant to just before its last.
    pub fn at(&self, at: Duration) -> Conditions {
        let base = Conditions {
            ttft_factor: 1.0,
            itl_factor: 1.0,
            load_factor: swing_factor(self.swing, at),
            slots: self.slots,
        };
        self.active(at).fold(base, |c, phase| Conditions {
            ttft_factor: c.ttft_factor * phase.ttft_factor,
            itl_factor: c.itl_factor * phase.itl_factor,
            load_factor: c.load_factor * phase.load_factor,
            slots: phase.slots.unwrap_or(c.slots),
        })
    }

    pub fn faults_at(&self, at: Duration) -> Vec<Chance> {
        let mut faults = self.faults.clone();
        for phase in self.active(at) {
            merge(&mut faults, &phase.faults);
        }
        faults
    }

    /// The next instant at which a phase starts or ends, always after `at`.
    pub fn next_change(&self, at: Duration) -> Option<Duration> {
        self.phases.iter().filter_map(|phase| next_edge(phase, at)).min()
    }

    fn active(&self, at: Duration) -> impl Iterator<Item = &Phase> {
        self.phases.iter().filter(move |phase| is_active(phase, at))
    }
}

/// The most that swing and phases can make of the load, were they all to meet.
pub(super) fn highest_load_factor(phases: &[Phase], swing: Option<Swing>) -> f64 {
    let swing = swing.map_or(1.0, |s| 1.0 + s.amplitude);
    phases.iter().fold(swing, |peak, phase| peak * phase.load_factor.max(1.0))
}

fn swing_factor(swing: Option<Swing>, at: Duration) -> f64 {
    swing.map_or(1.0, |s| {
        1.0 + s.amplitude * (TAU * at.as_secs_f64() / s.period.as_secs_f64()).sin()
    })
}

/// Whole repetitions that are over (in time), and the time inside the current one.
fn position(phase: &Phase, at: Duration) -> Option<(Duration, Duration)> {
    let since = at.checked_sub(phase.after)?;
    let Some(every) = phase.repeat_every else { return Some((Duration::ZERO, since)) };
    let inside = nanos(since.as_nanos() % every.as_nanos().max(1));
    Some((since.saturating_sub(inside), inside))
}

fn nanos(n: u128) -> Duration {
    Duration::from_nanos(u64::try_from(n).unwrap_or(u64::MAX))
}

fn is_active(phase: &Phase, at: Duration) -> bool {
    position(phase, at).is_some_and(|(_, inside)| phase.lasts.is_none_or(|lasts| inside < lasts))
}

fn next_edge(phase: &Phase, at: Duration) -> Option<Duration> {
    let Some((over, inside)) = position(phase, at) else { return Some(phase.after) };
    let start = phase.after + over;
    match phase.lasts {
        None => None,
        Some(lasts) if inside < lasts => Some(start + lasts),
        Some(_) => phase.repeat_every.map(|every| start + every),
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::{Load, Source};
    use super::super::faults::Fault;
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn script(phases: Vec<Phase>) -> Script {
        Script::new(&SimulatorConfig { script: phases, ..SimulatorConfig::default() })
    }

    fn slow(after: u32, lasts: Option<u32>, every: Option<u32>) -> Phase {
        Phase {
            after: after * S,
            lasts: lasts.map(|n| n * S),
            repeat_every: every.map(|n| n * S),
            itl_factor: 2.0,
            ..Phase::default()
        }
    }

    #[test]
    fn a_phase_holds_from_its_start_to_just_before_its_end() {
        let check = |phase: Phase, at: Duration, expect: bool| {
            let factor = script(vec![phase.clone()]).at(at).itl_factor;
            assert_eq!(factor > 1.5, expect, "{phase:?} at {at:?}");
        };
        let tick = Duration::from_nanos(1);
        let once = slow(10, Some(5), None);
        check(once.clone(), (10 * S).saturating_sub(tick), false);
        check(once.clone(), 10 * S, true);
        check(once.clone(), (15 * S).saturating_sub(tick), true);
        check(once.clone(), 15 * S, false);
        check(once, 1000 * S, false);
        check(slow(10, None, None), 1000 * S, true);
        let again = slow(10, Some(5), Some(60));
        check(again.clone(), (70 * S).saturating_sub(tick), false);
        check(again.clone(), 70 * S, true);
        check(again.clone(), 75 * S, false);
        check(again, (10 + 60 * 1440) * S, true);
    }

    #[test]
    fn the_next_change_is_the_nearest_edge_ahead() {
        let script = script(vec![slow(10, Some(5), Some(60)), slow(12, None, None)]);
        let check = |at: u32, expect: u32| {
            assert_eq!(script.next_change(at * S), Some(expect * S), "{at}");
        };
        check(0, 10);
        check(10, 12);
        check(12, 15);
        check(15, 70);
        check(70, 75);
    }

    #[test]
    fn overlapping_phases_multiply_and_the_later_one_decides_slots_and_faults() {
        let one = Phase { slots: Some(3), ttft_factor: 2.0, ..Phase::default() };
        let two = Phase {
            slots: Some(5),
            ttft_factor: 3.0,
            faults: vec![Chance::always(Fault::Empty)],
            ..Phase::default()
        };
        let mut config = SimulatorConfig { script: vec![one, two], ..SimulatorConfig::default() };
        config.faults = vec![Chance { fault: Fault::Empty, probability: 0.5 }];
        let script = Script::new(&config);
        let now = script.at(Duration::ZERO);
        assert_eq!((now.slots, now.ttft_factor, now.itl_factor), (5, 6.0, 1.0));
        assert_eq!(script.faults_at(Duration::ZERO), [Chance::always(Fault::Empty)]);
    }

    #[test]
    fn the_load_swings_around_its_mean() {
        let load = Load {
            source: Source::Rate(1.0),
            input_tokens: 1,
            output_tokens: 1,
            swing: Some(Swing { period: 86_400 * S, amplitude: 0.5 }),
        };
        let script =
            Script::new(&SimulatorConfig { load: Some(load), ..SimulatorConfig::default() });
        let check = |at: u32, expect: f64| {
            let factor = script.at(at * S).load_factor;
            assert!((factor - expect).abs() < 1e-9, "{at}: {factor}");
        };
        check(0, 1.0);
        check(21_600, 1.5);
        check(43_200, 1.0);
        check(64_800, 0.5);
    }
}
