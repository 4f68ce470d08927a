//! Reads the classic text exposition, for assertions.

use std::fmt;

use llm_prober::metrics::{Format, Metrics};

/// One scrape.
pub struct Exposition {
    text: String,
}

impl Exposition {
    pub fn parse(text: &str) -> Self {
        Self { text: text.to_owned() }
    }

    /// What a scrape of these metrics would return.
    pub fn of(metrics: &Metrics) -> Self {
        Self { text: String::from_utf8(metrics.encode(Format::ClassicText).unwrap()).unwrap() }
    }

    /// All of it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many series there are.
    pub fn len(&self) -> usize {
        self.text.lines().filter(|l| !l.starts_with('#')).count()
    }

    /// A target's samples, without those that say when something happened, or how much evidence is
    /// needed among so many.
    pub fn of_target(&self, target: &str) -> Vec<&str> {
        let label = format!("target=\"{target}\"");
        let own = self.text.lines().filter(|l| l.contains(&label));
        let others = ["_timestamp_seconds", "_evidence_threshold"];
        own.filter(|line| !others.iter().any(|other| line.contains(other))).collect()
    }

    /// The values of a metric's series that have all of these labels, such as `target="a"`.
    pub fn values(&self, name: &str, labels: &[&str]) -> Vec<f64> {
        let series = self.text.lines().filter_map(|line| {
            let rest = line.strip_prefix(name)?;
            let (own, value) = match rest.strip_prefix('{') {
                Some(rest) => rest.rsplit_once("} ")?,
                None => ("", rest.strip_prefix(' ')?),
            };
            let has = |label: &&str| own.split(',').any(|l| l == *label);
            labels.iter().all(has).then(|| value.parse().unwrap())
        });
        series.collect()
    }

    /// Their sum; 0 where there is none.
    pub fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        self.values(name, labels).iter().sum()
    }
}

impl fmt::Display for Exposition {
    /// Without what is zero or explained, for failing assertions.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.text.lines();
        let telling = lines.filter(|l| !l.starts_with('#') && !l.ends_with(" 0"));
        telling.filter(|l| !l.contains("_bucket{")).try_for_each(|line| writeln!(f, "{line}"))
    }
}
