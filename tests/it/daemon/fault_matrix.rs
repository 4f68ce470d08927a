//! Everything that servers, clients and operators do to a prober, all at once, with a healthy target
//! beside it that must not notice. docs/troubleshooting.md has the table.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::common::daemon::Program;
use crate::common::eventually::{eventually, only_if};
use crate::common::exposition::Exposition;
use crate::common::scripted::{CHUNKED, LAST_CHUNK, chunk, finish, token};
use crate::common::tls::TlsServer;
use crate::daemon::{Folder, simulator};

/// What is no failure.
const SUCCESS: &str = "success";

/// A server's faults, and what probes of it are counted as.
const SERVERS: [(&str, &[&str]); 24] = [
    ("refused", &["connect"]),
    ("name without address", &["resolve"]),
    ("reset when connected", &["connect", "truncated"]),
    ("reset after the request", &["truncated"]),
    ("reset in the head", &["truncated"]),
    ("reset in the answer", &["truncated"]),
    ("half open", &["timeout"]),
    ("plain HTTP for TLS", &["tls"]),
    ("expired certificate", &["tls"]),
    ("not HTTP", &["malformed"]),
    ("head, byte by byte", &["timeout"]),
    ("head without end", &["too_large"]),
    ("headers without number", &["too_large"]),
    ("interim answers without end", &["timeout"]),
    ("answer, byte by byte", &["timeout"]),
    ("answer that stops", &["stalled"]),
    ("pings without end", &["timeout"]),
    ("answer without end", &["too_large"]),
    ("one line without end", &["too_large"]),
    ("chunks of one byte", &["too_large"]),
    ("trailers without end", &[SUCCESS]),
    ("gzip bomb", &["malformed"]),
    ("nested JSON", &["malformed"]),
    ("counts beyond belief", &[SUCCESS]),
];

/// Plays a fault on one connection, until the client goes away.
async fn play(fault: &str, mut stream: TcpStream) -> std::io::Result<()> {
    if fault == "reset when connected" {
        return stream.set_zero_linger();
    }
    let mut request = [0; 16 << 10];
    if stream.read(&mut request).await? == 0 {
        return Ok(());
    }
    let json = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    match fault {
        "reset after the request" => stream.set_zero_linger()?,
        "reset in the head" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-").await?;
            stream.set_zero_linger()?;
        }
        "reset in the answer" => {
            stream.write_all((CHUNKED.to_owned() + &token("one")).as_bytes()).await?;
            stream.set_zero_linger()?;
        }
        "plain HTTP for TLS" => {
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await?;
        }
        "not HTTP" => stream.write_all(b"220 mail.example.com ESMTP\r\n").await?,
        "head, byte by byte" => slowly(&mut stream, b"HTTP/1.1 200 OK\r\nx: y").await?,
        "head without end" => endless(&mut stream, "HTTP/1.1 200 OK\r\nx: ", "yyyy").await?,
        "headers without number" => endless(&mut stream, "HTTP/1.1 200 OK\r\n", "x: y\r\n").await?,
        "interim answers without end" => {
            endless(&mut stream, "", "HTTP/1.1 102 Processing\r\n\r\n").await?;
        }
        "answer, byte by byte" => {
            stream.write_all(CHUNKED.as_bytes()).await?;
            slowly(&mut stream, chunk(": comment\n\n").as_bytes()).await?;
        }
        "answer that stops" => {
            stream.write_all((CHUNKED.to_owned() + &token("one")).as_bytes()).await?;
            stream.read_to_end(&mut Vec::new()).await?;
        }
        "pings without end" => {
            stream.write_all(CHUNKED.as_bytes()).await?;
            slowly(&mut stream, chunk(": ping\n\n").as_bytes()).await?;
        }
        "answer without end" => endless(&mut stream, CHUNKED, &token("one")).await?,
        "one line without end" => endless(&mut stream, CHUNKED, &chunk("yyyyyyyy")).await?,
        "chunks of one byte" => endless(&mut stream, CHUNKED, &chunk("\n")).await?,
        "trailers without end" => {
            let start = format!("{CHUNKED}{}{}0\r\n", token("one"), finish());
            endless(&mut stream, &start, "x: y\r\n").await?;
        }
        "gzip bomb" => {
            let head = format!("{json}content-encoding: gzip\r\ncontent-length: ");
            stream.write_all(format!("{head}{}\r\n\r\n", BOMB.len()).as_bytes()).await?;
            stream.write_all(&BOMB).await?;
        }
        "nested JSON" => {
            let body = "[".repeat(50_000);
            let head = format!("{json}content-length: {}\r\n\r\n", body.len());
            stream.write_all((head + &body).as_bytes()).await?;
        }
        "counts beyond belief" => {
            let event = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":18446744073709551615,\
                         \"completion_tokens\":18446744073709551615}}\n\n";
            let answer =
                format!("{CHUNKED}{}{}{}{LAST_CHUNK}", token("one"), chunk(event), finish());
            stream.write_all(answer.as_bytes()).await?;
        }
        // Half open: nothing is ever said.
        _ => drop(stream.read_to_end(&mut Vec::new()).await?),
    }
    Ok(())
}

