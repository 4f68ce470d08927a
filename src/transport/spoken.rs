//! What a TCP port speaks, found out on a connection of its own.
//!
//! A TLS client's first message, with an empty line after it, tells TLS from plain HTTP whatever
//! else the port does with either. A TLS server answers in TLS. A server of plain HTTP has read a
//! request that is none, and says so. To a well-formed request in plain HTTP many TLS servers
//! would give an answer in plain HTTP as well; and without the empty line many plain ones say
//! nothing, because they wait for the end of what they take for the first line.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use url::Url;

use super::authority::host_and_port;
use super::resolver::Resolver;
use super::tls;
use crate::explain::Spoken;

/// A handshake that is silent for this long makes it worth a look whether it is one at all.
const SILENCE: Duration = Duration::from_secs(1);
/// The longest look.
const LOOK: Duration = Duration::from_secs(3);
/// Enough to tell.
const ENOUGH: usize = 16;

/// What the port of a URL speaks.
pub async fn at(url: &Url) -> Spoken {
    let Ok((host, port)) = host_and_port(url) else { return Spoken::Other };
    let found = Resolver::system().resolve(&host, port).await;
    let Some(address) = found.ok().and_then(|all| all.first().copied()) else {
        return Spoken::Other;
    };
    look(address, &host).await
}

/// What a port speaks to who asks for the server `name`.
pub async fn look(address: SocketAddr, name: &str) -> Spoken {
    timeout(LOOK, ask(address, name)).await.ok().flatten().unwrap_or(Spoken::Other)
}

/// Does `work`, which is TLS with this port, unless the port turns out to speak plain HTTP: then
/// it is given up, and there is no result. The work of who only waits for a slow server goes on.
pub async fn unless_plain<T>(
    work: impl Future<Output = T>,
    address: SocketAddr,
    name: &str,
) -> Option<T> {
    let silence = async {
        sleep(SILENCE).await;
        look(address, name).await
    };
    tokio::select! {
        biased;
        done = work => Some(done),
        Spoken::PlainHttp = silence => None,
    }
}

async fn ask(address: SocketAddr, name: &str) -> Option<Spoken> {
    let hello = hello(name)?;
    let mut tcp = TcpStream::connect(address).await.ok()?;
    tcp.write_all(&[&hello[..], b"\r\n\r\n"].concat()).await.ok()?;
    let mut answer = Vec::with_capacity(ENOUGH);
    loop {
        let read = tcp.read_buf(&mut answer).await;
        let spoken = spoken(&answer);
        // Not all that was sent is read everywhere: then a reset comes behind the answer.
        let over = !matches!(read, Ok(1..)) || answer.len() >= ENOUGH;
        if spoken != Spoken::Other || over {
            return Some(spoken);
        }
    }
}

/// A client's first message.
fn hello(name: &str) -> Option<Vec<u8>> {
    let config = Arc::new(tls::trusting_nobody().ok()?);
    let name = ServerName::try_from(name.to_owned()).ok()?;
    let mut client = ClientConnection::new(config, name).ok()?;
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).ok()?;
    Some(bytes)
}

fn spoken(answer: &[u8]) -> Spoken {
    let text = answer.to_ascii_lowercase();
    match answer {
        // A handshake message or an alert, of any version.
        [0x15 | 0x16, 0x03, ..] => Spoken::Tls,
        // Python's server leaves the head out where it could not read the request's version.
        _ if [&b"http/"[..], b"<!doctype html", b"<html"].iter().any(|s| text.starts_with(s)) => {
            Spoken::PlainHttp
        }
        _ => Spoken::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell() {
        let check = |answer: &[u8], expect| assert_eq!(spoken(answer), expect, "{answer:?}");
        check(b"\x16\x03\x03\x00\x7a\x02", Spoken::Tls);
        check(b"\x15\x03\x01\x00\x02\x02\x28", Spoken::Tls);
        check(b"HTTP/1.1 400 Bad Request\r\n", Spoken::PlainHttp);
        check(b"http/1.0 400", Spoken::PlainHttp);
        check(b"<!DOCTYPE HTML PUBLIC", Spoken::PlainHttp);
        check(b"SSH-2.0-OpenSSH_9.6\r\n", Spoken::Other);
        check(b"\x16", Spoken::Other);
        check(b"", Spoken::Other);
    }
}
