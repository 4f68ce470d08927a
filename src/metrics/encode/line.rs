//! Parts of a line of text.

pub(super) fn put(out: &mut Vec<u8>, parts: &[&str]) {
    for part in parts {
        out.extend_from_slice(part.as_bytes());
    }
}

/// `a="b",c="d"`, after a comma where something stands before.
pub(super) fn write_labels<'l>(
    labels: impl Iterator<Item = (&'l str, &'l str)>,
    out: &mut Vec<u8>,
) {
    for (name, value) in labels {
        let comma = if out.is_empty() { "" } else { "," };
        put(out, &[comma, name, "=\""]);
        escape(value, true, out);
        out.push(b'"');
    }
}

/// Backslashes and line feeds have to be escaped everywhere, quotes where something is quoted.
pub(super) fn escape(text: &str, quotes: bool, out: &mut Vec<u8>) {
    let special = |byte: u8| byte == b'\\' || byte == b'\n' || (byte == b'"' && quotes);
    if !text.bytes().any(special) {
        return out.extend_from_slice(text.as_bytes());
    }
    for byte in text.bytes() {
        match byte {
            b'\n' => out.extend_from_slice(b"\\n"),
            byte if special(byte) => out.extend_from_slice(&[b'\\', byte]),
            byte => out.push(byte),
        }
    }
}
