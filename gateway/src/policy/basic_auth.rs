//! `auth-type: basic`: 401 without the name and the password of a user.
//!
//! Comparing a password with its hash is meant to be slow. A worker leaves it to another thread, and credentials that were
//! right once are remembered for as long as the users are the same: a Secret that changes makes others. Wrong ones are not,
//! so what waits to be compared is bounded, for each list of users.

use super::Verdict;
use super::password::PasswordHash;
use crate::config;
use crate::headers::Headers;
use crate::request::{Reason, Reply};
use crate::variables::basic_credentials;
use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use http::HeaderValue;
use parking_lot::{Mutex, RwLock};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Credentials that wait to be verified at most, for one list of users. Requests with the same ones wait together. Others
/// get 503.
pub const MAX_WAITING: usize = 64;

/// Credentials that are remembered at most for each user. It is one, unless a password has several spellings, as in
/// crypt(3) with DES, of which only the first eight letters count.
const REMEMBERED_PER_USER: usize = 4;

/// Users and their passwords.
#[derive(Debug)]
pub struct BasicAuth {
    users: HashMap<Box<[u8]>, PasswordHash>,
    /// The value of `WWW-Authenticate`.
    challenge: HeaderValue,
    /// Digests of credentials that were right.
    verified: RwLock<HashSet<Digest>>,
    waiting: Mutex<HashMap<Digest, Weak<Verification>>>,
    /// One verification at a time: whoever tries many passwords of one list does not take the threads from the others.
    turn: Semaphore,
}

type Digest = [u8; SHA256_OUTPUT_LEN];

/// What is known of a request's credentials.
pub(crate) enum Credentials {
    /// Whether the request may come in.
    Known(Verdict),
    /// The user exists. The password is to be compared with its hash.
    Unverified(Arc<Verification>),
}

/// Credentials of a user, to be compared with the hash of the password. Shared by all requests that have them.
pub struct Verification {
    auth: Arc<BasicAuth>,
    /// `user:password`.
    credentials: Vec<u8>,
    result: OnceLock<bool>,
}

impl BasicAuth {
    /// Compiles the setting. A user whose hash is invalid is left out: nobody can be that user.
    ///
    /// # Errors
    /// The realm, which no header can hold.
    pub(super) fn compile(configured: &config::BasicAuth) -> Result<Self, Arc<str>> {
        let challenge = format!("Basic realm=\"{}\"", configured.realm).parse();
        let users = configured.users.0.iter();
        let users = users.filter_map(|(user, hash)| Some((user.as_bytes().into(), PasswordHash::parse(hash).ok()?)));
        Ok(Self {
            users: users.collect(),
            challenge: challenge.map_err(|_| Arc::clone(&configured.realm))?,
            verified: RwLock::default(),
            waiting: Mutex::default(),
            turn: Semaphore::new(1),
        })
    }

    /// The answer to a client that is none of the users.
    fn refused(&self) -> Verdict {
        let headers = vec![("WWW-Authenticate", self.challenge.clone())];
        Verdict::Refused(Reply { headers, ..Reply::new(401, Reason::BadCredentials) })
    }

    /// The hash of the password that credentials are to have, and the password that they have.
    fn find<'a>(&self, credentials: &'a [u8]) -> Option<(&PasswordHash, &'a [u8])> {
        let colon = memchr::memchr(b':', credentials)?;
        Some((self.users.get(&credentials[..colon])?, &credentials[colon + 1..]))
    }

    fn remember(&self, credentials: &[u8]) {
        let mut verified = self.verified.write();
        if verified.len() >= REMEMBERED_PER_USER * self.users.len() {
            verified.clear();
        }
        verified.insert(digest_of(credentials));
    }

    /// Credentials among those that wait; `None` if these are too many.
    fn wait(self: &Arc<Self>, digest: Digest, credentials: Vec<u8>) -> Option<Arc<Verification>> {
        let mut waiting = self.waiting.lock();
        if let Some(same) = waiting.get(&digest).and_then(Weak::upgrade) {
            return Some(same);
        }
        if waiting.len() >= MAX_WAITING {
            waiting.retain(|_, verification| verification.strong_count() > 0);
        }
        if waiting.len() >= MAX_WAITING {
            return None;
        }
        let verification = Verification { auth: Arc::clone(self), credentials, result: OnceLock::new() };
        let verification = Arc::new(verification);
        waiting.insert(digest, Arc::downgrade(&verification));
        Some(verification)
    }
}

/// What the credentials of a request are worth, as far as that is known without comparing a password.
pub(crate) fn check(auth: Option<&Arc<BasicAuth>>, headers: &Headers) -> Credentials {
    let Some(auth) = auth else { return Credentials::Known(Verdict::Silent) };
    let Some(credentials) = basic_credentials(headers).filter(|credentials| auth.find(credentials).is_some()) else {
        return Credentials::Known(auth.refused());
    };
    let digest = digest_of(&credentials);
    if auth.verified.read().contains(&digest) {
        return Credentials::Known(Verdict::Allowed);
    }
    let too_many = || Credentials::Known(Verdict::Refused(Reply::new(503, Reason::TooManyLogins)));
    auth.wait(digest, credentials).map_or_else(too_many, Credentials::Unverified)
}

