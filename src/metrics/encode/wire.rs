//! Parts of a protobuf message.

/// How a field's value is stored.
pub(super) enum Wire {
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
}

/// Every field number here is below 16, so that a tag takes one byte.
#[allow(clippy::cast_possible_truncation)] // below 128
pub(super) fn put_tag(field: u32, wire: Wire, out: &mut Vec<u8>) {
    debug_assert!(field < 16, "{field}");
    out.push((field << 3) as u8 | wire as u8);
}

#[allow(clippy::cast_possible_truncation)] // seven bits at a time
pub(super) fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn varint_length(value: u64) -> usize {
    let bits = 64 - (value | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

/// What [`put_count`] writes.
pub(super) fn count_length(value: u64) -> usize {
    if value == 0 { 0 } else { 1 + varint_length(value) }
}

/// Small negative numbers become small positive ones.
#[allow(clippy::cast_sign_loss)] // only the bits matter
pub(super) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// Nothing for 0, here and below.
pub(super) fn put_count(field: u32, value: u64, out: &mut Vec<u8>) {
    if value != 0 {
        put_tag(field, Wire::Varint, out);
        put_varint(value, out);
    }
}

pub(super) fn put_signed(field: u32, value: i64, out: &mut Vec<u8>) {
    put_count(field, zigzag(value), out);
}

pub(super) fn put_double(field: u32, value: f64, out: &mut Vec<u8>) {
    if value != 0.0 {
        put_tag(field, Wire::Fixed64, out);
        out.extend_from_slice(&value.to_le_bytes());
    }
}

pub(super) fn put_bytes(field: u32, bytes: &[u8], out: &mut Vec<u8>) {
    if !bytes.is_empty() {
        put_message(field, bytes, out);
    }
}

/// A message is there even where it is empty.
pub(super) fn put_message(field: u32, message: &[u8], out: &mut Vec<u8>) {
    put_tag(field, Wire::Bytes, out);
    put_varint(message.len() as u64, out);
    out.extend_from_slice(message);
}

/// One pair of a metric or of an exemplar.
pub(super) fn write_label(name: &str, value: &str, out: &mut Vec<u8>) {
    let field = |text: &str| match text.len() {
        0 => 0,
        length => 1 + varint_length(length as u64) + length,
    };
    put_tag(1, Wire::Bytes, out);
    put_varint((field(name) + field(value)) as u64, out);
    put_bytes(1, name.as_bytes(), out);
    put_bytes(2, value.as_bytes(), out);
}
