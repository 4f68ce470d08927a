//! A sweep, written for programs and for people: one file per form.

mod csv;
mod markdown;
mod plot;
mod table;
#[cfg(test)]
mod tests;
mod words;

pub use csv::csv;
pub use markdown::markdown;
pub use plot::plot;
pub use table::{row, table, title};
