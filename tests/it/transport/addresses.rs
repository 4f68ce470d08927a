//! Several addresses behind one name: which is asked, how new it is, and what each is worth.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use llm_prober::answer::measure::Phase;
use llm_prober::answer::recording::Ending;
use llm_prober::daemon::Daemon;
use llm_prober::metrics::{Metrics, MetricsOptions};
use llm_prober::probe::{Probe, Probing};
use llm_prober::transport::{IoThreads, Lookup, Transport};
use llm_prober::web::WebOptions;
use llm_prober::workload::Mix;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::common::client::Client;
use crate::common::eventually::{eventually, only_if};
use crate::common::exposition::Exposition;
use crate::common::scripted::{Seen, Step, always, answer, tcp};
use crate::common::{in_process, process, verdict};

const URL: &str = "http://llm.test/v1";

/// Answers of a resolver that a test may change.
#[derive(Clone, Default)]
struct Resolver(Arc<Mutex<Vec<SocketAddr>>>);

impl Resolver {
    fn of(addresses: &[SocketAddr]) -> Self {
        Self(Arc::new(Mutex::new(addresses.to_vec())))
    }

    fn say(&self, addresses: &[SocketAddr]) {
        *self.0.lock().unwrap() = addresses.to_vec();
    }

    /// Without any address it fails.
    fn lookup(&self) -> Lookup {
        let resolver = self.clone();
        Arc::new(move |host, _| {
            assert_eq!(host, "llm.test");
            let addresses = resolver.0.lock().unwrap().clone();
            if addresses.is_empty() { Err(io::Error::other("no such host")) } else { Ok(addresses) }
        })
    }
}

/// A server that answers every request on every connection.
async fn good() -> (SocketAddr, Seen) {
    let steps: Vec<_> = [Step::Request, answer()].into_iter().cycle().take(40).collect();
    tcp(always(steps)).await
}

/// An address where nobody listens.
async fn dead() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// An address where packets vanish: the queue of the listener is full. All of it has to be kept.
async fn black_hole() -> (SocketAddr, TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    let soon = Duration::from_millis(200);
    while let Ok(Ok(tcp)) = tokio::time::timeout(soon, TcpStream::connect(address)).await {
        queued.push(tcp);
        assert!(queued.len() < 100, "the queue never fills");
    }
    (address, listener, queued)
}

#[tokio::test]
async fn a_first_address_without_an_answer_costs_a_head_start() {
    let (hole, _held, _queued) = black_hole().await;
    let (address, _) = good().await;
    let lookup = Resolver::of(&[hole, address]).lookup();
    let client = Client::network_by(URL, ", connection: fresh", lookup);
    let recording = client.exchange().await;
    let outcome = client.outcome(&recording);
    assert_eq!(verdict(&outcome), "success");
    assert_eq!(recording.address, Some(address));
    let phases = &outcome.measurement.phases;
    let connect = phases.iter().find(|p| p.phase == Phase::Connect).unwrap().duration;
    let (least, busy) = (Duration::from_millis(250), Duration::from_secs(20));
    assert!(least <= connect && connect < busy, "{connect:?} for the race, from resolved on");
}

#[tokio::test]
async fn no_address_answers() {
    let (one, two) = (dead().await, dead().await);
    let client = Client::network_by(URL, "", Resolver::of(&[one, two]).lookup());
    let recording = client.exchange().await;
    assert_eq!((client.verdict(&recording), recording.address), ("connect", None));
    let Ending::ConnectFailed(why) = &recording.ending else { panic!("{recording:?}") };
    assert!(why.contains(&format!("{one}: ")) && why.contains(&format!("{two}: ")), "{why}");
}

/// A resolver that hangs is not taken for a server that does.
#[tokio::test]
async fn a_time_out_during_the_look_up_is_one_of_the_name() {
    for limit in [", timeout: 300ms, stall_timeout: 300ms", ", first_token_timeout: 300ms"] {
        let (release, held) = std::sync::mpsc::channel::<()>();
        let held = Mutex::new(held);
        let lookup: Lookup = Arc::new(move |_, _| {
            let _ = held.lock().unwrap().recv();
            Ok(Vec::new())
        });
        let client = Client::network_by(URL, limit, lookup);
        let recording = client.exchange().await;
        assert_eq!(client.verdict(&recording), "resolve", "{:?}", recording.ending);
        drop(release);
    }
}

#[tokio::test]
async fn a_new_connection_goes_where_the_name_leads_now() {
    let ((old, _), (new, _)) = (good().await, good().await);
    let resolver = Resolver::of(&[old]);
    let client = Client::network_by(URL, ", connection: fresh", resolver.lookup());
    assert_eq!(client.exchange().await.address, Some(old));
    resolver.say(&[new]);
    assert_eq!(client.exchange().await.address, Some(new));
    resolver.say(&[]);
    assert_eq!(client.verdict(&client.exchange().await), "resolve");
}

/// Answers of a resolver that leave an address out, or fail, disturb nobody who is connected.
#[tokio::test]
async fn a_name_is_looked_up_beside_the_probes() {
    let ((old, seen), (new, _)) = (good().await, good().await);
    let resolver = Resolver::of(&[old]);
    let client = Client::network_by(URL, ", resolve_every: 1s", resolver.lookup());
    assert_eq!(client.exchange().await.address, Some(old));
    resolver.say(&[new]);
    let known = || client.transport.addresses().list();
    let present = |address| known().iter().any(|k| k.address == address && k.present);
    let looked_up = async || {
        let list = format!("{:?}", known());
        only_if(present(new), list)
    };
    eventually("the new address", looked_up).await;
    assert!(!present(old) && known().len() == 2, "{:?}", known());
    resolver.say(&[]);
    for _ in 0..3 {
        let recording = client.exchange().await;
        assert_eq!((recording.address, recording.connection.reused), (Some(old), true));
        assert_eq!(client.verdict(&recording), "success");
    }
    assert_eq!(seen.connections(), 1);
}

