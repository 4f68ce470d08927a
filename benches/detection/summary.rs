//! What many runs come to.

/// Mean and 95th percentile of the times until something was found, for those not found the limit:
/// "205, 388", with the share that was found where some were not.
pub fn delay(times: &[Option<usize>], limit: usize) -> String {
    let mut all: Vec<usize> = times.iter().map(|time| time.unwrap_or(limit)).collect();
    all.sort_unstable();
    let high = all.get(all.len() * 95 / 100).copied().unwrap_or(limit);
    let found = times.iter().flatten().count();
    if found == 0 {
        return "none".to_owned();
    }
    if found < times.len() {
        return format!("≥ {:.0} ({} of {})", mean_delay(times, limit), found, times.len());
    }
    format!("{:.0}, {high}", mean_delay(times, limit))
}

/// The mean alone; a lower bound where some were not found.
#[allow(clippy::cast_precision_loss)]
pub fn mean_delay(times: &[Option<usize>], limit: usize) -> f64 {
    let all: Vec<f64> = times.iter().map(|time| time.unwrap_or(limit) as f64).collect();
    mean(&all)
}

#[allow(clippy::cast_precision_loss)]
pub fn mean(all: &[f64]) -> f64 {
    all.iter().sum::<f64>() / all.len().max(1) as f64
}

/// Of a hundred.
#[allow(clippy::cast_precision_loss)]
pub fn percent<T>(all: &[T], of: impl Fn(&T) -> bool) -> f64 {
    100.0 * all.iter().filter(|one| of(one)).count() as f64 / all.len().max(1) as f64
}
