//! What a reference is about. Figures of something else are not compared with it.

use serde::{Deserialize, Serialize};

use crate::regression::comparison::Signal;
use crate::regression::fingerprint::{Fingerprint, of_slos, of_target, of_workload};
use crate::target::Target;
use crate::workload::Workload;

/// Equal while the same thing is measured in the same way: whatever has an influence on a
/// workload's figures, the whole mix included. What is asked between two probes of a workload
/// decides what is in the caches.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Basis(Fingerprint);

/// The way in which a past is judged. 1: hours of the day by themselves, as if nothing had a memory.
/// 2: one distribution of what remains beyond what is usual at each hour, and what an observation says
/// that those before have not said already.
const METHOD: u64 = 2;

/// Bears on missed SLOs alone.
const SLOS: &str = "slos";

impl Basis {
    pub fn of(target: &Target, workload: &Workload) -> Self {
        let mut print = of_target(target);
        for asked in &target.workloads {
            print.part(&format!("workload {}:", asked.name), of_workload(asked));
        }
        print.number("way of judging", METHOD);
        let covering = target.slos.iter().filter(|slo| slo.covers(&workload.name));
        print.number(SLOS, of_slos(covering));
        for signal in Signal::ALL.iter().copied() {
            if let Some(number) = signal.definition() {
                print.number(&definition(signal), number.into());
            }
        }
        Self(print)
    }

    /// What is not the same as it was, as far as it bears on a signal.
    pub fn differing(&self, earlier: &Self, signal: Signal) -> Vec<String> {
        if earlier.0 == Fingerprint::default() {
            return vec!["the program's version".to_owned()]; // which said so in another way
        }
        let mut names = self.0.differing(&earlier.0);
        let of_others: Vec<_> =
            Signal::ALL.iter().copied().filter(|s| *s != signal).map(definition).collect();
        names.retain(|name| (name != SLOS || signal == Signal::Slo) && !of_others.contains(name));
        names
    }
}

fn definition(signal: Signal) -> String {
    format!("definition of {}", signal.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::target;

    /// A new definition of ITL is none of TTFT.
    #[test]
    fn a_new_definition_bears_on_its_signal_alone() {
        let target = target("t");
        let now = Basis::of(&target, &target.workloads[0]);
        let mut before = now.clone();
        before.0.number("definition of itl", 1);
        for signal in Signal::ALL.iter().copied() {
            let expect: &[&str] = if signal == Signal::Itl { &["definition of itl"] } else { &[] };
            assert_eq!(now.differing(&before, signal), expect, "{signal:?}");
        }
    }
}
