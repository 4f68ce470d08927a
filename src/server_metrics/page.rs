//! A metrics page: the series of known engines on it, and the choice among them.

use super::chosen::{Chosen, Selector, SeriesByName, plain};
use super::engine::ENGINES;
use super::exposition::{MAX_LINE, series};
use super::problem::Problem;
use super::sample::Sample;

/// Series of known engines on one page, at most; vLLM has a few hundred per engine.
const MAX_SERIES: usize = 20_000;

/// The series of known engines, by name. Colons in names are underscores: some proxies and some
/// releases write them so.
#[derive(Debug, Default)]
pub struct Page {
    series: SeriesByName,
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
            let chosen = Chosen {
                series: &self.series,
                selector,
                model_label: engine.model_label,
                repeated: engine.repeated,
            };
            Sample { engine: engine.name, ..(engine.read)(&chosen) }
        });
        samples.find(|sample| sample.known().next().is_some()).ok_or(Problem::Unknown)
    }
}
