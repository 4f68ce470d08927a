use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use super::*;
use crate::testing;

mod full_disk;
mod killed;

fn batch(sections: &[(&str, Value)], rows: &[(&str, Option<&str>)]) -> Batch {
    let mut batch = Batch::default();
    for (name, value) in sections {
        batch.sections.put(name, value).unwrap();
    }
    for (key, value) in rows {
        let value = value.map(|value| value.as_bytes().to_vec());
        batch.history.changed.insert(key.as_bytes().to_vec(), value);
    }
    batch
}

fn open(folder: &Path) -> Saved {
    testing::saved(folder).unwrap()
}

fn write(folder: &Path, batch: Batch) {
    open(folder).into_store().write(batch).unwrap();
}

fn history(saved: &mut Saved) -> Vec<(String, String)> {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    saved.take_history().into_iter().map(|(key, value)| (text(key), text(value))).collect()
}

fn rows(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Who may read what.
fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn sections_and_rows_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("made/on/demand");
    let numbers = serde_json::json!([1_u64, u64::MAX]);
    write(&inner, batch(&[("numbers", numbers), ("words", "hi".into())], &[("a", Some("1"))]));
    let mut saved = open(&inner);
    assert_eq!(saved.take::<Vec<u64>>("numbers"), Some(vec![1, u64::MAX]));
    assert_eq!(saved.take::<Vec<u64>>("numbers"), None);
    assert_eq!(saved.take::<String>("words"), Some("hi".to_owned()));
    assert_eq!(saved.take::<String>("others"), None);
    assert_eq!(history(&mut saved), rows(&[("a", "1")]));
    assert!(!inner.join("state.redb.refused").exists());
    assert_eq!(mode(&inner.join("state.redb")), 0o600, "answers are in it");
}

/// Sections are written whole, the history by what has changed.
#[test]
fn what_is_not_written_again_is_forgotten_or_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).into_store();
    let first = [("a", 1.into()), ("b", serde_json::json!({"x": vec!["long"; 3000], "y": [[]]}))];
    store.write(batch(&first, &[("aa", Some("1")), ("ab", Some("2")), ("b", Some("3"))])).unwrap();
    let mut next = batch(&[("b", 2.into())], &[("ab", Some("4")), ("b", None)]);
    next.history.cleared.push(b"a".to_vec());
    store.write(next).unwrap();
    drop(store);
    let mut saved = open(folder.path());
    assert_eq!(history(&mut saved), rows(&[("ab", "4")]));
    assert_eq!((saved.take::<u64>("a"), saved.take::<u64>("b")), (None, Some(2)));
    saved.into_store().write(batch(&[], &[])).unwrap();
    let mut saved = open(folder.path());
    assert_eq!((saved.take::<u64>("b"), history(&mut saved).len()), (None, 1));
}

/// As references and evidence are: of many targets, few change at a time.
#[test]
fn members_come_back_as_a_map() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).into_store();
    let put = |members: &[(&str, u64)]| {
        let mut batch = Batch::default();
        let members = members.iter().map(|(key, n)| member("past", key, n).unwrap());
        batch.sections.put_members("past", members);
        store.write(batch).unwrap();
    };
    put(&[("a/b", 1), ("~", 2), ("gone", 3)]);
    put(&[("a/b", 1), ("~", 4)]);
    drop(store);
    let expected = [("a/b".to_owned(), 1), ("~".to_owned(), 4)].into();
    assert_eq!(open(folder.path()).take::<BTreeMap<String, u64>>("past"), Some(expected));
}

#[test]
fn a_damaged_file_is_kept_aside() {
    for damage in [
        |bytes: &mut Vec<u8>| *bytes = b"not a database".to_vec(),
        |bytes: &mut Vec<u8>| bytes[0] = b'x',
        |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() / 2),
        |bytes: &mut Vec<u8>| bytes[512..].fill(0xff),
    ] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), batch(&[("a", 1.into())], &[("k", Some("v"))]));
        let file = folder.path().join("state.redb");
        let mut bytes = fs::read(&file).unwrap();
        damage(&mut bytes);
        fs::write(&file, &bytes).unwrap();
        let mut saved = open(folder.path());
        assert_eq!((saved.take::<u64>("a"), history(&mut saved)), (None, vec![]));
        saved.into_store().write(batch(&[("a", 2.into())], &[])).unwrap();
        let aside = folder.path().join("state.redb.refused");
        // The library may have touched a header that it could read.
        assert_eq!(fs::read(&aside).unwrap().len(), bytes.len());
        assert_eq!(mode(&aside), 0o600);
        assert_eq!(open(folder.path()).take::<u64>("a"), Some(2));
    }
}

