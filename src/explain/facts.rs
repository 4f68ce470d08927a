//! What is known of a failed probe, and what can be asked about it.

use url::Url;

use super::models::Listed;
use crate::answer::failure::Failure;
use crate::answer::recording::Recording;
use crate::target::{Limits, Target};

/// A failed probe.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Of what.
    pub target: &'a Target,
    /// The bounds that held for it.
    pub limits: Limits,
    /// The whole address of its request.
    pub asked: &'a Url,
    /// What was seen of it.
    pub recording: &'a Recording,
    /// What it amounts to.
    pub failure: &'a Failure,
    /// What was asked about it afterwards.
    pub findings: &'a Findings,
}

/// What questions to the server after a failure found out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// The server's list of models; an error where it could not be had.
    pub models: Option<Result<Listed, ()>>,
    /// What the port speaks.
    pub spoken: Option<Spoken>,
}

/// What a TCP port speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spoken {
    /// TLS.
    Tls,
    /// HTTP without TLS.
    PlainHttp,
    /// Something else, or nothing.
    Other,
}

/// A question that would tell more about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Which models does the server list?
    Models,
    /// What does its port speak?
    Spoken,
}
