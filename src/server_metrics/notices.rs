//! Says each thing about a metrics page once, not at every probe.

use std::collections::BTreeSet;

use super::problem::{Failed, Problem};
use super::sample::Sample;
use parking_lot::Mutex;

/// Good looks in a row after which a page counts as recovered: behind a load balancer every second
/// one may fail.
const RECOVERED: u32 = 3;

/// What was said about one target's page.
#[derive(Debug, Default)]
pub(super) struct Notices(Mutex<Said>);

#[derive(Debug, Default)]
struct Said {
    problems: BTreeSet<Problem>,
    good_in_a_row: u32,
    /// Engines with what their pages told; as many as there are subsets, at most.
    told: BTreeSet<(&'static str, Vec<&'static str>)>,
}

/// What is new, and worth a line.
#[derive(Debug, PartialEq, Eq)]
enum News {
    Problem(Problem),
    Recovered,
    Tells(&'static str, Vec<&'static str>),
}

impl Notices {
    /// Logs what is new. `detail` says more about a problem; no secret may be in it.
    pub fn hear(&self, target: &str, result: &Result<Sample, Failed>) {
        let heard = result.as_ref().map_err(|failed| failed.problem);
        let news = self.0.lock().hear(heard);
        let detail = result.as_ref().err().map(|failed| failed.detail.as_str()).unwrap_or_default();
        for news in news {
            match news {
                News::Problem(problem) => {
                    tracing::warn!(%target, %problem, detail, "no server metrics");
                }
                News::Recovered => tracing::info!(%target, "server metrics are back"),
                News::Tells(engine, known) => {
                    let known = known.join(", ");
                    tracing::info!(%target, engine, known, "server metrics are read");
                }
            }
        }
    }
}

impl Said {
    fn hear(&mut self, result: Result<&Sample, Problem>) -> Vec<News> {
        let sample = match result {
            Err(problem) => {
                self.good_in_a_row = 0;
                let new = self.problems.insert(problem);
                return new.then_some(News::Problem(problem)).into_iter().collect();
            }
            Ok(sample) => sample,
        };
        self.good_in_a_row = self.good_in_a_row.saturating_add(1);
        let mut news = Vec::new();
        if self.good_in_a_row >= RECOVERED && !self.problems.is_empty() {
            self.problems.clear();
            news.push(News::Recovered);
        }
        let known: Vec<_> = sample.known().collect();
        if self.told.insert((sample.engine, known.clone())) {
            news.push(News::Tells(sample.engine, known));
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_said_once() {
        let mut said = Said::default();
        let full = Sample {
            engine: "vllm",
            running: Some(1.0),
            kv_cache_usage: Some(0.5),
            ..Sample::default()
        };
        let less = Sample { kv_cache_usage: None, ..full };
        let tells = |known: &[&'static str]| News::Tells("vllm", known.to_vec());
        assert_eq!(said.hear(Ok(&full)), [tells(&["running", "kv_cache_usage"])]);
        assert_eq!(said.hear(Ok(&full)), []);
        assert_eq!(said.hear(Ok(&less)), [tells(&["running"])], "a name is gone");
        assert_eq!(said.hear(Ok(&less)), []);
        assert_eq!(said.hear(Err(Problem::Timeout)), [News::Problem(Problem::Timeout)]);
        assert_eq!(said.hear(Err(Problem::Timeout)), []);
        assert_eq!(said.hear(Err(Problem::Unknown)), [News::Problem(Problem::Unknown)]);
        // Up and down: nothing new.
        for result in [Ok(&full), Ok(&full), Err(Problem::Timeout), Ok(&full), Ok(&full)] {
            assert_eq!(said.hear(result), []);
        }
        assert_eq!(said.hear(Ok(&full)), [News::Recovered]);
        assert_eq!(said.hear(Ok(&full)), []);
        assert_eq!(said.hear(Err(Problem::Timeout)), [News::Problem(Problem::Timeout)]);
    }
}
