//! Reads the classic text exposition, for assertions.

use std::fmt;

/// One scrape.
pub struct Exposition {
    text: String,
}

impl Exposition {
    pub fn parse(text: &str) -> Self {
        Self { text: text.to_owned() }
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