/// Each byte with a pause before it, again and again.
async fn slowly(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    for byte in bytes.iter().cycle() {
        stream.write_all(&[*byte]).await?;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

async fn endless(stream: &mut TcpStream, start: &str, again: &str) -> std::io::Result<()> {
    stream.write_all(start.as_bytes()).await?;
    let many = again.repeat((32 << 10) / again.len());
    loop {
        stream.write_all(many.as_bytes()).await?;
    }
}

/// Some kilobytes that become many megabytes. Packed once: it takes its time.
static BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| {
    use std::io::Write as _;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![0; 1 << 20];
    (0..20).for_each(|_| packed.write_all(&zeros).unwrap());
    packed.finish().unwrap()
});

async fn server(fault: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(play(fault, stream));
        }
    });
    address
}

/// The name of a target.
fn name(fault: &str) -> String {
    fault.replace([' ', ','], "-")
}

/// Every counter of a scrape, by its series.
fn counters(scrape: &Exposition) -> BTreeMap<String, f64> {
    let text = scrape.text();
    let series = text.lines().filter(|line| !line.starts_with('#'));
    let series = series.filter_map(|line| line.rsplit_once(' '));
    let is_counter = |series: &str| {
        let name = series.split('{').next().unwrap_or_default();
        ["_total", "_count", "_sum", "_bucket"].iter().any(|end| name.ends_with(end))
    };
    let counters = series.filter(|(series, _)| is_counter(series));
    counters.map(|(series, value)| (series.to_owned(), value.parse().unwrap())).collect()
}

/// Looks at the daemon again and again, and at what must hold in each scrape.
pub(super) struct Watch {
    pub daemon: Program,
    /// With a connection for each scrape: one that is kept may be closed for others at any time, and
    /// who scrapes then takes another.
    scraper: reqwest::Client,
    before: BTreeMap<String, f64>,
    scrapes: usize,
}

impl Watch {
    /// Of a daemon with a target `healthy`.
    pub fn new(daemon: Program) -> Self {
        let scraper = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30));
        let scraper = scraper.pool_max_idle_per_host(0).build().unwrap();
        Self { daemon, scraper, before: BTreeMap::new(), scrapes: 0 }
    }

    pub async fn scrape(&mut self) -> Exposition {
        let url = format!("http://{}/metrics", self.daemon.address().await);
        let response = self.scraper.get(url).send().await.unwrap();
        let scrape = Exposition::parse(&response.text().await.unwrap());
        let now = counters(&scrape);
        for (series, value) in &now {
            let before = self.before.get(series).copied().unwrap_or(0.0);
            assert!(value.is_finite() && *value >= before, "{series}: {before}, then {value}");
        }
        let healthy = ["target=\"healthy\""];
        let failures = scrape.sum("llm_prober_probe_failures_total", &healthy);
        assert_eq!(failures, 0.0, "of the healthy target:\n{scrape}");
        self.before.extend(now);
        self.scrapes += 1;
        scrape
    }

    /// Scrapes until `seen` says yes.
    pub async fn until(&mut self, what: &str, seen: impl Fn(&Exposition) -> bool) -> Exposition {
        eventually(what, async || {
            let scrape = self.scrape().await;
            only_if(seen(&scrape), scrape)
        })
        .await
    }

    /// The healthy target goes on.
    pub async fn goes_on(&mut self) {
        let healthy = ["target=\"healthy\""];
        let probes = |scrape: &Exposition| scrape.sum("llm_prober_probes_total", &healthy);
        let before = probes(&self.scrape().await);
        self.until("probes of the healthy target", |scrape| probes(scrape) >= before + 5.0).await;
    }
}

/// Faults that no server makes.
const OTHERS: [&str; 4] = [
    "clients that are idle, never end their request or never read",
    "a configuration that changes all the time",
    "a pause of the process",
    "SIGTERM meanwhile",
];

/// Faults that have a test of their own: of the machine in `machine_faults`, and of this program among
/// those on virtual time.
const ALONE: [&str; 5] = [
    "a resolver that hangs for some names and is slow for others",
    "a clock that steps by an hour, forth and back",
    "a disk without room",
    "SIGKILL, again and again",
    "a panic in a target's probe",
];

