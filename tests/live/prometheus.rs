//! A real Prometheus scrapes the real daemon, in text and in protobuf.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a helper that panics fails its test
#![allow(clippy::float_cmp)] // counters hold whole numbers
#![allow(clippy::disallowed_methods)] // tasks of a test end with its runtime

use std::process::{Command, Stdio};
use std::time::Duration;

use llm_prober::simulate::{Simulator, SimulatorConfig};
use reqwest::Method;
use serde_json::Value;

use common::counterparts::counterpart;
use common::daemon::Program;
use common::prometheus::{Histograms, Prometheus};

use crate::common;

const TTFT: &str = "llm_prober_time_to_first_token_seconds";
/// A daemon that probes a simulator with widely spread latencies, often.
struct Rig {
    daemon: Program,
    _folder: tempfile::TempDir,
}

async fn rig() -> Rig {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    let ms = Duration::from_millis;
    let config =
        SimulatorConfig { ttft: ms(30), itl: ms(3), jitter: 0.6, ..SimulatorConfig::default() };
    tokio::spawn(async move {
        Simulator::new(config).serve(listener, std::future::pending()).await;
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("llm-prober.yml");
    let yaml = format!(
        "defaults: {{interval: 50ms, max_in_flight: 32}}\n\
         targets: [{{name: sim, url: 'http://{server}/v1', labels: {{stack: 'a\"b\\c'}}}}]\n"
    );
    std::fs::write(&file, yaml).unwrap();
    let daemon = Program::daemon([format!("--config.file={}", file.display())]).await;
    Rig { daemon, _folder: folder }
}

impl Rig {
    async fn prometheus(&self, histograms: Histograms) -> Option<Prometheus> {
        Prometheus::start(self.daemon.address().await, histograms).await
    }
}

fn value(result: &Value) -> f64 {
    result["value"][1].as_str().unwrap().parse().unwrap()
}

/// The target is up, was scraped without an error, and nothing was complained about.
async fn healthy(prometheus: &Prometheus) {
    assert_eq!(prometheus.wait_for("up{job='llm-prober'} == 1").await.len(), 1);
    let targets = prometheus.get("/api/v1/targets").await;
    let target = &targets["data"]["activeTargets"][0];
    assert_eq!((&target["health"], &target["lastError"]), (&"up".into(), &"".into()), "{target}");
    let log = prometheus.log();
    let complaint = |line: &&str| {
        ["level=WARN", "level=ERROR", "level=warn", "level=error"].iter().any(|l| line.contains(l))
    };
    let complaints: Vec<_> = log.lines().filter(complaint).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
    let failed = prometheus.query("max_over_time(up[10m]) != min_over_time(up[10m])").await;
    assert_eq!(failed, Vec::<Value>::new());
}

/// Prometheus' own idea of the metrics' types.
async fn types(prometheus: &Prometheus) {
    let metadata = prometheus.get("/api/v1/metadata").await;
    let kind = |name: &str| {
        // OpenMetrics names a counter's family without the suffix.
        let data = &metadata["data"];
        let family = &data[name];
        let family = if family.is_null() { &data[name.trim_end_matches("_total")] } else { family };
        family[0]["type"].as_str().unwrap_or("nothing").to_owned()
    };
    for (name, expected) in [
        ("llm_prober_probes_total", "counter"),
        ("llm_prober_slo_good_probes_total", "counter"),
        ("process_cpu_seconds_total", "counter"),
        (TTFT, "histogram"),
        ("llm_prober_slo_consumption_ratio", "histogram"),
        ("llm_prober_probes_in_flight", "gauge"),
        ("llm_prober_config_last_reload_successful", "gauge"),
    ] {
        assert_eq!(kind(name), expected, "{name}: {metadata}");
    }
}

#[tokio::test]
async fn prometheus_scrapes_text() {
    let rig = rig().await;
    let Some(prometheus) = rig.prometheus(Histograms::Classic).await else { return };
    prometheus.wait_for(&format!("sum({TTFT}_count{{job='llm-prober'}}) >= 20")).await;
    prometheus.wait_for("sum(rate(llm_prober_probes_total[10s])) > 0").await;
    healthy(&prometheus).await;
    types(&prometheus).await;
    let labelled = prometheus.query(r#"llm_prober_probes_total{stack="a\"b\\c"}"#).await;
    assert_eq!(labelled.len(), 2, "one per workload: {labelled:?}");
    let median = prometheus.query(&quantile(0.5, "classic")).await;
    assert!((0.01..160.0).contains(&value(&median[0])), "{median:?}");
    // Over text there are no native ones.
    assert_eq!(prometheus.query(TTFT).await, Vec::<Value>::new());
}

#[tokio::test]
async fn prometheus_scrapes_native_histograms() {
    let rig = rig().await;
    let Some(prometheus) = rig.prometheus(Histograms::Native).await else { return };
    prometheus.wait_for(&format!("histogram_count(sum({TTFT})) >= 40")).await;
    healthy(&prometheus).await;
    types(&prometheus).await;
    if !prometheus.keeps_classic() {
        return;
    }
    // At one instant, so that no scrape lies between the two.
    let both = format!(
        "label_replace(histogram_count(sum({TTFT})), 'kind', 'native', '', '') or \
         label_replace(sum({TTFT}_count), 'kind', 'classic', '', '')"
    );
    let counts = prometheus.query(&both).await;
    assert_eq!(value(&counts[0]), value(&counts[1]), "{counts:?}");
    let bounds = bounds(&prometheus).await;
    for q in [0.1, 0.5, 0.9, 0.99] {
        let both = format!("{} or {}", quantile(q, "native"), quantile(q, "classic"));
        let result = prometheus.query(&both).await;
        let of = |kind: &str| {
            let found = result.iter().find(|r| r["metric"]["kind"] == kind);
            value(found.unwrap_or_else(|| panic!("no {kind}: {result:?}")))
        };
        let (native, classic) = (of("native"), of("classic"));
        assert!(agree(&bounds, native, classic), "p{q}: {native} native, {classic} classic");
    }
}

/// A quantile of TTFT, labelled with the kind of histogram it is from.
fn quantile(q: f64, kind: &str) -> String {
    let histogram = if kind == "native" {
        format!("sum({TTFT})")
    } else {
        format!("sum by (le) ({TTFT}_bucket)")
    };
    format!("label_replace(histogram_quantile({q}, {histogram}), 'kind', '{kind}', '', '')")
}

/// The finite bounds of TTFT's classic buckets as Prometheus stored them, 0 in front: which ones there
/// are depends on the form of the histograms and on the SLOs.
async fn bounds(prometheus: &Prometheus) -> Vec<f64> {
    let stored = prometheus.query(&format!("count by (le) ({TTFT}_bucket)")).await;
    let bound = |r: &Value| r["metric"]["le"].as_str().unwrap().parse::<f64>().unwrap();
    let finite = stored.iter().map(bound).filter(|bound| bound.is_finite());
    let mut bounds: Vec<_> = std::iter::once(0.0).chain(finite).collect();
    bounds.sort_by(f64::total_cmp);
    assert!(bounds.len() > 8, "{bounds:?}");
    bounds
}

/// Whether both lie in one classic bucket. A native bucket may reach over its bounds by its own
/// width, a tenth.
fn agree(bounds: &[f64], native: f64, classic: f64) -> bool {
    let bucket = |low: f64, high: f64| low..=high;
    bounds.windows(2).any(|b| {
        bucket(b[0], b[1]).contains(&classic) && bucket(b[0] / 1.1, b[1] * 1.1).contains(&native)
    })
}

#[tokio::test]
async fn promtool_has_nothing_to_say() {
    let Some(promtool) = counterpart("promtool") else { return };
    let rig = rig().await;
    rig.daemon.until("figures", |m| m.sum(&format!("{TTFT}_count"), &[]) >= 5.0).await;
    let scraped = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(scraped.path(), rig.daemon.get("/metrics").await.body).unwrap();
    let mut check = Command::new(promtool);
    check
        .args(["check", "metrics"])
        .stdin(Stdio::from(std::fs::File::open(scraped.path()).unwrap()));
    let output = check.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert_eq!(String::from_utf8_lossy(&said), "");
    assert!(output.status.success());
}

#[tokio::test]
async fn the_format_and_the_encoding_are_negotiated() {
    let rig = rig().await;
    rig.daemon.until("figures", |m| m.sum(&format!("{TTFT}_count"), &[]) >= 5.0).await;
    let ask = async |name, value| rig.daemon.ask(Method::GET, "/metrics", &[(name, value)]).await;

    let text = rig.daemon.get("/metrics").await;
    assert_eq!(text.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert!(!text.text().contains("# EOF"), "{}", text.text());

    let open = ask("accept", "application/openmetrics-text;version=1.0.0").await;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(open.header("content-type"), kind);
    assert!(open.text().ends_with("# EOF\n"));
    let exemplar = r#"_bucket\{[^}]*\} [0-9]+ # \{[^}]*trace_id="[0-9a-f]{32}"[^}]*\} 0\.[0-9]+"#;
    assert!(regex::Regex::new(exemplar).unwrap().is_match(open.text()), "{}", open.text());

    // What Prometheus 3 sends where it may scrape native histograms.
    let prometheus = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;\
        encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;\
        escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
    let protobuf = ask("accept", prometheus).await;
    let kind = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; \
                encoding=delimited";
    assert_eq!(protobuf.header("content-type"), kind);

    for (encoding, magic) in [("gzip", &[0x1f, 0x8b][..]), ("zstd", &[0x28, 0xb5, 0x2f, 0xfd])] {
        let packed = ask("accept-encoding", encoding).await;
        assert_eq!(packed.header("content-encoding"), encoding);
        assert!(packed.body.starts_with(magic), "{:?}", &packed.body[..4]);
        assert!(packed.body.len() * 4 < text.body.len(), "{}", packed.body.len());
    }
    assert_eq!(text.header("content-encoding"), "");
}
