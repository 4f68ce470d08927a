use std::fs;
use std::path::Path;

use super::{Sections, Store};

fn written(folder: &Path) {
    let saved = Store::open(folder).unwrap();
    let mut sections = Sections::default();
    sections.put("numbers", &vec![1_u64, u64::MAX]).unwrap();
    sections.put("words", &"hi").unwrap();
    saved.into_store().write(&sections).unwrap();
}

#[test]
fn sections_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("made/on/demand");
    written(&inner);
    let mut saved = Store::open(&inner).unwrap();
    assert_eq!(saved.take::<Vec<u64>>("numbers"), Some(vec![1, u64::MAX]));
    assert_eq!(saved.take::<Vec<u64>>("numbers"), None);
    assert_eq!(saved.take::<String>("words"), Some("hi".to_owned()));
    assert_eq!(saved.take::<String>("others"), None);
    assert!(!inner.join("state.json.refused").exists() && !inner.join("state.json.new").exists());
}

#[test]
fn what_cannot_be_read_is_kept_aside() {
    for (text, section) in [
        ("", None),
        ("{\"format\": \"llm-prober st", None),
        (r#"{"format":"llm-prober state","version":2,"detection":1,"other":{}}"#, None),
        (r#"{"format":"another","version":1,"detection":1,"sections":{}}"#, None),
        (
            r#"{"format":"llm-prober state","version":1,"detection":1,"sections":{"a":-1}}"#,
            Some("a"),
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        fs::write(&path, text).unwrap();
        let mut saved = Store::open(folder.path()).unwrap();
        assert_eq!(saved.take::<u64>(section.unwrap_or("a")), None, "{text}");
        let store = saved.into_store();
        store.write(&Sections::default()).unwrap();
        let aside = fs::read_to_string(folder.path().join("state.json.refused")).unwrap();
        assert_eq!(aside, text);
        drop(store);
        let mut saved = Store::open(folder.path()).unwrap();
        assert_eq!(saved.take::<u64>("a"), None);
    }
}

#[test]
fn a_folder_has_one_user_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let saved = Store::open(folder.path()).unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(error.ends_with("is used by another process"), "{error}");
    drop(saved);
    Store::open(folder.path()).unwrap();
}

#[test]
fn a_folder_that_is_none_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Store::open(file.path()).unwrap_err();
    assert!(error.starts_with("cannot make the state folder"), "{error}");
}

/// A write that fails half way leaves what was there.
#[test]
fn the_old_file_stays_until_the_new_one_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path());
    fs::create_dir(folder.path().join("state.json.new")).unwrap();
    let saved = Store::open(folder.path()).unwrap();
    assert!(saved.into_store().write(&Sections::default()).is_err());
    let mut saved = Store::open(folder.path()).unwrap();
    assert_eq!(saved.take::<String>("words"), Some("hi".to_owned()));
}

/// A disk that is full is not kept full by the attempt.
#[test]
fn nothing_is_left_of_a_write_that_fails() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path());
    let saved = Store::open(folder.path()).unwrap();
    fs::remove_file(folder.path().join("state.json")).unwrap();
    fs::create_dir_all(folder.path().join("state.json/in/the/way")).unwrap();
    assert!(saved.into_store().write(&Sections::default()).is_err());
    assert!(!folder.path().join("state.json.new").exists());
}
