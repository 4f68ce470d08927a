//! `llm-prober top`, on the answers of a real daemon.

use llm_prober::top::{App, Client, Input, View, draw};
use llm_prober::web::WebOptions;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::api::Page;

fn screen(app: &App, width: u16, height: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(app, frame)).unwrap();
    let buffer = terminal.backend().buffer().clone();
    let line = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..height).map(|y| line(y).trim_end().to_owned()).collect()
}

fn find<'a>(screen: &'a [String], text: &str) -> &'a str {
    let line = screen.iter().find(|line| line.contains(text));
    line.unwrap_or_else(|| panic!("no {text} in {screen:#?}"))
}

#[tokio::test]
async fn targets_and_their_probes() {
    let page = Page::lively(WebOptions::default()).await;
    let client = Client::new(&page.base.parse().unwrap()).unwrap();
    let mut app = App::new("here");
    assert!(find(&screen(&app, 100, 10), "llm-prober here").ends_with('…'));
    app.take_targets(client.targets().await);
    for width in [80, 160] {
        let shown = screen(&app, width, 10);
        find(&shown, "4 targets: 1 failing, 1 degraded, 1 not_probed, 1 healthy");
        find(&shown, "TTFT p95");
        let good = find(&shown, "good ");
        assert!(good.contains("healthy") && good.contains('█'), "{good}");
        assert!(width == 80 || good.contains("100.0 %") && good.contains(" ms"), "{good}");
        let places = ["dead", "a slow/one", "idle", "good"]
            .map(|name| shown.iter().position(|line| line.starts_with(name)).unwrap());
        assert!(places.is_sorted(), "the worst first: {shown:#?}");
        if width == 160 {
            let dead = find(&shown, "dead");
            assert!(dead.contains("failing") && dead.contains(" http_status"), "{dead}");
            assert!(find(&shown, "idle").contains('–'));
        }
    }
    // The worst comes first: into `dead`.
    app.input(Input::Open);
    assert_eq!(app.view, View::Probes("dead".to_owned()));
    app.take_probes("good", Ok(client.probes("good").await.unwrap()));
    assert_eq!(app.selected(), None, "a late answer about another target");
    app.take_probes("dead", client.probes("dead").await);
    let shown = screen(&app, 140, 10);
    find(&shown, "probes of dead");
    find(&shown, "http_status 404");
    app.input(Input::Back);
    assert_eq!((app.view.clone(), app.selected()), (View::Targets, Some(0)));
    // A name with a slash in it.
    app.input(Input::Down);
    app.input(Input::Open);
    app.take_probes("a slow/one", client.probes("a slow/one").await);
    find(&screen(&app, 140, 10), "slo_missed");
    app.input(Input::Quit);
    assert!(app.ended);
}

/// Nothing that is left on a narrow screen is cut: half a number is another number.
#[tokio::test]
async fn on_a_narrow_screen_columns_give_way() {
    let page = Page::lively(WebOptions::default()).await;
    let client = Client::new(&page.base.parse().unwrap()).unwrap();
    let mut app = App::new("here");
    app.take_targets(client.targets().await);
    let shown = screen(&app, 40, 10);
    assert_eq!(shown[1].split_whitespace().collect::<Vec<_>>(), ["TARGET", "STATE", "GOOD"]);
    let good = find(&shown, "good ").split_whitespace().collect::<Vec<_>>();
    assert_eq!(good, ["good", "healthy", "100.0", "%"]);
    app.input(Input::Open);
    app.take_probes("dead", client.probes("dead").await);
    let shown = screen(&app, 80, 10);
    let titles = ["UTC", "WORKLOAD", "OUTCOME", "TTFT", "ITL", "GAP", "LATENCY"];
    assert_eq!(shown[1].split_whitespace().collect::<Vec<_>>(), titles);
    find(&shown, "http_status 404");
    let shown = screen(&app, 12, 10);
    assert_eq!(shown[1], "UTC");
    screen(&app, 1, 1);
}

#[tokio::test]
async fn the_selection_stays_in_the_list() {
    let page = Page::lively(WebOptions::default()).await;
    let client = Client::new(&page.base.parse().unwrap()).unwrap();
    let mut app = App::new("here");
    app.input(Input::Down);
    app.input(Input::Open);
    assert_eq!((app.view.clone(), app.selected()), (View::Targets, None));
    let targets = client.targets().await.unwrap();
    app.take_targets(Ok(targets.clone()));
    let after = |app: &mut App, input| {
        app.input(input);
        app.selected().unwrap()
    };
    assert_eq!(after(&mut app, Input::Up), 0);
    assert_eq!(after(&mut app, Input::PageDown), 3);
    assert_eq!(after(&mut app, Input::Down), 3);
    assert_eq!(after(&mut app, Input::Up), 2);
    // A reload took the targets before it away: the selection goes with its target.
    let mut fewer = targets.clone();
    fewer.targets.retain(|t| t.name == "idle" || t.name == "good");
    app.take_targets(Ok(fewer));
    assert_eq!(app.selected(), Some(0));
    assert_eq!(after(&mut app, Input::PageUp), 0);
}

#[tokio::test]
async fn a_daemon_that_does_not_answer_is_said() {
    let client = Client::new(&"http://127.0.0.1:1".parse().unwrap()).unwrap();
    let mut app = App::new("here");
    app.take_targets(client.targets().await);
    let shown = screen(&app, 100, 5);
    assert!(shown[4].starts_with("no answer: Connection refused"), "{shown:?}");
    let page = Page::lively(WebOptions::default()).await;
    let client = Client::new(&format!("{}/else", page.base).parse().unwrap()).unwrap();
    app.take_targets(client.targets().await);
    assert!(screen(&app, 100, 5)[4].contains("status 404"), "{:?}", screen(&app, 100, 5));
    assert!(Client::new(&"ftp://x".parse().unwrap()).is_err());
}
