//! The terminal: keys in, screens out, until somebody quits.

use std::io;
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::app::{App, Input, View};
use super::client::{AskError, Client};
use super::draw::draw;
use crate::web::api::{ProbeList, TargetList};

/// How often the daemon is asked.
const REFRESH: Duration = Duration::from_secs(2);
/// How often the keyboard's reader looks whether it is still needed.
const LOOK: Duration = Duration::from_millis(100);
/// Keys that wait to be dealt with.
const KEYS: usize = 64;

/// Shows the daemon behind `client` until somebody quits.
///
/// # Errors
/// When the terminal cannot be used.
pub async fn run(client: &Client, url: &str) -> io::Result<()> {
    let mut terminal = ratatui::try_init()?;
    let stop = CancellationToken::new();
    let (keys, mut pressed) = mpsc::channel(KEYS);
    let mut reader = JoinSet::new();
    let stopped = stop.clone();
    reader.spawn_blocking(move || read_keys(&keys, &stopped));
    let result = show(client, App::new(url), &mut terminal, &mut pressed).await;
    stop.cancel();
    while reader.join_next().await.is_some() {}
    ratatui::try_restore()?;
    result
}

async fn show(
    client: &Client,
    mut app: App,
    terminal: &mut DefaultTerminal,
    pressed: &mut mpsc::Receiver<Key>,
) -> io::Result<()> {
    let mut refresh = tokio::time::interval(REFRESH);
    refresh.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !app.ended {
        terminal.draw(|frame| draw(&app, frame))?;
        tokio::select! {
            biased;
            key = pressed.recv() => press(&mut app, key.as_ref(), &mut refresh),
            _ = refresh.tick() => tokio::select! {
                biased;
                // A key need not wait for an answer; the question is asked again at once.
                key = pressed.recv() => {
                    press(&mut app, key.as_ref(), &mut refresh);
                    refresh.reset_immediately();
                }
                answer = ask(client, app.view.clone()) => answer.give(&mut app),
            },
        }
    }
    Ok(())
}

/// Without a keyboard there is nobody to look either.
fn press(app: &mut App, key: Option<&Key>, refresh: &mut Interval) {
    let before = app.view.clone();
    match key {
        None => app.ended = true,
        Some(Key::Input(input)) => app.input(*input),
        Some(Key::Redraw) => {}
    }
    if app.view != before {
        refresh.reset_immediately();
    }
}

/// What comes from the terminal.
enum Key {
    Input(Input),
    /// The window's size changed.
    Redraw,
}

enum Answer {
    Targets(Result<TargetList, AskError>),
    Probes(String, Result<ProbeList, AskError>),
}

impl Answer {
    fn give(self, app: &mut App) {
        match self {
            Self::Targets(answer) => app.take_targets(answer),
            Self::Probes(target, answer) => app.take_probes(&target, answer),
        }
    }
}

async fn ask(client: &Client, view: View) -> Answer {
    match view {
        View::Targets => Answer::Targets(client.targets().await),
        View::Probes(target) => {
            let answer = client.probes(&target).await;
            Answer::Probes(target, answer)
        }
    }
}

/// Ends when nobody listens any more, or the terminal is gone.
fn read_keys(keys: &mpsc::Sender<Key>, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        let read = match event::poll(LOOK) {
            Ok(true) => event::read(),
            Ok(false) => continue,
            Err(error) => Err(error),
        };
        let wanted = match read {
            Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => input(key).map(Key::Input),
            Ok(Event::Resize(..)) => Some(Key::Redraw),
            Ok(_) => None,
            Err(_) => return,
        };
        if let Some(wanted) = wanted
            && keys.blocking_send(wanted).is_err()
        {
            return;
        }
    }
}

fn input(key: KeyEvent) -> Option<Input> {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return (key.code == KeyCode::Char('c')).then_some(Input::Quit);
    }
    Some(match key.code {
        KeyCode::Up | KeyCode::Char('k') => Input::Up,
        KeyCode::Down | KeyCode::Char('j') => Input::Down,
        KeyCode::PageUp => Input::PageUp,
        KeyCode::PageDown => Input::PageDown,
        KeyCode::Enter | KeyCode::Right => Input::Open,
        KeyCode::Esc | KeyCode::Left | KeyCode::Backspace => Input::Back,
        KeyCode::Char('q') => Input::Quit,
        _ => return None,
    })
}
