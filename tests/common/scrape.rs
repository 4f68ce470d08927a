//! Reads the exposition as a scraper does.

use llm_prober::metrics::{Format, Metrics};

/// One scrape in the classic text format.
pub struct Scrape(Vec<(String, f64)>);

impl Scrape {
    pub fn of(metrics: &Metrics) -> Self {
        let text = String::from_utf8(metrics.encode(Format::ClassicText).unwrap()).unwrap();
        let samples = text.lines().filter(|l| !l.starts_with('#')).map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            (series.to_owned(), value.parse().unwrap())
        });
        Self(samples.collect())
    }

    /// The sum over the series of `name` that have every label (`key="value"`).
    pub fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        self.matching(name, labels).map(|(_, value)| value).sum()
    }

    /// Whether there is a series of `name` with every label.
    pub fn has(&self, name: &str, labels: &[&str]) -> bool {
        self.matching(name, labels).next().is_some()
    }

    fn matching<'a>(
        &'a self,
        name: &'a str,
        labels: &'a [&str],
    ) -> impl Iterator<Item = &'a (String, f64)> {
        self.0.iter().filter(move |(series, _)| {
            series.split('{').next() == Some(name) && labels.iter().all(|l| series.contains(l))
        })
    }

    /// Every sample of a target, without those that say when something happened.
    pub fn of_target(&self, target: &str) -> Vec<&(String, f64)> {
        let label = format!("target=\"{target}\"");
        let own = self.0.iter().filter(|(series, _)| series.contains(&label));
        own.filter(|(series, _)| !series.contains("_timestamp_seconds")).collect()
    }

    /// How many series there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}
