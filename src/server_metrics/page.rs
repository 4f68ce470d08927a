//! A metrics page: the series of known engines on it, and the choice among them.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::engine::{ENGINES, Engine};
use super::exposition::{MAX_LINE, Series, series};
use super::problem::Problem;
use super::sample::{Sample, Totals};

/// Series of known engines on one page, at most; vLLM has a few hundred per engine.
const MAX_SERIES: usize = 20_000;

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

/// The series of known engines, by name. Colons in names are underscores: some proxies and some
/// releases write them so.
#[derive(Debug, Default)]
pub struct Page {
    series: HashMap<String, Vec<Series>>,
}

fn plain(name: &str) -> String {
    name.replace(':', "_")
}

/// Of histograms only sum and count are read.
fn is_read(name: &str) -> bool {
    let known = ENGINES.iter().any(|engine| engine.marks(name));
    known && !name.ends_with("_bucket") && !name.ends_with("_created")
}

impl Page {
    /// Reads a page. Lines that are not understood are left out.
    ///
    /// # Errors
    /// [`Problem::TooManySeries`].
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let mut page = Self::default();
        let mut count = 0;
        for line in text.lines().filter(|line| line.len() <= MAX_LINE) {
            let end = line.find(['{', ' ', '\t']).unwrap_or(line.len());
            // Most lines are comments and buckets: not worth taking apart.
            if line.starts_with('#') || line[..end].ends_with("_bucket") {
                continue;
            }
            let Some(mut series) = series(line) else { continue };
            series.name = plain(&series.name);
            if !is_read(&series.name) {
                continue;
            }
            count += 1;
            if count > MAX_SERIES {
                return Err(Problem::TooManySeries);
            }
            page.series.entry(series.name.clone()).or_default().push(series);
        }
        Ok(page)
    }

    /// The server's state, by the first engine of the table whose series on the page say something
    /// about load: a server may have an engine inside that counts tokens only.
    ///
    /// # Errors
    /// [`Problem::Unknown`] when no engine is known by its names, or says nothing about load.
    pub fn sample(&self, selector: &Selector<'_>) -> Result<Sample, Problem> {
        let there = ENGINES.iter().filter(|e| self.series.keys().any(|name| e.marks(name)));
        let mut samples = there.map(|engine| {
            let chosen = Chosen { page: self, selector, engine };
            Sample { engine: engine.name, ..(engine.read)(&chosen) }
        });
        samples.find(|sample| sample.known().next().is_some()).ok_or(Problem::Unknown)
    }
}

/// A page as an engine reads it. Names are given newest first; the first that the page has counts.
/// A value that is negative or no number is not known: -1 is how some releases say "none".
pub(super) struct Chosen<'a> {
    page: &'a Page,
    selector: &'a Selector<'a>,
    engine: &'static Engine,
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
            let series = self.page.series.get(&plain(name))?;
            let series: Vec<_> = series.iter().filter(|s| wanted(s) && self.labelled(s)).collect();
            let values = self.of_model(&self.each_once(series))?;
            let good = values.iter().all(|v| v.is_finite() && *v >= 0.0);
            (good && !values.is_empty()).then_some(values)
        })
    }

    fn labelled(&self, series: &Series) -> bool {
        let mut labels = self.selector.labels.into_iter().flatten();
        labels.all(|(name, value)| series.label(name) == value)
    }

    /// Without those that say the same again: that differ in nothing, or in [`Engine::repeated`].
    fn each_once<'s>(&self, mut series: Vec<&'s Series>) -> Vec<&'s Series> {
        let mut seen = HashSet::new();
        series.retain(|s| {
            let labels =
                s.labels.iter().filter(|(l, _)| !self.engine.repeated.contains(&l.as_str()));
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
        let model = |s: &Series| s.label(self.engine.model_label).to_owned();
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