/// The tables of the page, both ways: what stands there happens, and what happens stands there.
#[test]
fn the_table_has_every_fault() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/troubleshooting.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, section) = page.split_once("\n## What it survives\n").unwrap();
    let (_, servers) = section.split_once("\n| --- | --- |\n").unwrap();
    let (servers, others) = servers.split_once("\n| --- | --- |\n").unwrap();
    let rows = |table: &str| {
        let cells = |line: &str| {
            let cells = line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | ")?;
            Some((cells.0.to_owned(), cells.1.to_owned()))
        };
        table.lines().map_while(cells).collect::<Vec<_>>()
    };
    // A word of code is what a probe is counted as.
    let counted_as =
        |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<BTreeSet<_>>();
    let written: Vec<_> = rows(servers).iter().map(|(f, c)| (f.clone(), counted_as(c))).collect();
    let words = |words: &[&str]| words.iter().copied().map(str::to_owned).collect();
    let tested: Vec<_> =
        SERVERS.iter().map(|(f, reasons)| ((*f).to_owned(), words(reasons))).collect();
    assert_eq!(written, tested);
    let others: BTreeSet<_> = rows(others).into_iter().map(|(fault, _)| fault).collect();
    assert_eq!(others, OTHERS.into_iter().chain(ALONE).map(str::to_owned).collect());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_healthy_target_does_not_notice() {
    let healthy = simulator().await;
    let expired = TlsServer::expired("127.0.0.1").await;
    let mut targets =
        format!("- {{name: healthy, url: 'http://{healthy}/v1', model: simulated}}\n");
    for (fault, reasons) in SERVERS {
        let (scheme, address) = match fault {
            "refused" => ("http", refused().to_string()),
            "name without address" => ("http", format!("{}.test", "a".repeat(64))),
            "expired certificate" => ("https", expired.address.to_string()),
            "plain HTTP for TLS" => ("https", server(fault).await.to_string()),
            _ => ("http", server(fault).await.to_string()),
        };
        // What is no time-out has time enough on a busy machine.
        let timeout = if reasons.contains(&"timeout") { "2s" } else { "60s" };
        let limits =
            format!("timeout: {timeout}, stall_timeout: 2s, max_body_size: 64KiB, interval: 2s");
        let tls = match fault {
            "expired certificate" => format!(", tls: {{ca_file: '{}'}}", expired.ca_file.display()),
            _ => String::new(),
        };
        let name = name(fault);
        writeln!(
            targets,
            "- {{name: {name}, url: '{scheme}://{address}/v1', model: m, {limits}{tls}}}"
        )
        .unwrap();
    }
    let config = format!("defaults: {{interval: 200ms, max_in_flight: 8}}\ntargets:\n{targets}");
    let folder = Folder::with(&config);
    let daemon = Program::daemon([folder.flag(), "--web.max-connections=64".to_owned()]).await;
    let mut watch = Watch::new(daemon);
    watch.goes_on().await;
    let mut survived = Vec::new();

    // Servers, all at the same time.
    for (fault, reasons) in SERVERS {
        let target = format!("target=\"{}\"", name(fault));
        let probes = |m: &Exposition| m.sum("llm_prober_probes_total", &[&target]);
        let seen = watch.until(fault, |m| probes(m) >= 2.0).await;
        let failures = |reason: &&str| {
            let reason = format!("reason=\"{reason}\"");
            seen.sum("llm_prober_probe_failures_total", &[&target, &reason])
        };
        let failed = seen.sum("llm_prober_probe_failures_total", &[&target]);
        let succeeded = probes(&seen) - failed;
        let expected: f64 = reasons.iter().filter(|reason| **reason != SUCCESS).map(failures).sum();
        let may_succeed = reasons.contains(&SUCCESS);
        assert!(expected >= failed && (may_succeed || succeeded <= 0.0), "{fault}:\n{seen}");
        survived.push(fault);
    }

    clients(&mut watch).await;
    survived.push(OTHERS[0]);
    operators(&mut watch, &folder, &config).await;
    survived.push(OTHERS[1]);

    // All of it once more leaves nothing behind.
    let resident = |m: &Exposition| m.sum("process_resident_memory_bytes", &[]);
    let before = resident(&watch.scrape().await);
    clients(&mut watch).await;
    operators(&mut watch, &folder, &config).await;
    let most = before * 1.1;
    watch.until(&format!("{most} bytes at most"), |m| resident(m) <= most).await;

    pause(&mut watch, &folder, &config).await;
    survived.push(OTHERS[2]);

    watch.daemon.signal("TERM");
    let ended = watch.daemon.ended().await;
    assert_eq!(ended.code(), Some(0), "{}", watch.daemon.stderr());
    survived.push(OTHERS[3]);
    let tried = SERVERS.len() + OTHERS.len();
    println!("tried {tried}, survived {}, in {} scrapes", survived.len(), watch.scrapes);
    assert_eq!(survived.len(), tried);
}

