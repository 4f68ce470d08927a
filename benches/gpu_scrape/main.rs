//! What do GPUs cost a scrape? `cargo bench --bench gpu_scrape`
//!
//! The real binary watches eight simulated GPUs through a shared library in the shape of NVIDIA's
//! (`tests/it/gpu/nvml.c`, compiled here with `cc`), and is scraped one after another:
//!
//! * processor time of the whole process per scrape, with and without GPUs: the difference is what
//!   reading and writing their values costs, the simulated library's own time included;
//! * time to the whole answer while every GPU answers, and from the moment on at which one, then all
//!   of them, hang.
//!
//! A real driver takes longer for each call than the simulated one; what it takes is its own.
#![allow(clippy::disallowed_types)] // its clock is the real one
#![allow(clippy::unwrap_used, clippy::expect_used)] // a bench that cannot run says why and ends

#[path = "../../tests/common/gpu_library.rs"]
mod library;
mod prober;

use std::time::{Duration, Instant};

use library::Age;
use prober::Prober;

const GPUS: usize = 8;
/// Scrapes whose cost is measured.
const SCRAPES: u32 = 2_000;
/// Scrapes of a hung driver: over as many seconds as it takes until it is taken to hang, and beyond.
const HUNG: usize = 200;

const CPU_GOAL: Duration = Duration::from_millis(5);
const DELAY_GOAL: Duration = Duration::from_millis(50);

fn main() {
    let with = cost(&format!("library: {}", library::library(Age::New).display()));
    let without = cost("enabled: false");
    let gpus = with.saturating_sub(without);
    println!("processor time per scrape, mean of {SCRAPES}:");
    println!("  without GPUs {}, with {GPUS}: {}", ms(without), ms(with));
    println!("  for {GPUS} GPUs {} (goal: below {})", ms(gpus), ms(CPU_GOAL));
    let hangs: Vec<_> = (0..GPUS).map(|i| format!("gpu {i} hang\n")).collect();
    hang("one of them hangs", &hangs[3]);
    hang("all of them hang", &hangs.concat());
}

/// Processor time per scrape.
fn cost(settings: &str) -> Duration {
    let mut prober = Prober::start(settings, &gpus(""));
    prober.scrape();
    let before = prober.processor_time();
    for _ in 0..SCRAPES {
        prober.scrape();
    }
    prober.processor_time().saturating_sub(before) / SCRAPES
}

/// How much longer a scrape takes than the median while nothing hangs.
fn hang(what: &str, script: &str) {
    let library = format!("library: {}", library::library(Age::New).display());
    let mut prober = Prober::start(&library, &gpus(""));
    let healthy = times(&mut prober);
    let usual = quantile(&healthy, 0.5);
    prober.script(&gpus(script));
    let mut hung = times(&mut prober);
    for time in &mut hung {
        *time = time.saturating_sub(usual);
    }
    println!(
        "{what}: a scrape takes longer by (usual: {}, p99 {})",
        ms(usual),
        ms(quantile(&healthy, 0.99))
    );
    let [p50, p99, max] = [0.5, 0.99, 1.0].map(|q| ms(quantile(&hung, q)));
    println!("  p50 {p50}, p99 {p99}, max {max} (goal: below {})", ms(DELAY_GOAL));
}

fn gpus(more: &str) -> String {
    format!("gpus {GPUS}\n{more}")
}

/// The times of [`HUNG`] scrapes, 20 ms apart.
fn times(prober: &mut Prober) -> Vec<Duration> {
    let mut times: Vec<_> = (0..HUNG)
        .map(|_| {
            std::thread::sleep(Duration::from_millis(20));
            let began = Instant::now();
            prober.scrape();
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    times
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn quantile(sorted: &[Duration], q: f64) -> Duration {
    sorted[((sorted.len() - 1) as f64 * q).round() as usize]
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}
