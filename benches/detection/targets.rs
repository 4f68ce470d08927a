//! What must hold, and whether it does.

use std::process::ExitCode;

#[derive(Default)]
pub struct Targets(Vec<(String, bool)>);

impl Targets {
    pub fn check(&mut self, what: impl Into<String>, met: bool) {
        self.0.push((what.into(), met));
    }

    /// That alarms come at most so often in a month, up to three standard errors of a Poisson count: what
    /// is exactly as frequent must not fail by chance.
    #[allow(clippy::cast_precision_loss)]
    pub fn check_alarms(&mut self, what: &str, alarms: &[f64], most: f64) {
        let (months, sum) = (alarms.len() as f64, alarms.iter().sum::<f64>());
        let within = most * months + 3.0 * (most * months).sqrt();
        let mean = sum / months.max(1.0);
        self.check(format!("{what}: at most {most} alarm in 30 days ({mean:.2})"), sum <= within);
    }

    /// That something happens with a probability of at most `most`, up to three standard errors:
    /// exactly `most` must not fail by chance.
    #[allow(clippy::cast_precision_loss)]
    pub fn check_rate(&mut self, what: &str, hits: &[bool], most: f64) {
        let runs = hits.len() as f64;
        let count = hits.iter().filter(|hit| **hit).count() as f64;
        // Less than one run cannot be.
        let within = (most * runs + 3.0 * (most * (1.0 - most) * runs).sqrt()).max(1.0);
        self.check(format!("{what}: in at most {most} ({:.3})", count / runs), count <= within);
    }

    /// That something is found within so many observations on average.
    pub fn check_delay(&mut self, what: &str, mean: f64, most: f64) {
        self.check(format!("{what}: within {most} ({mean:.0})"), mean <= most);
    }

    pub fn print(&self) -> ExitCode {
        println!("\n## Targets");
        for (what, met) in &self.0 {
            println!("{}  {what}", if *met { "met   " } else { "MISSED" });
        }
        if self.0.iter().all(|(_, met)| *met) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
