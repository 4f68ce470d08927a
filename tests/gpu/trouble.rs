//! Drivers that hang, and GPUs that fall off the bus.

use crate::{Machine, log, looked, of};

#[tokio::test]
async fn a_gpu_that_is_lost_has_no_values_until_it_is_back() {
    let machine = Machine::new("gpus 2\n");
    let daemon = machine.daemon().await;
    let before = looked(&daemon, 2).await;
    assert_eq!(of(&before, 1, "power_watts", &[]), [300.0]);

    machine.script("gpus 2\ngpu 1 lost\n");
    let lost = |m: &_| of(m, 1, "collect_success", &[]) == [0.0];
    let after = daemon.until("loss", lost).await;
    assert!(of(&after, 1, "power_watts", &[]).is_empty(), "{after}");
    assert!(of(&after, 1, "temperature_limit_celsius", &[]).is_empty(), "{after}");
    let uuid = "uuid=\"GPU-00000001-0000-4000-8000-000000000000\"";
    assert_eq!(of(&after, 1, "collect_success", &[uuid]), [0.0]);
    assert_eq!(after.values("llm_prober_gpu_up", &[]), [1.0]);
    assert_eq!(of(&after, 0, "power_watts", &[]), [300.0]);
    for _ in 0..5 {
        daemon.metrics().await;
    }

    machine.script("gpus 2\n");
    daemon.until("return", |m| of(m, 1, "power_watts", &[]) == [300.0]).await;
    let log = log(&daemon);
    let said = |what: &str| log.iter().filter(|line| line.contains(what)).count();
    let once = [said("watching GPUs"), said("does not answer"), said("answers again")];
    assert_eq!((once, log.len()), ([1, 1, 1], 3), "{log:#?}");
}

/// A card that is broken from the start: the other one is watched.
#[tokio::test]
async fn a_gpu_that_never_answers_does_not_hide_the_others() {
    let machine = Machine::new("gpus 2\ngpu 0 lost\n");
    let daemon = machine.daemon().await;
    let seen = looked(&daemon, 2).await;
    assert_eq!(of(&seen, 0, "collect_success", &["uuid=\"\""]), [0.0]);
    assert_eq!(of(&seen, 1, "power_watts", &[]), [300.0]);
}

#[tokio::test]
async fn a_driver_that_hangs_leaves_the_last_values_and_their_time() {
    let machine = Machine::new("gpus 2\n");
    let mut daemon = machine.daemon().await;
    looked(&daemon, 2).await;
    machine.script("gpus 2\ngpu 0 watts 111\ngpu 0 hang\ngpu 1 watts 222\n");
    let time = |m: &_, gpu| of(m, gpu, "collect_timestamp_seconds", &[])[0];
    let other = |m: &_| of(m, 1, "power_watts", &[]) == [222.0];
    let first = daemon.until("news of the other GPU", other).await;
    let hangs = |m: &_| of(m, 0, "collect_success", &[]) == [0.0];
    let later = daemon.until("hang", hangs).await;
    // The last values, from then; the other GPU goes on.
    assert_eq!(of(&later, 0, "power_watts", &[]), [300.0]);
    assert_eq!(time(&later, 0), time(&first, 0));
    assert!(time(&later, 1) > time(&first, 1), "{later}");
    assert_eq!(of(&later, 1, "collect_success", &[]), [1.0]);

    machine.script("gpus 2\ngpu 0 watts 333\n");
    let back = |m: &_| of(m, 0, "power_watts", &[]) == [333.0];
    let back = daemon.until("end of the hang", back).await;
    assert_eq!(of(&back, 0, "collect_success", &[]), [1.0]);

    // A thread that hangs does not keep the program from ending.
    machine.script("gpus 2\ngpu 0 hang\n");
    daemon.metrics().await;
    daemon.signal("TERM");
    assert!(daemon.ended().await.success(), "{}", daemon.stderr());
    let left = daemon.stderr().matches("leaving its threads behind").count();
    assert_eq!(left, 1, "{}", daemon.stderr());
}
