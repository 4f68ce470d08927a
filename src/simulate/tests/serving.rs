//! Over TCP on loopback: listening, shutdown, connection limit.

use clap::Parser;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::*;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    simulate: SimulateArgs,
}

fn args(line: &str) -> Result<SimulateArgs, String> {
    let words = std::iter::once("simulate").chain(line.split_whitespace());
    Cli::try_parse_from(words).map(|cli| cli.simulate).map_err(|error| error.to_string())
}

/// A quick server on a free port: its address, a way to stop it, and its end.
async fn server(
    config: SimulatorConfig,
) -> (std::net::SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    let listener = bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let (stop, stopped) = oneshot::channel::<()>();
    let simulator = Simulator::new(config);
    let task = tokio::spawn(async move {
        simulator.serve(listener, async { drop(stopped.await) }).await;
    });
    (address, stop, task)
}

fn quick() -> SimulatorConfig {
    SimulatorConfig { ttft: MS, itl: MS, ..exact() }
}

async fn ask(stream: &mut TcpStream) {
    let request = "POST /v1/completions HTTP/1.1\r\nhost: s\r\ncontent-length: 28\r\n\r\n\
                   {\"prompt\":\"x\",\"stream\":true}";
    stream.write_all(request.as_bytes()).await.expect("written");
}

async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    while !text.contains(end) {
        let length = stream.read(&mut buffer).await.expect("read");
        if length == 0 {
            break;
        }
        text.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    text
}

#[tokio::test]
async fn an_open_answer_ends_before_the_server_does() {
    let (address, stop, task) = server(quick()).await;
    let mut stream = TcpStream::connect(address).await.expect("connected");
    ask(&mut stream).await;
    read_until(&mut stream, "data: ").await;
    stop.send(()).expect("running");
    let rest = read_until(&mut stream, "\r\n0\r\n\r\n").await;
    assert!(rest.contains("[DONE]"), "{rest}");
    task.await.expect("no panic");
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn an_answer_that_outlasts_the_drain_is_cut_off() {
    let endless =
        SimulatorConfig { itl: Duration::from_secs(3600), drain: Duration::ZERO, ..quick() };
    let (address, stop, task) = server(endless).await;
    let mut stream = TcpStream::connect(address).await.expect("connected");
    ask(&mut stream).await;
    read_until(&mut stream, "data: ").await;
    stop.send(()).expect("running");
    task.await.expect("no panic");
    assert!(!read_until(&mut stream, "\r\n0\r\n\r\n").await.contains("[DONE]"));
}

#[tokio::test]
async fn connections_beyond_the_limit_wait() {
    let (address, stop, task) = server(SimulatorConfig { max_connections: 1, ..quick() }).await;
    let mut first = TcpStream::connect(address).await.expect("connected");
    ask(&mut first).await;
    read_until(&mut first, "[DONE]").await;
    let mut second = TcpStream::connect(address).await.expect("in the backlog");
    ask(&mut second).await;
    ask(&mut first).await;
    assert!(read_until(&mut first, "[DONE]").await.contains("[DONE]"));
    assert!(second.try_read(&mut [0; 16]).is_err(), "nothing to read yet");
    drop(first);
    assert!(read_until(&mut second, "[DONE]").await.contains("[DONE]"));
    stop.send(()).expect("running");
    drop(second);
    task.await.expect("no panic");
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = taken.local_addr().expect("bound").to_string();
    let args = args(&format!("--listen-address {address}")).expect("good flags");
    let error = run(args, std::future::ready(())).await.expect_err("in use").to_string();
    assert!(error.starts_with(&format!("cannot listen on {address}: ")), "{error}");
}

#[tokio::test]
async fn run_ends_with_its_shutdown() {
    let args = args("--listen-address 127.0.0.1:0").expect("good flags");
    run(args, std::future::ready(())).await.expect("no error");
}

#[test]
fn flags_set_the_simple_case() {
    let line = "--ttft 250ms --itl 5ms --slots 3 --queue 9 --jitter 0.2 --seed 4 --model m \
                --prefill-rate 1000 --answer-tokens 7 --no-usage --prefix-cache";
    let expect = SimulatorConfig {
        ttft: 250 * MS,
        itl: 5 * MS,
        slots: 3,
        queue: 9,
        jitter: 0.2,
        seed: 4,
        model: "m".to_owned(),
        prefill_rate: Some(1000.0),
        answer_tokens: 7,
        usage: false,
        prefix_cache: true,
        ..SimulatorConfig::default()
    };
    assert_eq!(args(line).expect("good flags").resolve(), Ok(expect));
    let defaults = args("").expect("no flags").resolve();
    assert_eq!(defaults, Ok(SimulatorConfig::default()));
}

#[test]
fn flags_win_over_the_file() {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    let text = "ttft: 300ms\nitl: 20ms\nusage: false\nslots: 2\n";
    std::io::Write::write_all(&mut file, text.as_bytes()).expect("written");
    let line = format!("--config {} --itl 7ms --usage", file.path().display());
    let config = args(&line).expect("good flags").resolve().expect("a good file");
    assert_eq!((config.ttft, config.itl), (300 * MS, 7 * MS));
    assert_eq!((config.slots, config.usage), (2, true));
}

#[test]
fn bad_flags_are_told_what_was_expected() {
    for (line, expect) in [
        ("--ttft 200", "expected a duration with a unit, such as 15s, 500ms or 30d"),
        ("--itl 2h", "expected at most 1h"),
        ("--jitter 3", "expected a number from 0 to 2"),
        ("--slots 0", "0 is not in 1..=100000"),
    ] {
        let error = args(line).expect_err(line);
        assert!(error.contains(expect), "{error}");
    }
    let missing = args("--config /no/such/file.yml").expect("good flags").resolve();
    let error = missing.expect_err("no such file").to_string();
    assert!(error.starts_with("/no/such/file.yml: cannot be read: "), "{error}");
}
