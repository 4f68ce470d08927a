//! `llm-prober rules`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use thiserror::Error;

use super::error::CliError;
use super::say::show;
use super::setup::load;
use crate::rules::{FORMATS, Format, Links};

#[derive(Debug, Args)]
pub(super) struct RulesArgs {
    /// Configuration file.
    #[arg(long = "config.file", value_name = "FILE")]
    config: PathBuf,
    /// Whom the rules are for.
    #[arg(long, default_value = "prometheus", value_parser = formats())]
    format: &'static Format,
    /// Where the alerts' runbook is, instead of the prober's own page; the alert's name follows
    /// after a #.
    #[arg(long, value_name = "URL", value_parser = address)]
    runbook_url: Option<String>,
    /// What the alerts lead to, instead of the prober's page of the target. May hold templates of
    /// Prometheus, such as {{ $labels.target }}.
    #[arg(long, value_name = "URL", value_parser = address)]
    dashboard_url: Option<String>,
}

pub(super) fn main(args: &RulesArgs) -> Result<ExitCode, CliError> {
    let config = load(&args.config)?;
    let links = Links { runbook: args.runbook_url.clone(), dashboard: args.dashboard_url.clone() };
    if !links.is_empty() && !args.format.linked {
        return Err(CliError::Usage(format!(
            "--runbook-url and --dashboard-url are for the formats prometheus and operator: what \
             {} makes of its own format has links of its own",
            args.format.name
        )));
    }
    let rules = args.format.write_linked(&config, &links);
    let _ = show(rules.map_err(CliError::failed)?)?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, Error)]
#[error("expected an address that begins with http:// or https://")]
struct NoAddress;

/// With templates in it, it is no address that could be taken apart.
fn address(text: &str) -> Result<String, NoAddress> {
    if ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme)) {
        return Ok(text.to_owned());
    }
    Err(NoAddress)
}

fn formats() -> impl TypedValueParser<Value = &'static Format> {
    let names = FORMATS.iter().map(|f| PossibleValue::new(f.name).help(f.about));
    PossibleValuesParser::new(names).try_map(|name| {
        FORMATS.iter().find(|f| f.name == name).ok_or_else(|| format!("no format {name}"))
    })
}
