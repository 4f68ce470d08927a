//! What the system counts against the program.

/// Bytes of memory that the program has for itself and that cannot be taken from it: without its own code,
/// which can be read again. `None` where nobody says.
#[cfg(target_os = "linux")]
#[must_use]
pub fn resident() -> Option<usize> {
    let statm = procfs::process::Process::myself().and_then(|process| process.statm());
    let statm = statm.inspect_err(|error| tracing::debug!(%error, "memory in use")).ok()?;
    let pages = statm.resident.saturating_sub(statm.shared);
    usize::try_from(pages.saturating_mul(procfs::page_size())).ok()
}

/// It is not known.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn resident() -> Option<usize> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_allocated_is_resident() {
        let before = resident().unwrap();
        let held = vec![1_u8; 64 << 20];
        let after = resident().unwrap();
        assert!(after > before + (held.len() / 2), "{before} bytes, then {after}");
    }
}
