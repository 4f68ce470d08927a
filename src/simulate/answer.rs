//! Sends an answer token by token.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::Response;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;

use super::complaint::engine_failure;
use super::faults::Fault;
use super::generation::Generation;
use super::line::Ticket;
use super::reply::{Body, Dropped, with_body};
use super::simulator::Shared;

/// A write, or the order to drop the connection.
type Write = Result<Bytes, Dropped>;

/// The response that streams. Its head leaves at once; waiting in line is silence in the body.
pub(super) fn streamed(
    shared: Arc<Shared>,
    generation: Generation,
    ticket: Ticket,
) -> Response<Body> {
    let step = if generation.ailments.role_first { Step::EarlyRole } else { Step::Wait };
    let stream_type = generation.writer.stream_type();
    let (ticket, tail) = (Some(ticket), VecDeque::new());
    let answer = Box::new(Answer { shared, generation, ticket, step, tail, failed: false });
    let writes = stream::unfold(answer, |mut answer| async {
        let write = answer.next().await?;
        Some((write.map(Frame::data), answer))
    });
    with_body(stream_type, StreamBody::new(writes).boxed_unsync())
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    EarlyRole,
    Wait,
    Tokens,
    Tail,
    Done,
    Over,
}

struct Answer {
    shared: Arc<Shared>,
    generation: Generation,
    /// Given back with the last token.
    ticket: Option<Ticket>,
    step: Step,
    /// What is still to be written behind the last token.
    tail: VecDeque<String>,
    /// An error was sent.
    failed: bool,
}

impl Answer {
    /// The next write, at its time; `None` ends the body.
    async fn next(&mut self) -> Option<Write> {
        while self.step != Step::Over {
            let write = match self.step {
                Step::EarlyRole => self.early_role().await,
                Step::Wait => self.first().await,
                Step::Tokens => self.tokens().await,
                Step::Tail => self.tail().await,
                Step::Done => self.done().await,
                Step::Over => None,
            };
            if write.is_some() {
                return write;
            }
        }
        None
    }

    async fn early_role(&mut self) -> Option<Write> {
        self.step = Step::Wait;
        self.flush().await;
        self.opening()
    }

    fn opening(&self) -> Option<Write> {
        let opening = self.generation.writer.opening(self.generation.usage());
        opening.map(|opening| Ok(self.generation.writer.pack(opening)))
    }

    /// Queue and prefill. What opens the stream leaves together with the first token, in a write of its own.
    async fn first(&mut self) -> Option<Write> {
        if let Some(ticket) = &mut self.ticket {
            self.generation.begin(ticket.granted().await);
        }
        self.shared.clock.until(self.generation.due()).await;
        self.step = Step::Tokens;
        if self.generation.left() == 0 {
            self.complete();
        }
        if self.generation.ailments.role_first {
            return None;
        }
        self.opening()
    }

    async fn tokens(&mut self) -> Option<Write> {
        let mut events = String::new();
        for _ in 0..self.generation.ailments.burst.unwrap_or(1) {
            if self.step != Step::Tokens {
                break;
            }
            let fault = self.generation.breaks_now();
            if fault.is_some() && !events.is_empty() {
                break;
            }
            self.shared.clock.until(self.generation.due()).await;
            if let Some(fault) = fault {
                return self.broken(fault);
            }
            events.push_str(&self.generation.token());
            if self.generation.left() == 0 && self.generation.breaks_now().is_none() {
                self.complete();
            }
        }
        Some(Ok(self.generation.writer.pack(events)))
    }

    /// The model has nothing more to say; a limited answer has said so with its last token.
    fn complete(&mut self) {
        self.generation.finished();
        self.ticket = None;
        let (finish, usage) = (self.generation.finish(), self.generation.usage());
        self.tail = self.generation.writer.tail(finish, usage).into();
        self.step = Step::Tail;
    }

    fn broken(&mut self, fault: Fault) -> Option<Write> {
        self.ticket = None;
        self.step = Step::Over;
        match fault {
            Fault::ErrorEvent { .. } => {
                (self.step, self.failed) = (Step::Done, true);
                let writer = &self.generation.writer;
                Some(Ok(writer.pack(writer.error(&engine_failure()))))
            }
            Fault::CutJson { .. } => {
                let event = self.generation.token();
                let event = self.generation.writer.pack(event);
                Some(Ok(event.slice(..event.len() / 2)))
            }
            Fault::CutBody { .. } => Some(Err(Dropped)),
            _ => None,
        }
    }

    async fn tail(&mut self) -> Option<Write> {
        let Some(write) = self.tail.pop_front() else {
            self.step = Step::Done;
            return None;
        };
        self.flush().await;
        Some(Ok(self.generation.writer.pack(write)))
    }

    async fn done(&mut self) -> Option<Write> {
        let clock = self.shared.clock;
        clock.until(clock.now() + self.generation.ailments.slow_done).await;
        self.step = Step::Over;
        let writer = &self.generation.writer;
        writer.done(self.failed).map(|done| Ok(writer.pack(done)))
    }

    /// Lets what was written before leave on its own.
    async fn flush(&self) {
        tokio::task::yield_now().await;
    }
}
