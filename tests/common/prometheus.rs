//! A real Prometheus with one scrape target and a data folder of its own.

use std::{net::SocketAddr, path::Path, process::Command, str::FromStr};

use serde_json::Value;

use super::{counterparts::counterpart, process::Process};

/// Which histograms it scrapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Histograms {
    /// Text exposition, classic buckets only.
    Classic,
    /// Protobuf: native histograms, and the classic buckets beside them from Prometheus 2.45 on.
    Native,
}

/// A running Prometheus.
pub struct Prometheus {
    process: Process,
    version: (u32, u32),
    _data: tempfile::TempDir,
}

impl Prometheus {
    /// Starts one that scrapes `/metrics` of `target` every second, as job `llm-prober`.
    pub async fn start(target: SocketAddr, histograms: Histograms) -> Option<Self> {
        let program = counterpart("prometheus")?;
        let options = match histograms {
            Histograms::Classic => "",
            Histograms::Native => native_options(version(&program)),
        };
        let config = format!(
            "scrape_configs:\n  - job_name: llm-prober\n    scrape_interval: 1s\n{options}    \
             static_configs: [{{targets: ['{target}']}}]\n"
        );
        let flags: &[&str] = match histograms {
            Histograms::Classic => &[],
            // From 3.9 on without effect: there the option in the file says it.
            Histograms::Native => &["--enable-feature=native-histograms"],
        };
        Self::start_with(&config, flags).await
    }

    /// Starts one with a whole configuration file and further flags.
    pub async fn start_with(config: &str, flags: &[&str]) -> Option<Self> {
        let program = counterpart("prometheus")?;
        let version = version(&program);
        let data = tempfile::tempdir().unwrap_or_else(|error| panic!("no data folder: {error}"));
        let file = data.path().join("prometheus.yml");
        std::fs::write(&file, config).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let process = Process::start(
            Command::new(program)
                .arg(format!("--config.file={}", file.display()))
                .arg(format!("--storage.tsdb.path={}", data.path().join("data").display()))
                .arg("--web.listen-address=127.0.0.1:0")
                .args(flags),
        )
        .await;
        process.ready("/-/ready").await;
        Some(Self { process, version, _data: data })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.process.address()
    }

    /// Whether it stores classic buckets beside native histograms when both are scraped.
    pub fn keeps_classic(&self) -> bool {
        self.version >= (2, 45)
    }

    /// The result list of an instant query: empty where nothing matches.
    pub async fn query(&self, expression: &str) -> Vec<Value> {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let query = query.append_pair("query", expression).finish();
        let answer = self.process.get(&format!("/api/v1/query?{query}")).await;
        match answer["data"]["result"].as_array() {
            Some(result) => result.clone(),
            None => panic!("{expression}: expected a list of results, got {answer}"),
        }
    }

    /// Repeats an instant query until it returns something.
    pub async fn wait_for(&self, expression: &str) -> Vec<Value> {
        let ask = || async {
            let result = self.query(expression).await;
            (!result.is_empty()).then_some(result)
        };
        self.process.poll(expression, ask).await
    }

    /// The end of its log.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Any other path of its API, for example `/api/v1/targets`.
    pub async fn get(&self, path: &str) -> Value {
        self.process.get(path).await
    }
}

/// Major and minor.
fn version(program: &Path) -> (u32, u32) {
    let output = Command::new(program).arg("--version").output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    // Up to 2.x the version goes to standard error.
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    parse_version(&text).unwrap_or_else(|| panic!("expected 'version X.Y' in {text}"))
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let (_, rest) = text.split_once("version ")?;
    let mut numbers = rest.split('.').map(u32::from_str);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Lines of a scrape job that takes native histograms and no classic ones, for
/// [`Prometheus::start_with`] and the flag `--enable-feature=native-histograms`.
pub fn native_only() -> Option<&'static str> {
    let (major, minor) = version(&counterpart("prometheus")?);
    Some(if (major, minor) >= (3, 8) { "    scrape_native_histograms: true\n" } else { "" })
}

/// Lines of the scrape job; the names changed with the releases, and an unknown one is an error.
fn native_options(version: (u32, u32)) -> &'static str {
    match version {
        (3, 8..) | (4.., _) => {
            "    scrape_native_histograms: true\n    always_scrape_classic_histograms: true\n"
        }
        (3, _) => "    always_scrape_classic_histograms: true\n",
        (2, 45..) => "    scrape_classic_histograms: true\n",
        _ => "",
    }
}
