//! Host and port of a URL.

use url::Url;

use super::setup_error::SetupError;

/// Where a URL's server is: its name or address, without brackets, and its port.
///
/// # Errors
/// When the URL has no host, or no port that its scheme would imply.
pub(crate) fn host_and_port(url: &Url) -> Result<(String, u16), SetupError> {
    let host = url.host_str().ok_or(SetupError::NoHost)?;
    let port = url.port_or_known_default().ok_or(SetupError::NoPort)?;
    Ok((host.trim_start_matches('[').trim_end_matches(']').to_owned(), port))
}
