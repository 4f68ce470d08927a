//! Alert and recording rules for a configuration.
//!
//! The rules are written once, in `alerts/`: those files hold for every configuration with a period
//! of 30 days. Here they are adapted: one copy of the SLO groups per SLO, with windows that fit its
//! period, in the format that the user's tools read. The logic is never touched.

mod adapt;
mod burn;
mod document;
mod duration;
mod links;
mod operator;
mod parts;
mod prometheus;
mod pyrra;
mod shipped;
mod sloth;

use crate::config::Config;

pub use self::burn::too_few_probes;
pub use self::duration::is_rehearsal;
pub use self::links::Links;
pub use self::parts::RulesError;

/// What one format writes.
type Write = fn(&Config, &Links) -> Result<String, RulesError>;

/// Whom the rules are for.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// As on the command line.
    pub name: &'static str,
    /// For the help text.
    pub about: &'static str,
    /// Whether the alerts in it are this program's, with links of its own.
    pub linked: bool,
    write: Write,
}

/// Every format: one line and one file each.
pub static FORMATS: [Format; 4] = [
    Format { name: "prometheus", about: "a rule file", linked: true, write: prometheus::write },
    Format {
        name: "sloth",
        about: "SLO specifications of sloth",
        linked: false,
        write: |config, _| sloth::write(config),
    },
    Format {
        name: "pyrra",
        about: "ServiceLevelObjectives of Pyrra",
        linked: false,
        write: |config, _| pyrra::write(config),
    },
    Format {
        name: "operator",
        about: "a PrometheusRule object",
        linked: true,
        write: operator::write,
    },
];

impl Format {
    /// The rules for this configuration as YAML.
    ///
    /// # Errors
    /// The rules that are built in cannot be read, or YAML cannot be written.
    pub fn write(&self, config: &Config) -> Result<String, RulesError> {
        self.write_linked(config, &Links::default())
    }

    /// The same, with other links.
    ///
    /// # Errors
    /// As [`Format::write`].
    pub fn write_linked(&self, config: &Config, links: &Links) -> Result<String, RulesError> {
        (self.write)(config, links)
    }
}

#[cfg(test)]
mod tests;
