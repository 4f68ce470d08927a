//! What a target may still cost today. Pure: the caller says which day it is.
//!
//! What a probe may cost at most is reserved before it is sent, and settled when it is over: of
//! several probes under way, none is sent on money that another one may need. The last one may take
//! the spending beyond the budget, by what it costs and no more.
//!
//! What is written down is a [`Ledger::lease`], which is ahead of what was spent: after a kill the
//! program believes to have spent what it may have spent since, and rather spends too little.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use serde::{Deserialize, Serialize};

use crate::answer::measure::{Measurement, TokenCount};
use crate::answer::recording::Recording;
use crate::target::{Budget, Price};
use crate::workload::Workload;
use crate::workload::mix::Draw;

/// Characters of a token, where nobody counted: about what languages with letters have.
const CHARACTERS_PER_TOKEN: u64 = 4;

/// A server that counts so many times the tokens that were asked for or shown, and so many more for
/// what is not seen (instructions of a gateway, hidden reasoning), is not believed any further.
const FAR_BEYOND: u64 = 16;
const UNSEEN: u64 = 1 << 16;

/// What a probe is charged to the budget with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Charge {
    /// Tokens of the prompt.
    pub input: u64,
    /// Tokens generated.
    pub output: u64,
}

impl Charge {
    /// What was counted, else an estimate: a server that sends no usage, or whose answer was never
    /// seen, is paid all the same. What a server refused, or was never asked, costs nothing.
    #[must_use]
    pub fn of(
        recording: &Recording,
        measurement: &Measurement,
        prompt_characters: u64,
        max_output_tokens: u32,
    ) -> Self {
        let refused = recording.head.as_ref().is_some_and(|h| !(200..300).contains(&h.status));
        if recording.send.is_none() || refused {
            return Self::default();
        }
        // A count beyond belief shall not use up a budget.
        let counted = |count: Option<TokenCount>, most: u64| {
            let most = most.saturating_mul(FAR_BEYOND).saturating_add(UNSEEN);
            count.map(|count| count.tokens.min(most))
        };
        let shown: usize = recording.chunks.iter().map(|chunk| chunk.bytes.len()).sum();
        let most_output = u64::from(max_output_tokens).max(shown as u64);
        Self {
            input: counted(measurement.input_tokens, prompt_characters)
                .unwrap_or(prompt_characters.div_ceil(CHARACTERS_PER_TOKEN)),
            output: counted(measurement.output_tokens, most_output)
                .unwrap_or(max_output_tokens.into()),
        }
    }

    /// The most that a probe of this draw is charged with, as far as can be told before it is made.
    #[must_use]
    pub fn most(draw: &Draw) -> Self {
        let characters = draw.prompt.text().chars().count() as u64;
        Self {
            input: characters.div_ceil(CHARACTERS_PER_TOKEN),
            output: draw.workload.max_output_tokens.into(),
        }
    }

    /// The most that a probe of any of these workloads is charged with.
    #[must_use]
    pub fn most_of(workloads: &[Arc<Workload>]) -> Self {
        let input = |workload: &Workload| {
            let characters = workload.prompts.iter().map(|p| p.text().chars().count() as u64);
            characters.max().unwrap_or_default().div_ceil(CHARACTERS_PER_TOKEN)
        };
        Self {
            input: workloads.iter().map(|w| input(w)).max().unwrap_or_default(),
            output: workloads.iter().map(|w| w.max_output_tokens.into()).max().unwrap_or_default(),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_sub(other.input),
            output: self.output.saturating_sub(other.output),
        }
    }

    fn times(self, n: u64) -> Self {
        Self { input: self.input.saturating_mul(n), output: self.output.saturating_mul(n) }
    }

    #[allow(clippy::cast_precision_loss)] // token counts are far below 2^53
    fn dollars(self, price: &Price) -> f64 {
        let input = self.input as f64 * price.input_per_million;
        (input + self.output as f64 * price.output_per_million) / 1e6
    }
}

