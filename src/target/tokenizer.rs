//! Counting tokens with the model's own `tokenizer.json`, where the server sends no usage.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;
use tokenizers::Tokenizer;

use crate::text::input_file;

/// Largest file, in bytes; those of the largest vocabularies have about 30 MiB.
const MAX_FILE_BYTES: u64 = 256 << 20;

/// Why there is no tokenizer.
#[derive(Debug, Error)]
pub enum TokenizerError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// No vocabulary is that large.
    #[error("larger than {} MiB", MAX_FILE_BYTES >> 20)]
    TooLarge,
    /// It is no tokenizer, in the library's words.
    #[error("{0}")]
    Invalid(tokenizers::Error),
}

/// A loaded tokenizer, shared between targets.
#[derive(Clone)]
pub struct TargetTokenizer {
    name: String,
    file: PathBuf,
    inner: Arc<Tokenizer>,
}

impl TargetTokenizer {
    /// Loads a Hugging Face `tokenizer.json`.
    ///
    /// # Errors
    /// When the file cannot be read or is not a tokenizer.
    pub fn load(name: &str, file: &Path) -> Result<Self, TokenizerError> {
        let bytes = input_file::read(file, MAX_FILE_BYTES)?.ok_or(TokenizerError::TooLarge)?;
        let inner = Tokenizer::from_bytes(bytes).map_err(TokenizerError::Invalid)?;
        Ok(Self { name: name.to_owned(), file: file.to_owned(), inner: Arc::new(inner) })
    }

    /// The name it has in the configuration.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file it was loaded from.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Number of tokens of `text`, special tokens not added; `None` if the text cannot be encoded.
    #[must_use]
    pub fn count(&self, text: &str) -> Option<u64> {
        self.inner.encode_fast(text, false).ok().map(|e| e.len() as u64)
    }
}

/// Equal when loaded from the same file under the same name.
impl PartialEq for TargetTokenizer {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.file == other.file
    }
}

impl std::fmt::Debug for TargetTokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TargetTokenizer({})", self.name)
    }
}
