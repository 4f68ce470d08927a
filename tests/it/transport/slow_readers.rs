//! A reader who is slower than the server makes it wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use llm_prober::answer::recording::Ending;
use llm_prober::workload::Cancel;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio_util::sync::CancellationToken;

use crate::common::client::Client;
use crate::common::scripted::{CHUNKED, token};

/// More than is read in the time.
const MUCH: usize = 64 << 20;

/// Bytes that a server could send within two seconds, and those that were read.
async fn sent_and_read(reader: Option<Cancel>) -> (usize, usize) {
    let listener = TcpSocket::new_v4().unwrap();
    // Taken over by its connections: what the server's own system takes in is known and small.
    listener.set_send_buffer_size(16 << 10).unwrap();
    listener.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let listener = listener.listen(8).unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let sent = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&sent);
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert_ne!(stream.read(&mut vec![0; 1 << 16]).await.unwrap(), 0);
        let events = token("word").repeat(400);
        let _ = stream.write_all(CHUNKED.as_bytes()).await;
        while counted.load(Ordering::Relaxed) < MUCH {
            let Ok(n) = stream.write(events.as_bytes()).await else { return };
            // In the midst of an event or not: only the first events are looked at.
            counted.fetch_add(n, Ordering::Relaxed);
        }
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let client = Client::network(&url, ", timeout: 2s, max_body_size: 32MiB");
    let recording = client.exchange_read(reader, CancellationToken::new()).await;
    if reader.is_some() {
        assert_eq!(recording.ending, Ending::TimedOut);
    }
    let read = recording.chunks.iter().map(|chunk| chunk.bytes.len()).sum();
    (sent.load(Ordering::Relaxed), read)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_has_to_wait() {
    let slow = Cancel::Slow { bytes_per_second: 2000 };
    let (sent, read) = sent_and_read(Some(slow)).await;
    assert!(sent < read + 70_000, "{sent} bytes sent, {read} read");
    assert!((1..40_000).contains(&read), "{read} bytes read");
    let (_, usual) = sent_and_read(None).await;
    assert!(usual > 10 * read, "{usual} bytes read");
}
