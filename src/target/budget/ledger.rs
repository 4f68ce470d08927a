//! Who has spent how much, and may.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::charge::Charge;
use super::spending::{Period, Spending, Sum};
use crate::target::{Budget, Price};

/// The spending of one target, or of all, shared by the probers that there are one after another, and
/// by whoever writes it down.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<Mutex<Account>>);

#[derive(Debug, Clone, Copy, Default)]
struct Account {
    spent: Spending,
    /// Probes under way.
    reservations: u64,
    /// What they may cost, in whichever hour they will be over.
    reserved: Sum,
    /// Spent when the last lease was taken.
    at_last_lease: Spending,
    /// The last probe was refused.
    is_spent: bool,
}

impl Account {
    /// As if everything that is reserved were spent.
    fn committed(&self) -> Spending {
        let mut committed = self.spent;
        committed.add(self.reserved);
        committed
    }
}

/// What came of asking for money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserved {
    /// It is put aside.
    Yes,
    /// The same, for the first time after it was refused.
    Again,
    /// The budget is spent, as it is found for the first time.
    SpentNow,
    /// It is spent still.
    Spent,
}

impl Reserved {
    /// Whether the probe may be sent.
    #[must_use]
    pub fn is_granted(self) -> bool {
        matches!(self, Self::Yes | Self::Again)
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

    /// Reserves what a probe may cost in this hour (since the Unix epoch), unless what was spent and
    /// reserved has reached the budget: then nothing is to be sent.
    #[must_use]
    pub fn reserve(
        &self,
        budget: &Budget,
        price: Option<&Price>,
        most: Charge,
        hour: u64,
    ) -> Reserved {
        let mut account = self.account();
        account.spent.on(hour);
        let granted = account.committed().is_within(budget);
        if granted {
            account.reservations += 1;
            account.reserved = account.reserved.plus(most.sum(price));
        }
        match (granted, std::mem::replace(&mut account.is_spent, !granted)) {
            (true, false) => Reserved::Yes,
            (true, true) => Reserved::Again,
            (false, false) => Reserved::SpentNow,
            (false, true) => Reserved::Spent,
        }
    }

    /// Gives back what was reserved for a probe, and adds what it cost.
    pub fn settle(&self, price: Option<&Price>, reserved: Charge, charge: Charge) {
        let mut account = self.account();
        let reserved = reserved.sum(price);
        account.reservations = account.reservations.saturating_sub(1);
        account.reserved = if account.reservations == 0 {
            Sum::default() // sums of fractions leave something over
        } else {
            let before = account.reserved;
            Sum {
                output_tokens: before.output_tokens.saturating_sub(reserved.output_tokens),
                dollars: (before.dollars - reserved.dollars).max(0.0),
            }
        };
        account.spent.add(charge.sum(price));
    }

    /// What was spent and is reserved: what was spent, when nothing is under way.
    #[must_use]
    pub fn committed(&self) -> Spending {
        self.account().committed()
    }

    /// The share of a period's budget that is left in this hour (since the Unix epoch); `None`
    /// without a limit for it.
    #[must_use]
    pub fn remaining(&self, budget: &Budget, period: Period, hour: u64) -> Option<f64> {
        let mut account = *self.account();
        account.spent.on(hour);
        account.committed().remaining(budget, period)
    }

    /// What is to be written down while probes go on: what is spent and reserved, and more than will be
    /// spent until the next lease is written. That is `ahead`, and at least twice what was spent since
    /// the last lease.
    #[must_use]
    pub fn lease(&self, ahead: Ahead) -> Spending {
        let mut account = self.account();
        let (spent, before) = (account.spent, account.at_last_lease);
        let before = if before.day == spent.day { before } else { Spending::default() };
        account.at_last_lease = spent;
        let lately = spent.output_tokens.saturating_sub(before.output_tokens);
        let ahead = Sum {
            output_tokens: ahead.0.output_tokens.max(lately.saturating_mul(2)),
            dollars: ahead.0.dollars.max(2.0 * (spent.dollars - before.dollars)),
        };
        let feared = ahead.plus(account.reserved);
        let mut lease = account.committed();
        lease.add(ahead);
        // On top of what an earlier lease feared of an hour that has not passed yet.
        lease.feared = lease.feared.plus(feared);
        lease
    }
}

/// What may be spent until the next lease is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ahead(Sum);

impl Ahead {
    /// So many probes, each of which costs no more than `most`.
    #[must_use]
    pub fn of(price: Option<&Price>, most: Charge, probes: u64) -> Self {
        Self(most.times(probes).sum(price))
    }

    /// Both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.plus(other.0))
    }
}

/// The budget of all targets together, which a reload may change, with what they have spent of it.
#[derive(Debug, Default)]
pub struct SharedBudget {
    budget: Mutex<Budget>,
    /// Of all targets.
    pub spending: Ledger,
}

impl SharedBudget {
    /// One that goes on from what was spent.
    #[must_use]
    pub fn new(spending: Ledger) -> Self {
        Self { budget: Mutex::default(), spending }
    }

    /// What is in force.
    #[must_use]
    pub fn budget(&self) -> Budget {
        *self.budget.lock()
    }

    /// Puts another one in force.
    pub fn set(&self, budget: Budget) {
        *self.budget.lock() = budget;
    }
}
