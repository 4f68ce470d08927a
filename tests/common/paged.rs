//! A simulated server whose metrics page does as it is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use llm_prober::transport::PipeDialer;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, copy_bidirectional};

use super::scripted::{Script, Seen, play};

/// Probes go on to `server`; the nth look at its page is answered by the nth script instead.
pub fn with_page(server: PipeDialer, page: Script) -> PipeDialer {
    let looks = Arc::new(AtomicUsize::new(0));
    Arc::new(move || {
        let (client, edge) = tokio::io::duplex(64 * 1024);
        tokio::spawn(route(edge, Arc::clone(&server), Arc::clone(&page), Arc::clone(&looks)));
        client
    })
}

async fn route(mut edge: DuplexStream, server: PipeDialer, page: Script, looks: Arc<AtomicUsize>) {
    let mut start = [0; 4];
    if edge.read_exact(&mut start).await.is_err() {
        return;
    }
    if start == *b"GET " {
        let look = looks.fetch_add(1, Ordering::Relaxed);
        return play(edge, page(look), Seen::default()).await;
    }
    let mut server = server();
    if server.write_all(&start).await.is_ok() {
        let _ = copy_bidirectional(&mut edge, &mut server).await;
    }
}
