//! Who knows a password.
//!
//! A hash of bcrypt is slow on purpose. So it is computed off the threads of the runtime, one at a
//! time, and what was right or wrong is remembered: nobody can keep the prober busy with wrong
//! passwords but those who wait for the same.

use std::collections::{BTreeMap, HashMap};

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use ring::digest::{Context, SHA256};
use tokio::sync::Semaphore;

use super::error::AccessError;

/// Remembered at a time; when it is full, all is forgotten.
const REMEMBERED: usize = 1_000;

/// Passwords that are looked at or wait for it.
const WAITING: usize = 32;

/// Of no password: a name that is not there takes as long as one that is.
const NOBODY: &str = "$2b$10$CwTycUXWue0Thq9StjUM0uJ8.V6cDkPqGuTGM1oOeHKiq5cYQ8GxW";

/// Names and the hashes of their passwords.
#[derive(Debug)]
pub(super) struct Users {
    hashes: BTreeMap<String, String>,
    /// By a hash of name, hash and password that only this process can make.
    known: Mutex<HashMap<[u8; 32], bool>>,
    salt: [u8; 32],
    one: Semaphore,
    waiting: Semaphore,
}

/// Whether somebody is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A name with its password.
    Right,
    /// No name, or another password.
    Wrong,
    /// Too many passwords wait to be looked at.
    Busy,
}

impl Users {
    /// Users by their names.
    ///
    /// # Errors
    /// Whose password is not hashed.
    pub fn new(hashes: BTreeMap<String, String>) -> Result<Self, AccessError> {
        for (name, hash) in &hashes {
            if hash.parse::<bcrypt::HashParts>().is_err() {
                return Err(AccessError::NoHash(name.clone()));
            }
        }
        Ok(Self {
            hashes,
            known: Mutex::default(),
            salt: rand::random(),
            one: Semaphore::new(1),
            waiting: Semaphore::new(WAITING),
        })
    }

    /// Whether everybody is let in.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Looks at the credentials of a request.
    pub async fn check(&self, headers: &HeaderMap) -> Verdict {
        let Some((name, password)) = credentials(headers) else { return Verdict::Wrong };
        let hash = self.hashes.get(&name);
        let exists = hash.is_some();
        let hash = hash.map_or(NOBODY, String::as_str).to_owned();
        let key = self.key(&name, &hash, &password);
        if let Some(right) = self.known(&key) {
            return right;
        }
        let Ok(_waiting) = self.waiting.try_acquire() else { return Verdict::Busy };
        let Ok(_one) = self.one.acquire().await else { return Verdict::Busy };
        // Somebody may have waited for the same.
        if let Some(right) = self.known(&key) {
            return right;
        }
        let verified = tokio::task::spawn_blocking(move || bcrypt::verify(password, &hash));
        let right = exists && matches!(verified.await, Ok(Ok(true)));
        let mut known = self.known.lock();
        if known.len() >= REMEMBERED {
            // Right ones are as few as there are users; wrong ones are made up.
            known.retain(|_, right| *right);
        }
        known.insert(key, right);
        verdict(right)
    }

    fn known(&self, key: &[u8; 32]) -> Option<Verdict> {
        self.known.lock().get(key).copied().map(verdict)
    }

    fn key(&self, name: &str, hash: &str, password: &str) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        context.update(&self.salt);
        for text in [name, hash, password] {
            context.update(&(text.len() as u64).to_le_bytes());
            context.update(text.as_bytes());
        }
        let mut key = [0; 32];
        key.copy_from_slice(context.finish().as_ref());
        key
    }
}

fn verdict(right: bool) -> Verdict {
    if right { Verdict::Right } else { Verdict::Wrong }
}

/// Of HTTP's basic scheme.
fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (name, password) = decoded.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &str, password: &str) -> HeaderMap {
        let value = format!("Basic {}", STANDARD.encode(format!("{name}:{password}")));
        HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())])
    }

    #[tokio::test]
    async fn a_password_is_right_or_wrong_and_remembered() {
        let hash = bcrypt::hash("pass:word", 4).unwrap();
        let users = Users::new(BTreeMap::from([("alice".to_owned(), hash)])).unwrap();
        for _ in 0..2 {
            assert_eq!(users.check(&headers("alice", "pass:word")).await, Verdict::Right);
            assert_eq!(users.check(&headers("alice", "password")).await, Verdict::Wrong);
            assert_eq!(users.check(&headers("bob", "pass:word")).await, Verdict::Wrong);
            assert_eq!(users.check(&HeaderMap::new()).await, Verdict::Wrong);
        }
        assert_eq!(users.known.lock().len(), 3);
    }

    #[tokio::test]
    async fn wrong_passwords_do_not_make_a_right_one_forgotten() {
        let hash = bcrypt::hash("right", 4).unwrap();
        let users = Users::new(BTreeMap::from([("alice".to_owned(), hash)])).unwrap();
        assert_eq!(users.check(&headers("alice", "right")).await, Verdict::Right);
        let wrong = |n: usize| (users.key("alice", "", &n.to_string()), false);
        users.known.lock().extend((0..REMEMBERED).map(wrong));
        assert_eq!(users.check(&headers("alice", "wrong")).await, Verdict::Wrong);
        let known: Vec<_> = users.known.lock().values().copied().collect();
        assert_eq!((known.len(), known.iter().filter(|right| **right).count()), (2, 1));
    }

    #[tokio::test]
    async fn many_wrong_passwords_do_not_wait_for_ever() {
        let users = Users::new(BTreeMap::new()).unwrap();
        let _one = users.one.acquire().await.unwrap();
        let all: Vec<_> = (0..=WAITING).map(|n| headers("alice", &n.to_string())).collect();
        let mut checks: Vec<_> = all.iter().map(|h| Box::pin(users.check(h))).collect();
        let last = checks.pop().unwrap();
        for check in &mut checks {
            assert!(futures_util::poll!(check).is_pending());
        }
        assert_eq!(last.await, Verdict::Busy);
    }

    #[test]
    fn what_is_no_hash_is_refused() {
        for text in ["", "password", "$2y$10$short", "$1$12345678$abcdefghijklmnopqrstuv"] {
            let users = Users::new(BTreeMap::from([("alice".to_owned(), text.to_owned())]));
            let error = users.unwrap_err().to_string();
            assert!(error.contains("alice") && !error.contains("short"), "{error}");
        }
        assert!(NOBODY.parse::<bcrypt::HashParts>().is_ok());
    }
}
