use super::super::config::{Load, Phase, Source, Swing};
use super::*;

const S: Duration = Duration::from_secs(1);

type Granted = oneshot::Receiver<Duration>;

fn queue(slots: u32, bound: u32) -> Queue {
    Queue::new(&SimulatorConfig { slots, queue: bound, ..SimulatorConfig::default() })
}

fn enter(queue: &mut Queue, at: Duration) -> (TicketId, Granted) {
    queue.enter(at).expect("there is room")
}

#[test]
fn slots_go_to_the_first_in_line() {
    let mut queue = queue(1, 8);
    let (one, mut at_one) = enter(&mut queue, S);
    let (two, mut at_two) = enter(&mut queue, 2 * S);
    let (_three, mut at_three) = enter(&mut queue, 3 * S);
    assert_eq!(at_one.try_recv(), Ok(S));
    queue.leave(one, 5 * S);
    assert_eq!(at_two.try_recv(), Ok(5 * S));
    assert!(at_three.try_recv().is_err());
    queue.leave(two, 6 * S);
    assert_eq!(at_three.try_recv(), Ok(6 * S));
}

#[test]
fn the_line_has_an_end() {
    let mut queue = queue(1, 2);
    let _held: Vec<_> = (0..3).map(|_| enter(&mut queue, S)).collect();
    assert!(queue.enter(S).is_none());
    assert_eq!(queue.waiting.len(), 2);
}

#[test]
fn whoever_leaves_the_line_frees_a_place_and_no_slot() {
    let mut queue = queue(1, 1);
    let (one, _) = enter(&mut queue, S);
    let (two, _) = enter(&mut queue, S);
    queue.leave(two, 2 * S);
    let (_, mut at_three) = enter(&mut queue, 3 * S);
    assert!(at_three.try_recv().is_err(), "one still holds the slot");
    queue.leave(one, 4 * S);
    assert_eq!(at_three.try_recv(), Ok(4 * S));
}

#[test]
fn a_phase_that_opens_slots_grants_at_its_own_instant() {
    let closed = Phase { lasts: Some(10 * S), slots: Some(0), ..Phase::default() };
    let mut queue =
        Queue::new(&SimulatorConfig { script: vec![closed], ..SimulatorConfig::default() });
    let (_, mut granted) = enter(&mut queue, S);
    assert_eq!(queue.next_change(), Some(10 * S));
    queue.advance(12 * S);
    assert_eq!(granted.try_recv(), Ok(10 * S));
}

fn loaded(source: Source, swing: Option<Swing>) -> SimulatorConfig {
    SimulatorConfig {
        slots: 10,
        queue: 1000,
        ttft: S,
        itl: Duration::from_millis(10),
        load: Some(Load { source, input_tokens: 10, output_tokens: 101, swing }),
        ..SimulatorConfig::default()
    }
}

/// Mean number of busy slots, looked at once a second, and the mean wait of a request.
fn observe(config: &SimulatorConfig, seconds: std::ops::Range<u32>) -> (f64, f64) {
    let mut queue = Queue::new(config);
    let (mut busy, mut waits, mut count) = (0, Duration::ZERO, 0);
    for second in seconds {
        queue.advance(second * S);
        busy += queue.running_background;
        let (ticket, mut granted) = enter(&mut queue, second * S);
        while granted.is_empty() {
            let next = queue.next_change().expect("somebody holds the slots");
            queue.advance(next);
        }
        waits += granted.try_recv().expect("granted").saturating_sub(second * S);
        queue.leave(ticket, queue.clock);
        count += 1;
    }
    (f64::from(busy) / f64::from(count), waits.as_secs_f64() / f64::from(count))
}

#[test]
fn a_rate_keeps_as_many_slots_busy_as_littles_law_says() {
    // Two seconds of service, 2 arrivals per second.
    let (busy, wait) = observe(&loaded(Source::Rate(2.0), None), 60..4000);
    assert!((3.8..4.2).contains(&busy), "{busy}");
    assert!(wait < 0.05, "{wait}");
}

#[test]
fn more_users_than_slots_make_requests_wait() {
    let users = |count| Source::Users { count, think_time: 2 * S };
    let (busy, wait) = observe(&loaded(users(5), None), 60..2000);
    assert!((2.2..2.8).contains(&busy), "half of the time each: {busy}");
    assert!(wait < 0.01, "{wait}");
    let (busy, wait) = observe(&loaded(users(100), None), 60..1000);
    assert!(busy > 9.5, "{busy}");
    assert!(wait > 10.0, "{wait}");
}

#[test]
fn the_load_follows_its_swing() {
    let swing = Some(Swing { period: 4000 * S, amplitude: 1.0 });
    let config = loaded(Source::Rate(2.0), swing);
    let (high, _) = observe(&config, 500..1500);
    let (low, _) = observe(&config, 2500..3500);
    assert!(high > 6.0 && low < 1.2, "{high} {low}");
}

#[test]
fn an_idle_day_is_not_worked_through() {
    let mut queue = Queue::new(&loaded(Source::Rate(100.0), None));
    queue.advance(86_400 * S);
    let planned = queue.background.as_ref().map_or(0, Background::planned);
    assert!((20_000..70_000).contains(&planned), "five minutes of arrivals, not a day: {planned}");
    assert_eq!(queue.running_background, 10);
    assert!(queue.waiting.len() <= 1000);
}
