//! What is known of an engine.

use crate::server_metrics::chosen::Chosen;
use crate::server_metrics::sample::Sample;

/// An inference server, known by its names.
pub struct Engine {
    /// The label value.
    pub name: &'static str,
    /// A page with a series of one of these beginnings is this engine's; colons as underscores.
    pub markers: &'static [&'static str],
    /// The label that tells models apart.
    pub model_label: &'static str,
    /// Labels along which series say the same again: of those that differ in nothing else the first
    /// is read.
    pub repeated: &'static [&'static str],
    /// Reads the page; names newest first.
    pub(in crate::server_metrics) read: fn(&Chosen<'_>) -> Sample,
}

impl Engine {
    /// Whether a series of this name, colons as underscores, is this engine's.
    pub(in crate::server_metrics) fn marks(&self, name: &str) -> bool {
        self.markers.iter().any(|marker| name.starts_with(marker))
    }
}
