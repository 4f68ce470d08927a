//! What a target takes of memory: an upper bound that no change may exceed unnoticed.
//!
//! `cargo bench --profile dev --bench memory -- heap 1000` says where it is.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "common/eventually.rs"]
mod eventually;

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use eventually::{eventually, only_if};
use llm_prober::config::Config;
use llm_prober::daemon::{Daemon, Memory, network};
use llm_prober::memory::history::History;
use llm_prober::metrics::{Format, Metrics, MetricsOptions};
use llm_prober::transport::IoThreads;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// Heap bytes of a target with two workloads and an SLO, that was probed and scraped, without the
/// recordings of its probes, which have a limit of their own.
const MOST: usize = 48_000;

/// Targets that the bytes are divided by, and those that are there in any case.
const TARGETS: usize = 60;
const FEW: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_takes_little_memory() {
    let _profiler = dhat::Profiler::builder().testing().trim_backtraces(Some(4)).build();
    let server = serve();
    let (few, many) = (held(FEW, server).await, held(FEW + TARGETS, server).await);
    let each = many.saturating_sub(few) / TARGETS;
    assert!(each < MOST, "{each} bytes a target, expected less than {MOST}");
    // A bound that is far away holds nothing.
    assert!(each > MOST / 3, "{each} bytes a target: lower the bound of {MOST}");
}

/// Heap bytes that the daemon holds when each of so many targets was probed, and all scraped.
async fn held(targets: usize, server: SocketAddr) -> usize {
    let before = dhat::HeapStats::get().curr_bytes;
    let mut yaml = "defaults: {interval: 1s}\ntargets:\n".to_owned();
    for i in 0..targets {
        writeln!(yaml, "- {{name: node-{i:03}, url: 'http://{server}/v1', model: m}}").unwrap();
    }
    let config = Config::parse(&yaml, Path::new("test.yml"), Path::new("")).unwrap();
    let io = IoThreads::start(1).unwrap();
    let metrics = Metrics::new(MetricsOptions::default());
    let memory = Memory { history: Arc::new(History::new(0)), recorder: None };
    let clock = Arc::new(SystemTime::now);
    let daemon = Daemon::start_with(clock, memory, config, None, metrics, network(io)).unwrap();
    eventually("a probe of every target", async || {
        let config = daemon.config();
        let names = config.targets.iter().map(|target| target.name.as_str());
        let probed = names.filter(|name| !daemon.history.probes(name).is_empty()).count();
        only_if(probed == targets, probed)
    })
    .await;
    // More scrapes take no more memory.
    for _ in 0..3 {
        for format in Format::ALL {
            daemon.metrics.write(format, &mut io::sink()).unwrap();
        }
    }
    let held = dhat::HeapStats::get().curr_bytes.saturating_sub(before);
    daemon.drain().await;
    held
}

/// A server that holds next to nothing itself: a thread for each connection, and one answer for all.
fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            std::thread::spawn(move || answer(&connection.unwrap()));
        }
    });
    address
}

/// Answers each request, until the client closes the connection.
fn answer(connection: &TcpStream) -> io::Result<()> {
    let mut requests = BufReader::with_capacity(256, connection.try_clone()?);
    let mut body = String::new();
    for i in 0..16 {
        let _ = write!(
            body,
            "data: {{\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":\
             [{{\"index\":0,\"delta\":{{\"content\":\" word{i}\"}},\"finish_reason\":null}}]}}\n\n"
        );
    }
    body += "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":\
             [{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if requests.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
            if line.is_empty() {
                break;
            }
        }
        io::copy(&mut (&mut requests).take(length), &mut io::sink())?;
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length:";
        let mut connection = connection;
        connection.write_all(format!("{head} {}\r\n\r\n{body}", body.len()).as_bytes())?;
    }
}
