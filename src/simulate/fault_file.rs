//! The `faults` section of the configuration file: one key per kind of fault.

use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use serde_yaml::Spanned;

use super::checks::{Problem, check_within, pause};
use super::config::{ANSWER_TOKENS, PAUSE};
use super::faults::{Chance, Fault};
use crate::text::units::HumanDuration;

/// The order of the keys is the order in which they are drawn: of two faults that end an answer,
/// the upper one wins.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FaultsFile {
    refuse: Option<Plain>,
    http_status: Option<Status>,
    throttle: Option<Throttle>,
    html: Option<Plain>,
    empty: Option<Plain>,
    error_event: Option<AfterTokens>,
    truncate: Option<AfterTokens>,
    cut_json: Option<AfterTokens>,
    cut_body: Option<AfterTokens>,
    stall: Option<Stall>,
    slow_done: Option<SlowDone>,
    no_usage: Option<Plain>,
    role_first: Option<Plain>,
    burst: Option<Burst>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain {
    probability: Spanned<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Status {
    probability: Spanned<f64>,
    status: Spanned<u16>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Throttle {
    probability: Spanned<f64>,
    retry_after: Option<Spanned<HumanDuration>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AfterTokens {
    probability: Spanned<f64>,
    #[serde(default)]
    after_tokens: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stall {
    probability: Spanned<f64>,
    #[serde(default)]
    after_tokens: u32,
    pause: Spanned<HumanDuration>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SlowDone {
    probability: Spanned<f64>,
    pause: Spanned<HumanDuration>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Burst {
    probability: Spanned<f64>,
    tokens: Spanned<u32>,
}

impl FaultsFile {
    pub fn check(self) -> Result<Vec<Chance>, Problem> {
        let mut chances = Vec::new();
        let mut add = |probability: Spanned<f64>, fault: Fault| {
            let probability = check_within("probability", &probability, &(0.0..=1.0))?;
            chances.push(Chance { fault, probability });
            Ok::<(), Problem>(())
        };
        plain(&mut add, self.refuse, Fault::Refuse)?;
        if let Some(f) = self.http_status {
            add(f.probability, Fault::HttpStatus(error_status(&f.status)?))?;
        }
        if let Some(f) = self.throttle {
            let retry_after = pause("retry_after", f.retry_after)?;
            let retry_after = retry_after.unwrap_or(Duration::from_secs(1));
            add(f.probability, Fault::Throttle { retry_after })?;
        }
        plain(&mut add, self.html, Fault::Html)?;
        plain(&mut add, self.empty, Fault::Empty)?;
        after(&mut add, self.error_event, |after_tokens| Fault::ErrorEvent { after_tokens })?;
        after(&mut add, self.truncate, |after_tokens| Fault::Truncate { after_tokens })?;
        after(&mut add, self.cut_json, |after_tokens| Fault::CutJson { after_tokens })?;
        after(&mut add, self.cut_body, |after_tokens| Fault::CutBody { after_tokens })?;
        if let Some(f) = self.stall {
            let pause = length(&f.pause)?;
            add(f.probability, Fault::Stall { after_tokens: f.after_tokens, pause })?;
        }
        if let Some(f) = self.slow_done {
            add(f.probability, Fault::SlowDone { pause: length(&f.pause)? })?;
        }
        plain(&mut add, self.no_usage, Fault::NoUsage)?;
        plain(&mut add, self.role_first, Fault::RoleFirst)?;
        if let Some(f) = self.burst {
            let tokens = check_within("tokens", &f.tokens, &ANSWER_TOKENS)?;
            add(f.probability, Fault::Burst { tokens })?;
        }
        Ok(chances)
    }
}

fn plain(
    add: &mut impl FnMut(Spanned<f64>, Fault) -> Result<(), Problem>,
    setting: Option<Plain>,
    fault: Fault,
) -> Result<(), Problem> {
    setting.map_or(Ok(()), |setting| add(setting.probability, fault))
}

fn after(
    add: &mut impl FnMut(Spanned<f64>, Fault) -> Result<(), Problem>,
    setting: Option<AfterTokens>,
    fault: fn(u32) -> Fault,
) -> Result<(), Problem> {
    setting.map_or(Ok(()), |setting| add(setting.probability, fault(setting.after_tokens)))
}

fn length(value: &Spanned<HumanDuration>) -> Result<Duration, Problem> {
    let limits = HumanDuration(*PAUSE.start())..=HumanDuration(*PAUSE.end());
    Ok(check_within("pause", value, &limits)?.0)
}

fn error_status(status: &Spanned<u16>) -> Result<StatusCode, Problem> {
    let code = check_within("status", status, &(400..=599))?;
    StatusCode::from_u16(code).map_err(|error| (status.referenced, error.to_string()))
}
