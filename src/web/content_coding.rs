//! How an answer is compressed, by the client's `Accept-Encoding` header.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

/// Entries of one header that are looked at.
const MAX_ENTRIES: usize = 32;
/// A quick one: metrics are so repetitive that more effort saves little.
const ZSTD_LEVEL: i32 = 1;

/// A way to compress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ContentCoding {
    /// As it is.
    Identity,
    Gzip,
    Zstd,
}

impl ContentCoding {
    /// The one of the highest quality, of several the quickest.
    pub fn negotiate(accept: Option<&str>) -> Self {
        let entries = accept.unwrap_or_default().split(',').take(MAX_ENTRIES);
        let mut best = (0.0, Self::Identity);
        for (quality, coding) in entries.filter_map(entry) {
            if quality > best.0 || (quality >= best.0 && coding == Self::Zstd) {
                best = (quality, coding);
            }
        }
        best.1
    }

    /// As the header `Content-Encoding` says it; `None` without one.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }

    /// How an answer waits for its client: never as it is.
    pub fn packed(self) -> Self {
        match self {
            Self::Identity | Self::Zstd => Self::Zstd,
            Self::Gzip => Self::Gzip,
        }
    }

    /// Lets `write` write to `sink`, compressed.
    ///
    /// # Errors
    /// Those of `write` and of `sink`.
    pub fn compress(
        self,
        mut sink: impl Write,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        match self {
            Self::Identity => write(&mut sink),
            Self::Gzip => {
                let mut gzip = GzEncoder::new(sink, Compression::fast());
                write(&mut gzip)?;
                gzip.finish().map(drop)
            }
            Self::Zstd => {
                let mut zstd = zstd::stream::write::Encoder::new(sink, ZSTD_LEVEL)?;
                write(&mut zstd)?;
                zstd.finish().map(drop)
            }
        }
    }
}

/// `gzip;q=0.5`; `None` for what cannot be served or is not wanted.
fn entry(text: &str) -> Option<(f64, ContentCoding)> {
    let mut parts = text.split(';').map(str::trim);
    let coding = match parts.next()?.to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => ContentCoding::Gzip,
        "zstd" => ContentCoding::Zstd,
        _ => return None,
    };
    let quality = parts.find_map(|p| p.strip_prefix("q=").or_else(|| p.strip_prefix("Q=")));
    let quality = quality.map_or(Some(1.0), |q| q.trim().parse().ok())?;
    (quality > 0.0 && quality <= 1.0).then_some((quality, coding))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::ContentCoding::{self, Gzip, Identity, Zstd};

    #[test]
    fn the_accept_encoding_header_decides() {
        let check = |accept: &str, expect: ContentCoding| {
            assert_eq!(ContentCoding::negotiate(Some(accept)), expect, "{accept}");
        };
        check("gzip", Gzip);
        check("gzip, deflate, br, zstd", Zstd);
        check("zstd, gzip", Zstd);
        check("zstd;q=0.5, GZIP ; q=0.8", Gzip);
        check("gzip;q=0, br", Identity);
        check("gzip;q=much, identity", Identity);
        check("", Identity);
        assert_eq!(ContentCoding::negotiate(None), Identity);
    }

    #[test]
    fn what_is_compressed_can_be_unpacked() {
        let text = "a metric 1\n".repeat(100_000);
        for coding in [Identity, Gzip, Zstd] {
            let mut packed = Vec::new();
            coding.compress(&mut packed, |sink| sink.write_all(text.as_bytes())).unwrap();
            assert!(coding == Identity || packed.len() < text.len() / 50, "{}", packed.len());
            let mut unpacked = String::new();
            match coding {
                Identity => packed.as_slice().read_to_string(&mut unpacked).unwrap(),
                Gzip => {
                    flate2::read::GzDecoder::new(&*packed).read_to_string(&mut unpacked).unwrap()
                }
                Zstd => {
                    let mut reader = zstd::stream::read::Decoder::new(&*packed).unwrap();
                    reader.read_to_string(&mut unpacked).unwrap()
                }
            };
            assert!(unpacked == text);
        }
    }
}
