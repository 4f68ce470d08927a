//! The `model` label of a target whose server says which model it is: what a server says is held to
//! what a configured name is held to, and cannot make series without end.

use std::collections::BTreeSet;
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use crate::config::labels::check_value;

/// Distinct models that one server is believed.
const MOST_MODELS: usize = 32;

/// Stands for a name that cannot be a label, and for one too many.
const OTHER: &str = "other";

/// The label's value now.
#[derive(Debug)]
pub(super) struct ModelLabel {
    value: ArcSwap<String>,
    /// At most [`MOST_MODELS`].
    believed: Mutex<BTreeSet<String>>,
}

impl ModelLabel {
    /// As configured, or empty until the server says something.
    pub fn new(configured: Option<String>) -> Self {
        let value = ArcSwap::from_pointee(configured.unwrap_or_default());
        Self { value, believed: Mutex::default() }
    }

    pub fn get(&self) -> Arc<String> {
        self.value.load_full()
    }

    /// The name itself, to ask for; `None` where none is known, or its label only stands for it.
    pub fn name(&self) -> Option<Arc<String>> {
        Some(self.get()).filter(|name| !name.is_empty() && name.as_str() != OTHER)
    }

    /// Takes what the server says.
    pub fn tell(&self, model: &str) {
        if self.value.load().as_str() != model {
            self.value.store(Arc::new(self.believable(model).to_owned()));
        }
    }

    fn believable<'m>(&self, model: &'m str) -> &'m str {
        if check_value(model, true).is_err() {
            return OTHER;
        }
        let mut believed = self.believed.lock();
        if believed.contains(model) {
            return model;
        }
        if believed.len() == MOST_MODELS {
            return OTHER;
        }
        believed.insert(model.to_owned());
        model
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_label_is_other() {
        let label = ModelLabel::new(None);
        assert_eq!((label.get().as_str(), label.name()), ("", None));
        let check = |said: &str, expect: &str| {
            label.tell(said);
            assert_eq!(*label.get(), expect);
        };
        check("tiny-1b", "tiny-1b");
        check("two\nlines", OTHER);
        check(&"m".repeat(200), &"m".repeat(200));
        check(&"m".repeat(201), OTHER);
        check(" ", OTHER);
        check("tiny-1b", "tiny-1b");
    }

    #[test]
    fn a_server_that_is_another_model_every_time_becomes_other() {
        let label = ModelLabel::new(None);
        for number in 0..MOST_MODELS {
            label.tell(&format!("m{number}"));
            assert_eq!(*label.get(), format!("m{number}"));
        }
        label.tell("one-too-many");
        assert_eq!(*label.get(), OTHER);
        assert_eq!(label.name(), None, "nobody asks a server for `other`");
        label.tell("m0");
        assert_eq!(*label.get(), "m0", "known ones stay known");
        assert_eq!(label.name().as_deref().map(String::as_str), Some("m0"));
    }
}
