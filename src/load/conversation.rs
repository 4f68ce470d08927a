//! Users who ask again: each turn holds all turns and answers before it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::probe::Probe;
use crate::workload::mix::{Draw, Mix};
use crate::workload::{Message, Prompt};

/// Conversations of one target that wait for their users, at most; further ones are over.
const MOST_TALKS: usize = 1_000;

/// A turn of a conversation, asked or to be asked.
pub struct Turn {
    draw: Draw,
    /// Turns after this one, at most.
    left: u32,
    think_time: Duration,
    /// When it is to be asked.
    due: Instant,
}

impl Turn {
    /// The first turn, where what was drawn begins a conversation.
    pub fn first(draw: &Draw) -> Option<Self> {
        let conversation = draw.workload.conversation?;
        Some(Self {
            draw: draw.clone(),
            left: conversation.turns.saturating_sub(1),
            think_time: conversation.think_time,
            due: Instant::now(),
        })
    }

    /// What is asked.
    pub fn draw(&self) -> &Draw {
        &self.draw
    }

    /// The turn after this one, with the answer to it, but without the user's next words; `None` where
    /// the conversation is over.
    pub fn answered(self, probe: &Probe) -> Option<Self> {
        let said = probe.said.as_deref().filter(|said| !said.is_empty())?.to_owned();
        if self.left == 0 || !probe.outcome.succeeded() {
            return None;
        }
        let mut draw = self.draw;
        let answer = Message { role: "assistant".to_owned(), content: said };
        draw.prompt.messages.push(answer);
        let due = Instant::now() + self.think_time;
        Some(Self { draw, left: self.left - 1, due, ..self })
    }

    /// Lets the user say something: what a data set says, or what the workload asks anybody.
    fn ask(&mut self, mix: &mut Mix) -> Option<()> {
        let prompt = &self.draw.prompt;
        let next = if self.draw.workload.prompts.iter().any(|p| !p.further.is_empty()) {
            let (next, further) = prompt.further.split_first()?;
            let (next, further) = (next.clone(), Arc::from(further));
            self.draw.prompt = Prompt { further, ..prompt.clone() };
            next
        } else {
            mix.next_words(&Arc::clone(&self.draw.workload))?
        };
        let user = Message { role: "user".to_owned(), content: next };
        self.draw.prompt.messages.push(user);
        Some(())
    }
}

/// Conversations that wait for their users.
#[derive(Default)]
pub struct Talks(Vec<Turn>);

impl Talks {
    /// When the next turn is due.
    pub fn next(&self) -> Option<Instant> {
        self.0.iter().map(|turn| turn.due).min()
    }

    /// Takes a turn that is due.
    pub fn take(&mut self, at: Instant) -> Option<Turn> {
        let due = self.0.iter().position(|turn| turn.due <= at)?;
        Some(self.0.swap_remove(due))
    }

    /// Goes on with a conversation, unless its user has nothing more to say or there are too many.
    pub fn add(&mut self, mut turn: Turn, mix: &mut Mix) {
        if self.0.len() < MOST_TALKS && turn.ask(mix).is_some() {
            self.0.push(turn);
        }
    }
}
