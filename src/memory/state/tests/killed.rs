//! Killed in the middle of whatever it was writing, two hundred times: what is found is always one
//! whole batch, and none that was acknowledged is missing.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::{Batch, batch, history, open};

/// Say in the child what it is, and which batch comes next.
const FOLDER: &str = "LLM_PROBER_TEST_STATE_FOLDER";
const NEXT: &str = "LLM_PROBER_TEST_STATE_NEXT";
const NAME: &str = "memory::state::tests::killed::what_is_found_is_whole";

/// Everything in it says its number. Sizes change, so that the file grows and shrinks.
fn numbered(n: u64) -> Batch {
    let sections = [("a", section(n)), ("b", n.into())];
    let text = format!("{n}:{}", "x".repeat(size(n) * 300));
    let keys: Vec<String> = (0..20).map(|i| format!("row {i:02}")).collect();
    let rows: Vec<_> = keys.iter().map(|key| (key.as_str(), Some(text.as_str()))).collect();
    batch(&sections, &rows)
}

fn size(n: u64) -> usize {
    usize::try_from(n * 7919 % 40).unwrap()
}

fn section(n: u64) -> Value {
    let large: Vec<Value> = (0..size(n) * 20).map(|i| serde_json::json!([n, i, "text"])).collect();
    serde_json::json!({"n": n, "large": large})
}

/// The number of what is there, if anything is; all of it has the same.
fn found(folder: &Path) -> Option<u64> {
    let mut saved = open(folder);
    let a = saved.take::<Value>("a");
    let b = saved.take::<u64>("b");
    let rows = history(&mut saved);
    let Some(n) = b else {
        assert!(a.is_none() && rows.is_empty(), "half a batch");
        return None;
    };
    let whole = numbered(n);
    assert_eq!(a, Some(section(n)));
    assert_eq!(rows.len(), 20);
    for (key, text) in rows {
        let expected = whole.history.changed[key.as_bytes()].as_deref().unwrap();
        assert!(text.as_bytes() == expected, "{key} is not of batch {n}");
    }
    assert!(!folder.join("state.redb.refused").exists());
    Some(n)
}

/// In the child: writes batch after batch and says which are there for good.
fn write_until_killed(folder: &Path) -> ! {
    let store = open(folder).into_store();
    for n in std::env::var(NEXT).unwrap().parse().unwrap().. {
        store.write(numbered(n)).unwrap();
        println!("\nwritten {n}");
    }
    unreachable!()
}

#[test]
fn what_is_found_is_whole() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        write_until_killed(Path::new(&folder));
    }
    // In memory where there is such a place: a kill leaves what the kernel has, flushed or not.
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let (mut acknowledged, mut last) = (None, None);
    for round in 0..200_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME, "--nocapture", "--test-threads=1"])
            .env(FOLDER, folder.path())
            .env(NEXT, last.map_or(0, |n: u64| n + 1).to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut read = |line: Option<std::io::Result<String>>| {
            let line = line.expect("the child goes on until it is killed").unwrap();
            let n = line.strip_prefix("written ").map(|n| n.parse::<u64>().unwrap());
            acknowledged = n.or(acknowledged);
            n.is_some()
        };
        // At another moment of another batch each time, the very first ones among them.
        if round % 4 > 0 {
            let mut left = round % 3 + 1;
            while left > 0 {
                left -= u64::from(read(lines.next()));
            }
        }
        std::thread::sleep(Duration::from_micros(round * 977 % 12_000)); // where, not how long
        child.kill().unwrap();
        child.wait().unwrap();
        // What it had said before it was killed.
        lines.for_each(|line| {
            read(Some(line));
        });
        last = found(folder.path());
        assert!(last >= acknowledged, "round {round}: {acknowledged:?}, {last:?}");
    }
    assert!(acknowledged.unwrap() > 200, "{acknowledged:?}");
}
