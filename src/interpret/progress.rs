//! How far an answer has come: what is waited for, and for how long. Read while the answer is under
//! way, and once more when it is judged, so that both agree on where it ended.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::answer::recording::{Ending, Offset};
use crate::answer::timeline::{Event, EventKind};
use crate::target::Target;
use crate::workload::Workload;

/// Choices beyond this number are taken for one: no request asks for so many.
const MAX_CHOICES: u32 = 128;

/// What the events of an answer amount to so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// The first content was read.
    begun: bool,
    /// The newest event that says that the server is at work.
    newest: Offset,
    /// The largest count of generated tokens that was reported.
    output: u64,
    /// Something is being generated that is not shown.
    hidden: bool,
    /// Events of the answer itself; reasoning may have a limit of its own, or none.
    answer_events: u64,
    /// Events of reasoning and answer.
    events: u64,
    /// The choices seen, and whether each has finished.
    choices: BTreeMap<u32, bool>,
    /// Where the answer ended, as far as is known.
    end: Option<Offset>,
    /// What an end is worth.
    trust: Trust,
}

/// How much an answer's end can be relied on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Trust {
    /// A finish reason says so.
    #[default]
    Usual,
    /// An end was taken back: this server puts finish reasons on whatever it sends.
    Doubtful,
    /// An end marker or an error says so: it cannot be taken back.
    Sealed,
}

/// What an answer is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaited {
    /// Its first content.
    Content,
    /// More of it, since this instant.
    Progress {
        /// When it last went on.
        since: Offset,
        /// What is being generated is not shown.
        hidden: bool,
    },
    /// What may follow a finished answer: usage, an end marker, the end of the body.
    Tail {
        /// When the answer finished.
        since: Offset,
        /// Whether more content is to be expected all the same.
        doubtful: bool,
    },
}

impl Progress {
    /// What these events amount to.
    pub fn of<'e>(events: impl IntoIterator<Item = &'e Event>) -> Self {
        let mut progress = Self::default();
        events.into_iter().for_each(|event| progress.note(event));
        progress
    }

    /// Takes the next event. Pings, roles, empty deltas and what was said before are no progress:
    /// a hung engine behind a gateway sends those for ever.
    pub fn note(&mut self, event: &Event) {
        let choice = event.choice.min(MAX_CHOICES);
        match &event.kind {
            EventKind::Content(_) | EventKind::Reasoning(_) | EventKind::ToolCall(_) => {
                self.begun = true;
                self.hidden = false;
                let reasoning = matches!(event.kind, EventKind::Reasoning(_));
                self.answer_events += u64::from(!reasoning);
                self.events += 1;
                self.choices.insert(choice, false);
                if self.trust != Trust::Sealed && self.end.take().is_some() {
                    self.trust = Trust::Doubtful;
                }
                self.newest = event.at;
            }
            EventKind::Results(_) => {
                self.begun = true;
                self.newest = event.at;
            }
            EventKind::Hidden => {
                self.hidden = true;
                self.newest = event.at;
            }
            EventKind::Usage(usage) => {
                if let Some(output) = usage.output.filter(|n| *n > self.output) {
                    self.output = output;
                    self.newest = event.at;
                }
            }
            EventKind::Finish(_) => {
                if self.choices.insert(choice, true) != Some(true) {
                    self.newest = event.at;
                }
                if self.choices.values().all(|finished| *finished) {
                    self.end.get_or_insert(event.at);
                }
            }
            EventKind::Done | EventKind::Error(_) => {
                // A finish reason that meant nothing was no end.
                let end = self.end.filter(|_| self.trust != Trust::Doubtful);
                self.end = end.or(Some(event.at));
                self.trust = Trust::Sealed;
            }
            EventKind::ServerTiming(_) => {}
        }
    }

    /// Whether the first content was read.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether the answer has come to its own end: every choice that was seen has finished and
    /// nothing came after that, or an end marker or an error was sent.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Tokens that have come: as the server counts them, where it does so as it goes, else one for
    /// each event.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        self.output.max(self.events)
    }

    /// Whether each choice has had more than so many events of answer, on average: then the server
    /// does not know the limit that it was asked to keep.
    #[must_use]
    pub fn is_beyond(&self, most_each: u64) -> bool {
        let choices = self.choices.len().max(1) as u64;
        !self.has_ended() && self.answer_events > most_each.saturating_mul(choices)
    }

    /// What is waited for.
    #[must_use]
    pub fn awaited(&self) -> Awaited {
        match self.end {
            Some(since) => Awaited::Tail { since, doubtful: self.trust == Trust::Doubtful },
            None if self.begun => Awaited::Progress { since: self.newest, hidden: self.hidden },
            None => Awaited::Content,
        }
    }
}

