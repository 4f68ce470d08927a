//! Drivers that hang, and GPUs that fall off the bus.

use crate::gpu::{Age, IDLE, Machine, log, looked, of};

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
    daemon.until("word of it", |_| daemon.stderr().contains("answers again")).await;
    let log = log(&daemon);
    let said = |what: &str| log.iter().filter(|line| line.contains(what)).count();
    let once = [said("watching GPUs"), said("does not answer"), said("answers again")];
    assert_eq!((once, log.len()), ([1, 1, 1], 3), "{log:#?}");
}

/// Now lost, now there: that is said once.
#[tokio::test]
async fn a_gpu_that_comes_and_goes_does_not_fill_the_log() {
    let machine = Machine::new("gpus 1\n");
    let daemon = machine.daemon().await;
    for _ in 0..5 {
        machine.script("gpus 1\n");
        daemon.until("return", |m| of(m, 0, "collect_success", &[]) == [1.0]).await;
        machine.script("gpus 1\ngpu 0 lost\n");
        daemon.until("loss", |m| of(m, 0, "collect_success", &[]) == [0.0]).await;
    }
    assert_eq!(log(&daemon).len(), 2, "{:#?}", log(&daemon));
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
    // On a busy machine a scrape may come too soon for the other GPU, too.
    let hangs = |m: &_| {
        let success = |gpu| of(m, gpu, "collect_success", &[]);
        (success(0), success(1)) == (vec![0.0], vec![1.0])
    };
    let later = daemon.until("hang of one, news of the other", hangs).await;
    // The last values, from then; the other GPU goes on.
    assert_eq!(of(&later, 0, "power_watts", &[]), [300.0]);
    assert_eq!(time(&later, 0), time(&first, 0));
    assert!(time(&later, 1) > time(&first, 1), "{later}");

    machine.script("gpus 2\ngpu 0 watts 333\n");
    let back = |m: &_| of(m, 0, "power_watts", &[]) == [333.0];
    let back = daemon.until("end of the hang", back).await;
    assert_eq!(of(&back, 0, "collect_success", &[]), [1.0]);
    let log = log(&daemon);
    let said = |what: &str| log.iter().filter(|line| line.contains(what)).count();
    let once = [said("the driver hangs: a GPU"), said("hangs no more")];
    assert_eq!((once, log.len()), ([1, 1], 3), "{log:#?}");

    // A thread that hangs does not keep the program from ending.
    machine.script("gpus 2\ngpu 0 hang\n");
    daemon.metrics().await;
    daemon.signal("TERM");
    assert!(daemon.ended().await.success(), "{}", daemon.stderr());
    let left = daemon.stderr().matches("leaving its threads behind").count();
    assert_eq!(left, 1, "{}", daemon.stderr());
}

fn uuid(gpu: u32) -> String {
    format!("uuid=\"GPU-{gpu:08x}-0000-4000-8000-000000000000\"")
}

/// Counting is by place: what comes after a GPU that is taken out moves up.
#[tokio::test]
async fn a_gpu_at_another_index_keeps_its_own_name() {
    let machine = Machine::new("gpus 2\ngpu 0 xid 79\n");
    let daemon = machine.daemon_with(Age::New, "retry: 100ms", IDLE, &[]).await;
    looked(&daemon, 2).await;
    let counted = |m: &_| of(m, 0, "xid_errors_total", &["xid=\"79\""]) == [1.0];
    daemon.until("an error", counted).await;

    machine.script("gpus 1\ngpu 0 is 1\ngpu 0 watts 222\n");
    let moved = |m: &_| of(m, 0, "power_watts", &[&uuid(1)]) == [222.0];
    let seen = daemon.until("the other GPU", moved).await;
    assert_eq!(of(&seen, 0, "info", &[&uuid(1), "pci_bus_id=\"00000000:1C:00.0\""]), [1.0]);
    assert_eq!(of(&seen, 0, "xid_errors_total", &["xid=\"79\""]), [0.0], "not its own\n{seen}");
    // It is not lost at its old place as well.
    let once = |m: &_| of(m, 1, "collect_success", &[]).is_empty();
    let seen = daemon.until("one GPU", once).await;
    assert_eq!(of(&seen, 0, "collect_success", &[]), [1.0]);

    machine.script("gpus 2\n");
    let back = |m: &_| [0, 1].map(|gpu| of(m, gpu, "power_watts", &[&uuid(gpu)])) == [[300.0]; 2];
    daemon.until("both at their places", back).await;
}

/// What was loaded before the driver was exchanged never answers again.
#[tokio::test]
async fn a_driver_that_was_exchanged_is_asked_anew() {
    let machine = Machine::new("gpus 2\n");
    let daemon = machine.daemon_with(Age::New, "retry: 100ms", IDLE, &[]).await;
    looked(&daemon, 2).await;
    machine.script("init 9\ndriver 1\n");
    let down = |m: &_| of_driver(m) == [0.0];
    let seen = daemon.until("end of the driver", down).await;
    assert!(seen.values("llm_prober_gpu_power_watts", &[]).is_empty(), "{seen}");
    machine.script("gpus 3\ndriver 1\n");
    let seen = looked(&daemon, 3).await;
    assert_eq!((of_driver(&seen), of(&seen, 2, "power_watts", &[])), (vec![1.0], vec![300.0]));
}

fn of_driver(metrics: &crate::gpu::Exposition) -> Vec<f64> {
    metrics.values("llm_prober_gpu_up", &[])
}

#[tokio::test]
async fn a_driver_that_does_not_count_any_more_is_not_up() {
    let machine = Machine::new("gpus 1\n");
    let daemon = machine.daemon_with(Age::New, "retry: 100ms", IDLE, &[]).await;
    looked(&daemon, 1).await;
    machine.script("gpus 1\ncounting hangs\n");
    let seen = daemon.until("hang", |m| of_driver(m) == [0.0]).await;
    assert_eq!(of(&seen, 0, "power_watts", &[]), [300.0], "this GPU answers");
    machine.script("gpus 1\n");
    daemon.until("end of the hang", |m| of_driver(m) == [1.0]).await;
}

/// An error of one question is no reason to forget GPUs that answer.
#[tokio::test]
async fn a_driver_that_cannot_count_keeps_the_gpus_that_answer() {
    let machine = Machine::new("gpus 1\ngpu 0 xid 79\n");
    let daemon = machine.daemon_with(Age::New, "retry: 100ms", IDLE, &[]).await;
    let counted = |m: &_| of(m, 0, "xid_errors_total", &["xid=\"79\""]) == [1.0];
    daemon.until("an error", counted).await;
    machine.script("gpus 1\ncounting 10\ngpu 0 watts 222\n");
    let seen = daemon.until("trouble", |m| of_driver(m) == [0.0]).await;
    assert!(counted(&seen), "{seen}");
    daemon.until("its power", |m| of(m, 0, "power_watts", &[]) == [222.0]).await;
    machine.script("gpus 1\ngpu 0 xid 79\n");
    let seen = daemon.until("end of the trouble", |m| of_driver(m) == [1.0]).await;
    assert!(counted(&seen), "{seen}");
}
