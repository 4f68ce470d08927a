//! The adaptive search against a model of a server whose knee is known: users who ask again when
//! answered, service times that vary, and a chance of a good answer that falls with their number.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

const LEVELS: u32 = 10;
/// What the same levels cost without a search.
const GRID: u64 = 10 * 100;
/// Requests for one level at most.
const MOST: usize = 100;

/// The chance of a good answer with so many users. At the knee and just above it lies on either side
/// of the threshold, outside of what may be taken for either.
fn chance(users: u32, knee: u32) -> f64 {
    match i64::from(users) - i64::from(knee) {
        ..=-2 => 0.999,
        -1 => 0.99,
        0 => 0.96,
        1 => 0.80,
        2 => 0.55,
        _ => 0.2,
    }
}

/// Plays one level until it is judged; says what was found.
fn level(users: u32, knee: u32, rng: &mut ChaCha8Rng) -> (Judgement, Tally) {
    let test = SequentialTest::new(0.9, MOST);
    let mut tally = Tally::new(Load::Closed { users });
    // When each request is over, and whether it counts.
    let mut under_way: BinaryHeap<Reverse<(u64, Option<usize>)>> = BinaryHeap::new();
    let mut judgement = None;
    let mut now = 0;
    loop {
        let goes_on = |tally: &Tally| judgement.is_none() && tally.judged().len() < MOST;
        while under_way.len() < users as usize && goes_on(&tally) {
            // One request of each user warms it up.
            if tally.requests() >= u64::from(users) {
                tally.open(ms(now));
            }
            let number = tally.sent();
            // A slow one now and then, so that they end in another order than they began in.
            let slow = if rng.random::<f64>() < 0.1 { 10 } else { 1 };
            under_way.push(Reverse((now + slow * rng.random_range(80..120), number)));
        }
        let Some(Reverse((at, number))) = under_way.pop() else { break };
        now = at;
        let good = rng.random::<f64>() < chance(users, knee);
        tally.over(&request(number, now - 4, [now - 3, now - 2, now - 1, now], good));
        judgement = judgement.or_else(|| test.judge(tally.judged()));
    }
    (judgement.unwrap(), tally)
}

#[test]
fn finds_the_knee_of_every_seed_with_half_of_the_grid() {
    let (mut sent, mut searches) = (0, 0);
    for seed in 0..20 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let knee = 1 + u32::try_from(seed).unwrap() % LEVELS;
        let mut search = Search::new((1..=LEVELS).collect());
        while let Some(users) = search.next() {
            let (judgement, tally) = level(users, knee, &mut rng);
            sent += tally.requests();
            search.tell(judgement == Judgement::Reached);
        }
        let found = search.largest_good().unwrap_or(0);
        assert!(found.abs_diff(knee) <= 1, "seed {seed}: {found} instead of {knee}");
        searches += 1;
    }
    assert!(sent / searches <= GRID / 2, "{} requests on average", sent / searches);
}
