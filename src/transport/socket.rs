//! A TCP stream that notes the kernel's receive stamp of each read and the instant of each write.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

#[cfg(target_os = "linux")]
use super::kernel::Receiver;
use super::resources::Descriptor;
use super::stamps::Stamps;

/// Bytes taken from the kernel with one read: one TLS record, many tokens.
const READ_SIZE: usize = 16 * 1024;

thread_local! {
    /// Reads go here first: the reader's own buffer would have to be zeroed before each of them. One
    /// for all sockets of a thread, because nothing stays in it.
    static RECEIVED: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_SIZE].into_boxed_slice());
}

/// A stamped TCP stream.
#[derive(Debug)]
pub(super) struct StampedSocket {
    tcp: TcpStream,
    _descriptor: Descriptor,
    stamps: Stamps,
    #[cfg(target_os = "linux")]
    kernel: Receiver,
}

impl StampedSocket {
    /// Wraps a connected stream and asks the kernel for receive stamps; where it refuses, reads
    /// carry task stamps alone.
    pub fn new(tcp: TcpStream, descriptor: Descriptor, stamps: Stamps) -> Self {
        #[cfg(target_os = "linux")]
        let kernel = Receiver::enable(&tcp);
        Self {
            tcp,
            _descriptor: descriptor,
            stamps,
            #[cfg(target_os = "linux")]
            kernel,
        }
    }

    /// Forgets who waits for it. Else it holds the task that read last, with all its memory, for as
    /// long as nothing comes.
    pub fn forget_waiting(&self) {
        let mut nobody = Context::from_waker(Waker::noop());
        let _ = self.tcp.poll_read_ready(&mut nobody);
        let _ = self.tcp.poll_write_ready(&mut nobody);
    }

    /// As many bytes as there is space, at most: how many, and the kernel's stamp.
    #[cfg(target_os = "linux")]
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<(usize, Option<i64>)>> {
        let most = space.len();
        loop {
            std::task::ready!(self.tcp.poll_read_ready(cx))?;
            let (tcp, kernel, space) = (&self.tcp, &mut self.kernel, &mut *space);
            let mut received = None;
            let tried = tcp.try_io(tokio::io::Interest::READABLE, || {
                let (n, stamp) = kernel.receive(tcp, space)?;
                received = Some((n, stamp));
                // A short read has emptied the socket. Saying so spares the next attempt, half of
                // all system calls on a stream of tokens; new bytes raise a new event.
                if 0 < n && n < most { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
            });
            match (received, tried) {
                (Some(received), _) => return Poll::Ready(Ok(received)),
                (None, Err(e)) if e.kind() != io::ErrorKind::WouldBlock => {
                    return Poll::Ready(Err(e));
                }
                (None, _) => {}
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<(usize, Option<i64>)>> {
        let mut space = ReadBuf::new(space);
        std::task::ready!(Pin::new(&mut self.tcp).poll_read(cx, &mut space))?;
        Poll::Ready(Ok((space.filled().len(), None)))
    }
}

impl AsyncRead for StampedSocket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        let most = buf.remaining().min(READ_SIZE);
        RECEIVED.with_borrow_mut(|received| {
            let (n, kernel) = std::task::ready!(me.poll_receive(cx, &mut received[..most]))?;
            if n > 0 {
                me.stamps.read(kernel);
            }
            buf.put_slice(&received[..n]);
            Poll::Ready(Ok(()))
        })
    }
}

impl AsyncWrite for StampedSocket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let me = self.get_mut();
        me.stamps.before_write();
        let written = std::task::ready!(Pin::new(&mut me.tcp).poll_write(cx, bytes));
        me.stamps.after_write();
        Poll::Ready(written)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Wake;

    use tokio::net::TcpListener;
    use tokio::time::Instant;

    use super::*;

    struct Task;

    impl Wake for Task {
        fn wake(self: Arc<Self>) {}
    }

    #[tokio::test]
    async fn a_socket_at_rest_holds_no_task() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (_server, _) = listener.accept().await.unwrap();
        let stamps = Stamps::new(Instant::now());
        let descriptor = Descriptor::take().unwrap();
        let mut socket = StampedSocket::new(client, descriptor, stamps);
        let task = Arc::new(Task);
        let waker = Waker::from(Arc::clone(&task));
        let (mut bytes, mut cx) = ([0; 8], Context::from_waker(&waker));
        let polled = Pin::new(&mut socket).poll_read(&mut cx, &mut ReadBuf::new(&mut bytes));
        assert!(polled.is_pending());
        drop(waker);
        assert_eq!(Arc::strong_count(&task), 2, "whoever waits is known");
        socket.forget_waiting();
        assert_eq!(Arc::strong_count(&task), 1);
    }
}
