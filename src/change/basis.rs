//! What a reference is about. Figures of something else are not compared with it.

use serde::{Deserialize, Serialize};

use crate::comparison::Signal;
use crate::slo::Slo;
use crate::target::{Addresses, ConnectionMode, Target};
use crate::workload::{Part, Prefix, Validator, Workload};

/// Fingerprints: equal while the same thing is measured in the same way. Of what is hashed nothing
/// can be read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Basis {
    version: u64,
    asked: u64,
    /// 0 for every other signal.
    slos: u64,
}

impl Basis {
    pub fn of(target: &Target, workload: &Workload, signal: Signal) -> Self {
        let covering = target.slos.iter().filter(|slo| slo.covers(&workload.name));
        let mut version = Fingerprint::default();
        for (key, value) in &target.version {
            version.text(key);
            version.text(value);
        }
        Self {
            version: version.0,
            asked: asked(target),
            slos: if signal == Signal::Slo { slos(covering.map(|s| &**s)) } else { 0 },
        }
    }

    /// What is not the same as it was.
    pub fn differs(&self, earlier: &Self) -> Option<&'static str> {
        if self.version != earlier.version {
            Some("the version")
        } else if self.asked != earlier.asked {
            Some("what is asked, or how")
        } else if self.slos != earlier.slos {
            Some("the SLO")
        } else {
            None
        }
    }
}

/// Whatever has an influence on a target's figures, the whole mix included: what is asked between
/// two probes of a workload decides what is in the caches.
fn asked(target: &Target) -> u64 {
    let mut print = Fingerprint::default();
    print.text(target.url.as_str());
    print.text(target.protocol.name());
    print.text(target.model.as_deref().unwrap_or_default());
    print.number(u64::from(target.stream));
    print.number(u64::from(target.connection == ConnectionMode::Fresh));
    for (name, value) in &target.headers {
        print.text(name);
        print.text(value);
    }
    for (key, value) in &target.extra_body {
        print.text(key);
        print.text(&value.to_string());
    }
    for duration in [target.limits.timeout, target.limits.stall_timeout] {
        print.float(duration.as_secs_f64());
    }
    // Only where it is set: other fingerprints are what they were before there was such a key.
    if let Some(limit) = target.limits.first_token_timeout {
        print.float(limit.as_secs_f64());
    }
    if target.addresses == Addresses::Each {
        print.text("each address");
    }
    target.workloads.iter().for_each(|w| print.workload(w));
    print.0
}

fn slos<'s>(slos: impl Iterator<Item = &'s Slo>) -> u64 {
    let mut print = Fingerprint::default();
    for slo in slos {
        print.text(&slo.name);
        for objective in &slo.objectives {
            print.text(objective.kind.as_str());
            print.float(objective.threshold);
        }
    }
    print.0
}

/// FNV-1a, the same on every machine and in every release.
struct Fingerprint(u64);

impl Default for Fingerprint {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fingerprint {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0 = bytes
            .iter()
            .fold(self.0, |hash, b| (hash ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3));
    }

    fn number(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }

    fn float(&mut self, float: f64) {
        self.number(float.to_bits());
    }

    /// With its length, so that two texts do not run into one.
    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes(text.as_bytes());
    }

    fn workload(&mut self, workload: &Workload) {
        self.text(&workload.name);
        self.float(workload.weight);
        self.number(u64::from(workload.max_output_tokens));
        self.number(u64::from(workload.prefix == Prefix::Unique));
        for prompt in workload.prompts.iter() {
            for message in &prompt.messages {
                self.text(&message.role);
                self.text(&message.content);
            }
            if let Some(captured) = &prompt.captured {
                self.text(&serde_json::Value::Object(captured.body.clone()).to_string());
            }
        }
        if let Some(limit) = workload.stall_timeout {
            self.float(limit.as_secs_f64());
        }
        for validator in &workload.validators {
            self.text(validator.name());
            match validator {
                Validator::MinOutputTokens(least) => self.number(*least),
                other => self.text(&other.identity()),
            }
        }
        if workload.judged != Part::Answer {
            self.text(workload.judged.as_str());
        }
        if !workload.extra_body.is_empty() {
            self.text(&serde_json::Value::Object(workload.extra_body.clone()).to_string());
        }
    }
}
