//! Probing a target for its profile.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::SystemTime;

use super::args::GateArgs;
use crate::cli::error::CliError;
use crate::cli::setup::{load, runtime};
use crate::cli::shutdown;
use crate::cli::{answers, batch};
use crate::regression::gate::identity::TokenizerFile;
use crate::regression::gate::{self, Identity, Limits, Profile, Samples, Taken};
use crate::target::Target;
use crate::workload::mix::Draw;
use crate::workload::{Mix, Workload};

/// The draws where the configuration has no seed: the same prompts in the same order for baseline
/// and candidate leave less to chance.
const SEED: u64 = 1;

/// What is said of an end that somebody asked for.
const INTERRUPTED: &str = "interrupted: nothing was saved or compared";

/// All that is needed to probe, checked.
pub(super) struct Measuring {
    target: Arc<Target>,
    identity: Identity,
    draws: Vec<Draw>,
    seed: u64,
}

impl Measuring {
    /// Reads the configuration; sends nothing.
    pub(super) fn prepare(args: &GateArgs) -> Result<Self, CliError> {
        let expected = || CliError::Usage("expected --config.file and --target".to_owned());
        let config = load(args.config.as_deref().ok_or_else(expected)?)?;
        let target = batch::target(&config, args.target.as_deref().ok_or_else(expected)?)?;
        let only = batch::workload(&target, args.workload.as_deref())?;
        let workloads: Vec<Arc<Workload>> =
            only.as_ref().map_or_else(|| target.workloads.clone(), |w| vec![Arc::clone(w)]);
        let tokenizer = tokenizer(&target)?;
        let identity = Identity::of(&target, &workloads, args.concurrency, tokenizer);
        let seed = config.seed.unwrap_or(SEED);
        // Fresh nonces: the prompts of an earlier run may still be in the server's prefix cache.
        let mix = Mix::new(&target.workloads, seed).with_nonces(rand::random());
        let draws = batch::draws(mix, only.as_ref(), args.count);
        Ok(Self { target, identity, draws, seed })
    }

    /// Refuses a comparison that can be seen to be unfit before any probe.
    pub(super) fn check(
        &self,
        args: &GateArgs,
        baseline: &Profile,
        limits: &Limits,
    ) -> Result<(), CliError> {
        let (probes, may_differ) = (u64::from(args.count), &args.allow_different);
        let checked = gate::compare::check(baseline, &self.identity, probes, limits, may_differ);
        checked.map(drop).map_err(|refusal| CliError::Usage(refusal.to_string()))
    }

    /// Probes.
    pub(super) fn run(self, args: &GateArgs) -> Result<Profile, CliError> {
        let Self { target, mut identity, draws, seed } = self;
        let taken = Taken {
            at: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            prober_version: env!("CARGO_PKG_VERSION").to_owned(),
            target: target.name.clone(),
            version: target.version.clone(),
            seed,
        };
        let (probing, _io) = batch::probing(target, args.io_threads)?;
        let runtime = runtime()?;
        if let Some(draw) = draws.first() {
            let answers = answers::check("the target", &probing, draw);
            runtime.block_on(async {
                tokio::select! {
                    () = shutdown::requested() => Err(INTERRUPTED.to_owned()),
                    answers = answers => answers.map_err(|why| format!("{why}; nothing was measured")),
                }
            }).map_err(CliError::Failed)?;
        }
        let price = probing.target.price;
        let mut samples = Samples::default();
        let all = batch::run(&probing, draws, args.concurrency, |probe| -> Result<_, Infallible> {
            if let Err(failure) = &probe.outcome.result {
                let (reason, why) = (failure.reason, failure.explanation.as_deref());
                tracing::debug!(probe = probe.id.as_str(), %reason, why, detail = %failure.detail, "probe failed");
            }
            samples.add(&probe.outcome, price.as_ref());
            Ok(ControlFlow::Continue(()))
        });
        let Ok(complete) = runtime.block_on(all);
        if !complete {
            return Err(CliError::Failed(INTERRUPTED.to_owned()));
        }
        identity.model = probing.model.known();
        Ok(samples.profile(identity, taken))
    }
}

fn tokenizer(target: &Target) -> Result<Option<TokenizerFile>, CliError> {
    let Some(tokenizer) = &target.tokenizer else { return Ok(None) };
    let file = tokenizer.file();
    let bytes = std::fs::read(file).map_err(|e| {
        CliError::Usage(format!("{}: cannot read the tokenizer: {e}", file.display()))
    })?;
    Ok(Some(TokenizerFile::new(tokenizer.name(), &bytes)))
}
