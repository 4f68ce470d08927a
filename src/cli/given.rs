//! Targets that are given by their URLs instead of a file.

use std::path::Path;

use serde_json::json;

use super::error::CliError;
use crate::config::Config;

/// A target on the command line.
pub(super) struct Given<'a> {
    pub name: &'a str,
    pub url: &'a str,
    /// `None` asks the server's model list.
    pub model: Option<&'a str>,
}

/// Whether a text is meant as the URL of a target.
pub(super) fn is_url(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

/// A configuration of these targets, with everything else as by default.
pub(super) fn config(targets: &[Given<'_>]) -> Result<Config, CliError> {
    let target = |given: &Given<'_>| match given.model {
        Some(model) => json!({"name": given.name, "url": given.url, "model": model}),
        None => json!({"name": given.name, "url": given.url}),
    };
    // JSON is YAML.
    let text = json!({"targets": targets.iter().map(target).collect::<Vec<_>>()});
    let config = Config::parse(&text.to_string(), Path::new("command line"), Path::new(""));
    config.map_err(|e| CliError::Usage(e.to_string()))
}
