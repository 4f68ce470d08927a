//! One probe: build the request, exchange it, interpret the recording.

mod confidential;
pub mod log;
pub mod self_check;
pub mod sink;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::answer::failure::{Failure, FailureReason};
use crate::answer::measure::Measurement;
use crate::answer::outcome::Outcome;
use crate::answer::rate_limit::RateLimit;
use crate::answer::recording::{Ending, Offset, Recording};
use crate::answer::slo::judge;
use crate::explain::{Facts, Findings, explain};
use crate::interpret::progress::Patience;
use crate::interpret::{interpret, words};
use crate::server_metrics::{Around, Observer, ServerView};
use crate::target::Target;
use crate::target::budget::Charge;
use crate::target::learned::{Learned, Terms, is_refused};
use crate::target::request::{self, ProbeId};
use crate::transport::inquiry::Inquiry;
use crate::transport::model::ModelName;
use crate::transport::{self, Answered, Reading, Transport};
use crate::workload::mix::Draw;
use crate::workload::{LimitKey, Workload};

/// A server may refuse the counts, and then the limit.
const MOST_OTHER_TERMS: usize = 3;

/// Why a probe does not count as others do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Apart {
    /// One of the first, which only warm the server up: it counts nowhere.
    WarmUp,
    /// The first after the target was left alone for so long that it may have gone cold.
    Cold,
    /// One of two with the same prompt, which tell whether the prefix cache works.
    CacheCheck,
    /// It was under way while its server was swept, whatever else it is: its times are those of the
    /// sweep's load. Only whether the target answers is still told by it.
    BesideSweep,
}

/// Everything known about one probe that was made.
#[derive(Debug, Clone)]
pub struct Probe {
    /// Its identity at the server, too.
    pub id: ProbeId,
    /// What was asked.
    pub workload: Arc<Workload>,
    /// It settles whether another one was bad luck. There are more of them when a target is ill, so
    /// that they would weigh its bad hours twice: it costs what it costs, and is in no other figure.
    pub confirming: bool,
    /// It is in figures of its own, and costs what it costs; `None` for one that counts as any other.
    pub apart: Option<Apart>,
    /// The model that the target was found to serve, where that is known when the probe is over.
    pub model: Option<String>,
    /// Bytes and instants; without any when nothing was sent (no model known, no secret).
    pub recording: Recording,
    /// What they amount to.
    pub outcome: Outcome,
    /// Characters of the prompt.
    pub prompt_characters: u64,
    /// The longest answer that was asked for.
    pub max_output_tokens: u32,
    /// Other probes of the target that were under way when it began.
    pub others_in_flight: usize,
    /// It failed at one address of the target as the one before did there, while another address
    /// answers: nothing new about whether the target answers.
    pub no_news: bool,
    /// The answer's words as they came, with nothing masked; only of a conversation.
    pub said: Option<Arc<str>>,
    /// The same, seen from the server.
    pub server: ServerView,
    /// What the target's GPUs took from before the request until after its end, in joules; `None`
    /// unless nothing else ran there.
    pub energy_joules: Option<f64>,
}

impl Probe {
    /// A probe of which neither the server nor the GPUs said anything.
    #[must_use]
    pub fn new(
        id: ProbeId,
        workload: Arc<Workload>,
        recording: Recording,
        outcome: Outcome,
    ) -> Self {
        Self {
            id,
            max_output_tokens: workload.max_output_tokens,
            workload,
            confirming: false,
            apart: None,
            model: None,
            recording,
            outcome,
            prompt_characters: 0,
            others_in_flight: 0,
            no_news: false,
            said: None,
            server: ServerView::default(),
            energy_joules: None,
        }
    }

    /// What it is charged to the budget with.
    #[must_use]
    pub fn charge(&self) -> Charge {
        let measurement = &self.outcome.measurement;
        let most = self.max_output_tokens;
        Charge::of(&self.recording, measurement, self.prompt_characters, most)
    }
}

/// A target with the means to probe it.
pub struct Probing {
    /// What to probe.
    pub target: Arc<Target>,
    /// Its model name.
    pub model: ModelName,
    /// Its connections.
    pub transport: Transport,
    /// What its server was found to take.
    pub learned: Learned,
    /// Its server's own metrics, where they are configured.
    pub observer: Option<Observer>,
    /// Asks why probes fail; `None` where the server is not on the network.
    pub inquiry: Option<Inquiry>,
}

