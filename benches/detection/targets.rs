//! What must hold, and whether it does.

use std::process::ExitCode;

#[derive(Default)]
pub struct Targets(Vec<(String, bool)>);

impl Targets {
    pub fn check(&mut self, what: impl Into<String>, met: bool) {
        self.0.push((what.into(), met));
    }

    pub fn print(&self) -> ExitCode {
        println!("\n## Targets");
        for (what, met) in &self.0 {
            println!("{}  {what}", if *met { "met   " } else { "MISSED" });
        }
        if self.0.iter().all(|(_, met)| *met) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
