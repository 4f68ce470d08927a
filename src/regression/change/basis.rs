//! What a reference is about. Figures of something else are not compared with it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::regression::comparison::Signal;
use crate::regression::fingerprint::{Fingerprint, of_slos, of_target, of_workload};
use crate::target::Target;
use crate::workload::Workload;

/// Equal while the same thing is measured in the same way: whatever has an influence on a
/// workload's figures, the whole mix included. What is asked between two probes of a workload
/// decides what is in the caches.
///
/// Written down as the [`Fingerprint`] that it is, and kept in less: most workloads of most targets
/// have the same fields.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Fingerprint", into = "Fingerprint")]
pub(super) struct Basis {
    names: FieldNames,
    /// By name.
    hashes: Box<[u64]>,
}

/// The names of the fields of a basis, which others share that have the same.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldNames(Arc<[String]>);

impl FieldNames {
    /// Lets `names` be the same as these if they are equal; else these are `names` from now on.
    fn share_with(&mut self, names: &mut Self) {
        if self == names {
            names.clone_from(self);
        } else {
            self.clone_from(names);
        }
    }
}

impl From<Fingerprint> for Basis {
    fn from(print: Fingerprint) -> Self {
        let (names, hashes): (Vec<_>, Vec<_>) = print.into_iter().unzip();
        Self { names: FieldNames(names.into()), hashes: hashes.into() }
    }
}

impl From<Basis> for Fingerprint {
    fn from(basis: Basis) -> Self {
        basis.names.0.iter().cloned().zip(basis.hashes).collect()
    }
}

/// The way in which a past is judged. 1: hours of the day by themselves, as if nothing had a memory.
/// 2: one distribution of what remains beyond what is usual at each hour, and what an observation says
/// that those before have not said already. 3: of one kind of day.
const METHOD: u64 = 3;

/// Bears on missed SLOs alone.
const SLOS: &str = "slos";

impl Basis {
    /// Has its names in common with what else was made with these `names`, where they are the same.
    pub fn of(target: &Target, workload: &Workload, names: &mut FieldNames) -> Self {
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
        let mut basis = Self::from(print);
        names.share_with(&mut basis.names);
        basis
    }

    /// What is not the same as it was, as far as it bears on a signal.
    pub fn differing(&self, earlier: &Self, signal: Signal) -> Vec<String> {
        if *earlier == Self::default() {
            return vec!["the program's version".to_owned()]; // which said so in another way
        }
        if self == earlier {
            return Vec::new();
        }
        let prints = [self, earlier].map(|basis| Fingerprint::from(basis.clone()));
        let mut names = prints[0].differing(&prints[1]);
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

    fn basis(target: &Target) -> Basis {
        Basis::of(target, &target.workloads[0], &mut FieldNames::default())
    }

    #[test]
    fn names_are_kept_once_while_they_are_the_same() {
        let mut names = FieldNames::default();
        let mut of = |target: &Target| Basis::of(target, &target.workloads[0], &mut names);
        let (first, second) = (of(&target("t")), of(&target("u")));
        assert!(Arc::ptr_eq(&first.names.0, &second.names.0));
        let version = [("hardware".to_owned(), "h".to_owned())].into();
        let other = of(&Target { version, ..target("v") });
        assert_eq!(other.names.0.len(), first.names.0.len() + 1);
        assert_eq!(first.differing(&other, Signal::Ttft), ["version.hardware"]);
        let written = serde_json::to_string(&other).unwrap();
        assert_eq!(serde_json::from_str::<Basis>(&written).unwrap(), other);
        assert!(written.contains("\"version.hardware\":"), "{written}");
    }

    /// A new definition of ITL is none of TTFT.
    #[test]
    fn a_new_definition_bears_on_its_signal_alone() {
        let target = target("t");
        let now = basis(&target);
        let mut before = Fingerprint::from(now.clone());
        before.number("definition of itl", 1);
        let before = Basis::from(before);
        for signal in Signal::ALL.iter().copied() {
            let expect: &[&str] = if signal == Signal::Itl { &["definition of itl"] } else { &[] };
            assert_eq!(now.differing(&before, signal), expect, "{signal:?}");
        }
    }
}
