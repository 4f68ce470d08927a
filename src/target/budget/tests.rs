use super::charge::{FAR_BEYOND, UNSEEN};
use super::*;
use crate::answer::measure::{Measurement, TokenCount, TokenSource};
use crate::answer::recording::{Head, Offset, Recording};
use crate::target::{Budget, Price};

fn tokens(input: u64, output: u64) -> Charge {
    Charge { input, output }
}

#[test]
fn what_nobody_counted_is_estimated() {
    let mut recording = Recording::begin(0);
    let count = |tokens| Some(TokenCount { tokens, source: TokenSource::Usage });
    let counted =
        Measurement { input_tokens: count(7), output_tokens: count(3), ..Measurement::default() };
    let charge = |recording: &Recording, m: &Measurement| Charge::of(recording, m, 41, 64);
    let unseen = Measurement::default();
    assert_eq!(charge(&recording, &unseen), tokens(0, 0), "never sent");
    recording.send = Some(Offset(5));
    assert_eq!(charge(&recording, &unseen), tokens(11, 64), "timed out");
    assert_eq!(charge(&recording, &counted), tokens(7, 3));
    let seen = Measurement { output_tokens: count(3), ..Measurement::default() };
    assert_eq!(charge(&recording, &seen), tokens(11, 3));
    recording.head = Some(Head { status: 200, headers: Vec::new() });
    assert_eq!(charge(&recording, &unseen), tokens(11, 64), "empty");
    recording.head = Some(Head { status: 429, headers: Vec::new() });
    assert_eq!(charge(&recording, &unseen), tokens(0, 0), "refused");
}

#[test]
fn a_lie_costs_not_more_than_can_be() {
    let recording = Recording { send: Some(Offset(5)), ..Recording::begin(0) };
    let count = Some(TokenCount { tokens: u64::MAX, source: TokenSource::Usage });
    let lie = Measurement { input_tokens: count, output_tokens: count, ..Measurement::default() };
    let charge = Charge::of(&recording, &lie, 41, 64);
    assert_eq!(charge, tokens(41 * FAR_BEYOND + UNSEEN, 64 * FAR_BEYOND + UNSEEN));
}

fn budget(output_tokens: u64) -> Budget {
    Budget { output_tokens_per_day: Some(output_tokens), ..Budget::default() }
}

/// Makes a probe of this charge, for which more may have been reserved.
fn make(ledger: &Ledger, budget: &Budget, price: Option<&Price>, cost: Charge, day: u64) -> bool {
    let most = tokens(cost.input, cost.output + 7);
    let allowed = ledger.reserve(budget, price, most, 24 * day).is_granted();
    if allowed {
        ledger.settle(price, most, cost);
    }
    allowed
}

#[test]
fn a_day_ends_and_the_next_begins_anew() {
    let (budget, ledger) = (budget(100), Ledger::default());
    let make = |output, day| make(&ledger, &budget, None, tokens(10, output), day);
    assert!(make(99, 5));
    assert!(make(1, 5));
    assert!(!make(1, 5));
    assert!(make(1, 6));
}

#[test]
fn dollars_count_both_directions() {
    let price = Price { input_per_million: 1_000.0, output_per_million: 2_000.0 };
    let budget = Budget { dollars_per_day: Some(0.5), ..Budget::default() };
    let ledger = Ledger::default();
    let make = |charge| make(&ledger, &budget, Some(&price), charge, 1);
    assert!(make(tokens(100, 199)));
    assert!(make(tokens(2, 0)));
    assert!(!make(tokens(2, 0)));
}

/// Each was within the budget when it was sent, and all of them together were not.
#[test]
fn probes_under_way_have_their_money_put_aside() {
    let (budget, ledger) = (budget(100), Ledger::default());
    let on = |day: u64| ledger.reserve(&budget, None, tokens(10, 60), 24 * day).is_granted();
    let reserve = || on(1);
    assert!(reserve() && reserve());
    assert!(!reserve(), "120 of 100 may be spent already");
    ledger.settle(None, tokens(10, 60), tokens(10, 4));
    assert!(reserve(), "one took 4 only");
    ledger.settle(None, tokens(10, 60), Charge::default()); // never sent
    ledger.settle(None, tokens(10, 60), tokens(10, 60));
    assert_eq!(ledger.committed().output_tokens, 64);
    // What was reserved yesterday is not owed for ever.
    assert!(reserve() && on(2));
    ledger.settle(None, tokens(10, 60), Charge::default());
    ledger.settle(None, tokens(10, 60), tokens(10, 60));
    assert!(on(2));
}

