//! A target's transport as a test uses it.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use llm_prober::answer::outcome::Outcome;
use llm_prober::answer::recording::Recording;
use llm_prober::interpret::progress::Patience;
use llm_prober::target::Target;
use llm_prober::transport::{Answered, IoThreads, Lookup, PipeDialer, Reading, Transport};
use llm_prober::workload::Cancel;
use tokio_util::sync::CancellationToken;

/// A transport and what it belongs to.
pub struct Client {
    pub target: Arc<Target>,
    pub transport: Transport,
    _io: Option<IoThreads>,
}

impl Client {
    /// Over a real socket. `settings` are further keys of the target, such as `, timeout: 1s`.
    pub fn network(url: &str, settings: &str) -> Self {
        let target = target(url, settings);
        let io = IoThreads::start(2).unwrap();
        let transport = Transport::network(&target, &io).unwrap();
        Self { target, transport, _io: Some(io) }
    }

    /// Over a real socket to the addresses that this resolver finds.
    pub fn network_by(url: &str, settings: &str, lookup: Lookup) -> Self {
        let target = target(url, settings);
        let io = IoThreads::start(2).unwrap();
        let transport = Transport::network_by(&target, &io, lookup).unwrap();
        Self { target, transport, _io: Some(io) }
    }

    /// Over an in-memory pipe.
    pub fn pipe(dialer: PipeDialer, settings: &str) -> Self {
        let target = target("http://llm.test/v1", settings);
        let transport = Transport::pipe(&target, dialer);
        Self { target, transport, _io: None }
    }

    /// One request.
    pub async fn exchange(&self) -> Recording {
        self.exchange_until(CancellationToken::new()).await
    }

    /// One request that is given up at `cancel`.
    pub async fn exchange_until(&self, cancel: CancellationToken) -> Recording {
        self.exchange_read(None, cancel).await
    }

    /// One request of a reader who stops, or reads slowly.
    pub async fn exchange_read(
        &self,
        reader: Option<Cancel>,
        cancel: CancellationToken,
    ) -> Recording {
        let request = http::Request::post("/v1/chat/completions")
            .header("host", "llm.test")
            .body(Full::new(Bytes::from_static(b"{}")))
            .unwrap();
        let reading = Reading {
            dialect: self.target.dialect.clone(),
            shape: self.target.shape(),
            max_event_bytes: self.target.limits.max_body_bytes,
            patience: Patience::new(&self.target, &self.target.workloads[0], false),
            most_events: None,
            cancel: reader,
        };
        self.transport.exchange(request, reading, &Answered::default(), cancel).await
    }

    pub fn outcome(&self, recording: &Recording) -> Outcome {
        super::outcome(&self.target, recording)
    }

    /// `success` or the reason of failure.
    pub fn verdict(&self, recording: &Recording) -> &'static str {
        super::verdict(&self.outcome(recording))
    }
}

fn target(url: &str, settings: &str) -> Arc<Target> {
    super::target(&format!("targets: [{{name: t, url: '{url}', model: m{settings}}}]"))
}
