//! Which probes run on which GPU at the same time.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

/// A GPU by the driver's index; `None`: one that is named but was not found.
type Place = Option<u32>;

#[derive(Debug, Clone, Copy, Default)]
struct Use {
    running: u64,
    /// Probes that ever began here.
    begun: u64,
}

/// Every GPU that probes run on.
#[derive(Debug, Default)]
pub(super) struct Occupancy(Mutex<HashMap<Place, Use>>);

/// A probe's stay on its GPUs; over when it is dropped.
#[derive(Debug)]
pub(super) struct Stay {
    all: Arc<Occupancy>,
    places: Vec<Place>,
    /// Others were there already.
    joined: bool,
    /// What had begun where it matters, this one included.
    begun: Vec<u64>,
}

impl Occupancy {
    /// Begins a stay. GPUs that were not found (`None`) could be any.
    pub fn enter(self: &Arc<Self>, gpus: &[Option<u32>]) -> Stay {
        let mut places = gpus.to_vec();
        places.sort_unstable();
        places.dedup();
        let mut uses = self.0.lock();
        let joined = matter(&places).any(|p| uses.get(&p).is_some_and(|u| u.running > 0));
        for place in &places {
            let here = uses.entry(*place).or_default();
            here.running += 1;
            here.begun += 1;
        }
        let begun = matter(&places).map(|p| begun(&uses, p)).collect();
        drop(uses);
        Stay { all: Arc::clone(self), places, joined, begun }
    }
}

/// The places where another probe would disturb.
fn matter(places: &[Place]) -> impl Iterator<Item = Place> {
    places.iter().copied().flatten().map(Some).chain([None])
}

fn begun(uses: &HashMap<Place, Use>, place: Place) -> u64 {
    uses.get(&place).map_or(0, |u| u.begun)
}

impl Stay {
    /// Whether no other probe was on these GPUs from the beginning until now, as far as is known.
    pub fn alone(&self) -> bool {
        let uses = self.all.0.lock();
        let now = matter(&self.places).map(|p| begun(&uses, p));
        !self.joined && now.eq(self.begun.iter().copied())
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        let mut uses = self.all.0.lock();
        for place in &self.places {
            if let Some(here) = uses.get_mut(place) {
                here.running = here.running.saturating_sub(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stay(all: &Arc<Occupancy>, gpus: &[u32]) -> Stay {
        let gpus: Vec<_> = gpus.iter().copied().map(Some).collect();
        all.enter(&gpus)
    }

    #[test]
    fn others_on_the_same_gpu_disturb_whenever_they_come() {
        let all = Arc::<Occupancy>::default();
        let first = stay(&all, &[0, 1]);
        let elsewhere = stay(&all, &[2]);
        assert!(first.alone() && elsewhere.alone());
        let second = stay(&all, &[1]);
        assert!(!first.alone() && !second.alone() && elsewhere.alone());
        drop(first);
        assert!(!second.alone(), "it was not alone at its beginning");
        drop(second);
        let third = stay(&all, &[0, 1]);
        drop(stay(&all, &[0]));
        assert!(!third.alone(), "another came and went");
        drop(third);
        assert!(stay(&all, &[0, 1]).alone());
    }

    #[test]
    fn a_gpu_that_was_not_found_could_be_any() {
        let all = Arc::<Occupancy>::default();
        let known = stay(&all, &[0]);
        let unknown = all.enter(&[None]);
        assert!(!known.alone());
        drop((known, unknown));
        let unknown = all.enter(&[None]);
        let known = stay(&all, &[0]);
        assert!(!known.alone());
        drop((known, unknown));
        assert!(stay(&all, &[0]).alone());
    }
}