impl Probing {
    /// Means for `target` over `transport`.
    #[must_use]
    pub fn new(target: Arc<Target>, transport: Transport) -> Self {
        let model = ModelName::new(&target);
        let pipe = transport.pipe_dialer();
        let inquiry = pipe.is_none().then(Inquiry::default);
        let observer = Observer::new(&target, pipe);
        Self { target, model, transport, learned: Learned::default(), observer, inquiry }
    }

    /// Goes on with what was learnt of the server before a reload, where it is still the same server
    /// and model.
    pub fn go_on_from(&mut self, before: &Self) {
        if before.target.moved_to(&self.target).is_none() {
            self.model.go_on_from(&before.model);
            self.learned.go_on_from(&before.learned);
        }
    }

    /// Makes one probe. `schedule_delay` is how late after its arrival it begins.
    pub async fn probe(
        &self,
        draw: Draw,
        schedule_delay: Duration,
        cancel: CancellationToken,
    ) -> Probe {
        let (id, answered) = (ProbeId::random(), Answered::default());
        self.probe_telling(id, draw, schedule_delay, &answered, cancel).await
    }

    /// As [`Probing::probe`] under this id; says meanwhile whether the answer has come to its own
    /// end.
    pub async fn probe_telling(
        &self,
        id: ProbeId,
        draw: Draw,
        schedule_delay: Duration,
        answered: &Answered,
        cancel: CancellationToken,
    ) -> Probe {
        let model = tokio::select! {
            biased;
            model = self.model.get(&self.target) => model,
            () = cancel.cancelled() => Err(Failure::new(FailureReason::Cancelled, "no model yet")),
        };
        let exchanged = match model {
            Ok(model) => self.exchange(&draw, &model, &id, answered, &cancel).await,
            Err(failure) => Err(failure),
        };
        let (mut recording, around) = match exchanged {
            Ok(exchanged) => exchanged,
            Err(failure) => {
                let mut probe = self.not_sent(id, &draw.workload, failure);
                probe.recording.schedule_delay = schedule_delay;
                return probe;
            }
        };
        recording.schedule_delay += schedule_delay;
        let mut outcome = interpret(&self.target, &draw.workload, &draw.prompt, &recording);
        let to_its_end =
            matches!(recording.ending, Ending::Complete | Ending::TailTimedOut | Ending::TimedOut);
        if draw.workload.bytes_read_per_second().is_some() && to_its_end && outcome.given_up() {
            recording.ending = Ending::ReaderStopped;
        }
        let no_news = self.transport.addresses().judge(&recording, &mut outcome);
        if recording.ending != Ending::ReaderStopped {
            self.look_into(&recording, &draw.workload, &mut outcome, &cancel).await;
        }
        // The next turn holds the answer as it came.
        let said = draw.workload.conversation.map(|_| words(&self.target, &recording).into());
        let Draw { workload, prompt } = &draw;
        confidential::mask(&self.target, workload, prompt, &mut recording, &mut outcome);
        let server = ServerView::new(around, &outcome.measurement);
        if outcome.reason() == Some(FailureReason::HttpStatus) && outcome.http_status == Some(404) {
            self.model.forget(&self.target);
        }
        // What generates nothing is charged nothing for it.
        let writes = self.target.dialect.kind().writes();
        let most = if writes { draw.max_output_tokens() } else { 0 };
        let prompt_characters = draw.prompt.characters();
        Probe {
            prompt_characters,
            max_output_tokens: most,
            no_news,
            server,
            said,
            model: self.model.known(),
            ..Probe::new(id, draw.workload, recording, outcome)
        }
    }

