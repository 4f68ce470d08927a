//! What stands before the samples of a family.

use prometheus::metrics::MetricType;

/// What a family is.
#[derive(Debug, Clone, Copy)]
pub(in crate::metrics) struct Descriptor<'d> {
    /// In front of the name, without the `_` between them; may be empty.
    pub prefix: &'static str,
    /// With the suffix of its type: `_total`, `_info`.
    pub name: &'d str,
    pub kind: MetricType,
    pub help: &'d str,
    pub unit: Option<&'static str>,
}

impl Descriptor<'_> {
    /// The name of its samples.
    pub(super) fn write_name(&self, out: &mut String) {
        out.clear();
        out.push_str(self.prefix);
        if !self.prefix.is_empty() {
            out.push('_');
        }
        out.push_str(self.name);
    }
}
