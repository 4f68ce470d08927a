//! An answer under way, as it is watched from beside: the I/O thread hands over what it stores, and
//! whoever waits for the exchange reads it now and then and says when to give up. Nothing is
//! decoded on an I/O thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::stamps::since;
use crate::answer::recording::{Chunk, Ending, Head, Offset};
use crate::dialect::{Shape, SharedDialect};
use crate::interpret::decode::Decoder;
use crate::interpret::progress::{Awaited, Patience, Progress};
use crate::workload::Cancel;

/// How often an answer is looked at. Its limits are exact all the same: they are counted from the
/// stamps of what was read, and looked after at the very instant that they are reached. It only
/// says how soon an answer is known to have ended.
const TICK: Duration = Duration::from_millis(200);
const SHORTEST_TICK: Duration = Duration::from_millis(100);
/// The same where tokens are counted as they come.
const COUNTING_TICK: Duration = Duration::from_millis(20);

/// What to read an answer by.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Its language.
    pub dialect: SharedDialect,
    /// What was asked for.
    pub shape: Shape,
    /// An event's largest size.
    pub max_event_bytes: usize,
    /// How long to wait for what.
    pub patience: Patience,
    /// With more events of answer than this in each choice, the server does not keep the limit
    /// that it was asked to; `None` does not look.
    pub most_events: Option<u64>,
    /// When to stop reading an answer that has not come to its end, or how slowly to read.
    pub cancel: Option<Cancel>,
}

/// Whether a probe's answer has come to its own end, though its body may go on. The server has
/// done its work then, and another probe may begin.
#[derive(Debug, Clone, Default)]
pub struct Answered(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    begun: AtomicBool,
    answered: AtomicBool,
}

impl Answered {
    /// Whether it has.
    #[must_use]
    pub fn get(&self) -> bool {
        self.0.answered.load(Ordering::Relaxed)
    }

    /// Whether its first token has come, or its end.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.get() || self.0.begun.load(Ordering::Relaxed)
    }

    fn set(&self, begun: bool, answered: bool) {
        self.0.begun.store(begun, Ordering::Relaxed);
        self.0.answered.store(answered, Ordering::Relaxed);
    }
}

/// Shared by the exchange and its reader.
#[derive(Debug, Clone, Default)]
pub(super) struct Live(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    judged: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// When the exchange began.
    epoch: Option<Instant>,
    /// Counts the answers, and each one that is to come: a request may be sent once more.
    answer: u32,
    head: Option<Head>,
    /// What was not read yet.
    chunks: Vec<Chunk>,
    /// How many chunks of this answer there were.
    stored: usize,
    verdict: Option<Verdict>,
}

/// How to end the exchange.
#[derive(Debug)]
struct Verdict {
    ending: Ending,
    answer: u32,
    /// Only if no more chunks than these have come; `None` is final.
    over: Option<usize>,
}

impl Live {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock()
    }

    /// The exchange begins at this instant.
    pub fn begin(&self, epoch: Instant) {
        self.state().epoch = Some(epoch);
    }

    /// An answer begins.
    pub fn answer(&self, head: &Head) {
        self.start(Some(head.clone()));
    }

    /// What came was no answer to this request, which is sent once more.
    pub fn again(&self) {
        self.start(None);
    }

    fn start(&self, head: Option<Head>) {
        let mut state = self.state();
        let (epoch, answer) = (state.epoch, state.answer.wrapping_add(1));
        *state = State { epoch, answer, head, ..State::default() };
    }

    /// Some of its body was stored.
    pub fn stored(&self, chunk: &Chunk) {
        let chunk = chunk.clone();
        let mut state = self.state();
        state.chunks.push(chunk);
        state.stored += 1;
    }

    /// How the reader wants the exchange to end. To be polled after everything was read that had
    /// come: a first verdict over less than that is void, since the prober itself may have been
    /// held up.
    pub async fn verdict(&self) -> Ending {
        loop {
            let judged = self.0.judged.notified();
            {
                let mut state = self.state();
                let (answer, stored) = (state.answer, state.stored);
                if let Some(verdict) = state.verdict.take()
                    && verdict.answer == answer
                    && verdict.over.is_none_or(|over| over == stored)
                {
                    return verdict.ending;
                }
            }
            judged.await;
        }
    }
}