    /// Asks on the terms that the server takes. While those are being found out, a refused request
    /// is repeated at once on other terms: the probe is the last request, and what was before it is
    /// delay.
    async fn exchange(
        &self,
        draw: &Draw,
        model: &str,
        id: &ProbeId,
        answered: &Answered,
        cancel: &CancellationToken,
    ) -> Result<(Recording, Option<Around>), Failure> {
        let first_terms = self.learned.terms(&self.target, draw, model);
        let mut exchanged =
            self.exchange_on(first_terms, draw, model, id, answered, cancel).await?;
        let (mut terms, mut refused, mut waited) = (first_terms, None, Duration::ZERO);
        for _ in 0..MOST_OTHER_TERMS {
            let recording = &exchanged.0;
            let other = self.learned.instead(&self.target, draw, model, terms, recording);
            let Some(other) = other else { break };
            waited += recording.ended.since(Offset::default());
            let next = self.exchange_on(other, draw, model, id, answered, cancel).await?;
            refused.get_or_insert(std::mem::replace(&mut exchanged, next));
            terms = other;
        }
        let taken = exchanged.0.head.as_ref().is_some_and(|h| (200..300).contains(&h.status));
        if taken {
            self.learned.taken(&self.target, model, first_terms, terms);
        }
        if let Some(refused) = refused {
            if is_refused(&exchanged.0) {
                // It was about something else: the first refusal says it best.
                self.learned.in_vain(model, first_terms, terms);
                return Ok(refused);
            }
            exchanged.0.schedule_delay = waited;
        }
        Ok(exchanged)
    }

    async fn exchange_on(
        &self,
        terms: Terms,
        draw: &Draw,
        model: &str,
        id: &ProbeId,
        answered: &Answered,
        cancel: &CancellationToken,
    ) -> Result<(Recording, Option<Around>), Failure> {
        let request = request::build(&self.target, draw, model, id, terms)?;
        // On the heap: it is large, and looks at the server go on beside it.
        let mut reading = self.reading(&draw.workload, request::offers_tools(&request));
        // Some servers ignore the new key. A captured request has a limit of its own.
        let new_key = terms.limit_key == LimitKey::MaxCompletionTokens;
        reading.most_events = (new_key && draw.prompt.captured.is_none())
            .then(|| 2 * u64::from(draw.max_output_tokens()));
        let exchange = self.transport.exchange(request, reading, answered, cancel.clone());
        let exchange = Box::pin(exchange);
        Ok(match &self.observer {
            Some(observer) => {
                let (recording, around) = observer.around(model, exchange, cancel).await;
                (recording, Some(around))
            }
            None => (exchange.await, None),
        })
    }

    fn reading(&self, workload: &Workload, offers_tools: bool) -> Reading {
        Reading {
            dialect: self.target.dialect.clone(),
            shape: self.target.shape(),
            max_event_bytes: self.target.limits.max_body_bytes,
            patience: Patience::new(&self.target, workload, offers_tools),
            most_events: None,
            cancel: workload.cancel,
        }
    }

    /// Adds why it failed, if it did. The recording is over: no figure waits for this.
    async fn look_into(
        &self,
        recording: &Recording,
        workload: &Workload,
        outcome: &mut Outcome,
        cancel: &CancellationToken,
    ) {
        match (&mut outcome.result, &self.inquiry) {
            (Ok(()), inquiry) => inquiry.iter().for_each(Inquiry::over),
            (Err(failure), inquiry) => {
                let findings = match inquiry {
                    Some(inquiry) => inquiry.findings(&self.target, recording, cancel).await,
                    None => Findings::default(),
                };
                let explanation = self.explain(recording, workload, failure, &findings);
                failure.explanation = Some(explanation);
            }
        }
    }

    fn explain(
        &self,
        recording: &Recording,
        workload: &Workload,
        failure: &Failure,
        findings: &Findings,
    ) -> Arc<str> {
        let model = self.model.known().unwrap_or_default();
        let (target, asked) = (&self.target, &request::endpoint(&self.target, &model));
        let limits = target.limits_of(workload);
        explain(&Facts { target, limits, asked, recording, failure, findings })
    }

    /// A probe that failed before there was a request: it counts like any other failure.
    #[must_use]
    pub fn not_sent(&self, id: ProbeId, workload: &Arc<Workload>, mut failure: Failure) -> Probe {
        let recording = transport::not_sent();
        if failure.explanation.is_none() {
            let explanation = self.explain(&recording, workload, &failure, &Findings::default());
            failure.explanation = Some(explanation);
        }
        let measurement = Measurement::default();
        let covering = self.target.slos.iter().filter(|s| s.covers(&workload.name));
        let verdicts = covering.map(|slo| judge(slo, false, &measurement)).collect();
        let outcome = Outcome {
            result: Err(failure),
            http_status: None,
            measurement,
            verdicts,
            timestamp_source: None,
            rejected_by: Vec::new(),
            request_limit: RateLimit::default(),
            token_limit: RateLimit::default(),
        };
        let model = self.model.known();
        Probe { model, ..Probe::new(id, Arc::clone(workload), recording, outcome) }
    }
}
