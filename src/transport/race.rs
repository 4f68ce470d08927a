//! Happy eyeballs (RFC 8305): an address that does not answer at once is raced by the next one, so
//! that one black hole among them costs a quarter of a second, not a time-out.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use thiserror::Error;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::Instant;

use super::resources::{Descriptor, is_exhausted};
use super::stamps::since;
use crate::answer::recording::Ending;

/// Addresses of one name that are tried at most.
const MAX_ATTEMPTS: usize = 8;

/// How long one address may take before the next one joins in: the RFC's recommendation.
const HEAD_START: Duration = Duration::from_millis(250);

/// Bytes that a connection holds for a reader who is slower than the server. The system makes of it
/// what it can.
const SMALL_BUFFER: u32 = 4096;

/// How much of an answer the system takes in before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Buffer {
    /// As it does for every program.
    Usual,
    /// As little as can be.
    Small,
}

/// Who answered first.
pub(super) struct Winner {
    pub tcp: TcpStream,
    pub descriptor: Descriptor,
    pub address: SocketAddr,
    /// How long its own handshake took.
    pub handshake: Duration,
}

/// In the order in which they are tried: families take turns, the first one's family begins.
pub(super) fn interleaved(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let Some(first) = addresses.first() else { return Vec::new() };
    let of_first = |address: &&SocketAddr| address.is_ipv4() == first.is_ipv4();
    let mut others = addresses.iter().filter(|address| !of_first(address));
    let mut order = Vec::new();
    for address in addresses.iter().filter(of_first) {
        order.push(*address);
        order.extend(others.next());
    }
    order.extend(others);
    order.truncate(MAX_ATTEMPTS);
    order
}

/// Connects to whichever answers first; the other attempts are dropped.
pub(super) async fn connect(addresses: &[SocketAddr], buffer: Buffer) -> Result<Winner, Ending> {
    let mut waiting = addresses.iter();
    let mut attempts = FuturesUnordered::new();
    let mut problems = Vec::<AttemptError>::new();
    let mut next = Instant::now();
    loop {
        tokio::select! {
            biased;
            Some(ended) = attempts.next(), if !attempts.is_empty() => match ended {
                Ok(winner) => return Ok(winner),
                Err(problem) => {
                    problems.push(problem);
                    next = Instant::now();
                }
            },
            () = tokio::time::sleep_until(next), if waiting.len() > 0 => {
                attempts.extend(waiting.next().map(|address| attempt(*address, buffer)));
                next = Instant::now() + HEAD_START;
            }
            else => {
                if problems.iter().any(AttemptError::is_own) {
                    return Err(Ending::NoDescriptor);
                }
                let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
                return Err(Ending::ConnectFailed(problems.join("; ")));
            }
        }
    }
}

/// Why one address gave no connection.
#[derive(Debug, Error)]
enum AttemptError {
    #[error("{address}: {error}")]
    System { address: SocketAddr, error: std::io::Error },
    #[error("{0}: as many connections are open as the limit of open files allows")]
    NoDescriptor(SocketAddr),
}

impl AttemptError {
    /// Whether it says nothing about the address.
    fn is_own(&self) -> bool {
        match self {
            Self::System { error, .. } => is_exhausted(error),
            Self::NoDescriptor(_) => true,
        }
    }
}

async fn attempt(address: SocketAddr, buffer: Buffer) -> Result<Winner, AttemptError> {
    let begun = Instant::now();
    let problem = |error| AttemptError::System { address, error };
    let descriptor = Descriptor::take().ok_or(AttemptError::NoDescriptor(address))?;
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    };
    let socket = socket.map_err(problem)?;
    if buffer == Buffer::Small {
        socket.set_recv_buffer_size(SMALL_BUFFER).map_err(problem)?;
    }
    let tcp = socket.connect(address).await.map_err(problem)?;
    let handshake = since(begun).since(crate::answer::recording::Offset::default());
    tcp.set_nodelay(true).map_err(problem)?;
    Ok(Winner { tcp, descriptor, address, handshake })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    fn addresses(text: &[&str]) -> Vec<SocketAddr> {
        text.iter().map(|a| a.parse().unwrap()).collect()
    }

    #[test]
    fn families_take_turns() {
        let check = |given: &[&str], expect: &[&str]| {
            assert_eq!(interleaved(&addresses(given)), addresses(expect));
        };
        let [four, other, third] = ["1.1.1.1:80", "1.1.1.2:80", "1.1.1.3:80"];
        let [six, second] = ["[2::1]:80", "[2::2]:80"];
        check(&[], &[]);
        check(&[four, other, third], &[four, other, third]);
        check(&[six, second, four, other, third], &[six, four, second, other, third]);
        check(&[four, other, third, six], &[four, six, other, third]);
        let many: Vec<_> = (1..=20).map(|i| format!("1.1.1.{i}:80")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        check(&many, &many[..8]);
    }

    /// A listener whose queue is full: the kernel leaves further handshakes without an answer.
    /// Everything returned has to be kept.
    async fn black_hole() -> (SocketAddr, TcpListener, Vec<TcpStream>) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut queued = Vec::new();
        let soon = Duration::from_millis(200);
        while let Ok(Ok(tcp)) = tokio::time::timeout(soon, TcpStream::connect(address)).await {
            queued.push(tcp);
            assert!(queued.len() < 100, "the queue never fills");
        }
        (address, listener, queued)
    }

    async fn listener() -> (SocketAddr, TcpListener) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        (listener.local_addr().unwrap(), listener)
    }

    #[tokio::test]
    async fn a_black_hole_is_overtaken() {
        let (hole, _held, _queued) = black_hole().await;
        let (good, _listener) = listener().await;
        for addresses in [vec![hole, good], vec![hole, hole, good], vec![good, hole]] {
            let winner =
                connect(&addresses, Buffer::Usual).await.unwrap_or_else(|e| panic!("{e:?}"));
            assert_eq!((winner.address, winner.tcp.peer_addr().unwrap()), (good, good));
            // Its own time, not that of the race.
            assert!(winner.handshake < HEAD_START * u32::try_from(addresses.len()).unwrap());
        }
    }

    /// On the clock of the test: the network is not asked for longer than the head starts.
    #[tokio::test]
    async fn whoever_fails_gives_way_at_once_and_is_named() {
        let (address, listener) = listener().await;
        drop(listener);
        let (good, _listener) = self::listener().await;
        let refused = [address, address, address];
        let begun = Instant::now();
        let winner = connect(&[&refused[..], &[good]].concat(), Buffer::Usual).await;
        assert_eq!(winner.map(|w| w.address).ok(), Some(good));
        assert!(begun.elapsed() < 3 * HEAD_START, "nobody was waited for");
        let Err(Ending::ConnectFailed(why)) = connect(&refused, Buffer::Usual).await else {
            panic!("connected")
        };
        assert_eq!(why.matches(&format!("{address}: ")).count(), 3, "{why}");
    }
}
