use super::*;

fn find(condition: &str, levels: &[Level]) -> Finding {
    let condition: Condition = condition.parse().unwrap();
    condition.find(levels, knee(levels, 0.9).as_ref())
}

#[test]
fn conditions_on_any_level_on_one_and_on_the_knee() {
    let levels = [level(1, 100), level(8, 40)];
    let holds = |condition: &str, found: &str| {
        let expect = Finding::Holds(format!("{condition}: {found}"));
        assert_eq!(find(condition, &levels), expect, "{condition}");
    };
    let clear =
        |condition: &str| assert_eq!(find(condition, &levels), Finding::Clear, "{condition}");
    holds("attainment < 90%", "40.0 % at 8 users");
    holds("attainment@8<=0.4", "40.0 % at 8 users");
    clear("attainment@1 < 90%");
    clear("attainment@8 < 40%");
    holds("ttft_p95 >= 100ms", "100.0 ms at 1 user");
    clear("ttft_p95 > 100ms");
    holds("request_latency_avg > 100ms", "130.0 ms at 1 user");
    clear("error_ratio > 0%");
    holds("knee < 8", "it is 1");
    clear("knee < 1");
    assert_eq!(
        find("knee < 1", &[level(1, 5)]),
        Finding::Holds("knee < 1: no level is good".into())
    );
}

/// A figure that is not there proves nothing.
#[test]
fn a_figure_that_was_not_observed_is_no_pass() {
    let empty = Level::of(&[users(4)]).unwrap();
    let unknown = |condition: &str, why: &str| {
        let expect = Finding::Unknown(format!("{condition}: {why}"));
        assert_eq!(find(condition, &[level(1, 100), empty.clone()]), expect);
    };
    unknown("itl_p50 > 1s", "not observed at 4 users");
    unknown("itl_p50@4 > 1s", "not observed at 4 users");
    unknown("itl_p50@5 > 1s", "no such level was measured");
    // What holds at one level holds, whatever is unknown of another.
    assert!(matches!(find("itl_p50 > 1ms", &[empty, level(1, 100)]), Finding::Holds(_)));
}

#[test]
fn what_is_no_condition_is_refused() {
    let check = |text: &str, expect: &str| {
        let why = text.parse::<Condition>().unwrap_err().to_string();
        assert!(why.contains(expect), "{text}: {why}");
    };
    check("", "expected FIGURE[@LEVEL] and a comparison, such as `ttft_p95 > 500ms`");
    check("ttft_p95 = 3s", "expected FIGURE[@LEVEL] and a comparison");
    check("> 3s", "expected FIGURE[@LEVEL]");
    check("ttft_p95 >", "expected FIGURE[@LEVEL]");
    check("tftt_p95 > 1s", "no figure `tftt_p95`, did you mean `ttft_p95`?");
    check("ttft_p42x7 > 1s", "no figure `ttft_p42x7`, expected such as ttft_p95");
    check("nee < 8", "did you mean `knee`?");
    check("knee@8 < 8", "expected `knee < 8` without `@`");
    check("attainment@many < 1", "`@many`: expected a level, such as attainment@8");
    check("ttft_p95 > 500", "`500`: expected a duration with a unit, such as 500ms");
    check("attainment < 95", "`95`: expected a share, such as 95% or 0.95");
    check("attainment < 950%", "expected a share");
    check("goodput < inf", "`inf`: expected a number");
    check("goodput < 5%", "`5%`: expected a number");
}
