//! With which name and password a daemon is asked: never from the command line itself, which every user
//! of the machine can read.

use std::path::PathBuf;

use clap::Args;
use thiserror::Error;
use url::Url;

use crate::target::secret::{Secret, SecretError};
use crate::text::input_file;

const USER: &str = "LLM_PROBER_USER";
const PASSWORD: &str = "LLM_PROBER_PASSWORD";

/// Largest file of names and passwords.
const MAX_BYTES: u64 = 1 << 20;

#[derive(Debug, Args)]
pub(super) struct CredentialArgs {
    /// Name to ask the daemon with, where it wants one; else the environment variable
    /// `LLM_PROBER_USER`.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// File with the password; else the environment variable `LLM_PROBER_PASSWORD`.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// File with name and password by host, as `.netrc` of other programs, where neither is given.
    #[arg(long, value_name = "FILE")]
    netrc_file: Option<PathBuf>,
}

/// Why there are no name and password, though they were to be.
#[derive(Debug, Error)]
pub(super) enum CredentialError {
    #[error("--password-file: {0}")]
    Password(#[from] SecretError),
    #[error("{PASSWORD}: {0}")]
    OfEnvironment(SecretError),
    #[error(
        "a user without a password, expected --password-file or the environment variable {PASSWORD}"
    )]
    NoPassword,
    #[error("a password without a user, expected --user or the environment variable {USER}")]
    NoUser,
    #[error("--netrc-file={}: {why}", file.display())]
    Netrc { file: PathBuf, why: NetrcError },
    #[error("the URL cannot have a user")]
    Url,
}

#[derive(Debug, Error)]
pub(super) enum NetrcError {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("larger than {} KiB", MAX_BYTES >> 10)]
    TooLarge,
    #[error("not UTF-8")]
    NotText,
    #[error("nothing about {0}, expected `machine {0} login NAME password PASSWORD`")]
    NotThere(String),
}

impl CredentialArgs {
    /// The URL with name and password in it; as it is where none are given.
    pub fn put_into(&self, url: &Url) -> Result<Url, CredentialError> {
        let from = |name: &str| std::env::var_os(name).map(|_| Secret::Env(name.to_owned()));
        let of_environment = from(USER).map(|user| user.read()).transpose();
        let user = match (&self.user, of_environment) {
            (Some(user), _) => Some(user.clone()),
            (None, read) => read.map_err(CredentialError::OfEnvironment)?,
        };
        let password = match (&self.password_file, from(PASSWORD)) {
            (Some(file), _) => Some(Secret::File(file.clone()).read()?),
            (None, Some(secret)) => Some(secret.read().map_err(CredentialError::OfEnvironment)?),
            (None, None) => None,
        };
        match (user, password) {
            (Some(user), Some(password)) => with(url, &user, &password),
            (Some(_), None) => Err(CredentialError::NoPassword),
            // One that a script has exported for others is no mistake of this command line.
            (None, Some(_)) if self.password_file.is_some() => Err(CredentialError::NoUser),
            (None, _) => self.by_host(url),
        }
    }

    fn by_host(&self, url: &Url) -> Result<Url, CredentialError> {
        let Some(file) = &self.netrc_file else { return Ok(url.clone()) };
        let found = || -> Result<Login, NetrcError> {
            let bytes = input_file::read(file, MAX_BYTES)?.ok_or(NetrcError::TooLarge)?;
            let text = input_file::text(bytes).map_err(|_| NetrcError::NotText)?;
            let host = url.host_str().unwrap_or_default();
            login(&text, host).ok_or_else(|| NetrcError::NotThere(host.to_owned()))
        };
        let found = found().map_err(|why| CredentialError::Netrc { file: file.clone(), why })?;
        with(url, &found.user, &found.password)
    }
}

