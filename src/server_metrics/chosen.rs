//! The series of a page that are a target's, as an engine reads them.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::exposition::Series;
use super::sample::Totals;

/// The series of known engines, by name; colons in names are underscores.
pub(super) type SeriesByName = HashMap<String, Vec<Series>>;

/// Which of a page's series are a target's.
#[derive(Debug, Clone, Copy, Default)]
pub struct Selector<'a> {
    /// Series of this model only, as configured for the page.
    pub only_model: Option<&'a str>,
    /// The model that the target asks for: preferred where the page has it.
    pub model: Option<&'a str>,
    /// Series that have these labels only.
    pub labels: Option<&'a BTreeMap<String, String>>,
}

/// Some proxies and some releases write colons as underscores.
pub(super) fn plain(name: &str) -> String {
    name.replace(':', "_")
}

/// Larger values are no count and no time of a server, and would ruin every sum that they get into.
const MOST: f64 = 1e15;

/// A page as an engine reads it. Names are given newest first; the first that the page has counts.
/// A value that is negative or no number is not known: -1 is how some releases say "none".
pub(super) struct Chosen<'a> {
    pub series: &'a SeriesByName,
    pub selector: &'a Selector<'a>,
    /// The label that tells models apart.
    pub model_label: &'static str,
    /// Labels along which series say the same again.
    pub repeated: &'static [&'static str],
}

impl Chosen<'_> {
    /// Added up over the engines of one server.
    pub fn sum(&self, names: &[&str]) -> Option<f64> {
        self.first(names, &|_| true).map(|values| values.iter().sum())
    }

    /// As [`Chosen::sum`], of the series with this label.
    pub fn sum_with(&self, names: &[&str], label: (&str, &str)) -> Option<f64> {
        self.first(names, &|s| s.label(label.0) == label.1).map(|values| values.iter().sum())
    }

    /// A share of 0 to 1; of several engines the fullest.
    pub fn ratio(&self, names: &[&str]) -> Option<f64> {
        self.ratio_where(names, &|_| true)
    }

    /// As [`Chosen::ratio`], of the series with this label.
    pub fn ratio_with(&self, names: &[&str], label: (&str, &str)) -> Option<f64> {
        self.ratio_where(names, &|s| s.label(label.0) == label.1)
    }

    /// A counter, by its name without `_total`, which not every exporter writes.
    pub fn counter(&self, names: &[&str]) -> Option<f64> {
        names.iter().find_map(|name| self.sum(&[&format!("{name}_total"), name]))
    }

    /// Sum and count of a histogram.
    pub fn totals(&self, names: &[&str]) -> Option<Totals> {
        names.iter().find_map(|name| {
            let count = self.sum(&[&format!("{name}_count")])?;
            Some(Totals { count, sum: self.sum(&[&format!("{name}_sum")])? })
        })
    }

    fn ratio_where(&self, names: &[&str], wanted: &dyn Fn(&Series) -> bool) -> Option<f64> {
        let most = self.first(names, wanted)?.into_iter().fold(0.0, f64::max);
        // Above, it is no share: a percentage, or something else of that name.
        (most <= 1.0 + 1e-6).then_some(most.min(1.0))
    }

    fn first(&self, names: &[&str], wanted: &dyn Fn(&Series) -> bool) -> Option<Vec<f64>> {
        names.iter().find_map(|name| {
            let series = self.series.get(&plain(name))?;
            let series: Vec<_> = series.iter().filter(|s| wanted(s) && self.labelled(s)).collect();
            let values = self.of_model(&self.each_once(series))?;
            let good = values.iter().all(|v| (0.0..=MOST).contains(v));
            (good && !values.is_empty()).then_some(values)
        })
    }

    fn labelled(&self, series: &Series) -> bool {
        let mut labels = self.selector.labels.into_iter().flatten();
        labels.all(|(name, value)| series.label(name) == value)
    }

    /// Without those that say the same again: that differ in nothing, or in what is repeated.
    fn each_once<'s>(&self, mut series: Vec<&'s Series>) -> Vec<&'s Series> {
        let mut seen = HashSet::new();
        series.retain(|s| {
            let labels = s.labels.iter().filter(|(l, _)| !self.repeated.contains(&l.as_str()));
            let mut labels: Vec<_> = labels.collect();
            labels.sort_unstable();
            seen.insert(labels)
        });
        series
    }

    /// Those of the configured model; else those of the model that is asked for; else all, where
    /// they are of one model: it may be served under several names. `None` where it is not known
    /// which of several models is meant.
    fn of_model(&self, series: &[&Series]) -> Option<Vec<f64>> {
        let model = |s: &Series| s.label(self.model_label).to_owned();
        let of = |wanted: &str| -> Vec<f64> {
            series.iter().filter(|s| model(s) == wanted).map(|s| s.value).collect()
        };
        if let Some(only) = self.selector.only_model {
            return Some(of(only));
        }
        let asked = self.selector.model.map(of).filter(|values| !values.is_empty());
        let one = || {
            let same = series.windows(2).all(|w| model(w[0]) == model(w[1]));
            same.then(|| series.iter().map(|s| s.value).collect())
        };
        asked.or_else(one)
    }
}
