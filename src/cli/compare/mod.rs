//! `llm-prober compare`: two targets, side by side, until a verdict stands.

mod args;
mod between;
mod run;
mod screen;

use std::process::ExitCode;

pub(super) use self::args::CompareArgs;
use super::error::{CliError, EXIT_CANNOT_TELL};
use super::say::tell;
use super::setup::runtime;
use crate::transport::resources;
use screen::Screen;

pub(super) fn main(args: &CompareArgs) -> Result<ExitCode, CliError> {
    let (config, comparison) = between::resolve(args)?;
    let screen = Screen::new(args.output);
    if !screen.is_live() {
        args.log.init();
    }
    resources::raise_open_files(0);
    let run = run::Run { config, comparison, args };
    let verdict = runtime()?.block_on(run.until_a_verdict(screen));
    // What could not be compared is not worse for it: another failure's exit code would say so.
    Ok(ExitCode::from(verdict.map_or_else(
        |why| {
            tell(format_args!("llm-prober: {why}"));
            EXIT_CANNOT_TELL
        },
        |standing| {
            if let Some(waits) = &standing.waits {
                tell(format_args!("llm-prober: undecided: {waits}"));
            }
            standing.exit_code()
        },
    )))
}
