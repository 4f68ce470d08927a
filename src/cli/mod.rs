//! The command line: flags in the exporters' style, one file per command.

mod answers;
mod batch;
mod check;
mod compare;
mod error;
mod gate;
mod given;
mod histograms;
mod probe;
mod redraw;
mod remember;
mod replay;
mod rules;
mod run;
mod say;
mod schema;
mod setup;
mod shutdown;
mod simulate;
mod spoken;
mod sweep;
mod top;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use error::{CliError, EXIT_USAGE};

use crate::transport::resources;

/// Continuous, trustworthy measurement of LLM serving for Prometheus.
///
/// Without a command it runs the daemon; without --config.file too, it probes a built-in simulator.
#[derive(Debug, Parser)]
#[command(name = "llm-prober", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::RunArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon (the default).
    Run(run::RunArgs),
    /// Make one probe, or many, and show what was measured.
    Probe(probe::ProbeArgs),
    /// Save a release profile of a target, or hold a candidate against one.
    Gate(gate::GateArgs),
    /// Interpret flight records again and show what was measured.
    Replay(replay::ReplayArgs),
    /// Show a running daemon in the terminal.
    Top(top::TopArgs),
    /// Compare two targets, prompt by prompt, until one is found worse or not worse.
    Compare(compare::CompareArgs),
    /// Ask a target at one level of load after the other: figures, goodput and the knee.
    Sweep(Box<sweep::SweepArgs>),
    /// Check a configuration file and show the resolved targets.
    Check(check::CheckArgs),
    /// Print the JSON Schema of configuration files, for editors.
    Schema,
    /// Write alert and recording rules for a configuration.
    Rules(rules::RulesArgs),
    /// Serve a simulated LLM, to rehearse alerts with.
    Simulate(simulate::Simulate),
}

/// Matches the command; the result is the exit code.
#[must_use]
pub fn main() -> ExitCode {
    std::panic::set_hook(Box::new(report_panic));
    resources::use_small_pages();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return not_run(&error),
    };
    let result = match cli.command {
        None => run::main(&cli.run),
        Some(Command::Run(args)) => run::main(&args),
        Some(Command::Probe(args)) => probe::main(&args),
        Some(Command::Gate(args)) => gate::main(&args),
        Some(Command::Replay(args)) => replay::main(&args),
        Some(Command::Top(args)) => top::main(&args),
        Some(Command::Compare(args)) => compare::main(&args),
        Some(Command::Sweep(args)) => sweep::main(&args),
        Some(Command::Check(args)) => check::main(&args),
        Some(Command::Schema) => schema::main(),
        Some(Command::Rules(args)) => rules::main(&args),
        Some(Command::Simulate(args)) => simulate::main(&args),
    };
    match result {
        Ok(code) => code,
        Err(CliError::Usage(message)) => {
            say::tell(message);
            ExitCode::from(EXIT_USAGE)
        }
        Err(CliError::Failed(message)) => {
            say::tell(format_args!("llm-prober: {message}"));
            ExitCode::FAILURE
        }
    }
}

/// Says where, but not what: a panic's message may quote what was being read.
fn report_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let place = panic.location().map_or_else(|| "somewhere".to_owned(), ToString::to_string);
    // A second panic here, where nobody reads any more, would end the program without unwinding.
    say::tell(format_args!("llm-prober: a defect: panicked at {place}"));
}

/// Help and version were asked for and go to standard output; anything else is a mistake.
fn not_run(error: &clap::Error) -> ExitCode {
    let _ = error.print(); // nobody is left to tell
    if error.use_stderr() { ExitCode::from(EXIT_USAGE) } else { ExitCode::SUCCESS }
}
