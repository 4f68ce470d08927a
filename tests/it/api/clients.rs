//! Clients that do harm, by intent or carelessness.

use std::fmt::Write;
use std::net::SocketAddr;

use llm_prober::web::WebOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::api::Page;

const SCRAPE: &[u8] = b"GET /metrics HTTP/1.1\r\nhost: h\r\n\r\n";

async fn connect(page: &Page) -> TcpStream {
    let address = page.base.trim_start_matches("http://");
    TcpStream::connect(address).await.unwrap()
}

/// Some say nothing, others begin a request and never end it.
#[tokio::test]
async fn idle_connections_keep_no_scraper_out() {
    let options = WebOptions { max_connections: 8, ..WebOptions::FIGURES };
    let page = Page::of(crate::api::LIVELY, options).await;
    let mut idle = Vec::new();
    for n in 0..40 {
        let mut stream = connect(&page).await;
        if n % 2 == 0 {
            let _ = stream.write_all(b"GET /metrics HTT").await;
        }
        idle.push(stream);
    }
    for _ in 0..3 {
        let mut scraper = connect(&page).await;
        scraper.write_all(SCRAPE).await.unwrap();
        let mut start = [0; 12];
        scraper.read_exact(&mut start).await.unwrap();
        assert_eq!(&start, b"HTTP/1.1 200");
    }
    // Those in whose place they came have been closed.
    let mut closed = 0;
    for stream in &mut idle {
        let read = futures_util::FutureExt::now_or_never(stream.read(&mut [0; 1]));
        closed += usize::from(matches!(read, Some(Ok(0) | Err(_))));
    }
    assert!(closed >= 32, "{closed}");
}

/// A client whose system takes hardly anything for it.
async fn never_reads(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    stream.write_all(SCRAPE).await.unwrap();
    // The answer has begun.
    stream.readable().await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_never_read_keep_no_scraper_waiting() {
    let mut config = "defaults: {interval: 10h}\ntargets:\n".to_owned();
    for i in 0..60 {
        writeln!(config, "  - {{name: t{i:03}, url: 'http://{{server}}/v1', model: m}}").unwrap();
    }
    let page = Page::of(&config, WebOptions::default()).await;
    let address = page.base.trim_start_matches("http://").parse().unwrap();
    let mut silent = Vec::new();
    for _ in 0..12 {
        silent.push(never_reads(address).await);
    }
    let scrape = page.ask(reqwest::Method::GET, "/metrics").await;
    assert_eq!(scrape.status(), 200);
    let text = scrape.text().await.unwrap();
    assert!(text.len() > 1 << 20, "it fits into the buffers of the system: {}", text.len());
    assert!(text.contains("t059"));
}
