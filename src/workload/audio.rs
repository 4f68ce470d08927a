//! Sound that is to be written down: a user's recording, or a tone that is made.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::text::input_file;

/// What servers take at most.
const MAX_FILE_BYTES: u64 = 25 << 20;

/// The forms of sound that servers take, by the ending of a file, with their media types.
const FORMS: [(&str, &str); 10] = [
    ("wav", "audio/wav"),
    ("mp3", "audio/mpeg"),
    ("mpga", "audio/mpeg"),
    ("mpeg", "audio/mpeg"),
    ("m4a", "audio/mp4"),
    ("mp4", "audio/mp4"),
    ("ogg", "audio/ogg"),
    ("opus", "audio/ogg"),
    ("flac", "audio/flac"),
    ("webm", "audio/webm"),
];

/// Samples of a tone, which lasts a second: what models listen with.
const RATE: u32 = 16_000;
/// Of a tone, in Hz: the lowest, and how far above it the highest is.
const LOWEST: u64 = 220;
const SPAN: u64 = 660;

/// A sound in a file.
#[derive(Clone, PartialEq, Eq)]
pub struct Audio {
    /// Where it comes from; empty of one that is made.
    pub file: PathBuf,
    /// The name that it is sent with.
    pub file_name: String,
    /// The type of the file.
    pub media_type: &'static str,
    /// The file.
    pub bytes: Arc<[u8]>,
}

/// Of a user's voice its length is shown, and no more.
impl fmt::Debug for Audio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Audio({} bytes)", self.bytes.len())
    }
}

/// Why a file cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    /// It cannot be opened or read.
    #[error("cannot read audio file {}: {error}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It is larger than servers take.
    #[error("audio file {} is larger than {} MiB", .0.display(), MAX_FILE_BYTES >> 20)]
    TooLarge(PathBuf),
    /// There is nothing in it.
    #[error("audio file {} is empty, expected a recording", .0.display())]
    Empty(PathBuf),
    /// Of a form that is not known.
    #[error("audio file {} is of an unknown form, expected one of: {}", .0.display(), endings())]
    Form(PathBuf),
}

fn endings() -> String {
    FORMS.map(|(ending, _)| ending).join(", ")
}

impl Audio {
    /// A user's recording.
    ///
    /// # Errors
    /// Says which file cannot be used, and why.
    pub fn load(file: &Path) -> Result<Self, AudioError> {
        let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let known = FORMS.iter().copied().find(|(known, _)| known.eq_ignore_ascii_case(ending));
        let (ending, media_type) = known.ok_or_else(|| AudioError::Form(file.to_owned()))?;
        let bytes = input_file::read(file, MAX_FILE_BYTES)
            .map_err(|error| AudioError::Unreadable { file: file.to_owned(), error })?
            .ok_or_else(|| AudioError::TooLarge(file.to_owned()))?;
        if bytes.is_empty() {
            return Err(AudioError::Empty(file.to_owned()));
        }
        // Its own name may tell who speaks.
        let file_name = format!("audio.{ending}");
        Ok(Self { file: file.to_owned(), file_name, media_type, bytes: bytes.into() })
    }

    /// A second of a tone whose height follows from this text: another one where a cache is not to
    /// know it.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // small, and whole
    pub fn tone(text: &str) -> Self {
        // FNV-1a.
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325, mix);
        let step = (LOWEST + hash % SPAN) as f64 * std::f64::consts::TAU / f64::from(RATE);
        let samples = (0..RATE).map(|n| (f64::from(n) * step).sin() * f64::from(i16::MAX) / 4.0);
        let samples = samples.flat_map(|sample| (sample as i16).to_le_bytes());
        let bytes = wav(&samples.collect::<Vec<u8>>());
        let (file, file_name) = (PathBuf::new(), "audio.wav".to_owned());
        Self { file, file_name, media_type: "audio/wav", bytes: bytes.into() }
    }
}

/// A file of one channel with samples of 16 bits.
fn wav(samples: &[u8]) -> Vec<u8> {
    const CHANNELS: u16 = 1;
    const BYTES: u16 = 2;
    let length = u32::try_from(samples.len()).unwrap_or(u32::MAX);
    let mut file = Vec::with_capacity(samples.len() + 44);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&length.saturating_add(36).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16_u32.to_le_bytes());
    file.extend_from_slice(&1_u16.to_le_bytes());
    file.extend_from_slice(&CHANNELS.to_le_bytes());
    file.extend_from_slice(&RATE.to_le_bytes());
    file.extend_from_slice(&(RATE * u32::from(CHANNELS * BYTES)).to_le_bytes());
    file.extend_from_slice(&(CHANNELS * BYTES).to_le_bytes());
    file.extend_from_slice(&(BYTES * 8).to_le_bytes());
    file.extend_from_slice(b"data");
    file.extend_from_slice(&length.to_le_bytes());
    file.extend_from_slice(samples);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_a_second_of_sound_that_follows_from_the_text() {
        let tone = Audio::tone("one");
        let word = |at: usize| u32::from_le_bytes(tone.bytes[at..at + 4].try_into().unwrap());
        assert_eq!((&tone.bytes[..4], &tone.bytes[8..16]), (&b"RIFF"[..], &b"WAVEfmt "[..]));
        assert_eq!((word(4), word(24), word(28), word(40)), (32_036, 16_000, 32_000, 32_000));
        assert_eq!(tone.bytes.len(), 32_044);
        let samples = tone.bytes[44..].chunks(2).map(|s| i16::from_le_bytes([s[0], s[1]]));
        let loudest = samples.map(i16::unsigned_abs).max().unwrap();
        assert!((8_000..=8_192).contains(&loudest), "{loudest}");
        assert_eq!(Audio::tone("one"), tone);
        assert_ne!(Audio::tone("two"), tone);
    }

    #[test]
    fn files_are_known_by_their_ending() {
        let folder = tempfile::tempdir().unwrap();
        let load = |name: &str, bytes: &[u8]| {
            let file = folder.path().join(name);
            std::fs::write(&file, bytes).unwrap();
            Audio::load(&file)
                .map(|audio| (audio.file_name, audio.media_type))
                .map_err(|why| why.to_string())
        };
        assert_eq!(load("Ann.MP3", b"x"), Ok(("audio.mp3".to_owned(), "audio/mpeg")));
        assert!(load("ann.txt", b"x").unwrap_err().ends_with("ogg, opus, flac, webm"));
        assert!(load("ann.wav", b"").unwrap_err().contains("is empty"));
        let missing = Audio::load(&folder.path().join("none.wav")).unwrap_err().to_string();
        assert!(missing.starts_with("cannot read audio file"), "{missing}");
    }
}