impl Verification {
    /// Waits until no other credentials for the same users are being verified.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.auth.turn.acquire().await.ok()
    }

    /// Whether the password is right, if it has been compared.
    pub(crate) fn result(&self) -> Option<bool> {
        self.result.get().copied()
    }

    /// Compares the password with its hash, which takes up to seconds of CPU. What is right is remembered.
    pub fn run(&self) -> bool {
        *self.result.get_or_init(|| {
            let is_right = self.auth.find(&self.credentials).is_some_and(|(hash, password)| hash.is_of(password));
            if is_right {
                self.auth.remember(&self.credentials);
            }
            is_right
        })
    }

    /// What it means for a request whether the password is right.
    pub fn verdict(&self, right: bool) -> Verdict {
        if right { Verdict::Allowed } else { self.auth.refused() }
    }
}

/// The credentials are not printed.
impl fmt::Debug for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verification").finish_non_exhaustive()
    }
}

fn digest_of(credentials: &[u8]) -> Digest {
    let mut copy = Digest::default();
    copy.copy_from_slice(digest(&SHA256, credentials).as_ref());
    copy
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use http::HeaderMap;

    fn auth(users: &[(&str, &str)]) -> Arc<BasicAuth> {
        let users = users.iter().map(|(user, hash)| ((*user).into(), (*hash).into())).collect();
        let configured = config::BasicAuth { realm: "the realm".into(), users: config::Users(users) };
        Arc::new(BasicAuth::compile(&configured).expect("a realm"))
    }

    fn headers(credentials: &[&str]) -> HeaderMap {
        let value = |credentials| format!("Basic {}", STANDARD.encode(credentials)).parse().expect("a value");
        credentials.iter().map(|credentials| (http::header::AUTHORIZATION, value(credentials))).collect()
    }

    fn known(auth: &Arc<BasicAuth>, credentials: &str) -> Verdict {
        match check(Some(auth), &Headers::from(&headers(&[credentials]))) {
            Credentials::Known(verdict) => verdict,
            Credentials::Unverified(_) => panic!("{credentials} is to be verified"),
        }
    }

    fn unverified(auth: &Arc<BasicAuth>, credentials: &str) -> Arc<Verification> {
        match check(Some(auth), &Headers::from(&headers(&[credentials]))) {
            Credentials::Known(verdict) => panic!("{credentials} is known: {verdict:?}"),
            Credentials::Unverified(verification) => verification,
        }
    }

    #[test]
    fn right_credentials_are_verified_once() {
        let auth = auth(&[("alice", "{PLAIN}a:b"), ("bob", "no hash")]);
        let verification = unverified(&auth, "alice:a:b");
        assert_eq!(verification.result(), None);
        assert!(verification.run());
        assert_eq!(verification.verdict(true), Verdict::Allowed);
        assert_eq!(known(&auth, "alice:a:b"), Verdict::Allowed);
        unverified(&auth, "alice:a:c");
    }

    #[test]
    fn wrong_credentials_are_never_remembered() {
        let auth = auth(&[("alice", "{PLAIN}a")]);
        for _ in 0..2 {
            let verification = unverified(&auth, "alice:b");
            assert_eq!(verification.result(), None);
            assert!(!verification.run());
        }
    }

    #[test]
    fn who_is_no_user_is_refused_at_once() {
        let auth = auth(&[("alice", "{PLAIN}a"), ("bob", "no hash")]);
        for refused in [known(&auth, "bob:no hash"), known(&auth, "carol:a"), known(&auth, "alice")] {
            let Verdict::Refused(reply) = refused else { panic!("let in") };
            assert_eq!((reply.status, reply.reason), (401, Reason::BadCredentials));
            assert_eq!(reply.headers, [("WWW-Authenticate", HeaderValue::from_static("Basic realm=\"the realm\""))]);
        }
        for lines in [&[][..], &["alice:a", "alice:a"]] {
            let Credentials::Known(verdict) = check(Some(&auth), &Headers::from(&headers(lines))) else {
                panic!("to be verified")
            };
            assert_eq!(verdict, auth.refused(), "{lines:?}");
        }
    }

    #[test]
    fn no_more_than_so_many_are_remembered() {
        let auth = auth(&[("alice", "{PLAIN}a")]);
        for number in 0..REMEMBERED_PER_USER {
            auth.remember(&number.to_ne_bytes());
        }
        assert_eq!(auth.verified.read().len(), REMEMBERED_PER_USER);
        assert!(unverified(&auth, "alice:a").run());
        assert_eq!(auth.verified.read().len(), 1);
    }

    #[test]
    fn no_more_than_so_many_wait() {
        let auth = auth(&[("alice", "{PLAIN}a")]);
        let mut waiting: Vec<_> =
            (0..MAX_WAITING).map(|number| unverified(&auth, &format!("alice:{number}"))).collect();
        let busy = Verdict::Refused(Reply::new(503, Reason::TooManyLogins));
        assert_eq!(known(&auth, "alice:a"), busy, "even with the right password");
        assert!(Arc::ptr_eq(&unverified(&auth, "alice:7"), &waiting[7]), "the same credentials wait together");
        assert_eq!(known(&auth, "carol:a"), auth.refused(), "who is no user need not wait");
        waiting.pop();
        assert!(unverified(&auth, "alice:a").run());
    }
}
