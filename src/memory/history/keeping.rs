//! The history across restarts: what is to be written, and back again.

use std::collections::HashMap;
use std::sync::Arc;

use super::held::Held;
use super::mark::Mark;
use super::past::Past;
use super::saved::{self, Key, Kind, RowError};
use super::unsaved::Unsaved;
use super::{History, Inner, Summary, packed};
use crate::memory::state::Rows;
use crate::target::Target;

/// What a row is made from. A recording takes its time, so that is done without the lock.
enum Source {
    Bytes(Option<Vec<u8>>),
    Recording(Arc<Held>),
}

impl History {
    /// Goes on from what was written down, as far as these targets are concerned, and notes from now
    /// on what is to be written.
    pub fn restore(&self, rows: Vec<(Vec<u8>, Vec<u8>)>, targets: &[Arc<Target>]) {
        let targets: HashMap<&str, &Arc<Target>> =
            targets.iter().map(|target| (target.name.as_str(), target)).collect();
        let mut inner = self.inner();
        let mut unsaved = Unsaved::default();
        let mut recordings = Vec::new();
        let mut unreadable = 0_u64;
        for (key, value) in rows {
            let Some(key) = Key::read(&key) else {
                unsaved.all = true; // nothing of it can be addressed but with everything
                unreadable += 1;
                continue;
            };
            let Some(&target) = targets.get(&*key.target) else {
                unsaved.target_gone(&key.target);
                continue;
            };
            if key.kind == Kind::Recording {
                recordings.push((key, value, target));
            } else if let Err(why) = inner.take_up(&key, &value, target) {
                tracing::debug!(target = %key.target, kind = ?key.kind, %why, "a row of the history");
                unreadable += 1;
                unsaved.row(&key.target, key.kind, key.number);
            }
        }
        // The oldest come first, so that those give way that do not fit.
        recordings.sort_by_key(|(key, ..)| key.number);
        for (key, value, target) in recordings {
            let number = key.number.cast_unsigned();
            let expected =
                inner.pasts.get(&key.target).is_some_and(|p| p.failure(number).is_some());
            let flight = saved::flight(&value, target);
            unreadable += u64::from(flight.is_err());
            let flight = flight.ok().filter(|_| expected);
            match flight.and_then(|flight| self.hold(flight)) {
                Some(held) => {
                    for (gone, flight) in inner.notable.add(number, held) {
                        let name: Arc<str> = flight.target().name.as_str().into();
                        unsaved.row(&name, Kind::Recording, gone.cast_signed());
                    }
                }
                None => {
                    unsaved.row(&key.target, key.kind, key.number);
                }
            }
        }
        if unreadable > 0 {
            tracing::warn!(
                "{unreadable} rows of the saved history cannot be read and are left out"
            );
        }
        inner.unsaved = Some(unsaved);
    }

    /// What is to be written since the last call; nothing where nothing is kept. What could not be
    /// written is to be given back by [`History::not_saved`].
    #[must_use]
    pub fn take_unsaved(&self) -> Unsaved {
        self.inner().unsaved.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// It could not be written, and is to be written still; `lost`: nor is there anything of what was
    /// written before.
    pub fn not_saved(&self, earlier: Unsaved, lost: bool) {
        if let Some(unsaved) = &mut self.inner().unsaved {
            unsaved.and_earlier(if lost { Unsaved::everything() } else { earlier });
        }
    }

    /// The rows for it, as they are now.
    #[must_use]
    pub fn rows(&self, unsaved: &Unsaved) -> Rows {
        let mut rows = Rows::default();
        let mut sources = Vec::new();
        {
            let inner = self.inner();
            if unsaved.all {
                rows.cleared.push(Vec::new());
                sources.extend(inner.keys().map(|key| (key.bytes(), inner.source(&key))));
            } else {
                rows.cleared.extend(unsaved.gone.iter().map(|name| saved::prefix(name)));
                sources.extend(unsaved.keys.iter().map(|key| (key.bytes(), inner.source(key))));
            }
        }
        for (key, source) in sources {
            let value = match source {
                Source::Bytes(bytes) => bytes,
                Source::Recording(held) => held.flight().and_then(|f| saved::recording(&f)),
            };
            // Where everything is cleared, nothing need be removed.
            if value.is_some() || !unsaved.all {
                rows.changed.insert(key, value);
            }
        }
        rows
    }

    /// Remembers a moment of a target's past.
    pub fn mark(&self, target: &str, mark: Mark) {
        let mut inner = self.inner();
        let number = inner.number();
        let name = inner.name_of(target);
        let gone = inner.past(&name).marks.add(number, mark);
        for number in gone.into_iter().chain([number]) {
            inner.changed(&name, Kind::Mark, [number.cast_signed()]);
        }
    }
}

impl Inner {
    /// Notes what is to be written, where anything is.
    pub(super) fn changed(
        &mut self,
        target: &Arc<str>,
        kind: Kind,
        numbers: impl IntoIterator<Item = i64>,
    ) {
        if let Some(unsaved) = &mut self.unsaved {
            numbers.into_iter().for_each(|number| unsaved.row(target, kind, number));
        }
    }

