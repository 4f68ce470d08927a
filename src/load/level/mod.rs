//! Levels of load: a target is asked by so many users, or so often, for a while, and every request is
//! entered into a tally.
//!
//! ```text
//! Sweeper ─► Users | Arrivals (policies) ─► Driver ─► Prober of this level: its own limits, one budget
//!                     └─► LevelRun: the clock, the tally
//! ```

mod arrivals;
mod run;
mod sweeper;
mod users;

pub use arrivals::Arrivals;
pub use run::{Draws, LevelPlan, LevelRun, Until};
pub use sweeper::{Found, Sweeper};
pub use users::Users;
