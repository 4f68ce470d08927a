//! What must hold, and whether it does.

use std::process::ExitCode;

#[derive(Default)]
pub struct Targets(Vec<(String, bool)>);

impl Targets {
    pub fn check(&mut self, what: impl Into<String>, met: bool) {
        self.0.push((what.into(), met));
    }

    /// That something happens with a probability of at most `most`, up to three standard errors:
    /// exactly `most` must not fail by chance. Returns the share of hits.
    #[allow(clippy::cast_precision_loss)]
    pub fn check_rate(&mut self, what: &str, hits: &[bool], most: f64) -> f64 {
        let runs = hits.len() as f64;
        let share = hits.iter().filter(|hit| **hit).count() as f64 / runs;
        let within = most + 3.0 * (most * (1.0 - most) / runs).sqrt();
        self.check(format!("{what} ≤ {most} ({share:.4})"), share <= within);
        share
    }

    pub fn print(&self) -> ExitCode {
        println!("\n## Targets");
        for (what, met) in &self.0 {
            println!("{}  {what}", if *met { "met   " } else { "MISSED" });
        }
        if self.0.iter().all(|(_, met)| *met) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