    fn take_up(&mut self, key: &Key, value: &[u8], target: &Arc<Target>) -> Result<(), RowError> {
        let number = key.number.cast_unsigned();
        let past = self.past(&key.target);
        match key.kind {
            Kind::Minute => past.minutes.restore(key.number, packed::tally(value)?),
            Kind::Hour => past.hours.restore(key.number, value)?,
            Kind::Failure => {
                let summary: Summary = saved::summary(value, target)?;
                if summary.reason.is_none() {
                    return Err(RowError::NoReason);
                }
                past.add(number, Arc::new(summary));
                self.next = self.next.max(number.saturating_add(1));
            }
            Kind::Last => {
                let summary: Summary = saved::summary(value, target)?;
                // A failure is among those already.
                if summary.reason.is_none() {
                    past.add(number, Arc::new(summary));
                }
                self.next = self.next.max(number.saturating_add(1));
            }
            Kind::Mark => {
                let mark: Mark = serde_json::from_slice(value)?;
                past.marks.add(number, mark);
                self.next = self.next.max(number.saturating_add(1));
            }
            Kind::Recording => {}
        }
        Ok(())
    }

    /// Every row that there is.
    fn keys(&self) -> impl Iterator<Item = Key> {
        self.pasts.iter().flat_map(|(target, past)| {
            let key = |kind, number| Key { target: Arc::clone(target), kind, number };
            past.rows().map(move |(kind, number)| key(kind, number)).collect::<Vec<_>>()
        })
    }

    fn source(&self, key: &Key) -> Source {
        let Some(past) = self.pasts.get(&key.target) else { return Source::Bytes(None) };
        let number = key.number.cast_unsigned();
        Source::Bytes(match key.kind {
            Kind::Minute => past.minutes.bytes(key.number),
            Kind::Hour => past.hours.bytes(key.number),
            Kind::Failure => past.failure(number).and_then(|summary| saved::line(summary)),
            Kind::Last => {
                let last = past.last_telling().filter(|(n, _)| *n == number);
                last.and_then(|(_, summary)| saved::line(summary))
            }
            Kind::Mark => past.marks.get(number).and_then(|mark| serde_json::to_vec(mark).ok()),
            Kind::Recording => match self.notable.get(number) {
                Some(flight) if past.failure(number).is_some() => {
                    return Source::Recording(Arc::clone(flight));
                }
                _ => None,
            },
        })
    }
}

impl Past {
    fn rows(&self) -> impl Iterator<Item = (Kind, i64)> {
        let failures = || self.failures().map(|(number, _)| number.cast_signed());
        let last = self.last_telling().map(|(number, _)| (Kind::Last, number.cast_signed()));
        let marks = self.marks.iter().map(|(number, _)| (Kind::Mark, number.cast_signed()));
        self.minutes
            .numbers()
            .map(|n| (Kind::Minute, n))
            .chain(self.hours.numbers().map(|n| (Kind::Hour, n)))
            .chain(failures().map(|n| (Kind::Failure, n)))
            .chain(failures().map(|n| (Kind::Recording, n)))
            .chain(last)
            .chain(marks)
    }
}