/// Reads along for as long as it is polled.
pub(super) async fn read_along(live: &Live, reading: Reading, answered: &Answered) {
    let usual = reading.patience.tail.clamp(SHORTEST_TICK, TICK);
    let tick = match reading.cancel {
        None | Some(Cancel::Slow { .. }) => usual,
        Some(Cancel::AfterOutputTokens(_)) => COUNTING_TICK,
        Some(Cancel::After(time)) => usual.min(time).max(COUNTING_TICK),
    };
    let mut reader = Reader::new(reading);
    // The deadline that was reached when it was looked at last.
    let mut reached = None;
    let mut timer = std::pin::pin!(tokio::time::sleep(tick));
    loop {
        timer.as_mut().await;
        let epoch = live.state().epoch;
        let deadline = reader.look(live);
        answered.set(reader.has_begun(), reader.has_ended());
        let now = Instant::now();
        let mut next = now + tick;
        if let Some((epoch, (at, ending))) = epoch.zip(deadline) {
            if at <= since(epoch) {
                // Whatever else may have come meanwhile, a reader who stops does not want it.
                let stops = ending == Ending::ReaderStopped;
                let over = Some(reader.read).filter(|_| reached != Some(at) && !stops);
                reached = Some(at);
                live.state().verdict = Some(Verdict { ending, answer: reader.answer, over });
                live.0.judged.notify_one();
                next = now + SHORTEST_TICK;
            } else {
                let nanos = u64::try_from(at.0).unwrap_or(0);
                next = next.min(epoch + Duration::from_nanos(nanos));
            }
        }
        timer.as_mut().reset(next);
    }
}

struct Reader {
    reading: Reading,
    /// Which answer is read.
    answer: u32,
    body: Body,
    /// How many of its chunks were read.
    read: usize,
    /// Changes places with the full one, so that the lock is held for a moment only.
    spare: Vec<Chunk>,
}

enum Body {
    /// No head has come.
    Awaited,
    /// The server refuses: there is no answer to wait for.
    Refusal,
    Answer(Box<Decoder>, Progress),
}

impl Reader {
    fn new(reading: Reading) -> Self {
        Self { reading, answer: 0, body: Body::Awaited, read: 0, spare: Vec::new() }
    }

    /// Reads what is new; until when to wait, and what then.
    fn look(&mut self, live: &Live) -> Option<(Offset, Ending)> {
        self.spare.clear();
        let head = {
            let mut state = live.state();
            std::mem::swap(&mut state.chunks, &mut self.spare);
            (state.answer != self.answer).then(|| {
                self.answer = state.answer;
                state.head.take()
            })
        };
        if let Some(head) = head {
            self.read = 0;
            self.body = self.body_of(head.as_ref());
        }
        self.read += self.spare.len();
        let awaited = match &mut self.body {
            Body::Awaited => Awaited::Content,
            Body::Refusal => return None,
            Body::Answer(decoder, progress) => {
                for chunk in &self.spare {
                    let known = decoder.events().len();
                    decoder.push(&chunk.bytes, chunk.arrival.task, chunk.arrival.read);
                    decoder.events()[known..].iter().for_each(|event| progress.note(event));
                }
                if let Some(most) = self.reading.most_events
                    && progress.is_beyond(most)
                {
                    let why = format!(
                        "the answer has more than {most} tokens, twice the limit: the server does \
                         not keep max_completion_tokens"
                    );
                    return Some((Offset::default(), Ending::TooLarge(why)));
                }
                if let Some(Cancel::AfterOutputTokens(tokens)) = self.reading.cancel
                    && !progress.has_ended()
                    && progress.tokens() >= tokens
                {
                    return Some((Offset::default(), Ending::ReaderStopped));
                }
                progress.awaited()
            }
        };
        let deadline = self.reading.patience.deadline(awaited);
        match self.reading.cancel {
            Some(Cancel::After(time)) if !matches!(awaited, Awaited::Tail { .. }) => {
                let nanos = i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
                let stops = (Offset(nanos), Ending::ReaderStopped);
                deadline.filter(|(at, _)| *at < stops.0).or(Some(stops))
            }
            // Of an answer under way, what does not come was not read.
            Some(Cancel::Slow { .. }) if matches!(awaited, Awaited::Progress { .. }) => None,
            _ => deadline,
        }
    }

    fn body_of(&self, head: Option<&Head>) -> Body {
        let Reading { dialect, shape, max_event_bytes, .. } = &self.reading;
        match head {
            None => Body::Awaited,
            Some(head) if (200..300).contains(&head.status) => {
                let decoder = Decoder::new(&**dialect, *shape, Some(head), *max_event_bytes);
                Body::Answer(Box::new(decoder), Progress::default())
            }
            Some(_) => Body::Refusal,
        }
    }

    fn has_begun(&self) -> bool {
        matches!(&self.body, Body::Answer(_, progress) if progress.has_begun())
    }

    fn has_ended(&self) -> bool {
        matches!(&self.body, Body::Answer(_, progress) if progress.has_ended())
    }
}
