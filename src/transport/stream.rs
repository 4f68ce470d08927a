//! What a connection runs over: plain or TLS, a socket or an in-memory pipe, all stamped.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio_rustls::client::TlsStream;

use super::socket::StampedSocket;
use super::stamps::Stamps;

/// The lowest layer: bytes to and from the server, each read and write noted.
#[derive(Debug)]
pub(super) enum Wire {
    Socket(StampedSocket),
    /// No kernel below it: reads carry task stamps.
    Pipe(DuplexStream, Stamps),
}

/// What HTTP is spoken over.
#[derive(Debug)]
pub(super) enum Layer {
    Plain(Wire),
    Tls(Box<TlsStream<Wire>>),
}

/// The stream hyper sees.
#[derive(Debug)]
pub(super) struct Stream {
    layer: Layer,
    stamps: Stamps,
}

impl Stream {
    pub fn new(layer: Layer, stamps: Stamps) -> Self {
        Self { layer, stamps }
    }

    /// Forgets who waits for it, before it is left alone.
    pub fn forget_waiting(&self) {
        let wire = match &self.layer {
            Layer::Plain(wire) => wire,
            Layer::Tls(stream) => stream.get_ref().0,
        };
        match wire {
            Wire::Socket(socket) => socket.forget_waiting(),
            // Of tests alone.
            Wire::Pipe(..) => {}
        }
    }
}

/// Calls a method of `AsyncRead`/`AsyncWrite` on whichever variant there is.
macro_rules! each {
    ($enum:ident { $($variant:ident),+ } $value:expr, $stream:ident => $call:expr) => {
        match $value { $($enum::$variant($stream, ..) => { let $stream = Pin::new($stream); $call })+ }
    };
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Socket(socket) => Pin::new(socket).poll_read(cx, buf),
            Self::Pipe(pipe, stamps) => {
                let before = buf.filled().len();
                std::task::ready!(Pin::new(pipe).poll_read(cx, buf))?;
                if buf.filled().len() > before {
                    stamps.read(None);
                }
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Socket(socket) => Pin::new(socket).poll_write(cx, bytes),
            Self::Pipe(pipe, stamps) => {
                stamps.before_write();
                let written = std::task::ready!(Pin::new(pipe).poll_write(cx, bytes));
                stamps.after_write();
                Poll::Ready(written)
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(Self { Socket, Pipe } self.get_mut(), s => s.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(Self { Socket, Pipe } self.get_mut(), s => s.poll_shutdown(cx))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        let before = buf.filled().len();
        std::task::ready!(each!(Layer { Plain, Tls } &mut me.layer, s => s.poll_read(cx, buf)))?;
        if buf.filled().len() > before {
            me.stamps.plaintext_read();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        each!(Layer { Plain, Tls } &mut self.get_mut().layer, s => s.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(Layer { Plain, Tls } &mut self.get_mut().layer, s => s.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(Layer { Plain, Tls } &mut self.get_mut().layer, s => s.poll_shutdown(cx))
    }
}