/// What was spent on one UTC day.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Spending {
    day: u64,
    output_tokens: u64,
    dollars: f64,
}

/// Dollars of one request; a count that is not known costs nothing.
#[must_use]
#[allow(clippy::cast_precision_loss)] // token counts are far below 2^53
pub fn cost(price: &Price, measurement: &Measurement) -> f64 {
    let tokens = |count: Option<TokenCount>| count.map_or(0.0, |c| c.tokens as f64);
    let input = tokens(measurement.input_tokens) * price.input_per_million;
    let output = tokens(measurement.output_tokens) * price.output_per_million;
    (input + output) / 1e6
}

impl Spending {
    /// Begins anew on another day (days since the Unix epoch).
    fn on(&mut self, day: u64) {
        if self.day != day {
            *self = Self { day, ..Self::default() };
        }
    }

    /// Whether this is less than the budget, so that another probe may be sent.
    fn is_within(&self, budget: &Budget) -> bool {
        budget.output_tokens_per_day.is_none_or(|most| self.output_tokens < most)
            && budget.dollars_per_day.is_none_or(|most| self.dollars < most)
    }

    /// Adds what a probe cost.
    fn add(&mut self, price: Option<&Price>, charge: Charge) {
        self.output_tokens = self.output_tokens.saturating_add(charge.output);
        self.dollars += price.map_or(0.0, |price| charge.dollars(price));
    }
}

/// One target's spending, shared by the probers that it has one after another, and by whoever
/// writes it down.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<Mutex<Account>>);

#[derive(Debug, Clone, Copy, Default)]
struct Account {
    spent: Spending,
    /// What the probes under way may cost, of whichever day they will be.
    reserved: Charge,
    /// The same in dollars.
    reserved_dollars: f64,
    /// Spent when the last lease was taken.
    at_last_lease: Spending,
}

impl Account {
    /// As if everything that is reserved were spent.
    fn committed(&self) -> Spending {
        let Self { spent, reserved, reserved_dollars, .. } = self;
        Spending {
            output_tokens: spent.output_tokens.saturating_add(reserved.output),
            dollars: spent.dollars + reserved_dollars,
            ..*spent
        }
    }
}

impl Ledger {
    /// Goes on from what was written down.
    #[must_use]
    pub fn from_spent(spent: Spending) -> Self {
        Self(Arc::new(Mutex::new(Account { spent, at_last_lease: spent, ..Account::default() })))
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.0.lock()
    }

    /// Reserves what a probe may cost on `day` (days since the Unix epoch); false where what was
    /// spent and reserved has reached the budget, and nothing is to be sent.
    #[must_use]
    pub fn reserve(&self, budget: &Budget, price: Option<&Price>, most: Charge, day: u64) -> bool {
        let mut account = self.account();
        account.spent.on(day);
        if !account.committed().is_within(budget) {
            return false;
        }
        account.reserved = account.reserved.plus(most);
        account.reserved_dollars += dollars(price, most);
        true
    }

    /// Gives back what was reserved for a probe, and adds what it cost.
    pub fn settle(&self, price: Option<&Price>, reserved: Charge, charge: Charge) {
        let mut account = self.account();
        account.reserved = account.reserved.minus(reserved);
        account.reserved_dollars = if account.reserved == Charge::default() {
            0.0 // sums of fractions leave something over
        } else {
            (account.reserved_dollars - dollars(price, reserved)).max(0.0)
        };
        account.spent.add(price, charge);
    }

    /// What was spent and is reserved: what was spent, when nothing is under way.
    #[must_use]
    pub fn committed(&self) -> Spending {
        self.account().committed()
    }

