//! A release profile and its file format.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::counts::Counts;
use super::estimate::Estimate;
use super::figures::{self, FIGURES, Figure};
use super::identity::Identity;
use super::samples::Samples;
use crate::answer::failure::FailureReason;

/// Says what kind of file it is.
const FORMAT: &str = "llm-prober release profile";
/// Grows with every change that an older program would misread.
const VERSION: u64 = 1;

/// The figures of one target under known conditions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// When and of what, for people: not compared.
    pub taken: Taken,
    /// The conditions, which must be equal.
    pub identity: Identity,
    /// How many probes ended how.
    pub counts: Counts,
    /// By [`figures::Figure::name`]; what could not be observed is absent. Durations in seconds.
    pub figures: BTreeMap<String, Estimate>,
}

/// What may differ between a baseline and a candidate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taken {
    /// RFC 3339, UTC.
    pub at: String,
    /// The program's version.
    pub prober_version: String,
    /// The target's name.
    pub target: String,
    /// The target's `version` labels, serving image included.
    pub version: BTreeMap<String, String>,
    /// Seed of the draws from the mix.
    pub seed: u64,
}

/// What stands in front of a profile in its file.
#[derive(Serialize)]
struct Written<'a> {
    format: &'static str,
    version: u64,
    #[serde(flatten)]
    profile: &'a Profile,
}

/// Read first, so that another kind of file and a newer version are named as such.
#[derive(Deserialize)]
struct Head {
    format: String,
    version: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    #[serde(rename = "format")]
    _format: String,
    #[serde(rename = "version")]
    _version: u64,
    taken: Taken,
    identity: Identity,
    counts: Counts,
    figures: BTreeMap<String, Estimate>,
}

/// Why a text is no profile. It continues the name of the file and a colon.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProfileError {
    /// It is not JSON, or not of this form.
    #[error("{line}:{column}: {what}, {expected}", expected = expected())]
    Form {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// In the library's words.
        what: String,
    },
    /// It says that it is something else.
    #[error(" another kind of file, {expected}", expected = expected())]
    OtherKind,
    /// It is of another version.
    #[error(" a profile of version {0}, {expected}", expected = expected())]
    Version(u64),
    /// No probing could have led to it: it was changed by hand or by accident.
    #[error(" {0}, {expected}", expected = expected())]
    Contradiction(Contradiction),
}

fn expected() -> String {
    format!("expected a file written by `llm-prober gate --save`, version {VERSION}")
}

/// What contradicts itself in a profile.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Contradiction {
    /// The counts do not add up.
    #[error("its counts contradict each other")]
    Counts,
    /// There is no such reason to fail.
    #[error("it counts failures of an unknown kind")]
    Failures,
    /// There is no such figure.
    #[error("it holds a figure of an unknown name")]
    Figures,
    /// A figure's bounds, confidence or samples cannot be.
    #[error("the figure {0} contradicts itself")]
    Figure(String),
}

impl Profile {
    /// As JSON, with a line end.
    ///
    /// # Errors
    /// The library's, if it cannot write a value.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let written = Written { format: FORMAT, version: VERSION, profile: self };
        Ok(serde_json::to_string_pretty(&written)? + "\n")
    }

    /// Reads what [`Profile::to_json`] wrote.
    ///
    /// # Errors
    /// For a text that is not such a file, is of a newer version, or
    /// contradicts itself.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        let at = |e: &serde_json::Error| {
            let (line, column, what) = (e.line(), e.column(), e.to_string());
            let what = what.split(" at line ").next().unwrap_or_default().to_owned();
            ProfileError::Form { line, column, what }
        };
        let head: Head = serde_json::from_str(text).map_err(|e| at(&e))?;
        if head.format != FORMAT {
            return Err(ProfileError::OtherKind);
        }
        if head.version != VERSION {
            return Err(ProfileError::Version(head.version));
        }
        let read: Read = serde_json::from_str(text).map_err(|e| at(&e))?;
        let Read { taken, identity, counts, figures, .. } = read;
        let profile = Self { taken, identity, counts, figures };
        profile.check().map_err(ProfileError::Contradiction)?;
        Ok(profile)
    }

    /// Refuses what no probing could have led to: the file was changed by hand or by accident.
    fn check(&self) -> Result<(), Contradiction> {
        let Counts { probes, succeeded, good, stream_errors, failures, unauthorized } =
            &self.counts;
        let failed = failures.values().try_fold(0_u64, |sum, n| sum.checked_add(*n));
        let known = |reason: &String| reason.parse::<FailureReason>().is_ok();
        if failed.and_then(|failed| failed.checked_add(*succeeded)) != Some(*probes)
            || good > succeeded
            || Some(*stream_errors) > failed
            || Some(*unauthorized) > failed
        {
            return Err(Contradiction::Counts);
        }
        if !failures.keys().all(known) {
            return Err(Contradiction::Failures);
        }
        for (name, e) in &self.figures {
            if figures::by_name(name).is_none() {
                return Err(Contradiction::Figures);
            }
            let ordered = 0.0 <= e.low && e.low <= e.value && e.value <= e.high;
            if !ordered || !(0.0..=1.0).contains(&e.confidence) || e.samples > *probes {
                return Err(Contradiction::Figure(name.clone()));
            }
        }
        Ok(())
    }
}

impl Samples {
    /// The profile of all that was added.
    #[must_use]
    pub fn profile(mut self, identity: Identity, taken: Taken) -> Profile {
        for figure in [&mut self.ttft, &mut self.itl, &mut self.request_latency] {
            figure.sort_by(f64::total_cmp);
        }
        let identity = Identity {
            token_source: most(&self.token_sources),
            clock: most(&self.clocks),
            ..identity
        };
        let figure = |f: &Figure| Some((f.name.to_owned(), (f.of)(&self)?));
        let figures = FIGURES.iter().filter_map(figure).collect();
        Profile { taken, identity, counts: self.counts, figures }
    }
}

fn most(tally: &BTreeMap<&'static str, u64>) -> Option<String> {
    tally.iter().max_by_key(|(_, n)| **n).map(|(name, _)| (*name).to_owned())
}
