//! The file as one form, and what stands where in it.

use std::sync::OnceLock;

use super::form::{Form, HasForm, Show};
use crate::config::raw::Raw;

/// The file: a mapping with every key.
pub(in crate::config) fn root() -> &'static Form {
    static ROOT: OnceLock<Form> = OnceLock::new();
    ROOT.get_or_init(Raw::form)
}

/// What may stand at the end of a path of keys, outermost first, and whether it is shown; `None`
/// where no key is known. A list is what its entries are.
pub(in crate::config) fn find(path: &[&str]) -> Option<(&'static Form, Show)> {
    let mut found = (root(), Show::Inside);
    for name in path {
        found = match found.0.entries() {
            Form::Named(value) => (value.entries(), found.1),
            other => {
                let key = other.as_section()?.key(name)?;
                (key.form.entries(), key.show)
            }
        };
    }
    Some(found)
}

/// Whether there is such a key anywhere.
pub(in crate::config) fn is_known(name: &str) -> bool {
    let mut found = false;
    root().visit(&mut |section| found |= section.key(name).is_some());
    found
}
