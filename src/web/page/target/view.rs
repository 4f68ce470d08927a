//! What the sections of a target's page have to show.

use std::sync::Arc;

use crate::daemon::Daemon;
use crate::memory::history::{Overview, Summary};
use crate::target::Target;

pub(super) const ROOT: &str = "../";

/// What a section can show.
pub(super) struct View<'a> {
    pub daemon: &'a Daemon,
    pub target: &'a Arc<Target>,
    pub overview: Overview,
    pub filter: Filter,
    pub now: i64,
}

/// Which probes are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    All,
    Failed,
    Slow,
}

impl Show {
    pub const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::All, "", "all"),
        (Self::Failed, "failed", "failed"),
        (
            Self::Slow,
            "slow",
            "slow or odd: SLO missed, slowest of its hour, tokens arrived together",
        ),
    ];

    fn takes(self, probe: &Summary) -> bool {
        match self {
            Self::All => true,
            Self::Failed => probe.reason.is_some(),
            Self::Slow => probe.reason.is_none() && (probe.odd.is_some() || !probe.good()),
        }
    }
}

/// An address that no form makes.
#[derive(Debug, thiserror::Error)]
#[error("“{0}” is not a choice, expected failed, slow or nothing")]
pub(super) struct NoChoice(String);

/// What was asked for; an empty workload takes all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filter {
    pub show: Show,
    pub workload: String,
}

impl Filter {
    pub fn of(show: &str, workload: &str) -> Result<Self, NoChoice> {
        let found = Show::ALL.iter().find(|(_, name, _)| *name == show);
        let (show, ..) = found.ok_or_else(|| NoChoice(show.to_owned()))?;
        Ok(Self { show: *show, workload: workload.to_owned() })
    }

    pub fn takes(&self, probe: &Summary) -> bool {
        self.show.takes(probe) && (self.workload.is_empty() || self.workload == probe.workload.name)
    }
}
