//! Whether both sides say the same. Kept apart from latency: it is no evidence for or against the
//! candidate's speed. Only counts leave this module.

use serde::{Deserialize, Serialize};

use strum::{IntoStaticStr, VariantArray};

use super::spec::AnswerRules;
use crate::answer::timeline::{EventKind, Finish, Timeline};

/// What is compared of one answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    text: String,
    finish: Option<Finish>,
}

impl Answer {
    /// The answer text, reasoning and tool calls included, and why it ended.
    #[must_use]
    pub fn of(timeline: &Timeline) -> Self {
        let finish = timeline.events.iter().rev().find_map(|e| match e.kind {
            EventKind::Finish(finish) => Some(finish),
            _ => None,
        });
        Self { text: timeline.content().filter_map(|e| e.kind.text()).collect(), finish }
    }

    /// Compares the baseline's answer with the candidate's.
    #[must_use]
    pub fn agreement(&self, candidate: &Self, rules: AnswerRules) -> Answers {
        Answers {
            finish: self.finish == candidate.finish,
            length: lengths_agree(&self.text, &candidate.text, rules.length_ratio),
            exact: rules.exact.then(|| self.text == candidate.text),
        }
    }
}

#[allow(clippy::cast_precision_loss)] // answers are far below 2^53 characters
fn lengths_agree(a: &str, b: &str, most: f64) -> bool {
    let (a, b) = (a.chars().count() as f64, b.chars().count() as f64);
    a.max(b) <= most * a.min(b)
}

/// In which respects two answers agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answers {
    /// They ended for the same reason.
    pub finish: bool,
    /// One is not much longer than the other.
    pub length: bool,
    /// They are the same; `None` where that is not asked for.
    pub exact: Option<bool>,
}

/// In which respect: a closed set, because it becomes a metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum AnswerCheck {
    /// The same reason to end.
    Finish,
    /// A similar length.
    Length,
    /// The same text.
    Exact,
}

impl AnswerCheck {
    /// Every check.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The label value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// How often they did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AnswerCounts {
    /// Pairs of answers compared.
    pub compared: u64,
    /// That ended for different reasons.
    pub finish_differs: u64,
    /// Of which one is much longer.
    pub length_differs: u64,
    /// That are not the same text; stays 0 where that is not asked for.
    pub text_differs: u64,
}

impl AnswerCounts {
    pub(super) fn add(&mut self, answers: Answers) {
        self.compared += 1;
        self.finish_differs += u64::from(!answers.finish);
        self.length_differs += u64::from(!answers.length);
        self.text_differs += u64::from(answers.exact == Some(false));
    }

    /// Pairs of answers that differ in one respect.
    #[must_use]
    pub fn differing(&self, check: AnswerCheck) -> u64 {
        match check {
            AnswerCheck::Finish => self.finish_differs,
            AnswerCheck::Length => self.length_differs,
            AnswerCheck::Exact => self.text_differs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_agree_in_each_respect_by_itself() {
        let answer = |text: &str, finish| Answer { text: text.to_owned(), finish: Some(finish) };
        let rules = AnswerRules { length_ratio: 1.5, exact: true };
        let check = |candidate: Answer, finish, length, exact| {
            let found = answer("four", Finish::Stop).agreement(&candidate, rules);
            assert_eq!(found, Answers { finish, length, exact: Some(exact) });
        };
        check(answer("four", Finish::Stop), true, true, true);
        check(answer("vier", Finish::Length), false, true, false);
        check(answer("fourty", Finish::Stop), true, true, false);
        check(answer("fortyfo", Finish::Stop), true, false, false);
        check(answer("", Finish::Stop), true, false, false);
        let loose = AnswerRules { exact: false, ..rules };
        let found = answer("a", Finish::Stop).agreement(&answer("b", Finish::Stop), loose);
        assert_eq!(found.exact, None);
    }
}
