//! Errors that the driver reports by number.

use crate::gpu::{Machine, looked, of};

#[tokio::test]
async fn errors_are_counted_by_number_and_gpu() {
    let machine = Machine::new("gpus 2\n");
    let daemon = machine.daemon().await;
    let before = looked(&daemon, 2).await;
    // From 0, so that the first one is an increase.
    assert_eq!(of(&before, 1, "xid_errors_total", &["xid=\"79\""]), [0.0]);
    assert!(of(&before, 1, "xid_last_timestamp_seconds", &[]).is_empty());
    assert!(of(&before, 1, "xid_errors_total", &["xid=\"62\""]).is_empty());

    machine.script("gpus 2\ngpu 1 xid 62\ngpu 1 xid 999\ngpu 1 xid 4294967295\ngpu 1 xid 62\n");
    let both = |m: &_| of(m, 1, "xid_errors_total", &["xid=\"62\""]) == [2.0];
    let after = daemon.until("two errors", both).await;
    assert_eq!(of(&after, 1, "xid_errors_total", &["xid=\"unknown\""]), [2.0]);
    let seen = of(&after, 1, "xid_last_timestamp_seconds", &["xid=\"62\""])[0];
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert!((now.as_secs_f64() - seen).abs() < 3600.0, "{seen}");
    let others: f64 = of(&after, 0, "xid_errors_total", &[]).iter().sum();
    assert_eq!(others, 0.0);
}

/// The error that says why is the last thing that comes from a GPU that falls off the bus.
#[tokio::test]
async fn the_error_of_a_gpu_that_is_lost_is_counted() {
    let machine = Machine::new("gpus 2\n");
    let daemon = machine.daemon().await;
    looked(&daemon, 2).await;
    machine.script("gpus 2\ngpu 0 xid 79\ngpu 0 lost\n");
    let counted = |m: &_| of(m, 0, "xid_errors_total", &["xid=\"79\""]) == [1.0];
    let after = daemon.until("the error", counted).await;
    assert_eq!(of(&after, 0, "collect_success", &[]), [0.0]);
    assert!(of(&after, 0, "power_watts", &[]).is_empty());
}

#[tokio::test]
async fn a_gpu_without_events_has_no_counts() {
    let machine = Machine::new("gpus 3\ngpu 0 noevents\ngpu 1 nowait\n");
    let daemon = machine.daemon().await;
    for _ in 0..3 {
        let seen = looked(&daemon, 3).await;
        assert!(of(&seen, 0, "xid_errors_total", &[]).is_empty());
        assert!(of(&seen, 1, "xid_errors_total", &[]).is_empty());
        assert!(!of(&seen, 2, "xid_errors_total", &[]).is_empty());
    }
}
