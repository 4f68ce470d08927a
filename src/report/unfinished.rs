//! What a probe was in the middle of when it was broken off. No figure: only phases that came to
//! their end are measured. But who looks for where the time went wants to see it.

use crate::answer::measure::{Measurement, Phase, PhaseSpan};
use crate::answer::recording::{Ending, Head, Recording};
use crate::probe::Probe;

/// The phase that did not come to its end, from the end of the one before to the end of the probe.
/// `None` where the exchange came to its end.
#[must_use]
pub fn unfinished(probe: &Probe) -> Option<PhaseSpan> {
    let (recording, m) = (&probe.recording, &probe.outcome.measurement);
    if matches!(recording.ending, Ending::Complete | Ending::TailTimedOut | Ending::Internal(_)) {
        return None;
    }
    let phase = phase(recording, m)?;
    let ends = m.phases.iter().map(PhaseSpan::end);
    let start = ends.max().unwrap_or_default().min(recording.ended);
    Some(PhaseSpan { phase, start, duration: recording.ended.since(start) })
}

/// `None` inside of an answer that is not streamed: no phase has a name there.
fn phase(recording: &Recording, m: &Measurement) -> Option<Phase> {
    let c = &recording.connection;
    let new = !c.reused;
    Some(match () {
        () if new && c.resolved.is_none() => Phase::Resolve,
        () if new && c.connected.is_none() => Phase::Connect,
        // Without TLS a request is sent as soon as there is a connection.
        () if new && c.tls_done.is_none() && recording.send.is_none() => Phase::Tls,
        () if recording.sent.is_none() => Phase::Send,
        () if recording.first_byte.is_none() => Phase::Processing,
        () if recording.head.as_ref().is_some_and(is_whole) => return None,
        () if m.finish.is_some() => Phase::Tail,
        () if m.content_at.is_empty() => Phase::FirstToken,
        () => Phase::Decode,
    })
}

/// Whether the answer comes in one piece.
fn is_whole(head: &Head) -> bool {
    !head.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::answer::recording::Offset;
    use crate::interpret::interpret;
    use crate::target::request::ProbeId;
    use crate::testing;

    /// What was unfinished, and for how many milliseconds.
    fn check(expect: Option<(Phase, u128)>, change: impl FnOnce(&mut Recording)) {
        let ms = |n: i64| Some(Offset(n * 1_000_000));
        let mut recording = Recording::begin(0);
        recording.connection.resolved = ms(1);
        recording.connection.connected = ms(2);
        (recording.send, recording.sent, recording.ended) = (ms(3), ms(4), Offset(104_000_000));
        recording.ending = Ending::TimedOut;
        change(&mut recording);
        let target = testing::target("t");
        let workload = Arc::clone(&target.workloads[0]);
        let outcome = interpret(&target, &workload, &workload.prompts[0], &recording);
        let probe = Probe::new(ProbeId::random(), workload, recording, outcome);
        let found = unfinished(&probe).map(|span| (span.phase, span.duration.as_millis()));
        assert_eq!(found, expect);
    }

    fn not_sent(recording: &mut Recording) {
        (recording.send, recording.sent) = (None, None);
    }

    #[test]
    fn the_time_until_the_failure_belongs_to_what_was_under_way() {
        check(Some((Phase::Processing, 100)), |_| {});
        check(Some((Phase::Send, 102)), |r| r.sent = None);
        check(Some((Phase::Tls, 102)), |r| {
            not_sent(r);
            r.ending = Ending::TlsFailed(String::new());
        });
        check(Some((Phase::Connect, 103)), |r| {
            not_sent(r);
            r.connection.connected = None;
            r.ending = Ending::ConnectFailed(String::new());
        });
        check(Some((Phase::Resolve, 104)), |r| {
            not_sent(r);
            (r.connection.resolved, r.connection.connected) = (None, None);
            r.ending = Ending::ResolveFailed(String::new());
        });
        check(None, |r| r.ending = Ending::Complete);
        check(None, |r| r.ending = Ending::TailTimedOut);
    }
}