/// A flipped bit in the middle of the data is noticed at the start, not trusted.
#[test]
fn a_flipped_bit_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), batch(&[("a", "needle in the hay".into())], &[]));
    let file = folder.path().join("state.redb");
    let mut bytes = fs::read(&file).unwrap();
    let found: Vec<_> =
        (0..bytes.len() - 6).filter(|i| bytes[*i..].starts_with(b"needle")).collect();
    assert!(!found.is_empty());
    for i in found {
        bytes[i] ^= 1;
    }
    fs::write(&file, &bytes).unwrap();
    assert_eq!(open(folder.path()).take::<String>("a"), None);
    assert!(folder.path().join("state.redb.refused").exists());
}

#[test]
fn a_section_of_another_shape_starts_anew_and_is_kept_aside() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), batch(&[("a", (-1).into()), ("b", 2.into())], &[("k", Some("v"))]));
    let mut saved = open(folder.path());
    assert_eq!((saved.take::<u64>("a"), saved.take::<u64>("b")), (None, Some(2)));
    assert_eq!(history(&mut saved), rows(&[("k", "v")]));
    drop(saved);
    let aside = tempfile::tempdir().unwrap();
    let copy = folder.path().join("state.redb.refused");
    fs::copy(copy, aside.path().join("state.redb")).unwrap();
    assert_eq!(open(aside.path()).take::<i64>("a"), Some(-1), "the copy can be read");
}

#[test]
fn a_newer_release_is_refused_and_nothing_is_touched() {
    const VERSIONS: redb::TableDefinition<'_, &str, u64> = redb::TableDefinition::new("versions");
    for (name, version, shown) in [("schema", 3, "3.1"), ("detection", 9, "2.9")] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), batch(&[("a", 1.into())], &[]));
        drop(open(folder.path()));
        let newer = redb::Database::create(folder.path().join("state.redb")).unwrap();
        let transaction = newer.begin_write().unwrap();
        transaction.open_table(VERSIONS).unwrap().insert(name, version).unwrap();
        transaction.commit().unwrap();
        drop(newer);
        let error = testing::saved(folder.path()).unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "a newer release has written the state in `{}` (version {shown}), expected at most \
                 2.1: start that release, or name another change_detection.state_dir",
                folder.path().display()
            )
        );
        assert!(!folder.path().join("state.redb.refused").exists());
    }
}

#[test]
fn the_file_of_an_earlier_release_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let old = r#"{"format":"llm-prober state","version":1,"detection":1,"sections":{"a":[7]}}"#;
    let path = folder.path().join("state.json");
    fs::write(&path, old).unwrap();
    // Killed before the first commit: it is still there, and taken over again.
    for _ in 0..2 {
        assert_eq!(open(folder.path()).take::<Vec<u64>>("a"), Some(vec![7]));
        assert!(path.exists());
    }
    write(folder.path(), batch(&[("a", 8.into())], &[]));
    assert!(!path.exists());
    assert_eq!(fs::read_to_string(folder.path().join("state.json.migrated")).unwrap(), old);
    assert_eq!(open(folder.path()).take::<u64>("a"), Some(8));
}

#[test]
fn an_earlier_file_that_cannot_be_read_is_kept_aside() {
    for text in [
        "",
        "{\"format\": \"llm-prober st",
        r#"{"format":"llm-prober state","version":2,"detection":1,"other":{}}"#,
        r#"{"format":"another","version":1,"detection":1,"sections":{}}"#,
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("state.json"), text).unwrap();
        write(folder.path(), batch(&[("a", 1.into())], &[]));
        let aside = fs::read_to_string(folder.path().join("state.json.refused")).unwrap();
        assert_eq!(aside, text);
        assert_eq!(open(folder.path()).take::<u64>("a"), Some(1));
    }
}

