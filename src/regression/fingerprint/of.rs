//! Which fields count. Every struct is taken apart, so that a new field does not compile before it
//! has a line here: its name among those that count, or `: _` among those that do not.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::fields::Fingerprint;
use super::hash::{Hash, Hashed};
use crate::answer::deadline::Deadline;
use crate::answer::slo::{Objective, Slo};
use crate::explain::shown;
use crate::target::{Addresses, ConnectionMode, Limits, Target, Tls};
use crate::workload::synthetic::Made;
use crate::workload::{
    Cancel, Captured, Conversation, Message, Prefix, Prompt, Tiles, Validator, Workload,
};

/// Of what a target is and how it is asked; of its workloads and SLOs see [`of_workload`] and
/// [`of_slos`].
#[must_use]
pub fn of_target(target: &Target) -> Fingerprint {
    let Target {
        url,
        dialect,
        model,
        stream,
        usage,
        headers,
        extra_body,
        tls: Tls { server_name, ca_file: _, certificate: _, insecure_skip_verify: _ },
        connection,
        addresses,
        limits:
            Limits { timeout, first_token_timeout, stall_timeout, max_body_bytes, tail_timeout: _ },
        tokenizer,
        version,
        // Apart.
        workloads: _,
        slos: _,
        // What it is called and costs, how often it is asked, and what else is looked at.
        name: _,
        auth: _,
        schedule: _,
        resolve_every: _,
        // When a target is asked, and what is left out of the figures, says nothing of the server.
        active_hours: _,
        max_in_flight: _,
        max_in_prefill: _,
        warm_up: _,
        cold_after: _,
        cache_check: _,
        labels: _,
        price: _,
        budget: _,
        server_metrics: _,
        gpus: _,
    } = target;
    let mut print = Fingerprint::default();
    // A key in its query may be exchanged.
    print.field("url", &shown(url));
    print.field("api", dialect.name());
    print.field("model", model);
    print.field("stream", stream);
    print.field("usage", usage.as_str());
    print.field("headers", headers);
    print.field("extra_body", extra_body);
    print.field("tls.server_name", server_name);
    print.field("connection", &(*connection == ConnectionMode::Fresh));
    print.field("addresses", &(*addresses == Addresses::Each));
    print.field("timeout", timeout);
    print.field("first_token_timeout", first_token_timeout);
    print.field("stall_timeout", stall_timeout);
    print.field("max_body_bytes", max_body_bytes);
    print.field("tokenizer", &tokenizer.as_ref().map(|t| t.name().to_owned()));
    for (key, value) in version {
        print.field(&format!("version.{key}"), value);
    }
    print
}

/// Of what is asked, and what the answer must satisfy.
#[must_use]
pub fn of_workload(workload: &Workload) -> Fingerprint {
    let Workload {
        weight,
        prompts,
        documents,
        audio,
        prefix,
        max_output_tokens,
        extra_body,
        judged,
        validators,
        stall_timeout,
        lexicon,
        cancel,
        conversation,
        // What was left out of a data set is not asked.
        rows: _,
        // It is another name for the same bound.
        limit_key: _,
        name: _,
    } = workload;
    let mut print = Fingerprint::default();
    print.field("weight", weight);
    print.field("prompts", &**prompts);
    print.field("prefix", &(*prefix == Prefix::Unique));
    print.field("max_output_tokens", max_output_tokens);
    print.field("extra_body", extra_body);
    print.field("expect.in", judged.as_str());
    print.field("expect", validators);
    print.field("stall_timeout", stall_timeout);
    // Workloads that have none of these stay as they were.
    if let Prefix::Tiles(Tiles { number, tokens }) = prefix {
        print.field("prefix.tiles", &(*number, *tokens));
    }
    if !documents.is_empty() {
        print.field("documents", &**documents);
    }
    if let Some(audio) = audio {
        print.field("audio", &STANDARD.encode(&audio.bytes));
    }
    if let Some(lexicon) = lexicon {
        print.field("prompts.seed", &lexicon.seed());
    }
    match cancel {
        None => {}
        Some(Cancel::AfterOutputTokens(tokens)) => print.field("cancel", &("tokens", *tokens)),
        Some(Cancel::After(time)) => print.field("cancel", &("time", *time)),
        Some(Cancel::Slow { bytes_per_second }) => {
            print.field("cancel", &("bytes", *bytes_per_second));
        }
    }
    if let Some(Conversation { turns, think_time }) = conversation {
        print.field("conversation", &(*turns, *think_time));
    }
    print
}

/// Of what makes a probe of one workload good, by these SLOs that cover it: not of the share that
/// shall be.
#[must_use]
pub fn of_slos<'s>(slos: impl Iterator<Item = &'s Arc<Slo>>) -> u64 {
    let slos: Vec<_> = slos.map(|slo| Covering(slo)).collect();
    Hash::of(&slos)
}

/// An SLO that covers the workload in question.
struct Covering<'s>(&'s Slo);

impl Hashed for Covering<'_> {
    fn add_to(&self, hash: &mut Hash) {
        let Slo { name, objectives, objective: _, window: _, workloads: _ } = self.0;
        (name, objectives).add_to(hash);
    }
}

impl Hashed for Objective {
    fn add_to(&self, hash: &mut Hash) {
        let Self { kind, threshold, deadline } = self;
        (kind.as_str(), kind.definition(), threshold).add_to(hash);
        // Those that have none stay as they were.
        if let Some(Deadline { ttft, per_token }) = deadline {
            (ttft, per_token).add_to(hash);
        }
    }
}

impl Hashed for Prompt {
    fn add_to(&self, hash: &mut Hash) {
        // Documents and audio are the workload's.
        let Self { messages, captured, made, further, documents: _, audio: _ } = self;
        (messages, captured.as_deref()).add_to(hash);
        // Those that have none stay as they were.
        if let Some(Made { tokens, blocks, output_tokens, at: _ }) = made {
            (tokens, &**blocks, *output_tokens).add_to(hash);
        }
        if !further.is_empty() {
            (**further).add_to(hash);
        }
    }
}

impl Hashed for Message {
    fn add_to(&self, hash: &mut Hash) {
        let Self { role, content } = self;
        (role, content).add_to(hash);
    }
}

impl Hashed for Captured {
    fn add_to(&self, hash: &mut Hash) {
        let Self { form, body, at: _ } = self;
        (form.as_str(), body).add_to(hash);
    }
}

impl Hashed for Validator {
    fn add_to(&self, hash: &mut Hash) {
        self.name().add_to(hash);
        self.identity().add_to(hash);
    }
}
