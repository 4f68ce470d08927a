//! Whether a folder is on a file system that a lock and a flush mean something on.

use std::io;
use std::path::Path;

use super::error::StateError;

/// Refuses folders on network file systems: whether a lock keeps a second prober on another machine
/// away, and whether what was flushed is still there after a failure of the server, is up to the
/// server's and the mount's options there, and no program can find out.
///
/// # Errors
/// When it is on one, or nobody knows.
pub(super) fn check(folder: &Path) -> Result<(), StateError> {
    let kind = kind_of(folder)
        .map_err(|error| StateError::FileSystem { folder: folder.to_owned(), error })?;
    match kind.filter(|kind| is_network(kind)) {
        Some(kind) => Err(StateError::Network { folder: folder.to_owned(), kind }),
        None => Ok(()),
    }
}

/// By the kernel's name of the type. FUSE is what it carries: only those that are known to reach
/// over a network are refused, for it also carries local ones (containers' own file systems,
/// encrypted folders, NTFS).
fn is_network(kind: &str) -> bool {
    const KERNEL: &[&str] = &[
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "ncpfs",
        "9p",
        "afs",
        "coda",
        "ceph",
        "lustre",
        "gfs2",
        "ocfs2",
        "gpfs",
        "beegfs",
        "pvfs2",
        "orangefs",
        "glusterfs",
        "davfs",
        "davfs2",
        "sshfs",
        "moosefs",
        "weka",
        "wekafs",
    ];
    const FUSE: &[&str] = &[
        "sshfs",
        "s3fs",
        "rclone",
        "glusterfs",
        "gcsfuse",
        "goofys",
        "geesefs",
        "juicefs",
        "ceph",
        "ceph-fuse",
        "mount-s3",
        "mountpoint-s3",
        "blobfuse",
        "blobfuse2",
        "curlftpfs",
        "davfs2",
        "hdfs",
        "fuse_dfs",
        "mfs",
        "moosefs",
        "lizardfs",
        "seaweedfs",
        "smbnetfs",
        "httpdirfs",
        "google-drive-ocamlfuse",
        "nfs",
        "cephfs",
        "quobyte",
        "alluxio",
    ];
    KERNEL.contains(&kind) || kind.strip_prefix("fuse.").is_some_and(|name| FUSE.contains(&name))
}

/// The kernel's name of the type of the file system that a folder is on; `None` where there is no
/// telling.
#[cfg(target_os = "linux")]
fn kind_of(folder: &Path) -> io::Result<Option<String>> {
    let folder = folder.canonicalize()?;
    let mounts = procfs::process::Process::myself().and_then(|process| process.mountinfo());
    let Ok(mounts) = mounts else { return Ok(by_magic(&folder)) };
    // The last of those with the longest path lies on top.
    let over = mounts.0.iter().filter(|mount| folder.starts_with(&mount.mount_point));
    let over = over.max_by_key(|mount| mount.mount_point.components().count());
    Ok(over.map(|mount| mount.fs_type.clone()).or_else(|| by_magic(&folder)))
}

/// For where `/proc` is not there.
#[cfg(target_os = "linux")]
fn by_magic(folder: &Path) -> Option<String> {
    let known: [(i64, &str); 8] = [
        (0x6969, "nfs"),
        (0x517b, "smbfs"),
        (0xff53_4d42, "cifs"),
        (0xfe53_4d42, "smb3"),
        (0x5346_414f, "afs"),
        (0x00c3_6400, "ceph"),
        (0x0102_1997, "9p"),
        (0x0bd0_0bd0, "lustre"),
    ];
    let kind = rustix::fs::statfs(folder).ok()?.f_type;
    #[allow(clippy::useless_conversion)] // another width on other machines
    let kind = i64::from(kind) & 0xffff_ffff;
    known.iter().find(|(magic, _)| *magic == kind).map(|(_, name)| (*name).to_owned())
}

/// Elsewhere nobody is asked.
#[cfg(not(target_os = "linux"))]
#[allow(clippy::unnecessary_wraps)] // as on Linux
fn kind_of(_: &Path) -> io::Result<Option<String>> {
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_known_by_name() {
        let check = |kind: &str, network: bool| assert_eq!(is_network(kind), network, "{kind}");
        check("nfs4", true);
        check("cifs", true);
        check("fuse.sshfs", true);
        check("fuse.glusterfs", true);
        check("ext4", false);
        check("tmpfs", false);
        check("overlay", false);
        check("fuse.fuse-overlayfs", false);
        check("fuseblk", false);
        check("virtiofs", false);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn every_folder_has_a_kind() {
        assert_eq!(kind_of(Path::new("/proc")).unwrap().as_deref(), Some("proc"));
        let folder = tempfile::tempdir().unwrap();
        assert!(kind_of(folder.path()).unwrap().is_some());
        check(folder.path()).unwrap();
        assert!(kind_of(&folder.path().join("missing")).is_err());
    }
}
