//! Content codings. Identity is asked for, but some proxies compress for everybody. A body is
//! unpacked as it comes, so that each event keeps the stamp of the read that completed it.

use std::io::{self, Write};

use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

/// So much is unpacked at once, so that little of a bomb goes off before the limit is seen.
const PORTION: usize = 4 << 10;
/// Windows of zstd at most, as a power of two: 8 MiB, what browsers allow.
const ZSTD_WINDOW: u32 = 23;
const BROTLI_BUFFER: usize = 16 << 10;

/// Why a body cannot be unpacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Problem {
    /// It is not what it claims to be.
    Broken(String),
    /// It becomes larger than allowed.
    TooLarge(usize),
}

/// Unpacks a body.
pub(super) struct Unpacker {
    /// The last one applied comes first.
    layers: Vec<Layer>,
    limit: usize,
    unpacked: usize,
}

enum Layer {
    Gzip(MultiGzDecoder<Vec<u8>>),
    /// Whether zlib's header is there is seen at its first byte; servers do both.
    Deflate(Option<Deflate>),
    Brotli(Box<brotli_decompressor::DecompressorWriter<Vec<u8>>>),
    Zstd(Box<zstd::stream::write::Decoder<'static, Vec<u8>>>),
}

/// A content coding that cannot be undone.
#[derive(Debug, thiserror::Error)]
pub enum CodingError {
    /// Too many.
    #[error("{0} codings, one over the other")]
    Nested(usize),
    /// The library's.
    #[error("zstd: {0}")]
    Zstd(io::Error),
    /// By its name.
    #[error("Content-Encoding {0}")]
    Unknown(String),
}

enum Deflate {
    Zlib(ZlibDecoder<Vec<u8>>),
    Raw(DeflateDecoder<Vec<u8>>),
}

impl Unpacker {
    /// For what the header `Content-Encoding` says, at most `limit` bytes when unpacked; `None`
    /// where nothing is to be done.
    ///
    /// # Errors
    /// Names a coding that is not known.
    pub fn new(header: &str, limit: usize) -> Result<Option<Self>, CodingError> {
        let codings = header.split(',').map(|coding| coding.trim().to_ascii_lowercase());
        let applied: Vec<_> = codings.filter(|coding| !is_identity(coding)).collect();
        if applied.len() > 2 {
            return Err(CodingError::Nested(applied.len()));
        }
        let layers = applied.iter().rev().map(|coding| Layer::new(coding));
        let layers = layers.collect::<Result<Vec<_>, _>>()?;
        Ok((!layers.is_empty()).then_some(Self { layers, limit, unpacked: 0 }))
    }

    /// Takes the next bytes and returns what can be read of them.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Problem> {
        let mut unpacked = Vec::new();
        for portion in bytes.chunks(PORTION) {
            let mut portion = portion.to_vec();
            for layer in &mut self.layers {
                portion = layer.push(&portion).map_err(|e| Problem::Broken(e.to_string()))?;
            }
            self.unpacked += portion.len();
            if self.unpacked > self.limit {
                return Err(Problem::TooLarge(self.limit));
            }
            unpacked.append(&mut portion);
        }
        Ok(unpacked)
    }
}

/// Whether a coding changes nothing; some servers put a charset here.
fn is_identity(coding: &str) -> bool {
    let none = ["", "identity", "none", "null", "binary", "8bit", "7bit"].contains(&coding);
    let charset = ["utf", "iso-8859", "us-ascii", "ascii", "latin", "windows-", "charset"];
    none || charset.iter().any(|name| coding.starts_with(name))
}

impl Layer {
    fn new(coding: &str) -> Result<Self, CodingError> {
        Ok(match coding {
            "gzip" | "x-gzip" => Self::Gzip(MultiGzDecoder::new(Vec::new())),
            "deflate" => Self::Deflate(None),
            "br" => {
                let writer =
                    brotli_decompressor::DecompressorWriter::new(Vec::new(), BROTLI_BUFFER);
                Self::Brotli(Box::new(writer))
            }
            "zstd" => {
                let mut writer =
                    zstd::stream::write::Decoder::new(Vec::new()).map_err(CodingError::Zstd)?;
                writer.window_log_max(ZSTD_WINDOW).map_err(CodingError::Zstd)?;
                Self::Zstd(Box::new(writer))
            }
            other => return Err(CodingError::Unknown(other.to_owned())),
        })
    }

    fn push(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip(writer) => {
                through(writer, bytes)?;
                Ok(std::mem::take(writer.get_mut()))
            }
            Self::Deflate(decoder) => {
                let Some(first) = bytes.first() else { return Ok(Vec::new()) };
                match decoder.get_or_insert_with(|| Deflate::new(*first)) {
                    Deflate::Zlib(writer) => {
                        through(writer, bytes)?;
                        Ok(std::mem::take(writer.get_mut()))
                    }
                    Deflate::Raw(writer) => {
                        through(writer, bytes)?;
                        Ok(std::mem::take(writer.get_mut()))
                    }
                }
            }
            Self::Brotli(writer) => {
                through(writer, bytes)?;
                Ok(std::mem::take(writer.get_mut()))
            }
            Self::Zstd(writer) => {
                through(writer, bytes)?;
                Ok(std::mem::take(writer.get_mut()))
            }
        }
    }
}

impl Deflate {
    /// The low half of zlib's first byte is 8; in a raw stream that would be a stored block with
    /// bits set that nobody sets.
    fn new(first: u8) -> Self {
        if first & 0x0f == 8 {
            Self::Zlib(ZlibDecoder::new(Vec::new()))
        } else {
            Self::Raw(DeflateDecoder::new(Vec::new()))
        }
    }
}

/// Everything that can be read now, not only whole blocks.
fn through(writer: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    writer.write_all(bytes)?;
    writer.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_coding_is_none() {
        for header in ["", "none", "identity", " Identity, identity", "utf-8", "charset=utf-8"] {
            assert!(Unpacker::new(header, 1).unwrap().is_none(), "{header}");
        }
        for header in ["gzip", "x-gzip", "deflate", "br", "zstd", "identity, GZIP", "gzip, br"] {
            assert!(Unpacker::new(header, 1).unwrap().is_some(), "{header}");
        }
        assert_eq!(Unpacker::new("sdch", 1).err().unwrap().to_string(), "Content-Encoding sdch");
        assert!(Unpacker::new("gzip, gzip, gzip", 1).is_err());
    }

    #[test]
    fn a_bomb_does_not_go_off() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(&vec![0; 100 << 20]).unwrap();
        let packed = packed.finish().unwrap();
        let mut unpacker = Unpacker::new("gzip", 1 << 20).unwrap().unwrap();
        assert_eq!(unpacker.push(&packed), Err(Problem::TooLarge(1 << 20)));
        assert!(unpacker.unpacked < 8 << 20, "{}", unpacker.unpacked);
    }
}
