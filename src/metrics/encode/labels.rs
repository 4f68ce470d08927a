//! Labels, written once for all series that share them.

use std::sync::Arc;

use super::line::write_labels;
use super::wire::write_label;

/// The labels that a series shares with all series of the same source, as each format has them.
#[derive(Debug, Clone, Default)]
pub(in crate::metrics) struct Labels {
    names: Arc<[String]>,
    /// `a="b",c="d"`
    pub(super) text: Box<[u8]>,
    /// The messages of the pairs.
    pub(super) protobuf: Box<[u8]>,
}

impl Labels {
    /// Of the same names as others.
    pub fn new<'v>(names: &'v Arc<[String]>, values: impl Iterator<Item = &'v str>) -> Self {
        let pairs: Vec<_> = names.iter().map(String::as_str).zip(values).collect();
        let (mut text, mut protobuf) = (Vec::new(), Vec::new());
        write_labels(pairs.iter().copied(), &mut text);
        for (name, value) in &pairs {
            write_label(name, value, &mut protobuf);
        }
        Self { names: Arc::clone(names), text: text.into(), protobuf: protobuf.into() }
    }

    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|n| n == name)
    }
}

impl FromIterator<(String, String)> for Labels {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        let (names, values): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        Self::new(&names.into(), values.iter().map(String::as_str))
    }
}

/// Labels of one series: shared ones first.
#[derive(Debug)]
pub(in crate::metrics) struct SeriesLabels<'l> {
    pub shared: &'l Labels,
    names: &'l [&'l str],
    values: &'l [&'l str],
    /// The value of the last name, where it is not among the values.
    last: Option<&'l str>,
    /// Labels that only this series has.
    more: Vec<(&'l str, &'l str)>,
}

impl<'l> SeriesLabels<'l> {
    pub fn new(
        shared: &'l Labels,
        names: &'l [&'l str],
        values: &'l [&'l str],
        last: Option<&'l str>,
    ) -> Self {
        let count = values.len() + usize::from(last.is_some());
        debug_assert_eq!(names.len(), count, "{names:?} {values:?} {last:?}");
        Self { shared, names, values, last, more: Vec::new() }
    }

    /// A further label. One whose name is taken is left out: a name that occurs twice would make
    /// the whole scrape invalid.
    pub fn push(&mut self, name: &'l str, value: &'l str) {
        if !self.shared.has(name) && self.own().all(|(n, _)| n != name) {
            self.more.push((name, value));
        }
    }

    /// Those that are not shared.
    pub fn own(&self) -> impl Iterator<Item = (&'l str, &'l str)> + '_ {
        let values = self.values.iter().copied().chain(self.last);
        self.names.iter().copied().zip(values).chain(self.more.iter().copied())
    }
}