fn with(url: &Url, user: &str, password: &str) -> Result<Url, CredentialError> {
    let mut url = url.clone();
    let set = url.set_username(user).and_then(|()| url.set_password(Some(password)));
    set.map_err(|()| CredentialError::Url)?;
    Ok(url)
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Login {
    user: String,
    password: String,
}

/// What a file of `machine HOST login NAME password PASSWORD` says of a host; else what its `default`
/// says. Words are separated by white space; macros and accounts are read over.
fn login(text: &str, host: &str) -> Option<Login> {
    // A macro goes on to the next empty line.
    let mut in_macro = false;
    let lines = text.lines().filter(|line| {
        in_macro = (in_macro || line.trim_start().starts_with("macdef")) && !line.trim().is_empty();
        !in_macro && !line.trim_start().starts_with('#')
    });
    let mut words = lines.flat_map(str::split_whitespace);
    let mut found: Option<Login> = None;
    while let Some(word) = words.next() {
        match word {
            "machine" | "default" => {
                // The first that fits is taken, as everywhere.
                if found.is_some() {
                    break;
                }
                let fits = word == "default" || words.next() == Some(host);
                found = fits.then(Login::default);
            }
            "login" | "password" | "account" => {
                let value = words.next().unwrap_or_default();
                match (&mut found, word) {
                    (Some(login), "login") => value.clone_into(&mut login.user),
                    (Some(login), "password") => value.clone_into(&mut login.password),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_fits_the_host_is_taken() {
        let text = "# mine\nmachine other.test login nobody password none\n\
                    macdef init\nmachine prober.test login macro password macro\n\n\
                    machine prober.test\n  login me account x\n  password s3cr:t@/\n\
                    machine prober.test login late password late\ndefault login any password some\n";
        let check = |host: &str, user: &str, password: &str| {
            let expect = Login { user: user.to_owned(), password: password.to_owned() };
            assert_eq!(login(text, host), Some(expect), "{host}");
        };
        check("prober.test", "me", "s3cr:t@/");
        check("other.test", "nobody", "none");
        check("localhost", "any", "some");
        assert_eq!(login("machine a login b password c", "localhost"), None);
        assert_eq!(login("machine", "localhost"), None);
        assert_eq!(login("machine a login", "a"), Some(Login::default()));
    }

    fn arguments(netrc_file: Option<PathBuf>, password_file: Option<PathBuf>) -> CredentialArgs {
        CredentialArgs { user: Some("me".to_owned()), password_file, netrc_file }
    }

    #[test]
    fn what_is_given_is_in_the_url() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let file = folder.path().join(name);
            std::fs::write(&file, text).unwrap();
            Some(file)
        };
        let url: Url = "https://prober.test:9829/".parse().unwrap();
        let netrc = file("netrc", "machine prober.test login other password o");
        let given = arguments(netrc.clone(), file("password", "p@ss:/word\n"));
        let with = given.put_into(&url).unwrap();
        assert_eq!(with.as_str(), "https://me:p%40ss%3A%2Fword@prober.test:9829/");

        let by_host = CredentialArgs { user: None, ..arguments(netrc, None) };
        assert_eq!(by_host.put_into(&url).unwrap().as_str(), "https://other:o@prober.test:9829/");
        let elsewhere = "http://elsewhere.test/".parse().unwrap();
        let error = by_host.put_into(&elsewhere).unwrap_err().to_string();
        assert!(error.contains("nothing about elsewhere.test"), "{error}");

        let error = arguments(None, None).put_into(&url).unwrap_err().to_string();
        assert!(error.starts_with("a user without a password"), "{error}");
        let nothing = CredentialArgs { user: None, ..arguments(None, None) };
        assert_eq!(nothing.put_into(&url).unwrap(), url);
        let missing = arguments(None, Some(folder.path().join("missing")));
        let error = missing.put_into(&url).unwrap_err().to_string();
        assert!(error.starts_with("--password-file: cannot read secret file"), "{error}");
    }
}
