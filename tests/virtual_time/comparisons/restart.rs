//! What was learnt outlives the program.

use super::{HOUR, daemon, lively, pairs, sum, yaml};
use crate::common::simulated::Server;
use crate::seconds;

#[tokio::test(start_paused = true)]
async fn a_restart_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let with = |settings: &str| {
        let path = folder.path().display();
        format!("change_detection: {{state_dir: '{path}'}}\n{}", yaml(settings))
    };
    let (a, b) = (Server::new(lively(1)), Server::new(lively(2)));
    let evidence = |daemon: &_| {
        let of = |name| sum(daemon, name, &["comparison=\"canary\"", "signal=\"ttft\""]);
        ["change_evidence", "comparison_verdict_evidence", "comparison_effect_ratio"].map(of)
    };
    let first = daemon(&with(""), a.dialer(), b.dialer());
    seconds(HOUR).await;
    first.drain().await;
    let (seen, learnt) = (pairs(&first), evidence(&first));
    assert!(seen > 200.0 && learnt.iter().all(|e| *e != 0.0), "{seen} {learnt:?}");

    let second = daemon(&with(""), a.dialer(), b.dialer());
    assert_eq!((pairs(&second), evidence(&second)), (seen, learnt));
    seconds(HOUR).await;
    second.drain().await;
    assert!(pairs(&second) > seen + 200.0);

    // Of a comparison by another measure nothing is known.
    let third = daemon(&with(", tolerance: 9%"), a.dialer(), b.dialer());
    assert_eq!(pairs(&third), 0.0);
}
