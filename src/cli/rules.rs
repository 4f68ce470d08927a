//! `llm-prober rules`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::say::show;
use super::{CliError, load};
use crate::rules::{FORMATS, Format};

#[derive(Debug, Args)]
pub(super) struct RulesArgs {
    /// Configuration file.
    #[arg(long = "config.file", value_name = "FILE")]
    config: PathBuf,
    /// Whom the rules are for.
    #[arg(long, default_value = "prometheus", value_parser = formats())]
    format: &'static Format,
}

pub(super) fn main(args: &RulesArgs) -> Result<ExitCode, CliError> {
    let config = load(&args.config)?;
    let rules = args.format.write(&config);
    let _ = show(rules.map_err(|e| CliError::Failed(e.to_string()))?)?;
    Ok(ExitCode::SUCCESS)
}

fn formats() -> impl TypedValueParser<Value = &'static Format> {
    let names = FORMATS.iter().map(|f| PossibleValue::new(f.name).help(f.about));
    PossibleValuesParser::new(names).try_map(|name| {
        FORMATS.iter().find(|f| f.name == name).ok_or_else(|| format!("no format {name}"))
    })
}