/// How long an answer is waited for, beside the time-out of the whole request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Until the first content, from the start of the probe.
    pub first_token: Option<Duration>,
    /// Without progress after the first content.
    pub stall: Option<Duration>,
    /// The same while something is generated that is not shown.
    pub hidden_stall: Option<Duration>,
    /// Until the end of the body, from the answer's own end.
    pub tail: Duration,
}

impl Patience {
    /// For one request to `target`. Whoever calls tools may be silent for as long as a tool takes,
    /// and so may who thinks in secret: then only a workload's own limit holds.
    #[must_use]
    pub fn new(target: &Target, workload: &Workload, offers_tools: bool) -> Self {
        let limits = &target.limits;
        let usual = Some(limits.stall_timeout).filter(|_| !offers_tools);
        Self {
            // An answer in one piece has no first token.
            first_token: limits.first_token_timeout.filter(|_| target.stream),
            stall: workload.stall_timeout.or(usual),
            hidden_stall: workload.stall_timeout,
            tail: limits.tail_timeout,
        }
    }

    /// Until when that is waited for, and how the exchange ends then.
    #[must_use]
    pub fn deadline(&self, awaited: Awaited) -> Option<(Offset, Ending)> {
        let after = |since: Offset, limit: Duration| {
            let nanos = i64::try_from(limit.as_nanos()).unwrap_or(i64::MAX);
            Offset(since.0.saturating_add(nanos))
        };
        match awaited {
            Awaited::Content => self
                .first_token
                .map(|limit| (after(Offset::default(), limit), Ending::FirstTokenTimedOut)),
            Awaited::Progress { since, hidden } => {
                let limit = if hidden { self.hidden_stall } else { self.stall };
                limit.map(|limit| (after(since, limit), Ending::Stalled))
            }
            Awaited::Tail { since, doubtful: false } => {
                Some((after(since, self.tail), Ending::TailTimedOut))
            }
            // Its next token may come as late as any token.
            Awaited::Tail { since, doubtful: true } => {
                self.stall.map(|limit| (after(since, limit.max(self.tail)), Ending::TailTimedOut))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::timeline::{Finish, ToolDelta, Usage};
    use crate::testing;

    fn text() -> EventKind {
        EventKind::Content("a".to_owned())
    }

    fn finish() -> EventKind {
        EventKind::Finish(Finish::Stop)
    }

    fn output(tokens: u64) -> EventKind {
        EventKind::Usage(Usage { output: Some(tokens), ..Usage::default() })
    }

    /// What is awaited after these events of these choices, the first at 1, the next at 2, …
    fn check(events: &[(u32, EventKind)], expect: Awaited) {
        let event = |(i, (choice, kind)): (i64, &(u32, EventKind))| Event {
            at: Offset(i),
            read: 0,
            frame: 0,
            choice: *choice,
            kind: kind.clone(),
        };
        let events: Vec<_> = (1..).zip(events).map(event).collect();
        assert_eq!(Progress::of(&events).awaited(), expect, "{events:?}");
    }

    fn progress(since: i64, hidden: bool) -> Awaited {
        Awaited::Progress { since: Offset(since), hidden }
    }

    fn tail(since: i64, doubtful: bool) -> Awaited {
        Awaited::Tail { since: Offset(since), doubtful }
    }

    #[test]
    fn an_answer_goes_on_by_what_is_new() {
        let reasoning = || EventKind::Reasoning("r".to_owned());
        let tool = || EventKind::ToolCall(ToolDelta { text: "t".to_owned(), calls: Vec::new() });
        check(&[], Awaited::Content);
        check(&[(0, output(0)), (0, EventKind::Hidden)], Awaited::Content);
        for first in [text(), reasoning(), tool()] {
            check(&[(0, first)], progress(1, false));
        }
        check(&[(0, text()), (0, output(1)), (0, output(2))], progress(3, false));
        check(&[(0, text()), (0, output(2)), (0, output(2)), (0, output(1))], progress(2, false));
        let timing = EventKind::ServerTiming(crate::answer::timeline::ServerTiming::default());
        check(&[(0, text()), (0, timing)], progress(1, false));
        check(&[(0, text()), (0, EventKind::Hidden)], progress(2, true));
        check(&[(0, text()), (0, EventKind::Hidden), (0, text())], progress(3, false));
    }

    #[test]
    fn an_answer_ends_when_every_choice_has_finished() {
        check(&[(0, text()), (0, finish())], tail(2, false));
        check(&[(0, text()), (1, text()), (0, finish())], progress(3, false));
        check(&[(0, text()), (1, text()), (0, finish()), (1, finish())], tail(4, false));
        check(&[(0, text()), (0, finish()), (0, output(1)), (0, finish())], tail(2, false));
        check(&[(0, text()), (0, EventKind::Done)], tail(2, false));
        check(&[(0, finish())], tail(1, false));
        check(&[(0, text()), (0, EventKind::Error(String::new()))], tail(2, false));
        // A repeated finish is no progress of the choice that has not.
        let repeated = [(0, text()), (1, text()), (0, finish()), (0, finish())];
        check(&repeated, progress(3, false));
    }

    #[test]
    fn content_after_a_finish_takes_it_back() {
        let every = [(0, text()), (0, finish()), (0, text())];
        check(&every, progress(3, false));
        let again: Vec<_> = every.iter().cloned().chain([(0, finish())]).collect();
        check(&again, tail(4, true));
        let done: Vec<_> = again.iter().cloned().chain([(0, EventKind::Done)]).collect();
        check(&done, tail(5, false));
        check(&[(0, EventKind::Done), (0, text())], tail(1, false));
    }

    #[test]
    fn choices_without_number_have_a_limit() {
        let events: Vec<_> = (0..10_000).map(|choice| (choice, text())).collect();
        let event = |(choice, kind): (u32, EventKind)| Event {
            at: Offset(1),
            read: 0,
            frame: 0,
            choice,
            kind,
        };
        let events: Vec<_> = events.into_iter().map(event).collect();
        assert_eq!(Progress::of(&events).choices.len(), 129);
    }

    #[test]
    fn how_long_each_is_waited_for() {
        let ms = |n: i64| Offset(n * 1_000_000);
        let mut target = testing::target("t");
        target.limits.first_token_timeout = Some(Duration::from_secs(30));
        let mut workload = Workload::clone(&target.workloads[0]);
        let usual = Patience::new(&target, &workload, false);
        let until = |patience: &Patience, awaited| patience.deadline(awaited);
        let waiting = |hidden| Awaited::Progress { since: ms(5), hidden };
        let stalled = |at| Some((ms(at), Ending::Stalled));
        let cut = |at| Some((ms(at), Ending::TailTimedOut));
        let none = Some((ms(30_000), Ending::FirstTokenTimedOut));
        assert_eq!(until(&usual, Awaited::Content), none);
        assert_eq!(until(&usual, waiting(false)), stalled(20_005));
        assert_eq!(until(&usual, waiting(true)), None, "it thinks in secret");
        let ended = |doubtful| Awaited::Tail { since: ms(5), doubtful };
        assert_eq!(until(&usual, ended(false)), cut(2_005));
        assert_eq!(until(&usual, ended(true)), cut(20_005));

        let tools = Patience::new(&target, &workload, true);
        assert_eq!(until(&tools, waiting(false)), None, "a tool takes its time");
        assert_eq!(until(&tools, ended(false)), cut(2_005));

        workload.stall_timeout = Some(Duration::from_secs(7));
        for offers_tools in [false, true] {
            let own = Patience::new(&target, &workload, offers_tools);
            assert_eq!(until(&own, waiting(false)), stalled(7_005));
            assert_eq!(until(&own, waiting(true)), stalled(7_005));
        }
        target.stream = false;
        let whole = Patience::new(&target, &workload, false);
        assert_eq!(until(&whole, Awaited::Content), None);
    }
}
