//! The kernel's receive stamps.

use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt::ReceiveTimestampns,
};
use nix::sys::time::TimeSpec;

/// Reads with `recvmsg` and takes the kernel's stamp out of the control message.
#[derive(Debug)]
pub(super) struct Receiver {
    control: Vec<u8>,
}

impl Receiver {
    /// Asks for stamps on `socket`; where the kernel refuses, reads have none.
    pub fn enable(socket: &impl AsFd) -> Self {
        if let Err(error) = setsockopt(socket, ReceiveTimestampns, &true) {
            tracing::debug!(%error, "no kernel receive stamps on this socket");
        }
        Self { control: nix::cmsg_space!(TimeSpec) }
    }

    /// One read: its length, and the stamp as Unix nanoseconds.
    pub fn receive(
        &mut self,
        socket: &impl AsRawFd,
        buf: &mut [u8],
    ) -> io::Result<(usize, Option<i64>)> {
        let mut space = [IoSliceMut::new(buf)];
        let flags = MsgFlags::empty();
        let control = Some(self.control.as_mut_slice());
        let message = recvmsg::<()>(socket.as_raw_fd(), &mut space, control, flags)?;
        let stamp = message.cmsgs()?.find_map(|c| match c {
            ControlMessageOwned::ScmTimestampns(t) => {
                t.tv_sec().checked_mul(1_000_000_000)?.checked_add(t.tv_nsec())
            }
            _ => None,
        });
        Ok((message.bytes, stamp))
    }
}

/// The kernel stamps packets only while some socket asks for it, and begins a moment after the
/// first one does: too late for a quick answer on a fresh connection. One socket that always asks
/// keeps it stamping.
#[derive(Debug)]
pub(super) struct Stamping {
    /// Held open, not used any more.
    _socket: UdpSocket,
}

/// How often it is tried whether the kernel has begun, and the pause in between.
const ATTEMPTS: usize = 200;
const PAUSE: Duration = Duration::from_micros(500);

impl Stamping {
    /// Returns when the kernel has begun. Where it does not, reads carry task stamps, and say so.
    pub fn keep() -> Option<Self> {
        let kept = Self::begin();
        kept.inspect_err(|error| tracing::debug!(%error, "the kernel is not kept stamping")).ok()
    }

    fn begin() -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.connect(socket.local_addr()?)?; // so that nobody else can send to it
        socket.set_read_timeout(Some(PAUSE))?;
        let mut receiver = Receiver::enable(&socket);
        for _ in 0..ATTEMPTS {
            if is_stamped_on_arrival(&socket, &mut receiver)? {
                return Ok(Self { _socket: socket });
            }
            std::thread::park_timeout(PAUSE);
        }
        tracing::debug!("the kernel does not stamp packets when they arrive");
        Ok(Self { _socket: socket })
    }
}

/// A kernel that does not stamp yet, stamps a datagram when it is read.
fn is_stamped_on_arrival(socket: &UdpSocket, receiver: &mut Receiver) -> io::Result<bool> {
    socket.send(&[0])?;
    let sent = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    match receiver.receive(socket, &mut [0; 1]) {
        Ok((_, stamp)) => Ok(stamp.is_some_and(|t| u128::try_from(t).is_ok_and(|t| t <= sent))),
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(e) => Err(e),
    }
}
