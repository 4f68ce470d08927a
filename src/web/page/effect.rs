//! A ratio with its interval as a bar against what is tolerated, with the same in words.

use maud::{Markup, html};

use super::figure;
use crate::regression::detect::{Estimate, Tolerance};

/// Units of the pictures' width and height.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 24.0;
/// Ratios beyond this are drawn at the edge.
const MOST: f64 = 10.0;
/// Where only a least ratio is known, a larger one says no more than this.
const FAR: f64 = 1000.0;
/// A scale says something about differences of this size at least.
const LEAST: f64 = 1.02;

/// Maps ratios to the width, 1 in the middle: one scale for all bars of a table.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    /// Logarithm of the ratio at the right edge.
    most: f64,
}

impl Scale {
    /// One that shows all of these and twice what is tolerated.
    pub fn of(effects: impl Iterator<Item = (Estimate, Tolerance)>) -> Self {
        let ends = effects.flat_map(|(e, t)| {
            let tolerated = Some(2.0f64.mul_add(t.delta(), 1.0));
            [e.ratio, e.lower, e.upper, tolerated].into_iter().flatten()
        });
        let most = ends.map(|ratio| ratio.ln().abs() * 1.1).fold(LEAST.ln(), f64::max);
        Self { most: most.min(MOST.ln()) }
    }

    fn x(self, ratio: f64) -> f64 {
        ((ratio.ln() / self.most + 1.0) * WIDTH / 2.0).clamp(0.0, WIDTH).round()
    }
}

/// The bar, and the figures beside it.
pub(super) fn draw(effect: &Estimate, tolerance: Tolerance, scale: Scale) -> Markup {
    let tolerated = scale.x(1.0 + tolerance.delta());
    let from = effect.lower.map_or(0.0, |lower| scale.x(lower));
    let to = effect.upper.map_or(WIDTH, |upper| scale.x(upper));
    html! {
        svg.effect role="img" viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none"
            aria-label=(words(effect, tolerance)) {
            rect.tolerated x="0" y="2" width=(tolerated) height=(HEIGHT - 4.0) {}
            path.same d={ "M" (scale.x(1.0)) " 2V" (HEIGHT - 2.0) } {}
            path.limit d={ "M" (tolerated) " 0V" (HEIGHT) } {}
            path.interval d={ "M" (from) " " (HEIGHT / 2.0) "H" (to) } {}
            @if let Some(ratio) = effect.ratio {
                path.median d={ "M" (scale.x(ratio)) " " (HEIGHT / 2.0) "h.1" } {}
            }
        }
        span.figures {
            b { (median(effect)) }
            " " span.note { (interval(effect, figure::growth)) }
        }
    }
}

/// A ratio of 0 or ∞ is none: one of the two had failed.
fn median(effect: &Estimate) -> String {
    match effect.ratio {
        None => "mostly failed".to_owned(),
        Some(ratio) if ratio <= 0.0 => "the baseline mostly failed".to_owned(),
        Some(ratio) => figure::growth(ratio),
    }
}

/// `+15.0 % to +26.0 %`.
fn interval(effect: &Estimate, show: fn(f64) -> String) -> String {
    match (effect.lower, effect.upper) {
        (Some(lower), Some(upper)) => format!("{} to {}", show(lower), show(upper)),
        (Some(lower), None) => format!("at least {}", show(lower.min(FAR))),
        (None, Some(upper)) => format!("at most {}", show(upper)),
        (None, None) => "too few to say more".to_owned(),
    }
}

/// Where the interval lies, which the bar shows by its place alone.
fn words(effect: &Estimate, tolerance: Tolerance) -> String {
    let most = 1.0 + tolerance.delta();
    let where_ = if effect.lower.is_some_and(|lower| lower > most) {
        "above"
    } else if effect.upper.is_some_and(|upper| upper <= most) {
        "within"
    } else {
        "not yet on one side of"
    };
    format!("The interval is {where_} the tolerance of {}", figure::growth(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(lower: Option<f64>, upper: Option<f64>) -> Estimate {
        Estimate { ratio: Some(1.2), lower, upper, observations: 300 }
    }

    #[test]
    fn the_interval_and_where_it_lies() {
        let five = Tolerance::PAIRS;
        let check = |lower, upper, place: &str, said: &str| {
            let effect = estimate(lower, upper);
            let expect = format!("The interval is {place} the tolerance of +5.0 %");
            assert_eq!(words(&effect, five), expect);
            assert_eq!(interval(&effect, figure::growth), said);
        };
        check(Some(1.15), Some(1.26), "above", "+15.0 % to +26.0 %");
        check(Some(0.9), Some(1.04), "within", "−10.0 % to +4.0 %");
        check(Some(1.0), Some(1.1), "not yet on one side of", "0.0 % to +10.0 %");
        check(Some(1.15), None, "above", "at least +15.0 %");
        check(Some(2.6e10), None, "above", "at least ×1000");
        check(None, Some(1.04), "within", "at most +4.0 %");
        check(None, None, "not yet on one side of", "too few to say more");
    }

    #[test]
    fn a_dead_side_is_named() {
        let of = |ratio| median(&Estimate { ratio, ..estimate(None, None) });
        assert_eq!(of(Some(1.2)), "+20.0 %");
        assert_eq!(of(Some(0.0)), "the baseline mostly failed");
        assert_eq!(of(None), "mostly failed");
    }

    #[test]
    fn a_scale_shows_all_of_its_bars() {
        let of = |lower, upper| Scale::of([(estimate(lower, upper), Tolerance::PAIRS)].into_iter());
        let scale = of(Some(0.5), Some(1.3));
        assert!((scale.x(1.0) - 500.0).abs() < 1e-9);
        assert!((40.0..60.0).contains(&scale.x(0.5)), "{}", scale.x(0.5));
        assert!(scale.x(1.3) < scale.x(1.9) && scale.x(1.9) < 1000.0);
        // What is off the scale is at its edge.
        let wide = of(Some(1e-300), Some(1e9));
        assert!(wide.x(1e-300) < 1e-9 && wide.x(1e9) > 999.9, "{} {}", wide.x(1e-300), wide.x(1e9));
    }
}