/// At a kill at any time, what was written last is at least what was spent.
#[test]
fn a_lease_is_ahead_of_what_is_spent_until_the_next() {
    let price = Price { input_per_million: 1_000.0, output_per_million: 2_000.0 };
    let (ledger, no_budget) = (Ledger::default(), Budget::default());
    let most = tokens(20, 64);
    let lease = || ledger.lease(Ahead::of(Some(&price), most, 3));
    let mut written = lease();
    for probes in [3, 5, 8, 20, 3, 0, 1] {
        for _ in 0..probes {
            assert!(ledger.reserve(&no_budget, Some(&price), most, 24).is_granted());
            ledger.settle(Some(&price), most, most);
        }
        let spent = ledger.committed();
        // As long as the pace does not more than double.
        if probes != 20 {
            assert!(written.output_tokens >= spent.output_tokens, "{written:?} {spent:?}");
            assert!(written.dollars >= spent.dollars - 1e-9, "{written:?} {spent:?}");
        }
        written = lease();
    }
    // The next run believes it, and a probe under way is in it.
    assert!(ledger.reserve(&no_budget, None, most, 24).is_granted());
    let left = lease();
    assert_eq!(left.output_tokens, (40 + 1) * 64 + 3 * 64);
    assert_eq!(Ledger::from_spent(left).committed(), left);
}

#[test]
fn an_hour_ends_within_a_day_that_goes_on() {
    let budget = Budget {
        output_tokens_per_hour: Some(30),
        output_tokens_per_day: Some(100),
        ..Budget::default()
    };
    let ledger = Ledger::default();
    let make = |hour| {
        let most = tokens(0, 20);
        let reserved = ledger.reserve(&budget, None, most, hour);
        if reserved.is_granted() {
            ledger.settle(None, most, most);
        }
        reserved
    };
    let remaining = |period, hour| ledger.remaining(&budget, period, hour);
    assert_eq!([make(48), make(48)], [Reserved::Yes; 2]);
    assert_eq!([make(48), make(48)], [Reserved::SpentNow, Reserved::Spent]);
    assert_eq!(remaining(Period::Hour, 48), Some(0.0));
    assert_eq!(remaining(Period::Day, 48), Some(0.6));
    assert_eq!((remaining(Period::Hour, 49), make(49)), (Some(1.0), Reserved::Again));
    assert_eq!(
        [make(49), make(49), make(50)],
        [Reserved::Yes, Reserved::SpentNow, Reserved::Again]
    );
    assert_eq!(make(50), Reserved::SpentNow, "100 of 100 in the day");
    assert_eq!((make(71), make(72)), (Reserved::Spent, Reserved::Again));
    assert_eq!(Ledger::default().remaining(&Budget::default(), Period::Day, 1), None);
}

/// A kill in the hour after the last writing: what may have been spent in it is believed.
#[test]
fn what_is_feared_of_a_lease_may_have_been_spent_in_the_next_hour() {
    let budget = Budget { output_tokens_per_hour: Some(100), ..Budget::default() };
    let (ledger, most) = (Ledger::default(), tokens(0, 10));
    assert!(ledger.reserve(&budget, None, most, 7).is_granted());
    ledger.settle(None, most, most);
    let written = ledger.lease(Ahead::of(None, most, 5));
    let next = Ledger::from_spent(written);
    assert_eq!(next.remaining(&budget, Period::Hour, 7), Some(0.4), "10, and 50 to come");
    assert_eq!(next.remaining(&budget, Period::Hour, 8), Some(0.5), "50 to come");
    assert!(next.reserve(&budget, None, most, 8).is_granted());
    next.settle(None, most, most);
    assert_eq!(next.remaining(&budget, Period::Hour, 8), Some(0.4));
    assert_eq!(next.remaining(&budget, Period::Hour, 9), Some(1.0), "feared once only");
}

/// What was written before there were hours.
#[test]
fn an_older_file_is_read() {
    let old = r#"{"day": 3, "output_tokens": 70, "dollars": 0.5}"#;
    let ledger = Ledger::from_spent(serde_json::from_str(old).unwrap());
    assert_eq!(ledger.remaining(&budget(100), Period::Day, 73), Some(1.0 - 0.7));
}

#[test]
fn a_clock_that_is_set_back_gives_nothing_out_again() {
    let (ledger, most) = (Ledger::default(), tokens(0, 100));
    let at = |hour| {
        let made = ledger.reserve(&budget(100), None, most, hour);
        if made.is_granted() {
            ledger.settle(None, most, most);
        }
        made.is_granted()
    };
    assert!(at(49) && !at(49));
    assert!(!at(48), "an hour back");
    assert!(!at(47), "a day back");
}
