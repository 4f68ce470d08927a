//! What outlives a restart: a small database in the folder `state_dir`.
//!
//! ```text
//! Sections (named values) ─► rows ─┐
//! Rows (of the history) ───────────┴─► Batch ─► Store: one thread ─► state.redb
//! ```
//! A section is a value of somebody's own type; it is cut into rows (`json_rows`), so that a
//! reference is written once and only what has changed is written again. All of a batch is there
//! after a kill, or nothing of it. Whoever keeps something here has a section of their own and a
//! type for it.
//!
//! What cannot be read is never guessed at: a damaged file is kept aside, the log says why, and what
//! was in it starts anew. A newer release's file is refused, an older one's taken over.

mod batch;
mod bounds;
mod claim;
mod database;
mod error;
mod file_system;
mod json_rows;
mod keeper;
mod old_file;
mod saved;
mod store;
#[cfg(test)]
mod tests;

pub use batch::{
    BUDGETS, Batch, CHANGE, COMPARISONS, ENDPOINTS, OUTAGES, Rows, SWEEPS, Sections, member,
};
pub use bounds::PATIENCE;
pub use claim::Claim;
pub use error::{StateError, WriteError};
pub use json_rows::Cut;
pub use keeper::keep;
pub use saved::Saved;
pub use store::Store;