    /// What is to be written down while probes go on: what is spent and reserved, and more than will be
    /// spent until the next lease is written. That is so many `probes`, each of which costs no more
    /// than `most`, and at least twice what was spent since the last lease.
    #[must_use]
    pub fn lease(&self, price: Option<&Price>, most: Charge, probes: u64) -> Spending {
        let mut account = self.account();
        let (spent, before) = (account.spent, account.at_last_lease);
        let before = if before.day == spent.day { before } else { Spending::default() };
        account.at_last_lease = spent;
        let probes = most.times(probes);
        let lately = spent.output_tokens.saturating_sub(before.output_tokens);
        let ahead = probes.output.max(lately.saturating_mul(2));
        let dollars_ahead = dollars(price, probes).max(2.0 * (spent.dollars - before.dollars));
        let committed = account.committed();
        Spending {
            output_tokens: committed.output_tokens.saturating_add(ahead),
            dollars: committed.dollars + dollars_ahead,
            ..committed
        }
    }
}

fn dollars(price: Option<&Price>, charge: Charge) -> f64 {
    price.map_or(0.0, |price| charge.dollars(price))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::measure::TokenSource;
    use crate::answer::recording::{Head, Offset};

    fn tokens(input: u64, output: u64) -> Charge {
        Charge { input, output }
    }

    #[test]
    fn what_nobody_counted_is_estimated() {
        let mut recording = Recording::begin(0);
        let count = |tokens| Some(TokenCount { tokens, source: TokenSource::Usage });
        let counted = Measurement {
            input_tokens: count(7),
            output_tokens: count(3),
            ..Measurement::default()
        };
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
        let lie =
            Measurement { input_tokens: count, output_tokens: count, ..Measurement::default() };
        let charge = Charge::of(&recording, &lie, 41, 64);
        assert_eq!(charge, tokens(41 * 16 + UNSEEN, 64 * 16 + UNSEEN));
    }

    fn budget(output_tokens: u64) -> Budget {
        Budget { output_tokens_per_day: Some(output_tokens), dollars_per_day: None }
    }

    /// Makes a probe of this charge, for which more may have been reserved.
    fn make(
        ledger: &Ledger,
        budget: &Budget,
        price: Option<&Price>,
        cost: Charge,
        day: u64,
    ) -> bool {
        let most = tokens(cost.input, cost.output + 7);
        let allowed = ledger.reserve(budget, price, most, day);
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
        let budget = Budget { output_tokens_per_day: None, dollars_per_day: Some(0.5) };
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
        let reserve = || ledger.reserve(&budget, None, tokens(10, 60), 1);
        assert!(reserve() && reserve());
        assert!(!reserve(), "120 of 100 may be spent already");
        ledger.settle(None, tokens(10, 60), tokens(10, 4));
        assert!(reserve(), "one took 4 only");
        ledger.settle(None, tokens(10, 60), Charge::default()); // never sent
        ledger.settle(None, tokens(10, 60), tokens(10, 60));
        assert_eq!(ledger.committed().output_tokens, 64);
        // What was reserved yesterday is not owed for ever.
        assert!(reserve() && ledger.reserve(&budget, None, tokens(10, 60), 2));
        ledger.settle(None, tokens(10, 60), Charge::default());
        ledger.settle(None, tokens(10, 60), tokens(10, 60));
        assert!(ledger.reserve(&budget, None, tokens(10, 60), 2));
    }

    /// At a kill at any time, what was written last is at least what was spent.
    #[test]
    fn a_lease_is_ahead_of_what_is_spent_until_the_next() {
        let price = Price { input_per_million: 1_000.0, output_per_million: 2_000.0 };
        let (ledger, no_budget) = (Ledger::default(), Budget::default());
        let most = tokens(20, 64);
        let lease = || ledger.lease(Some(&price), most, 3);
        let mut written = lease();
        for probes in [3, 5, 8, 20, 3, 0, 1] {
            for _ in 0..probes {
                assert!(ledger.reserve(&no_budget, Some(&price), most, 1));
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
        assert!(ledger.reserve(&no_budget, None, most, 1));
        let left = lease();
        assert_eq!(left.output_tokens, (40 + 1) * 64 + 3 * 64);
        assert_eq!(Ledger::from_spent(left).committed(), left);
    }
}
