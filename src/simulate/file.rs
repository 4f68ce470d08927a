//! The configuration file: a mirror of what is written there, and the checks that turn it into a
//! [`SimulatorConfig`].

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_yaml::{Location, Spanned};

use super::checks::{Problem, check_within, pause, within};
use super::config::{
    ANSWER_TOKENS, CONNECTIONS, FACTOR, JITTER, Load, MAX_ARRIVAL_RATE, MAX_PHASES, MAX_USERS,
    PREFILL_RATE, Phase, QUEUE, SLOTS, SimulatorConfig, Source, Swing,
};
use super::fault_file::FaultsFile;
use super::script::highest_load_factor;
use crate::config::error::ConfigError;
use crate::config::yaml::describe;
use crate::text::units::HumanDuration;

/// Largest file that is read.
const MAX_FILE: u64 = 1 << 20;

/// The file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    model: Option<String>,
    seed: Option<u64>,
    slots: Option<Spanned<u32>>,
    queue: Option<Spanned<u32>>,
    ttft: Option<Spanned<HumanDuration>>,
    prefill_rate: Option<Spanned<f64>>,
    itl: Option<Spanned<HumanDuration>>,
    jitter: Option<Spanned<f64>>,
    answer_tokens: Option<Spanned<u32>>,
    usage: Option<bool>,
    prefix_cache: Option<bool>,
    max_connections: Option<Spanned<u32>>,
    drain: Option<Spanned<HumanDuration>>,
    faults: FaultsFile,
    script: Option<Spanned<Vec<PhaseFile>>>,
    load: Option<Spanned<LoadFile>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PhaseFile {
    after: HumanDuration,
    #[serde(rename = "for")]
    lasts: Option<HumanDuration>,
    repeat_every: Option<Spanned<HumanDuration>>,
    ttft_factor: Option<Spanned<f64>>,
    itl_factor: Option<Spanned<f64>>,
    load_factor: Option<Spanned<f64>>,
    slots: Option<Spanned<u32>>,
    #[serde(default)]
    faults: FaultsFile,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LoadFile {
    users: Option<Spanned<u32>>,
    think_time: Option<Spanned<HumanDuration>>,
    rate: Option<Spanned<f64>>,
    input_tokens: Option<Spanned<u32>>,
    output_tokens: Option<Spanned<u32>>,
    swing: Option<SwingFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SwingFile {
    period: Spanned<HumanDuration>,
    amplitude: Spanned<f64>,
}

/// Reads a configuration file.
pub(super) fn read(path: &Path) -> Result<SimulatorConfig, ConfigError> {
    let whole = |message: String| ConfigError::whole_file(path, message);
    let file = std::fs::File::open(path).map_err(|e| whole(format!("cannot be read: {e}")))?;
    let mut text = String::new();
    file.take(MAX_FILE + 1)
        .read_to_string(&mut text)
        .map_err(|e| whole(format!("cannot be read: {e}")))?;
    if u64::try_from(text.len()).is_ok_and(|length| length > MAX_FILE) {
        return Err(whole("is larger than expected, at most 1 MiB".to_owned()));
    }
    parse(path, &text)
}

/// Checks the text of a configuration file; `path` is for messages only.
///
/// # Errors
/// The first problem: where it is, what is wrong and what was expected.
pub fn parse(path: &Path, text: &str) -> Result<SimulatorConfig, ConfigError> {
    let options = serde_yaml::options! { with_snippet: false, strict_booleans: true };
    serde_yaml::from_str_with_options::<Option<File>>(text, options)
        .map_err(|error| (error.location().unwrap_or(Location::UNKNOWN), describe(&error)))
        .and_then(|file| file.unwrap_or_default().check())
        .map_err(|(at, message)| ConfigError::plain(path, text, at, message))
}

impl File {
    fn check(self) -> Result<SimulatorConfig, Problem> {
        let base = SimulatorConfig::default();
        let script = phases(self.script)?;
        Ok(SimulatorConfig {
            model: self.model.unwrap_or(base.model),
            seed: self.seed.unwrap_or(base.seed),
            slots: within("slots", self.slots, &SLOTS)?.unwrap_or(base.slots),
            queue: within("queue", self.queue, &QUEUE)?.unwrap_or(base.queue),
            ttft: pause("ttft", self.ttft)?.unwrap_or(base.ttft),
            prefill_rate: within("prefill_rate", self.prefill_rate, &PREFILL_RATE)?,
            itl: pause("itl", self.itl)?.unwrap_or(base.itl),
            jitter: within("jitter", self.jitter, &JITTER)?.unwrap_or(base.jitter),
            answer_tokens: within("answer_tokens", self.answer_tokens, &ANSWER_TOKENS)?
                .unwrap_or(base.answer_tokens),
            usage: self.usage.unwrap_or(base.usage),
            prefix_cache: self.prefix_cache.unwrap_or(base.prefix_cache),
            max_connections: within("max_connections", self.max_connections, &CONNECTIONS)?
                .unwrap_or(base.max_connections),
            drain: pause("drain", self.drain)?.unwrap_or(base.drain),
            faults: self.faults.check()?,
            load: self.load.map(|load| check_load(load, &script)).transpose()?,
            script,
        })
    }
}

fn phases(script: Option<Spanned<Vec<PhaseFile>>>) -> Result<Vec<Phase>, Problem> {
    let Some(script) = script else { return Ok(Vec::new()) };
    if script.value.len() > MAX_PHASES {
        let message = format!("{} phases, expected at most {MAX_PHASES}", script.value.len());
        return Err((script.referenced, message));
    }
    script.value.into_iter().map(PhaseFile::check).collect()
}

impl PhaseFile {
    fn check(self) -> Result<Phase, Problem> {
        let lasts = self.lasts.map(|d| d.0);
        let repeat_every =
            self.repeat_every.map(|every| check_repeat(&every, lasts)).transpose()?;
        let slots = 0..=*SLOTS.end();
        Ok(Phase {
            after: self.after.0,
            lasts,
            repeat_every,
            ttft_factor: factor("ttft_factor", self.ttft_factor, *FACTOR.start())?,
            itl_factor: factor("itl_factor", self.itl_factor, *FACTOR.start())?,
            load_factor: factor("load_factor", self.load_factor, 0.0)?,
            slots: within("slots", self.slots, &slots)?,
            faults: self.faults.check()?,
        })
    }
}

fn check_repeat(
    every: &Spanned<HumanDuration>,
    lasts: Option<Duration>,
) -> Result<Duration, Problem> {
    let at = every.referenced;
    let lasts =
        lasts.ok_or_else(|| (at, "`repeat_every` needs `for`, expected both".to_owned()))?;
    // A second at least: every edge is an event of its own.
    if every.value.0 < lasts.max(Duration::from_secs(1)) {
        let message = format!(
            "`repeat_every` is {}, expected at least 1s and at least as long as `for`",
            every.value
        );
        return Err((at, message));
    }
    Ok(every.value.0)
}

fn check_load(load: Spanned<LoadFile>, script: &[Phase]) -> Result<Load, Problem> {
    let Spanned { value: load, referenced: at, .. } = load;
    let swing = load.swing.map(SwingFile::check).transpose()?;
    let peak = highest_load_factor(script, swing);
    let source = match (load.users, load.rate, load.think_time) {
        (Some(users), None, think_time) => users_source(&users, think_time, peak)?,
        (None, Some(rate), None) => rate_source(&rate, peak)?,
        (None, Some(_), Some(think_time)) => {
            let message = "`think_time` goes with `users`, not with `rate`".to_owned();
            return Err((think_time.referenced, message));
        }
        _ => return Err((at, "expected either `users` or `rate`".to_owned())),
    };
    let tokens = 0..=*ANSWER_TOKENS.end();
    Ok(Load {
        source,
        input_tokens: within("input_tokens", load.input_tokens, &tokens)?.unwrap_or(256),
        output_tokens: within("output_tokens", load.output_tokens, &tokens)?.unwrap_or(128),
        swing,
    })
}

fn users_source(
    users: &Spanned<u32>,
    think_time: Option<Spanned<HumanDuration>>,
    peak: f64,
) -> Result<Source, Problem> {
    let count = f64::from(users.value) * peak;
    if !(1.0..=MAX_USERS).contains(&count) {
        let message = format!(
            "`users` is {count:.0} at the peak of swing and phases, expected 1 to {MAX_USERS}"
        );
        return Err((users.referenced, message));
    }
    let least = Duration::from_secs_f64(count / MAX_ARRIVAL_RATE);
    let think_time = think_time.map_or(Ok(least.max(Duration::from_secs(10))), |think_time| {
        if think_time.value.0 >= least {
            return Ok(think_time.value.0);
        }
        let message = format!(
            "`think_time` is {}, expected at least {} with that many users",
            think_time.value,
            HumanDuration(least)
        );
        Err((think_time.referenced, message))
    })?;
    Ok(Source::Users { count: users.value, think_time })
}

fn rate_source(rate: &Spanned<f64>, peak: f64) -> Result<Source, Problem> {
    if rate.value > 0.0 && rate.value * peak <= MAX_ARRIVAL_RATE {
        return Ok(Source::Rate(rate.value));
    }
    let message = format!(
        "`rate` is {}, expected more than 0 and at most {MAX_ARRIVAL_RATE} per second at the peak \
         of swing and phases",
        rate.value
    );
    Err((rate.referenced, message))
}

impl SwingFile {
    fn check(self) -> Result<Swing, Problem> {
        let period = self.period.value;
        if period.0 < Duration::from_secs(1) {
            return Err((
                self.period.referenced,
                format!("`period` is {period}, expected 1s or more"),
            ));
        }
        let amplitude = check_within("amplitude", &self.amplitude, &(0.0..=1.0))?;
        Ok(Swing { period: period.0, amplitude })
    }
}

fn factor(key: &str, value: Option<Spanned<f64>>, least: f64) -> Result<f64, Problem> {
    Ok(within(key, value, &(least..=*FACTOR.end()))?.unwrap_or(1.0))
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
