//! A series as a line of bars.

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The newest `width` values as bars from 0 to the largest of them; a gap where there is none.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to 7
pub fn bars(values: &[Option<f64>], width: usize) -> String {
    let shown = &values[values.len().saturating_sub(width)..];
    let most = shown.iter().flatten().copied().fold(0.0, f64::max);
    let bar = |value: &Option<f64>| match value {
        None => ' ',
        Some(_) if most <= 0.0 => BARS[0],
        Some(value) => BARS[((value / most * 7.0).round().clamp(0.0, 7.0)) as usize],
    };
    shown.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_follow_the_values() {
        assert_eq!(bars(&[Some(0.0), None, Some(1.0), Some(2.0)], 4), "▁ ▅█");
        assert_eq!(bars(&[Some(9.0), Some(1.0), Some(1.0)], 2), "██");
        assert_eq!(bars(&[Some(0.0)], 5), "▁");
        assert_eq!(bars(&[], 5), "");
    }
}
