//! Waiting for a slot.

use super::*;

/// Starts `count` streams a millisecond apart and returns the times of their first tokens.
async fn first_tokens(simulator: &Simulator, count: usize) -> Vec<Option<u128>> {
    let start = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..count {
        let mut client = Client::of(simulator).await;
        client.start = start;
        tasks.push(tokio::spawn(async move { client.chat(&chat()).await }));
        tokio::time::sleep(MS).await;
    }
    let mut times = Vec::new();
    for task in tasks {
        times.push(task.await.expect("no panic").content_at().first().copied());
    }
    times
}

#[tokio::test(start_paused = true)]
async fn more_users_than_slots_wait_in_the_order_they_came() {
    let simulator = Simulator::new(SimulatorConfig { slots: 2, ..exact() });
    let times = first_tokens(&simulator, 6).await;
    // A slot is held for 240 ms, until the last token: the queue is what hurts.
    assert_eq!(times, [200, 201, 440, 441, 680, 681].map(Some));
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_is_answered_with_429() {
    let simulator = Simulator::new(SimulatorConfig { slots: 1, queue: 1, ..exact() });
    assert_eq!(first_tokens(&simulator, 3).await, [Some(200), Some(440), None]);
    let mut busy = Client::of(&simulator).await;
    let mut waiting = Client::of(&simulator).await;
    let busy = tokio::spawn(async move { busy.chat(&chat()).await });
    let waiting = tokio::spawn(async move { waiting.chat(&chat()).await });
    tokio::time::sleep(MS).await;
    let refused = Client::of(&simulator).await.chat(&chat()).await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, Some("1")));
    let expect = json!({"error": {"message": "the queue is full", "type": "RateLimitError",
        "param": null, "code": 429}});
    assert_eq!(refused.json(), expect);
    assert!(busy.await.expect("no panic").clean && waiting.await.expect("no panic").clean);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_gives_back_its_slot_and_its_place() {
    let simulator = Simulator::new(SimulatorConfig { slots: 1, ..exact() });
    let start = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..3 {
        let mut client = Client::of(&simulator).await;
        client.start = start;
        tasks.push(tokio::spawn(async move { client.chat(&chat()).await }));
        tokio::time::sleep(MS).await;
    }
    tokio::time::sleep_until(start + 50 * MS).await;
    // Dropping the client closes its connection: the first held the slot, the second was in line.
    tasks[0].abort();
    tasks[1].abort();
    let third = tasks.pop().expect("three").await.expect("no panic");
    assert_eq!(third.content_at().first(), Some(&250));
}

#[tokio::test(start_paused = true)]
async fn a_slot_is_free_with_the_last_token_whatever_is_still_sent() {
    let slow_done = Fault::SlowDone { pause: 5000 * MS };
    let simulator = Simulator::new(SimulatorConfig { slots: 1, ..with_fault(slow_done) });
    assert_eq!(first_tokens(&simulator, 2).await, [Some(200), Some(440)]);
}

#[tokio::test(start_paused = true)]
async fn a_phase_without_slots_holds_everyone_until_it_is_over() {
    let frozen = Phase { lasts: Some(5000 * MS), slots: Some(0), ..Phase::default() };
    let simulator = Simulator::new(SimulatorConfig { script: vec![frozen], ..exact() });
    assert_eq!(first_tokens(&simulator, 2).await, [Some(5200), Some(5200)]);
}

#[tokio::test(start_paused = true)]
async fn background_users_lengthen_the_wait_and_leave_the_tokens_alone() {
    let mean_ttft = async |users: u32| {
        let source = Source::Users { count: users, think_time: 1000 * MS };
        let load = Load { source, input_tokens: 1, output_tokens: 101, swing: None };
        let config = SimulatorConfig { slots: 4, load: (users > 0).then_some(load), ..exact() };
        let mut client = Client::new(config).await;
        let mut sum = 0;
        for _ in 0..50 {
            tokio::time::sleep(5000 * MS).await;
            let sent = client.now();
            let content = client.chat(&chat()).await.content_at();
            assert_eq!(content[4] - content[0], 40);
            sum += content[0] - sent;
        }
        sum / 50
    };
    assert_eq!(mean_ttft(0).await, 200);
    assert!(mean_ttft(1).await <= 201);
    // 50 users share 4 slots, each request takes 1.2 s: about 12 s to be through the line.
    let crowded = mean_ttft(50).await;
    assert!((10_000..15_000).contains(&crowded), "{crowded}");
}
