//! A disk without room: nothing panics, nothing that was written is lost, and it goes on by itself
//! when there is room again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{batch, history, open, rows};

/// A small disk of its own.
struct Disk(tempfile::TempDir);

impl Disk {
    /// `None` where this process may not mount anything.
    fn mounted() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"])
            .arg(folder.path())
            .output();
        match mount {
            Ok(output) if output.status.success() => return Some(Self(folder)),
            Ok(output) => eprintln!("skipped: {}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => eprintln!("skipped: mount: {error}"),
        }
        let must = std::env::var_os("CI").is_some() && rustix::process::geteuid().is_root();
        assert!(!must, "in CI, where this runs as root, a disk must be mounted");
        None
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("state")
    }

    /// Leaves so many bytes free.
    fn fill(&self, free: u64) {
        let stat = rustix::fs::statvfs(self.0.path()).unwrap();
        let bytes = (stat.f_bavail * stat.f_frsize).saturating_sub(free);
        fs::write(self.ballast(), vec![b'x'; usize::try_from(bytes).unwrap()]).unwrap();
    }

    fn make_room(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }

    fn ballast(&self) -> PathBuf {
        self.0.path().join("ballast")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn nothing_written_is_lost_and_it_goes_on_when_there_is_room() {
    let Some(disk) = Disk::mounted() else { return };
    // However little is left, a page or none, the failure comes at another place.
    for free in [0, 4096, 8192, 40_960, 204_800] {
        let folder = disk.folder();
        let store = open(&folder).into_store();
        store.write(batch(&[("a", 1.into())], &[("k", Some("old"))])).unwrap();
        disk.fill(free);
        let large = "x".repeat(1_500_000);
        for _ in 0..3 {
            let next = batch(&[("a", 2.into())], &[("k", Some("new")), ("large", Some(&large))]);
            let error = store.write(next).unwrap_err();
            assert!(!error.lost, "{free}: {}", error.error);
        }
        // Killed now, it finds what was there. A copy elsewhere stands for the next start.
        check_copy(&folder, 1, &[("k", "old")]);
        disk.make_room();
        store.write(batch(&[("a", 3.into())], &[("k", Some("newer"))])).unwrap();
        drop(store);
        let mut saved = open(&folder);
        assert_eq!(saved.take::<u64>("a"), Some(3), "{free}");
        assert_eq!(history(&mut saved), rows(&[("k", "newer")]), "{free}");
        drop(saved);
        fs::remove_dir_all(&folder).unwrap();
    }
}

/// A program that starts on a full disk finds its state all the same.
#[test]
fn a_start_on_a_full_disk() {
    let Some(disk) = Disk::mounted() else { return };
    let folder = disk.folder();
    super::write(&folder, batch(&[("a", 1.into())], &[("k", Some("old"))]));
    disk.fill(0);
    let mut saved = open(&folder);
    assert_eq!((saved.take::<u64>("a"), history(&mut saved)), (Some(1), rows(&[("k", "old")])));
    let store = saved.into_store();
    let large = "x".repeat(2_000_000);
    store.write(batch(&[], &[("large", Some(&large))])).unwrap_err();
    disk.make_room();
    store.write(batch(&[("a", 2.into())], &[])).unwrap();
}

fn check_copy(folder: &Path, a: u64, expected: &[(&str, &str)]) {
    let copy = tempfile::tempdir().unwrap();
    fs::copy(folder.join("state.redb"), copy.path().join("state.redb")).unwrap();
    let mut saved = open(copy.path());
    assert_eq!((saved.take::<u64>("a"), history(&mut saved)), (Some(a), rows(expected)));
}
