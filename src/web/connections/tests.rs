use tokio::time::advance;

use super::*;

fn peer(n: u8) -> IpAddr {
    [127, 0, 0, n].into()
}

#[tokio::test(start_paused = true)]
async fn who_has_most_connections_makes_room_and_the_idlest_goes_first() {
    let connections = Connections::new(3);
    let scraper = connections.enter(peer(1)).unwrap();
    scraper.connection.is_now(Phase::Idle);
    advance(Duration::from_secs(1)).await;
    let first = connections.enter(peer(2)).unwrap();
    advance(Duration::from_secs(1)).await;
    let second = connections.enter(peer(2)).unwrap();
    let third = connections.enter(peer(2)).unwrap();
    let cut = |entry: &Entry| entry.connection.cut.is_cancelled();
    assert_eq!([&scraper, &first, &second, &third].map(cut), [false, true, false, false]);
    for entry in [&scraper, &second, &third] {
        entry.connection.is_now(Phase::Working);
    }
    assert!(connections.enter(peer(2)).is_none(), "all are busy");
    // Who does not take its answer is not busy.
    third.connection.is_now(Phase::Answering);
    third.connection.takes(false);
    let fourth = connections.enter(peer(2)).unwrap();
    assert_eq!([&scraper, &second, &third, &fourth].map(cut), [false, false, true, false]);
    drop((scraper, second, fourth));
    assert!(connections.0.open.lock().all.is_empty());
}

#[tokio::test(start_paused = true)]
async fn each_phase_has_its_time() {
    let begun = Instant::now();
    let connection = Connection::new(peer(1));
    connection.too_slow().await;
    assert_eq!(begun.elapsed(), HEAD);
    let check = async |phase: Phase, blocked: bool, longest: Option<Duration>| {
        connection.takes(true);
        connection.is_now(phase);
        if blocked {
            connection.takes(false);
        }
        let begun = Instant::now();
        let waited = tokio::time::timeout(2 * IDLE, connection.too_slow()).await;
        assert_eq!(waited.ok().map(|()| begun.elapsed()), longest, "{phase:?}");
    };
    check(Phase::Idle, false, Some(IDLE)).await;
    check(Phase::Working, false, None).await;
    check(Phase::Answering, false, Some(ANSWER)).await;
    check(Phase::Answering, true, Some(BLOCKED)).await;
    check(Phase::Endless, false, None).await;
    check(Phase::Endless, true, Some(BLOCKED)).await;
}

/// A client cannot win time by sending its head in small steps.
#[tokio::test(start_paused = true)]
async fn a_head_in_small_steps_takes_no_longer() {
    let connection = Connection::new(peer(1));
    connection.is_now(Phase::Idle);
    let begun = Instant::now();
    connection.has_sent();
    for _ in 0..9 {
        advance(Duration::from_secs(1)).await;
        connection.has_sent();
    }
    connection.too_slow().await;
    assert_eq!(begun.elapsed(), HEAD);
}
