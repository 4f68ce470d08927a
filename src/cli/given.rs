//! Targets that are given by their URLs instead of a file.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use url::Url;

use super::batch;
use super::error::CliError;
use super::setup::load;
use crate::config::Config;
use crate::target::Target;

/// The name of a target whose URL has no host.
const NAME: &str = "target";

/// A target on the command line.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Given<'a> {
    pub name: &'a str,
    pub url: &'a str,
    /// `None` asks the server's model list.
    pub model: Option<&'a str>,
    /// `None` is the API of targets that do not say.
    pub api: Option<&'a str>,
    /// The environment variable that holds its key.
    pub key_env: Option<&'a str>,
}

/// Whether a text is meant as the URL of a target.
pub(super) fn is_url(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

/// A configuration of these targets, with everything else as by default.
pub(super) fn config(targets: &[Given<'_>]) -> Result<Config, CliError> {
    let target = |given: &Given<'_>| {
        let mut target = json!({"name": given.name, "url": given.url});
        for (key, value) in [("model", given.model), ("api", given.api)] {
            if let Some(value) = value {
                target[key] = json!(value);
            }
        }
        if let Some(variable) = given.key_env {
            // Where an API has a header of its own for it, the key goes there.
            target["auth"] = json!({"bearer_token_env": variable});
        }
        target
    };
    // JSON is YAML.
    let text = json!({"targets": targets.iter().map(target).collect::<Vec<_>>()});
    let config = Config::parse(&text.to_string(), Path::new("command line"), Path::new(""));
    config.map_err(|e| CliError::Usage(e.to_string()))
}

/// The one target of a configuration that is made of its URL; it has the name of its host.
pub(super) fn target(given: Given<'_>) -> Result<(Config, Arc<Target>), CliError> {
    if !is_url(given.url) {
        let why = format!("`{}`: expected a URL such as http://localhost:8000/v1", given.url);
        return Err(CliError::Usage(why));
    }
    let host = Url::parse(given.url).ok().map(|url| {
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        format!("{}{port}", url.host_str().unwrap_or(NAME))
    });
    let name = host.unwrap_or_else(|| NAME.to_owned());
    let config = config(&[Given { name: &name, ..given }])?;
    let target = batch::target(&config, &name)?;
    Ok((config, target))
}

/// The target of this name in a file; both were given where no URL was.
pub(super) fn of_file(
    file: Option<&Path>,
    name: Option<&str>,
) -> Result<(Config, Arc<Target>), CliError> {
    let expected = || CliError::Usage("expected a URL, or --config.file and --target".to_owned());
    let config = load(file.ok_or_else(expected)?)?;
    let target = batch::target(&config, name.ok_or_else(expected)?)?;
    Ok((config, target))
}
