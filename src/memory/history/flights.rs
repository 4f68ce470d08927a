//! The whole recordings that fit into memory: when a new one does not fit, the oldest go.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::held::Held;

/// By number, so in order of their coming.
#[derive(Debug)]
pub(super) struct Flights {
    held: BTreeMap<u64, Arc<Held>>,
    bytes: usize,
    most: usize,
}

/// One recording may take this part of all: a larger one would drive out hundreds of others.
const SHARE: usize = 8;

impl Flights {
    pub fn new(most_bytes: usize) -> Self {
        Self { held: BTreeMap::new(), bytes: 0, most: most_bytes }
    }

    pub fn get(&self, number: u64) -> Option<&Arc<Held>> {
        self.held.get(&number)
    }

    /// Returns those that had to go.
    pub fn add(&mut self, number: u64, flight: Arc<Held>) -> Vec<(u64, Arc<Held>)> {
        let (size, mut gone) = (flight.bytes(), Vec::new());
        if size > self.most / SHARE {
            return gone;
        }
        while self.bytes + size > self.most {
            let Some((number, oldest)) = self.held.pop_first() else { break };
            self.bytes -= oldest.bytes();
            gone.push((number, oldest));
        }
        self.bytes += size;
        self.held.insert(number, flight);
        gone
    }

    pub fn remove(&mut self, number: u64) {
        if let Some(flight) = self.held.remove(&number) {
            self.bytes -= flight.bytes();
        }
    }

    /// Gives up the oldest until so many bytes are free, or none is left. Returns those.
    pub fn give_up(&mut self, bytes: usize) -> Vec<(u64, Arc<Held>)> {
        let (enough, mut gone) = (self.bytes.saturating_sub(bytes), Vec::new());
        while self.bytes > enough {
            let Some((number, oldest)) = self.held.pop_first() else { break };
            self.bytes -= oldest.bytes();
            gone.push((number, oldest));
        }
        gone
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
