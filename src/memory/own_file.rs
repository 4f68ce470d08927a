//! Files in folders of our own, which others may be able to write to as well.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Files that are kept beside each other under one name.
const MOST_KEPT: usize = 10;

/// Only its owner may read it; and a link in its place, which somebody else may have put there, is not
/// followed.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(target_os = "linux")]
    {
        let flags = rustix::fs::OFlags::NOFOLLOW.bits();
        options.custom_flags(i32::try_from(flags).unwrap_or(0));
    }
    options.mode(0o600)
}

/// Whether a link was in the place of a file.
pub(super) fn is_link(error: &io::Error) -> bool {
    #[cfg(target_os = "linux")]
    {
        error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = error;
        false
    }
}

/// A name that nothing has yet: this one, or it with a number; with so many there, the last of them.
pub(super) fn unused(path: &Path) -> PathBuf {
    let numbered = (1..MOST_KEPT).map(|n| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{n}"));
        PathBuf::from(name)
    });
    let mut last = path.to_owned();
    for name in std::iter::once(path.to_owned()).chain(numbered) {
        if name.symlink_metadata().is_err() {
            return name;
        }
        last = name;
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbered_and_have_an_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.refused");
        let names: Vec<_> = (0..12)
            .map(|_| {
                let name = unused(&path);
                std::fs::write(&name, "").unwrap();
                name.file_name().unwrap().to_str().unwrap().to_owned()
            })
            .collect();
        assert_eq!(names[..2], ["state.refused", "state.refused.1"]);
        assert_eq!(names[9..], ["state.refused.9"; 3]);
        // A link that leads nowhere is something, too.
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("nowhere", &link).unwrap();
        assert_eq!(unused(&link), folder.path().join("link.1"));
    }
}
