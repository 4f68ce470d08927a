//! One probe: build the request, exchange it, interpret the recording.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::failure::{Failure, FailureReason};
use crate::interpret::interpret;
use crate::measure::Measurement;
use crate::model::ModelName;
use crate::outcome::{Outcome, RateLimit};
use crate::recording::Recording;
use crate::request::{self, ProbeId};
use crate::server_metrics::{Observer, ServerView};
use crate::slo::judge;
use crate::target::Target;
use crate::transport::{self, Transport};
use crate::workload::Workload;
use crate::workload::mix::Draw;

/// Everything known about one probe that was made.
#[derive(Debug, Clone)]
pub struct Probe {
    /// Its identity at the server, too.
    pub id: ProbeId,
    /// What was asked.
    pub workload: Arc<Workload>,
    /// Bytes and instants; without any when nothing was sent (no model known, no secret).
    pub recording: Recording,
    /// What they amount to.
    pub outcome: Outcome,
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
        let server = ServerView::default();
        Self { id, workload, recording, outcome, server, energy_joules: None }
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
    /// Its server's own metrics, where they are configured.
    pub observer: Option<Observer>,
}

impl Probing {
    /// Means for `target` over `transport`.
    #[must_use]
    pub fn new(target: Arc<Target>, transport: Transport) -> Self {
        let model = ModelName::new(&target);
        let observer = Observer::new(&target, transport.pipe_dialer());
        Self { target, model, transport, observer }
    }

    /// Goes on with what was learnt of the server before a reload, where it is still the same server
    /// and model.
    pub fn go_on_from(&mut self, before: &Self) {
        if before.target.moved_to(&self.target).is_none() {
            self.model.go_on_from(&before.model);
        }
    }

    /// Makes one probe. `schedule_delay` is how late after its arrival it begins.
    pub async fn probe(
        &self,
        draw: Draw,
        schedule_delay: Duration,
        cancel: CancellationToken,
    ) -> Probe {
        let id = ProbeId::random();
        let model = tokio::select! {
            biased;
            model = self.model.get(&self.target) => model,
            () = cancel.cancelled() => Err(Failure::new(FailureReason::Cancelled, "no model yet")),
        };
        let request = model
            .and_then(|m| request::build(&self.target, &draw, &m, &id).map(|request| (request, m)));
        let (request, model) = match request {
            Ok(request) => request,
            Err(failure) => {
                let mut probe = self.not_sent(id, &draw.workload, failure);
                probe.recording.schedule_delay = schedule_delay;
                return probe;
            }
        };
        // On the heap: it is large, and looks at the server go on beside it.
        let exchange = Box::pin(self.transport.exchange(request, cancel.clone()));
        let (mut recording, around) = match &self.observer {
            Some(observer) => {
                let (recording, around) = observer.around(&model, exchange, &cancel).await;
                (recording, Some(around))
            }
            None => (exchange.await, None),
        };
        recording.schedule_delay = schedule_delay;
        let outcome = interpret(&self.target, &draw.workload, &draw.prompt, &recording);
        let server = ServerView::new(around, &outcome.measurement);
        if outcome.reason() == Some(FailureReason::HttpStatus) && outcome.http_status == Some(404) {
            self.model.forget(&self.target);
        }
        Probe { server, ..Probe::new(id, draw.workload, recording, outcome) }
    }

    /// A probe that failed before there was a request: it counts like any other failure.
    #[must_use]
    pub fn not_sent(&self, id: ProbeId, workload: &Arc<Workload>, failure: Failure) -> Probe {
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
        let recording = transport::not_sent();
        Probe::new(id, Arc::clone(workload), recording, outcome)
    }
}
