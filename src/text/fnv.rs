//! The hash FNV-1a, which can run while compiling and is the same in every release. It tells things
//! apart; nothing depends on its strength.

/// What a hash begins with.
pub(crate) const BASIS: u64 = 0xcbf2_9ce4_8422_2325;

/// The hash of `bytes` behind what was hashed to `hash` before.
pub(crate) const fn fnv1a(mut hash: u64, bytes: &[u8]) -> u64 {
    let mut i = 0;
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u64).wrapping_mul(0x0100_0000_01b3);
        i += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_others_compute_it() {
        assert_eq!(fnv1a(BASIS, b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(BASIS, b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(fnv1a(BASIS, b"foo"), b"bar"), 0x8594_4171_f739_67e8);
    }
}
