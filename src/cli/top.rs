//! `llm-prober top`.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Args;
use url::Url;

use super::credentials::CredentialArgs;
use super::error::CliError;
use super::setup::runtime;
use crate::top::{Client, run};

#[derive(Debug, Args)]
pub(super) struct TopArgs {
    /// Where the daemon serves its pages.
    #[arg(long, default_value = "http://localhost:9829")]
    url: Url,
    #[command(flatten)]
    credentials: CredentialArgs,
}

pub(super) fn main(args: &TopArgs) -> Result<ExitCode, CliError> {
    if !std::io::stdout().is_terminal() {
        let message = "top draws on a terminal, and standard output is none; for programs there is \
                       the daemon's /api/v1/targets";
        return Err(CliError::Usage(message.to_owned()));
    }
    let url = args.credentials.put_into(&args.url);
    let url = url.map_err(|error| CliError::Usage(error.to_string()))?;
    let client = Client::new(&url).map_err(|e| CliError::Usage(format!("--url {e}")))?;
    // On the screen the password is nobody's business.
    let mut page = args.url.clone();
    let _ = page.set_password(None).and_then(|()| page.set_username(""));
    let shown = runtime()?.block_on(run(&client, page.as_str()));
    shown.map_err(|e| CliError::Failed(format!("the terminal cannot be used: {e}")))?;
    Ok(ExitCode::SUCCESS)
}
