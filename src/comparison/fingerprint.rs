//! Whether what was learnt before a restart is about the same two stacks.

use super::spec::Comparison;
use crate::target::Target;
use crate::workload::Workload;

impl Comparison {
    /// Equal for equal comparisons, and practically never else: of everything that bears on what is
    /// sent, to whom, and how it is judged. Not of when.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut hash = Fnv::default();
        for target in [&self.baseline, &self.candidate] {
            side(&mut hash, target);
        }
        for workload in &self.workloads {
            self::workload(&mut hash, workload);
        }
        for slo in self.baseline.slos.iter().filter(|slo| self.candidate.slos.contains(slo)) {
            hash.field(&format!("{slo:?}"));
        }
        let rules = (self.tolerance.delta(), self.failure_margin, self.slo_margin);
        hash.field(&format!("{rules:?} {}", self.order.as_str()));
        hash.0
    }
}

fn side(hash: &mut Fnv, target: &Target) {
    hash.field(&target.name);
    hash.field(target.url.as_str());
    hash.field(target.protocol.name());
    hash.field(target.model.as_deref().unwrap_or_default());
    hash.field(&serde_json::Value::Object(target.extra_body.clone()).to_string());
    hash.field(&format!("{} {:?} {:?}", target.stream, target.connection, target.limits));
    for (key, value) in &target.version {
        hash.field(key);
        hash.field(value);
    }
}

fn workload(hash: &mut Fnv, workload: &Workload) {
    hash.field(&workload.name);
    hash.field(&format!("{:?} {}", workload.prefix, workload.max_output_tokens));
    for prompt in workload.prompts.iter() {
        match &prompt.captured {
            Some(captured) => {
                hash.field(&serde_json::Value::Object(captured.body.clone()).to_string());
            }
            None => hash.field(&prompt.text()),
        }
    }
    workload.validators.iter().for_each(|validator| hash.field(validator.name()));
}

/// FNV-1a: the standard library's hash may change with its version.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    /// With its length, so that fields do not run into each other.
    fn field(&mut self, text: &str) {
        for byte in text.len().to_le_bytes().into_iter().chain(text.bytes()) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
