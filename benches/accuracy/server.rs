//! The reference server: one thread, one epoll, one write per token, a heap of deadlines.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    fmt, io,
    io::Write,
    net::TcpListener,
    str::FromStr,
    time::{Duration, Instant},
};

use nix::sys::{
    epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout},
    socket::{Backlog, listen, setsockopt, sockopt},
};

use crate::connection::{Connection, Progress};

/// What every request is answered with.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Content tokens of one answer.
    pub tokens: u32,
    /// From the request to the first token.
    pub first: Duration,
    /// From one token to the next.
    pub gap: Duration,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{}", self.tokens, self.first.as_millis(), self.gap.as_millis())
    }
}

impl FromStr for Answer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fields: Vec<u32> = text.split(',').map_while(|field| field.parse().ok()).collect();
        let &[tokens, first, gap] = fields.as_slice() else {
            return Err(format!("expected TOKENS,FIRST_MS,GAP_MS, got '{text}'"));
        };
        let ms = |value: u32| Duration::from_millis(value.into());
        Ok(Self { tokens, first: ms(first), gap: ms(gap) })
    }
}

const LISTENER: u64 = 0;
const STDIN: u64 = 1;
/// So that a burst of deadlines does not keep requests waiting unread.
const SENDS_PER_POLL: usize = 32;

struct Server<'a> {
    answer: &'a Answer,
    listener: TcpListener,
    epoll: Epoll,
    connections: HashMap<u64, Connection>,
    next_id: u64,
    due: BinaryHeap<Reverse<(Instant, u64)>>,
    log: Vec<String>,
}

/// Serves until standard input closes, then prints the log: `ID RECEIVED SENT…` per request.
pub fn serve(answer: &Answer) -> io::Result<()> {
    allow_many_files()?;
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    listen(&listener, Backlog::MAXCONN)?; // std's own backlog drops a thousand at once
    listener.set_nonblocking(true)?;
    setsockopt(&listener, sockopt::ReceiveTimestampns, &true)?; // accepted sockets inherit it
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    epoll.add(&listener, EpollEvent::new(EpollFlags::EPOLLIN, LISTENER))?;
    epoll.add(io::stdin(), EpollEvent::new(EpollFlags::EPOLLIN, STDIN))?;
    println!("{}", listener.local_addr()?.port());
    let mut server = Server {
        answer,
        listener,
        epoll,
        connections: HashMap::new(),
        next_id: STDIN + 1,
        due: BinaryHeap::new(),
        log: Vec::new(),
    };
    server.run()?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    server.log.iter().try_for_each(|line| writeln!(out, "{line}"))?;
    out.flush()
}

fn allow_many_files() -> io::Result<()> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    Ok(setrlimit(Resource::Nofile, limit)?)
}

impl Server<'_> {
    fn run(&mut self) -> io::Result<()> {
        let mut events = [EpollEvent::empty(); 256];
        loop {
            let ready = match self.epoll.wait(&mut events, self.timeout()) {
                Ok(ready) => ready,
                Err(nix::errno::Errno::EINTR) => 0,
                Err(error) => return Err(error.into()),
            };
            for event in events.iter().take(ready) {
                match event.data() {
                    LISTENER => self.accept()?,
                    STDIN => return Ok(()),
                    id => self.read(id)?,
                }
            }
            self.send_due()?;
        }
    }

    /// Until the next deadline, in whole milliseconds rounded up: being late is logged, and
    /// does no harm, but a spinning server would take the core from the prober.
    fn timeout(&self) -> EpollTimeout {
        let Some(Reverse((deadline, _))) = self.due.peek() else { return EpollTimeout::NONE };
        let left = deadline.saturating_duration_since(Instant::now());
        u16::try_from(left.as_micros().div_ceil(1000)).unwrap_or(u16::MAX).into()
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            self.epoll.add(&stream, EpollEvent::new(EpollFlags::EPOLLIN, self.next_id))?;
            self.connections.insert(self.next_id, Connection::new(stream));
            self.next_id += 1;
        }
    }

    fn read(&mut self, id: u64) -> io::Result<()> {
        let Some(connection) = self.connections.get_mut(&id) else { return Ok(()) };
        match connection.read() {
            Ok(Progress::Incomplete) => {}
            Ok(Progress::Request) => {
                connection.begin()?;
                self.due.push(Reverse((Instant::now() + self.answer.first, id)));
            }
            Ok(Progress::Closed) => drop(self.connections.remove(&id)), // closing leaves epoll
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                self.connections.remove(&id);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn send_due(&mut self) -> io::Result<()> {
        for _ in 0..SENDS_PER_POLL {
            let Some(&Reverse((deadline, id))) = self.due.peek() else { return Ok(()) };
            if deadline > Instant::now() {
                return Ok(());
            }
            self.due.pop();
            let Some(connection) = self.connections.get_mut(&id) else { continue };
            match connection.send_token() {
                Ok(sent) if sent < self.answer.tokens as usize => {
                    // A server that is behind slips; a burst would share one stamp at the prober.
                    let earliest = Instant::now() + self.answer.gap / 2;
                    let next = (deadline + self.answer.gap).max(earliest);
                    self.due.push(Reverse((next, id)));
                }
                Ok(_) => self.log.extend(connection.end()?),
                Err(error) => {
                    eprintln!("reference server: a client left early: {error}");
                    self.connections.remove(&id);
                }
            }
        }
        Ok(())
    }
}
