//! How values are written.

use indexmap::IndexMap;
use serde_yaml::Spanned;

/// A mapping whose keys are names of the user's choice.
pub(in crate::config) type Named<T> = IndexMap<Spanned<String>, T>;

/// A value that may be absent.
pub(in crate::config) type Maybe<T> = Option<Spanned<T>>;
