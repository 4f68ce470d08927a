//! What a target may still cost in this hour and on this day. Pure: the caller says which hour it is.
//!
//! What a probe may cost at most is reserved before it is sent, and settled when it is over: of
//! several probes under way, none is sent on money that another one may need. The last one may take
//! the spending beyond the budget, by what it costs and no more.
//!
//! What is written down is a [`Ledger::lease`], which is ahead of what was spent: after a kill the
//! program believes to have spent what it may have spent since, and rather spends too little.

mod charge;
mod ledger;
mod spending;
#[cfg(test)]
mod tests;

pub use charge::{Charge, cost};
pub use ledger::{Ahead, Ledger, Reserved, SharedBudget};
pub use spending::{Period, Spending, hour_of};
