//! What is shown, and what keys do to it.

use super::client::AskError;
use crate::memory::history::State;
use crate::web::api::{ProbeList, TargetList};

/// What somebody at the keyboard wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// Ten lines up.
    PageUp,
    /// Ten lines down.
    PageDown,
    /// Into the selected target.
    Open,
    /// Back to the targets.
    Back,
    /// Out.
    Quit,
}

/// Lines of a page.
const PAGE: isize = 10;

/// Which list is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum View {
    /// All targets.
    Targets,
    /// The probes of the target of this name.
    Probes(String),
}

/// The state of the screen.
#[derive(Debug)]
pub struct App {
    /// Where the daemon is.
    pub url: String,
    /// Which list is shown.
    pub view: View,
    /// The newest answer about targets.
    pub targets: Option<TargetList>,
    /// The newest answer about probes; absent until it is there.
    pub probes: Option<ProbeList>,
    /// Why the newest question has no answer.
    pub error: Option<String>,
    /// Whether somebody wants out.
    pub ended: bool,
    target: usize,
    probe: usize,
}

impl App {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            view: View::Targets,
            targets: None,
            probes: None,
            error: None,
            ended: false,
            target: 0,
            probe: 0,
        }
    }

    /// How many lines the list has.
    fn lines(&self) -> usize {
        match self.view {
            View::Targets => self.targets.as_ref().map_or(0, |list| list.targets.len()),
            View::Probes(_) => self.probes.as_ref().map_or(0, |list| list.probes.len()),
        }
    }

    /// The selected line of the list; absent where the list is empty.
    #[must_use]
    pub fn selected(&self) -> Option<usize> {
        let line = if self.view == View::Targets { self.target } else { self.probe };
        self.lines().checked_sub(1).map(|last| line.min(last))
    }

    /// Does what a key asks for.
    pub fn input(&mut self, input: Input) {
        match input {
            Input::Up => self.step(-1),
            Input::Down => self.step(1),
            Input::PageUp => self.step(-PAGE),
            Input::PageDown => self.step(PAGE),
            Input::Open => self.open(),
            Input::Back => self.view = View::Targets,
            Input::Quit => self.ended = true,
        }
    }

    fn step(&mut self, lines: isize) {
        let last = self.lines().saturating_sub(1);
        let line = if self.view == View::Targets { &mut self.target } else { &mut self.probe };
        *line = (*line).min(last).saturating_add_signed(lines).min(last);
    }

    fn open(&mut self) {
        let (View::Targets, Some(line)) = (&self.view, self.selected()) else { return };
        let target = self.targets.as_ref().and_then(|list| list.targets.get(line));
        if let Some(target) = target {
            self.view = View::Probes(target.name.clone());
            (self.probes, self.probe) = (None, 0);
        }
    }

    /// Takes an answer about targets: the worst come first. The selection stays with its target.
    pub fn take_targets(&mut self, answer: Result<TargetList, AskError>) {
        let name = |list: &TargetList| list.targets.get(self.target).map(|t| t.name.clone());
        let selected = self.targets.as_ref().and_then(name);
        if let Some(mut list) = self.take(answer) {
            let rank = |state| State::ALL.iter().position(|s| *s == state);
            list.targets.sort_by_key(|target| rank(target.state.0));
            let place = list.targets.iter().position(|t| Some(&t.name) == selected.as_ref());
            self.target = place.unwrap_or(self.target);
            self.targets = Some(list);
        }
    }

    /// Takes an answer about the probes of a target. The selection stays with its probe.
    pub fn take_probes(&mut self, target: &str, answer: Result<ProbeList, AskError>) {
        if self.view != View::Probes(target.to_owned()) {
            return; // somebody went on meanwhile
        }
        let id = |list: &ProbeList| list.probes.get(self.probe).map(|p| p.id.clone());
        let selected = self.probes.as_ref().and_then(id).filter(|_| self.probe > 0);
        if let Some(list) = self.take(answer) {
            let place = list.probes.iter().position(|p| Some(&p.id) == selected.as_ref());
            self.probe = place.unwrap_or(self.probe);
            self.probes = Some(list);
        }
    }

    fn take<T>(&mut self, answer: Result<T, AskError>) -> Option<T> {
        match answer {
            Ok(list) => {
                self.error = None;
                Some(list)
            }
            Err(error) => {
                self.error = Some(error.to_string());
                None
            }
        }
    }
}