/// Those that say nothing, never end their request, or never read their answer.
async fn clients(watch: &mut Watch) {
    let address = watch.daemon.address().await;
    let mut clients = Vec::new();
    for n in 0..200 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let begun = if n % 3 == 0 { "" } else { "GET /metrics HTTP/1.1\r\nhost: h\r\n" };
        let ended = if n % 3 == 1 { "\r\n" } else { "" };
        // The daemon may close it at any time.
        let _ = stream.write_all(format!("{begun}{ended}").as_bytes()).await;
        clients.push(stream);
    }
    watch.goes_on().await;
}

/// A file that is wrong, then another one, and so on.
async fn operators(watch: &mut Watch, folder: &Folder, config: &str) {
    for n in 0..10 {
        let broken = config.replace("interval: 200ms", "interval: soon");
        let changed = config.replace("interval: 2s", &format!("interval: {}ms", 2000 + n));
        folder.write("llm-prober.yml", if n % 2 == 0 { &broken } else { &changed });
        watch.daemon.signal("HUP");
        watch.scrape().await;
    }
    watch.goes_on().await;
}

/// Stops the process in the middle of an answer for longer than `stall_timeout`, while the server goes
/// on: that is neither a stall nor anything else that the server did.
async fn pause(watch: &mut Watch, folder: &Folder, config: &str) {
    let steady = Steady::start().await;
    let target = format!(
        "- {{name: steady, url: 'http://{}/v1', model: m, timeout: 240s, stall_timeout: 2s, \
         interval: 10s, max_in_flight: 1}}\n",
        steady.address
    );
    folder.write("llm-prober.yml", &(config.to_owned() + &target));
    watch.daemon.signal("HUP");
    steady.until("tokens", 20).await;
    watch.daemon.signal("STOP");
    // More than three seconds.
    steady.until("tokens meanwhile", steady.sent() + 160).await;
    watch.daemon.signal("CONT");
    steady.ends.store(true, Ordering::SeqCst);
    // One at a time: the first was judged before.
    eventually("the next probe", async || {
        let asked = steady.asked.load(Ordering::SeqCst);
        only_if(asked >= 2, asked)
    })
    .await;
    let late = ["target=\"steady\"", "reason=\"late\""];
    let seen = watch.scrape().await;
    assert!(seen.sum("llm_prober_probes_skipped_total", &late) >= 1.0, "{seen}");
    for counted in ["probes_total", "probe_failures_total", "slo_probes_total"] {
        assert_eq!(
            seen.sum(&format!("llm_prober_{counted}"), &["target=\"steady\""]),
            0.0,
            "{seen}"
        );
    }
    watch.goes_on().await;
}

/// A server that answers its first request with a token each 20 ms, and no other one.
struct Steady {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    sent: Arc<AtomicUsize>,
    /// The answer ends.
    ends: Arc<AtomicBool>,
}

impl Steady {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, sent, ends) =
            <(Arc<AtomicUsize>, Arc<AtomicUsize>, Arc<AtomicBool>)>::default();
        let server = Self { address, asked: asked.clone(), sent: sent.clone(), ends: ends.clone() };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = asked.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(answer(stream, number == 0, Arc::clone(&sent), Arc::clone(&ends)));
            }
        });
        server
    }

    fn sent(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }

    async fn until(&self, what: &str, tokens: usize) {
        eventually(what, async || only_if(self.sent() >= tokens, self.sent())).await;
    }
}

async fn answer(
    mut stream: TcpStream,
    answers: bool,
    sent: Arc<AtomicUsize>,
    ends: Arc<AtomicBool>,
) -> std::io::Result<()> {
    let mut request = [0; 16 << 10];
    if stream.read(&mut request).await? == 0 {
        return Ok(());
    }
    if !answers {
        return stream.read_to_end(&mut Vec::new()).await.map(drop);
    }
    stream.write_all(CHUNKED.as_bytes()).await?;
    while !ends.load(Ordering::SeqCst) {
        stream.write_all(token(" word").as_bytes()).await?;
        sent.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stream.write_all((finish() + LAST_CHUNK).as_bytes()).await
}

/// A port that was free a moment ago.
fn refused() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
