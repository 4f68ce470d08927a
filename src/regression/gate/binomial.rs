//! The binomial distribution, as exact intervals for quantiles and rates need it.

/// `P(B ≤ k)` for k = 0 … n of a binomial with `n` trials of chance `p` in (0, 1).
#[must_use]
#[allow(clippy::cast_precision_loss)] // counts of probes are far below 2^53
pub fn cumulative(n: u64, p: f64) -> Vec<f64> {
    let odds = (p / (1.0 - p)).ln();
    // In logarithms: at thousands of trials the first terms are below the smallest float.
    let mut log = n as f64 * (1.0 - p).ln();
    let mut sum = 0.0;
    let term = |k: u64| {
        sum += log.exp();
        log += ((n - k) as f64).ln() - ((k + 1) as f64).ln() + odds;
        f64::min(sum, 1.0)
    };
    (0..=n).map(term).collect()
}

/// The exact (Clopper–Pearson) interval of a rate of which `k` in `n` were seen, n ≥ 1: outside of
/// it, what was seen would be in a tail of `tail` or less.
#[must_use]
pub fn rate_interval(k: u64, n: u64, tail: f64) -> (f64, f64) {
    let at_most = |k: u64, p: f64| tail_sum(n, k, p);
    let low = match k.checked_sub(1) {
        None => 0.0,
        Some(below) => boundary(|p| 1.0 - at_most(below, p) <= tail),
    };
    let high = if k >= n { 1.0 } else { boundary(|p| at_most(k, p) > tail) };
    (low, high)
}

/// `P(B ≤ k)`, k < n.
#[allow(clippy::cast_precision_loss)] // as above
fn tail_sum(n: u64, k: u64, p: f64) -> f64 {
    let odds = (p / (1.0 - p)).ln();
    let mut log = n as f64 * (1.0 - p).ln();
    let mut sum = 0.0;
    for i in 0..=k {
        sum += log.exp();
        log += ((n - i) as f64).ln() - ((i + 1) as f64).ln() + odds;
    }
    sum
}

/// Where a condition that holds at small chances stops to hold, by bisection.
fn boundary(holds: impl Fn(f64) -> bool) -> f64 {
    const STEPS: u32 = 60;
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..STEPS {
        let middle = f64::midpoint(low, high);
        if holds(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expect: f64) {
        assert!((found - expect).abs() < 5e-5, "{found}, expected {expect}");
    }

    #[test]
    fn sums_of_a_fair_coin() {
        let found = cumulative(4, 0.5);
        for (found, expect) in found.iter().zip([1.0, 5.0, 11.0, 15.0, 16.0]) {
            close(*found, expect / 16.0);
        }
        let many = cumulative(20_000, 0.5);
        close(many[9_999], 0.5 - 0.002_82);
        close(many[20_000], 1.0);
    }

    /// Against the closed forms: with none seen `1 − tail^(1/n)`, and the mirror image.
    #[test]
    fn exact_intervals() {
        let (low, high) = rate_interval(0, 200, 0.025);
        close(low, 0.0);
        close(high, 1.0 - 0.025_f64.powf(1.0 / 200.0));
        let (low, high) = rate_interval(200, 200, 0.025);
        close(low, 0.025_f64.powf(1.0 / 200.0));
        close(high, 1.0);
        // Published values for 10 of 100.
        let (low, high) = rate_interval(10, 100, 0.025);
        close(low, 0.049_005);
        close(high, 0.176_223);
    }
}
