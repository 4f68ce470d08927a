//! A target as it is now.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::closed::{Named, StateName};
use super::hour::HourView;
use super::mark::MarkView;
use super::probe::ProbeSummary;
use super::server::ServerState;
use super::window::WindowView;
use crate::explain::shown;
use crate::memory::history::Overview;
use crate::server_metrics::Look;
use crate::target::Target;
use crate::transport::KnownAddress;

/// A target as it is now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TargetView {
    /// Its unique name.
    pub name: String,
    /// Base URL, without credentials.
    pub url: String,
    /// Which API it is asked by.
    pub api: String,
    /// Model name; null while it is not known.
    pub model: Option<String>,
    /// Mean time between two probes, in seconds.
    pub interval: f64,
    /// The user's own labels.
    pub labels: BTreeMap<String, String>,
    /// Version facts.
    pub version: BTreeMap<String, String>,
    /// Names of its workloads.
    pub workloads: Vec<String>,
    /// The addresses behind its name, at most 16; empty before the first look-up.
    #[serde(default)]
    pub addresses: Vec<AddressView>,
    /// How it does.
    pub state: StateName,
    /// Its newest probe; null before the first has ended.
    pub last: Option<ProbeSummary>,
    /// The last few minutes: five, or as many as five probes take on the average.
    pub now: WindowView,
    /// Its last hour.
    pub hour: HourView,
    /// The last 24 hours.
    pub day: WindowView,
    /// The last 30 days.
    pub month: WindowView,
    /// Moments at which something became another, newest first.
    pub marks: Vec<MarkView>,
    /// What its server said last; left out without `server_metrics`, and before the first look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerState>,
}

/// One of the addresses behind a target's name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AddressView {
    /// Address and port.
    pub address: String,
    /// Whether the resolver's newest answer has it.
    pub present: bool,
    /// Whether the last probe that was sent there succeeded; null where the addresses are not
    /// probed one by one (`addresses: first`), and before the first probe.
    pub success: Option<bool>,
}

impl From<&KnownAddress> for AddressView {
    fn from(known: &KnownAddress) -> Self {
        let KnownAddress { address, present, success } = *known;
        Self { address: address.to_string(), present, success }
    }
}

impl TargetView {
    /// `model` is the name that is asked for, once it is known.
    #[must_use]
    pub fn new(
        target: &Target,
        model: Option<String>,
        server: Option<Look>,
        addresses: &[KnownAddress],
        overview: &Overview,
    ) -> Self {
        Self {
            name: target.name.clone(),
            url: shown(&target.url),
            api: target.dialect.name().to_owned(),
            model,
            interval: target.schedule.interval.as_secs_f64(),
            labels: target.labels.clone(),
            version: target.version.clone(),
            workloads: target.workloads.iter().map(|w| w.name.clone()).collect(),
            addresses: addresses.iter().map(AddressView::from).collect(),
            state: Named(overview.state),
            last: overview.last.as_deref().map(ProbeSummary::from),
            now: WindowView::from(&overview.now),
            hour: HourView::from(&overview.hour),
            day: WindowView::from(&overview.day),
            month: WindowView::from(&overview.month),
            marks: overview.marks.iter().map(MarkView::from).collect(),
            server: server.map(ServerState::from),
        }
    }
}
