//! A JSON value cut into rows. Small values and lists of numbers stay whole; of a large one each
//! member is cut in turn. So a change deep inside is a change of one row.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde_json::{Map, Value};
use thiserror::Error;

/// Text of about so many bytes stays in one row.
const SMALL: usize = 4096;

/// What the row of a value that was cut begins with: an object, and a list with its length.
const OBJECT: u8 = b'{';
const LIST: u8 = b'[';
/// What the row of a value that was not cut begins with; JSON follows.
const WHOLE: u8 = b'=';
/// The same, compressed: lists of figures take a third of their text.
const PACKED: u8 = b'~';

/// Shorter text is not worth compressing.
const WORTH_PACKING: usize = 512;
/// The longest text of a row that is read, in bytes.
const MAX_ROW: u64 = 64 << 20;

/// Rows by path, as JSON pointers behind a name.
pub(super) type Rows = BTreeMap<String, Vec<u8>>;

/// One row, and a hash by which it is seen that it has not changed; of this process alone.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub path: String,
    pub hash: u64,
    pub bytes: Vec<u8>,
}

/// A value in rows.
#[derive(Debug, Clone, Default)]
pub struct Cut(Vec<Row>);

impl Cut {
    /// Cuts `value`; its own row is called `path`.
    pub(super) fn of(path: &str, value: &Value) -> Result<Self, serde_json::Error> {
        let mut cut = Self::default();
        cut.add(path.to_owned(), value)?;
        Ok(cut)
    }

    /// Of a map whose members are cut by themselves.
    pub(super) fn map(path: &str) -> Self {
        let mut cut = Self::default();
        cut.row(path.to_owned(), vec![OBJECT]);
        cut
    }

    pub(super) fn rows(&self) -> &[Row] {
        &self.0
    }

    fn add(&mut self, path: String, value: &Value) -> Result<(), serde_json::Error> {
        match value {
            Value::Object(members) if worth_cutting(value) => {
                for (key, member) in members {
                    self.add(self::path(&path, key), member)?;
                }
                self.row(path, vec![OBJECT]);
            }
            Value::Array(items) if worth_cutting(value) => {
                for (i, item) in items.iter().enumerate() {
                    self.add(format!("{path}/{i}"), item)?;
                }
                self.row(path, [&[LIST], items.len().to_string().as_bytes()].concat());
            }
            value => {
                self.row(path, written(value)?);
            }
        }
        Ok(())
    }

    fn row(&mut self, path: String, bytes: Vec<u8>) {
        let hash = hash(&bytes);
        self.0.push(Row { path, hash, bytes });
    }
}

/// The row of a value that is not cut.
fn written(value: &Value) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = vec![WHOLE];
    serde_json::to_writer(&mut bytes, value)?;
    if bytes.len() < WORTH_PACKING {
        return Ok(bytes);
    }
    let mut packed = DeflateEncoder::new(vec![PACKED], Compression::fast());
    packed.write_all(&bytes[1..]).map_err(serde_json::Error::io)?;
    packed.finish().map_err(serde_json::Error::io)
}

/// Of a row's bytes.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// Of a member.
pub(super) fn path(whole: &str, key: &str) -> String {
    format!("{whole}/{}", escaped(key))
}

/// Puts together what [`Cut`] made of one value; `None` where there are no rows.
///
/// # Errors
/// A row that [`Cut`] does not make, and where.
pub(super) fn join(rows: &Rows) -> Result<Option<Value>, JoinError> {
    let mut joined: Option<Value> = None;
    // A path comes after those that it is in.
    for (path, row) in rows {
        let bad = |why| JoinError { path: path.clone(), why };
        let misplaced = |expected| bad(RowError::Misplaced(expected));
        let value = read(row, rows.len()).map_err(bad)?;
        let mut keys = path.split('/').skip(1).peekable();
        if keys.peek().is_none() {
            joined = Some(value);
            continue;
        }
        let mut inside = joined.as_mut().ok_or_else(|| misplaced("what it is in"))?;
        while let Some(key) = keys.next() {
            let last = keys.peek().is_none();
            inside = match inside {
                Value::Object(members) => {
                    let key = plain(key);
                    if last {
                        members.insert(key.clone(), Value::Null);
                    }
                    members.get_mut(&key).ok_or_else(|| misplaced("what it is in"))?
                }
                Value::Array(items) => {
                    let place = key.parse().ok().and_then(|i: usize| items.get_mut(i));
                    place.ok_or_else(|| misplaced("a place in its list"))?
                }
                _ => return Err(misplaced("it in an object or a list")),
            };
        }
        *inside = value;
    }
    Ok(joined)
}

