//! Connections that wait for their next request.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use super::exchange::{Connection, Parked};

/// An idle connection older than this may have been forgotten by a middlebox.
const MAX_AGE: Duration = Duration::from_secs(90);

/// The idle connections of one I/O thread to one target.
pub(super) struct Idle {
    /// With the instant since which each waits.
    connections: Mutex<Vec<(Instant, Parked)>>,
    most: usize,
    generation: AtomicU64,
}

impl Idle {
    pub fn new(most: usize) -> Self {
        Self { connections: Mutex::default(), most, generation: AtomicU64::new(0) }
    }

    /// Of the connections that are made now.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// No connection that was made until now is used for another request.
    pub fn forget(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.connections().clear();
    }

    fn connections(&self) -> MutexGuard<'_, Vec<(Instant, Parked)>> {
        self.connections.lock()
    }

    /// Whether one waits; to this address, where one is wanted.
    pub fn has(&self, address: Option<SocketAddr>) -> bool {
        self.connections().iter().any(|(_, connection)| connection.leads_to(address))
    }

    /// One that can carry a request, the youngest first.
    pub async fn take(&self, address: Option<SocketAddr>) -> Option<Connection> {
        loop {
            let (since, parked) = self.pop(address)?;
            if since.elapsed() < MAX_AGE
                && let Some(connection) = parked.wake().await
            {
                return Some(connection);
            }
        }
    }

    fn pop(&self, address: Option<SocketAddr>) -> Option<(Instant, Parked)> {
        let mut connections = self.connections();
        let found = connections.iter().rposition(|(_, c)| c.leads_to(address))?;
        Some(connections.remove(found))
    }

    pub fn park(&self, connection: Connection) {
        if connection.generation != self.generation() {
            return;
        }
        let Some(parked) = connection.park() else { return };
        let mut connections = self.connections();
        connections.retain(|(since, _)| since.elapsed() < MAX_AGE);
        if connections.len() < self.most {
            // One at a time: most targets never have a second.
            connections.reserve_exact(1);
            connections.push((Instant::now(), parked));
        }
    }

    /// Closes those to addresses that are of no use any more.
    pub fn retain(&self, is_of_use: impl Fn(SocketAddr) -> bool) {
        self.connections().retain(|(_, c)| c.address.is_none_or(&is_of_use));
    }
}

#[cfg(test)]
mod tests {
    use super::super::stamps::Stamps;
    use super::super::stream::{Layer, Stream, Wire};
    use super::*;

    #[tokio::test]
    async fn connections_to_addresses_of_no_use_are_closed() {
        let (idle, mut servers) = (Idle::new(9), Vec::new());
        let address = |n: u8| SocketAddr::from(([127, 0, 0, n], 80));
        for n in 1..=3 {
            let (client, server) = tokio::io::duplex(64);
            let stamps = Stamps::new(Instant::now());
            let layer = Layer::Plain(Wire::Pipe(client, stamps.clone()));
            let mut connection =
                Connection::new(Stream::new(layer, stamps.clone()), stamps).await.unwrap();
            connection.address = Some(address(n));
            idle.park(connection);
            servers.push(server);
        }
        idle.retain(|kept| kept != address(2));
        let open: Vec<_> = (1..=3).map(|n| idle.has(Some(address(n)))).collect();
        assert_eq!(open, [true, false, true]);
        let mut closed = servers.remove(1);
        assert_eq!(tokio::io::AsyncReadExt::read(&mut closed, &mut [0]).await.unwrap(), 0);
        let taken = idle.take(Some(address(1))).await;
        assert_eq!(taken.and_then(|c| c.address), Some(address(1)));
        assert!(idle.take(Some(address(1))).await.is_none() && idle.has(None));
    }
}
