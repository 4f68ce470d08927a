//! Files that a configuration refers to: read within limits, and never waited for.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Opens a file. A pipe would block until somebody writes to it, a device may never end.
///
/// # Errors
/// When it cannot be opened or is neither a file nor a folder (which cannot be read either, and
/// the system says so best).
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let kind = std::fs::metadata(path)?;
    if !kind.is_file() && !kind.is_dir() {
        return Err(io::Error::other("neither a file nor a link to one"));
    }
    File::open(path)
}

/// Reads a whole file; `None` if it has more than `most` bytes.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn read(path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes).filter(|bytes| bytes.len() as u64 <= most))
}

/// Bytes as text.
///
/// # Errors
/// Line and column (in characters), both from 1, of the first byte that is not UTF-8.
pub(crate) fn text(bytes: Vec<u8>) -> Result<String, (usize, usize)> {
    String::from_utf8(bytes).map_err(|e| {
        let good = &e.as_bytes()[..e.utf8_error().valid_up_to()];
        let good = String::from_utf8_lossy(good);
        let line = good.rsplit('\n').next().unwrap_or_default();
        (good.matches('\n').count() + 1, line.chars().count() + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_byte_that_is_no_text() {
        let check = |bytes: &[u8], expect| assert_eq!(text(bytes.to_vec()), Err(expect));
        check(b"\xff", (1, 1));
        check(b"caf\xe9", (1, 4));
        check("é\nö\n\nüx".bytes().chain([0xff]).collect::<Vec<_>>().as_slice(), (4, 3));
        check(b"\n\xff", (2, 1));
        check(b"\n\n\xff", (3, 1));
        assert_eq!(text(b"a".to_vec()), Ok("a".to_owned()));
    }

    #[test]
    fn a_device_is_refused_and_a_large_file_too() {
        assert!(open(Path::new("/dev/zero")).is_err());
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "12345").unwrap();
        assert_eq!(read(file.path(), 4).unwrap(), None);
        assert_eq!(read(file.path(), 5).unwrap().unwrap(), b"12345");
    }
}