/// Why a row is no value.
#[derive(Debug, Error)]
enum RowError {
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Unpack(#[from] std::io::Error),
    #[error("length of a list")]
    Length,
    #[error("expected a value")]
    Kind,
    #[error("expected {0}")]
    Misplaced(&'static str),
}

/// Where rows do not go together.
#[derive(Debug, Error)]
#[error("row `{path}`: {why}")]
pub(super) struct JoinError {
    path: String,
    why: RowError,
}

/// The value of a row; a list is no longer than there are rows.
fn read(row: &[u8], rows: usize) -> Result<Value, RowError> {
    match row.split_first() {
        Some((&WHOLE, json)) => Ok(serde_json::from_slice(json)?),
        Some((&PACKED, packed)) => {
            let mut json = Vec::new();
            let mut text = DeflateDecoder::new(packed).take(MAX_ROW);
            text.read_to_end(&mut json)?;
            Ok(serde_json::from_slice(&json)?)
        }
        Some((&OBJECT, [])) => Ok(Value::Object(Map::new())),
        Some((&LIST, length)) => {
            let length = std::str::from_utf8(length).ok().and_then(|text| text.parse().ok());
            let length = length.filter(|length| *length <= rows);
            length.map(|n| Value::Array(vec![Value::Null; n])).ok_or(RowError::Length)
        }
        _ => Err(RowError::Kind),
    }
}

/// Whether there is more in it than fits a row, and more than a flat list of figures, which
/// changes as a whole.
fn worth_cutting(value: &Value) -> bool {
    let nested = |v: &Value| matches!(v, Value::Object(_) | Value::Array(_));
    let deep = match value {
        Value::Object(members) => members.values().any(nested),
        Value::Array(items) => items.iter().any(nested),
        _ => false,
    };
    deep && !fits(value, &mut { SMALL })
}

/// Whether the text takes no more than `left`, about; stops counting when it does.
fn fits(value: &Value, left: &mut usize) -> bool {
    let mut take = |bytes: usize| {
        *left = left.saturating_sub(bytes);
        *left > 0
    };
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => take(8),
        Value::String(text) => take(text.len() + 3),
        Value::Array(items) => take(2) && items.iter().all(|item| fits(item, left)),
        Value::Object(members) => {
            take(2)
                && members.iter().all(|(key, member)| {
                    *left = left.saturating_sub(key.len() + 4);
                    *left > 0 && fits(member, left)
                })
        }
    }
}

/// As in a JSON pointer.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn plain(key: &str) -> String {
    key.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn rows(value: &Value) -> Rows {
        let cut = Cut::of("name", value).unwrap();
        cut.0.into_iter().map(|row| (row.path, row.bytes)).collect()
    }

    #[test]
    fn a_small_value_is_one_row() {
        let value = json!({"a": [1, {"b": null}], "/~": "x"});
        let found = rows(&value);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["name"]);
        assert_eq!(join(&found).unwrap(), Some(value));
        assert_eq!(join(&Rows::new()).unwrap(), None);
    }

    /// As a target's reference beside the evidence that grows with each probe.
    #[test]
    fn a_change_deep_inside_is_a_change_of_few_rows() {
        let of = |evidence: f64| {
            let reference: Vec<u64> = (0..5_000).collect();
            let stream = json!({"reference": {"levels": reference}, "evidence": [evidence]});
            json!({"a/b": {"chat": [stream, {"x": 1}]}, "c": 2})
        };
        let (before, after) = (rows(&of(1.0)), rows(&of(2.0)));
        assert_eq!(join(&after).unwrap(), Some(of(2.0)));
        let changed: Vec<_> = after.iter().filter(|(k, v)| before.get(*k) != Some(v)).collect();
        let size: usize = changed.iter().map(|(_, row)| row.len()).sum();
        assert!(!changed.is_empty() && size < 50, "{changed:?}");
        let whole: usize = before.values().map(Vec::len).sum();
        assert!((3_000..12_000).contains(&whole), "24 kB of text: {whole}");
    }

    #[test]
    fn damaged_rows_are_named() {
        let check = |damage: &[(&str, &str)], expect: &str| {
            let rows = damage.iter().map(|(k, v)| ((*k).to_owned(), v.as_bytes().to_vec()));
            assert_eq!(join(&rows.collect()).unwrap_err().to_string(), expect, "{damage:?}");
        };
        check(&[("n", "")], "row `n`: expected a value");
        check(&[("n", "{x")], "row `n`: expected a value");
        check(&[("n", "[99999999999")], "row `n`: length of a list");
        check(&[("n", "~abc")], "row `n`: incomplete deflate stream");
        check(&[("n", "{"), ("n/a/b", "=1")], "row `n/a/b`: expected what it is in");
        check(&[("n/a", "=1")], "row `n/a`: expected what it is in");
        check(&[("n", "[1"), ("n/1", "=1")], "row `n/1`: expected a place in its list");
        check(&[("n", "=1"), ("n/a", "=1")], "row `n/a`: expected it in an object or a list");
        check(&[("n", "=1x")], "row `n`: trailing characters at line 1 column 2");
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[a-z/~]{0,900}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 200, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::btree_map("[a-c/~-]{0,3}", inner, 0..8)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_was_cut_is_put_together_again(value in values()) {
            prop_assert_eq!(join(&rows(&value)).unwrap(), Some(value));
        }
    }
}
