//! What makes a comparison another one.

use super::signal::Signal;
use super::spec::{AnswerRules, Comparison};
use crate::regression::fingerprint::{Fingerprint, of_slos, of_target, of_workload};

/// The way in which rounds are judged. 1: as if what disturbs one side alone had no memory. 2: what a
/// pair says that those before have not said already. 3: by long requests as well, and of several
/// workloads by the average. Evidence of one is none in another.
const METHOD: u64 = 3;

impl Comparison {
    /// Equal for equal comparisons: of everything that bears on what is sent, to whom, and how it is
    /// judged. Not of when.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let Self {
            baseline,
            candidate,
            workloads,
            order,
            tolerance,
            failure_margin,
            slo_margin,
            answers,
            name: _,
            timing: _,
            false_alarm_every: _,
        } = self;
        let mut print = Fingerprint::default();
        for (side, target) in [("baseline", baseline), ("candidate", candidate)] {
            print.text(&format!("{side} name"), &target.name);
            print.part(side, of_target(target));
        }
        for workload in workloads {
            let name = format!("workload {}:", workload.name);
            print.part(&name, of_workload(workload));
            let common = baseline.slos.iter().filter(|slo| candidate.slos.contains(slo));
            let covering = common.filter(|slo| slo.covers(&workload.name));
            print.number(&format!("{name} slos"), of_slos(covering));
        }
        let signals = Signal::ALL
            .iter()
            .filter(|s| self.workloads.iter().any(|w| self.signals(w).contains(s)));
        for signal in signals {
            if let Some(number) = signal.definition() {
                print.number(&format!("definition of {}", signal.as_str()), number.into());
            }
        }
        print.number("way of judging", METHOD);
        print.text("order", order.as_str());
        print.float("tolerance", tolerance.delta());
        print.float("failure_margin", *failure_margin);
        print.float("slo_margin", *slo_margin);
        if let Some(AnswerRules { length_ratio, exact }) = answers {
            print.float("agreement.length_ratio", *length_ratio);
            print.number("agreement.exact", u64::from(*exact));
        }
        print
    }
}
