//! The limit of memory that a container, a pod or a unit has: that of its control group.

use std::fs;
use std::path::{Path, PathBuf};

/// Version 1 writes the largest multiple of a page for no limit.
const NO_LIMIT: u64 = 1 << 60;

/// The least limit of the control groups that this process is in, in bytes; `None` without one.
#[must_use]
pub fn control_group_limit() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    least_limit(&groups, Path::new("/sys/fs/cgroup"))
}

/// `groups` is what `/proc/self/cgroup` says: `0::/path` of version 2, and for each controller of
/// version 1 `number:names:/path`.
fn least_limit(groups: &str, root: &Path) -> Option<u64> {
    let of_line = |line: &str| -> Option<u64> {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        if controllers.is_empty() {
            least_above(root, path, "memory.max")
        } else if controllers.split(',').any(|name| name == "memory") {
            least_above(&root.join("memory"), path, "memory.limit_in_bytes")
        } else {
            None
        }
    };
    groups.lines().filter_map(of_line).min()
}

/// Of this group and of all above it: each holds for those below. A container may see its own group
/// as the root, under the path that it has outside; then the root alone is there.
fn least_above(root: &Path, path: &str, file: &str) -> Option<u64> {
    let below = Path::new(path.trim_start_matches('/'));
    // What is above the container's own root: nobody may look out of it.
    let outside = below.components().any(|part| !matches!(part, std::path::Component::Normal(_)));
    let own: PathBuf = if outside { root.to_owned() } else { root.join(below) };
    let above = own.ancestors().take_while(|folder| folder.starts_with(root));
    let limits = above.filter_map(|folder| limit(&folder.join(file)));
    limits.min()
}

/// `max`, a file that is not there, and numbers beyond all memory are no limit.
fn limit(file: &Path) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    text.trim().parse().ok().filter(|bytes| *bytes < NO_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_limit_of_all_groups_holds() {
        let root = tempfile::tempdir().unwrap();
        let write = |folder: &str, file: &str, text: &str| {
            let folder = root.path().join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(file), text).unwrap();
        };
        let check = |groups: &str, expect: Option<u64>| {
            assert_eq!(least_limit(groups, root.path()), expect, "{groups}");
        };
        check("0::/pod/container", None);
        write("pod/container", "memory.max", "max\n");
        check("0::/pod/container\n", None);
        write("pod", "memory.max", "2000000\n");
        check("0::/pod/container\n", Some(2_000_000));
        write("pod/container", "memory.max", "1000000\n");
        check("0::/pod/container\n", Some(1_000_000));
        check("0::/pod\n", Some(2_000_000));
        // A container that sees its own group as the root.
        write("", "memory.max", "500000\n");
        check("0::/", Some(500_000));
        check("0::/../elsewhere", Some(500_000));
        check("no group at all\n", None);
    }

    #[test]
    fn version_1_says_it_elsewhere() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("memory/docker/abc");
        fs::create_dir_all(&folder).unwrap();
        let write = |folder: &Path, text: &str| {
            fs::write(folder.join("memory.limit_in_bytes"), text).unwrap();
        };
        let groups = "12:cpu,cpuacct:/docker/abc\n9:memory:/docker/abc\n0::/\n";
        assert_eq!(least_limit(groups, root.path()), None);
        write(&folder, "9223372036854771712\n");
        assert_eq!(least_limit(groups, root.path()), None);
        write(&folder, "300000000\n");
        assert_eq!(least_limit(groups, root.path()), Some(300_000_000));
        // Where only the container's own group is there.
        write(&root.path().join("memory"), "200000000\n");
        assert_eq!(least_limit("9:memory:/kubepods/x", root.path()), Some(200_000_000));
    }
}