#[tokio::test]
async fn each_address_is_probed_in_turn() {
    let ((a, seen_a), (b, seen_b)) = (good().await, good().await);
    let resolver = Resolver::of(&[a, b]);
    let client = Client::network_by(URL, ", addresses: each", resolver.lookup());
    let mut asked = Vec::new();
    for _ in 0..6 {
        let recording = client.exchange().await;
        assert_eq!(client.verdict(&recording), "success", "{recording:?}");
        asked.extend(recording.address);
    }
    assert_eq!(asked, [a, b, a, b, a, b]);
    // Over one connection each, and asked as what they stand for.
    for seen in [seen_a, seen_b] {
        assert_eq!((seen.connections(), seen.requests().len()), (1, 3));
        assert!(seen.requests().iter().all(|r| r.contains("host: llm.test\r\n")));
    }
    // The name leads elsewhere: a new connection looks, and from then on only that is asked.
    let (c, _) = good().await;
    resolver.say(&[c]);
    let fresh = Client::network_by(URL, ", addresses: each, connection: fresh", resolver.lookup());
    for _ in 0..2 {
        assert_eq!(fresh.exchange().await.address, Some(c));
    }
}

async fn probe(probing: &Probing) -> Probe {
    let draw = Mix::new(&probing.target.workloads, 1).draw().unwrap();
    probing.probe(draw, Duration::ZERO, CancellationToken::new()).await
}

/// A user is served as long as one address is.
#[tokio::test]
async fn an_slo_is_missed_where_every_address_misses_it() {
    let (alive, dead) = (good().await.0, dead().await);
    let target = crate::common::target(&format!(
        "slos: {{s: {{objective: 0.95, request_latency: 50s}}}}\n\
         targets: [{{name: t, url: '{URL}', model: m, addresses: each}}]"
    ));
    let io = IoThreads::start(1).unwrap();
    let by = |addresses: &[SocketAddr]| {
        let lookup = Resolver::of(addresses).lookup();
        Probing::new(Arc::clone(&target), Transport::network_by(&target, &io, lookup).unwrap())
    };
    // Result and the SLO's verdict, of which there may be none.
    let results = async |probing: &Probing, count: usize| {
        let mut results = Vec::new();
        for _ in 0..count {
            let probe = probe(probing).await;
            let good = probe.outcome.verdicts.first().map(|v| v.good);
            results.push((verdict(&probe.outcome), good));
        }
        results
    };
    let (success, excused) = (("success", Some(true)), ("connect", None));
    let one_is_dead = by(&[alive, dead]);
    assert_eq!(results(&one_is_dead, 4).await, [success, excused, success, excused]);
    let both_are_dead = by(&[dead, self::dead().await]);
    let missed = ("connect", Some(false));
    assert_eq!(results(&both_are_dead, 3).await, [excused, missed, missed]);
    assert_eq!(results(&by(&[dead]), 2).await, [missed, missed], "one alone has nobody beside it");
}

#[tokio::test]
async fn each_address_has_its_series_and_is_shown() {
    let (alive, dead) = (good().await.0, dead().await);
    let config = crate::common::config(&format!(
        "defaults: {{interval: 50ms}}\n\
         targets: [{{name: t, url: '{URL}', model: m, addresses: each}},\
         {{name: usual, url: '{URL}', model: m}}]"
    ));
    let io = IoThreads::start(1).unwrap();
    let resolver = Resolver::of(&[alive, dead]);
    let lookup = resolver.lookup();
    let dial = move |target: &llm_prober::target::Target| {
        Transport::network_by(target, &io, Arc::clone(&lookup))
    };
    let metrics = Metrics::new(MetricsOptions::default());
    let daemon = Daemon::start(config, None, metrics, Box::new(dial)).unwrap();
    let of = |scrape: &Exposition, address: SocketAddr| {
        let address = format!("address=\"{address}\"");
        scrape.values("llm_prober_address_success", &["target=\"t\"", &address])
    };
    let both = async || {
        let scrape = Exposition::of(&daemon.metrics);
        only_if(of(&scrape, alive) == [1.0] && of(&scrape, dead) == [0.0], scrape)
    };
    let scrape = eventually("a probe at each address", both).await;
    assert_eq!(scrape.values("llm_prober_address_success", &[]).len(), 2);
    let site = in_process::serve(&daemon, WebOptions::default()).await;
    let get = async |path: &str| {
        let answer = process::client().get(format!("http://{site}{path}")).send().await.unwrap();
        answer.text().await.unwrap()
    };
    let page = get("/targets/t").await;
    assert!(page.contains(&format!("{alive}: answers, {dead}: fails")), "{page}");
    let view: serde_json::Value = serde_json::from_str(&get("/api/v1/targets/t").await).unwrap();
    let expect = serde_json::json!([
        {"address": alive.to_string(), "present": true, "success": true},
        {"address": dead.to_string(), "present": true, "success": false},
    ]);
    assert_eq!(view["addresses"], expect, "{view}");
    // Who is asked like any other client is shown without a judgement.
    let page = get("/targets/usual").await;
    assert!(page.contains(&format!("{alive}, {dead}")), "{page}");
    // An address that failed and is gone leaves at once.
    resolver.say(&[alive]);
    let alone = async || {
        let scrape = Exposition::of(&daemon.metrics);
        only_if(scrape.values("llm_prober_address_success", &[]) == [1.0], scrape)
    };
    eventually("one address", alone).await;
    daemon.drain().await;
}