#[test]
fn what_was_kept_aside_earlier_stays() {
    let folder = tempfile::tempdir().unwrap();
    for text in ["first", "second"] {
        fs::write(folder.path().join("state.json"), text).unwrap();
        drop(open(folder.path()));
    }
    let kept = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(kept("state.json.refused"), "first");
    assert_eq!(kept("state.json.refused.1"), "second");
}

/// Whoever may write to the folder shall not have files elsewhere overwritten.
#[test]
fn links_are_not_followed() {
    for name in ["state.redb", "state.lock"] {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::NamedTempFile::new().unwrap();
        fs::write(elsewhere.path(), "precious").unwrap();
        fs::set_permissions(elsewhere.path(), fs::Permissions::from_mode(0o644)).unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), folder.path().join(name)).unwrap();
        assert!(Saved::open(folder.path()).is_err(), "{name}");
        assert_eq!(fs::read_to_string(elsewhere.path()).unwrap(), "precious");
        assert_eq!(mode(elsewhere.path()), 0o644);
    }
}

#[test]
fn a_folder_has_one_user_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let saved = open(folder.path());
    let error = Saved::open(folder.path()).unwrap_err().to_string();
    assert!(error.ends_with("is used by another process"), "{error}");
    drop(saved);
    open(folder.path());
}

#[tokio::test(start_paused = true)]
async fn another_user_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let claim = Claim::now(folder.path()).unwrap();
    let started = tokio::time::Instant::now();
    let error = Claim::wait(folder.path()).await.unwrap_err().to_string();
    assert!(error.ends_with("is used by another process, for 60 s already"), "{error}");
    assert!((PATIENCE..PATIENCE * 2).contains(&started.elapsed()));
    let free = async {
        tokio::time::sleep(PATIENCE / 2).await;
        drop(claim);
    };
    let (waited, ()) = tokio::join!(Claim::wait(folder.path()), free);
    assert!(Saved::of(waited.unwrap()).is_ok());
}

#[test]
fn a_folder_that_is_none_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Saved::open(file.path()).unwrap_err().to_string();
    assert!(error.starts_with("cannot make the state folder"), "{error}");
}

/// Somebody cleans up while the program runs.
#[test]
fn a_file_that_was_deleted_is_told_and_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).into_store();
    store.write(batch(&[("a", 1.into())], &[("k", Some("v"))])).unwrap();
    fs::remove_file(folder.path().join("state.redb")).unwrap();
    let error = store.write(batch(&[("a", 2.into())], &[])).unwrap_err();
    assert!(error.lost, "the whole history is wanted");
    store.write(batch(&[("a", 2.into())], &[("k", Some("w"))])).unwrap();
    drop(store);
    let mut saved = open(folder.path());
    assert_eq!((saved.take::<u64>("a"), history(&mut saved)), (Some(2), rows(&[("k", "w")])));
}

#[test]
fn a_file_others_could_read_is_closed_to_them() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), batch(&[("a", 1.into())], &[]));
    let file = folder.path().join("state.redb");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    drop(open(folder.path()));
    assert_eq!(mode(&file), 0o600);
}

/// What is free inside goes back to the file system at the start.
#[test]
fn a_start_compacts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.redb");
    let large = "x".repeat(3_000);
    let many: Vec<String> = (0..2_000).map(|i| format!("{i:04}")).collect();
    let all: Vec<_> = many.iter().map(|key| (key.as_str(), Some(large.as_str()))).collect();
    write(folder.path(), batch(&[], &all));
    // What is left lies all over the file.
    let most = many.iter().filter(|key| !key.ends_with('7'));
    let most: Vec<_> = most.map(|key| (key.as_str(), None)).collect();
    write(folder.path(), batch(&[], &most));
    let before = fs::metadata(&file).unwrap().len();
    assert_eq!(history(&mut open(folder.path())).len(), 200);
    let after = fs::metadata(&file).unwrap().len();
    assert!(before > 3_000_000 && after < before / 2, "{before} {after}");
}
