//! The configuration: a serde mirror of the file, and the resolved, validated [`Config`].
//!
//! A file is checked whole before anything starts: [`ConfigError`] tells every problem with its
//! place. What a file refers to (prompts, secrets, certificates, tokenizers) is read as well, so a
//! configuration that loads can be run. Relative file names are relative to the file's folder.

mod confidential;
mod effective;
mod effective_sweep;
pub mod error;
mod gpu_words;
#[macro_use]
pub mod keys;
pub mod labels;
pub mod percent;
pub mod prompts;
mod quantity;
mod raw;
mod redact;
mod requests;
mod resolve;
mod resolved;
mod rows;
mod sharegpt;
mod snippet;
mod time_of_day;
mod traces;
pub(crate) mod yaml;

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use url::Url;

pub use self::error::ConfigError;
use self::error::Report;
pub use self::quantity::parse_size;
pub use self::redact::ShowError;
pub use self::resolved::Config;
use crate::target::Target;
use crate::text::input_file;

/// Largest configuration file, in bytes.
pub const MAX_FILE_BYTES: u64 = 16 << 20;

/// The configuration of the quick start, also an example to copy.
const QUICK_START: &str = include_str!("../../config/quick-start.yml");

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// When the file cannot be read or anything in it, or in a file it refers to, is wrong.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let fail = |why: String| ConfigError::whole_file(path, why);
        let mut bytes = Vec::new();
        // Any kind of file, unlike those it refers to: `/dev/stdin` is handy.
        std::fs::File::open(path)
            .and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|e| fail(format!("cannot read the configuration: {e}")))?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(too_large(path));
        }
        let text = input_file::text(bytes).map_err(|position| {
            ConfigError::at(path, position, "not UTF-8, expected text in UTF-8".to_owned())
        })?;
        Self::parse(&text, path, path.parent().unwrap_or(Path::new("")))
    }

    /// Checks a text; `file_name` is for messages, relative file names start at `base_dir`.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str, file_name: &Path, base_dir: &Path) -> Result<Self, ConfigError> {
        parse(text, file_name, base_dir, |_| {})
    }

    /// The built-in configuration that probes a simulator at `url` (`http://…/v1`).
    ///
    /// # Errors
    /// When `url` is not fit for a target.
    pub fn quick_start(url: &Url) -> Result<Self, ConfigError> {
        let name = Path::new("quick-start.yml (built in)");
        parse(QUICK_START, name, Path::new(""), |raw| {
            for target in raw.targets.iter_mut().flat_map(|t| &mut t.value.0) {
                url.as_str().clone_into(&mut target.url.value);
            }
        })
    }

    /// A configuration of one target alone, with the same labels.
    #[must_use]
    pub(crate) fn only(&self, target: &Arc<Target>) -> Self {
        let (targets, comparisons, sweeps) = (vec![Arc::clone(target)], Vec::new(), Vec::new());
        Self { targets, comparisons, sweeps, ..self.clone() }
    }

    /// The effective configuration as YAML, for people: defaults filled in; header values, prompts
    /// and expected answers left out; secrets only as the place they come from. Written for whoever
    /// asks: a text of a kilobyte a target is not kept.
    ///
    /// # Errors
    /// When the library cannot write a value.
    pub fn redacted(&self) -> Result<String, ShowError> {
        redact::render(self)
    }
}

fn too_large(file: &Path) -> ConfigError {
    let why = format!("larger than {} MiB, the most that is read", MAX_FILE_BYTES >> 20);
    ConfigError::whole_file(file, why)
}

fn parse(
    text: &str,
    file_name: &Path,
    base_dir: &Path,
    adjust: impl FnOnce(&mut raw::Raw),
) -> Result<Config, ConfigError> {
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(too_large(file_name));
    }
    let mut report = Report::new(file_name, text);
    let parsed = yaml::parse(text).map_err(|(at, message)| report.add::<()>(at, message));
    let config = parsed.ok().and_then(|mut raw| {
        adjust(&mut raw);
        resolve::resolve(&raw, base_dir, &mut report)
    });
    match (report.into_error(), config) {
        (None, Some(config)) => Ok(config),
        (Some(error), _) => Err(error),
        // Nothing resolves to nothing without a report; said rather than assumed.
        (None, None) => Err(ConfigError::whole_file(file_name, "not usable".to_owned())),
    }
}
