//! `auth-type: digest`: 401 without an answer to our challenge that only a user's password can give (RFC 7616 with MD5 and
//! `qop=auth`).
//!
//! A nonce proves itself by a tag that only we can make, so none is stored before somebody has used it rightly. Then it is
//! remembered which of its counts were used, and each counts once. What is remembered is bounded: beyond that, all nonces of
//! before become stale, and clients take new ones without asking their users.

mod credentials;
mod nonces;

use super::Verdict;
use crate::config;
use crate::request::{Reason, Reply, RequestView};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use aws_lc_rs::rand::SystemRandom;
use credentials::Credentials;
use http::HeaderValue;
use md5::{Digest, Md5};
use nonces::{Nonce, UsedNonces};
use parking_lot::Mutex;
use std::fmt::Write;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Users, and the nonces that they have used.
#[derive(Debug)]
pub struct DigestAuth {
    configured: Arc<config::DigestAuth>,
    key: Key,
    started: Instant,
    issued: AtomicU64,
    used: Mutex<UsedNonces>,
}

impl DigestAuth {
    /// Compiles the setting.
    ///
    /// # Errors
    /// The realm, which no header can hold, or for which there are no random numbers to make a key of.
    pub(super) fn compile(configured: &Arc<config::DigestAuth>) -> Result<Self, Arc<str>> {
        let realm = || Arc::clone(&configured.realm);
        HeaderValue::from_str(&configured.realm).map_err(|_| realm())?;
        Ok(Self {
            configured: Arc::clone(configured),
            key: Key::generate(HMAC_SHA256, &SystemRandom::new()).map_err(|_| realm())?,
            started: Instant::now(),
            issued: AtomicU64::new(0),
            used: Mutex::default(),
        })
    }

    /// What a request's credentials are worth at this second.
    fn judge(&self, request: &RequestView<'_>, now: u64) -> Verdict {
        let Some(credentials) = Credentials::of(request.headers) else { return self.challenge(now, false) };
        if !self.is_right(&credentials, request) {
            return self.challenge(now, false);
        }
        let nonce = credentials.get("nonce").and_then(|nonce| self.verify(nonce));
        match (nonce, credentials.count()) {
            (Some(nonce), Some(count)) if self.used.lock().is_new(nonce, count, now) => Verdict::Allowed,
            _ => self.challenge(now, true), // the client knows the password, and need not ask for it
        }
    }

    /// Whether only somebody who knows the password of a user could have answered this.
    fn is_right(&self, credentials: &Credentials, request: &RequestView<'_>) -> bool {
        let expected = || {
            let [user, realm, uri, qop] = ["username", "realm", "uri", "qop"].map(|name| credentials.get(name));
            let [nonce, nc, cnonce] = ["nonce", "nc", "cnonce"].map(|name| credentials.get(name));
            let is_md5 = credentials.get("algorithm").is_none_or(|algorithm| algorithm.eq_ignore_ascii_case("MD5"));
            let is_ours = realm == Some(&*self.configured.realm) && qop == Some("auth") && is_md5;
            if !is_ours || uri?.as_bytes() != request.target {
                return None;
            }
            let secret = self.configured.users.0.get(user?).filter(|digest| is_digest(digest))?.to_ascii_lowercase();
            let what = md5_of(&[request.method.as_str(), uri?]);
            Some(md5_of(&[&secret, nonce?, nc?, cnonce?, "auth", &what]))
        };
        let response = credentials.get("response").unwrap_or_default().to_ascii_lowercase();
        expected().is_some_and(|expected| verify_slices_are_equal(expected.as_bytes(), response.as_bytes()).is_ok())
    }

    /// The answer to a client that is none of the users, or whose nonce is `stale`.
    fn challenge(&self, now: u64, stale: bool) -> Verdict {
        let nonce = self.written(Nonce { second: now, number: self.issued.fetch_add(1, Ordering::Relaxed) });
        let stale = if stale { ", stale=true" } else { "" };
        let realm = &self.configured.realm;
        let challenge = format!("Digest realm=\"{realm}\", qop=\"auth\", algorithm=MD5, nonce=\"{nonce}\"{stale}");
        let headers = HeaderValue::from_str(&challenge).map(|challenge| vec![("WWW-Authenticate", challenge)]);
        Verdict::Refused(Reply { headers: headers.unwrap_or_default(), ..Reply::new(401, Reason::BadCredentials) })
    }

    fn written(&self, nonce: Nonce) -> String {
        let bytes = [nonce.second.to_be_bytes(), nonce.number.to_be_bytes()].concat();
        let tag = sign(&self.key, &bytes);
        hex(&[&bytes[..], &tag.as_ref()[..16]].concat())
    }

    /// What a nonce says, if it is one of ours.
    fn verify(&self, written: &str) -> Option<Nonce> {
        let number = |digits: Range<usize>| u64::from_str_radix(written.get(digits)?, 16).ok();
        let nonce = Nonce { second: number(0..16)?, number: number(16..32)? };
        verify_slices_are_equal(self.written(nonce).as_bytes(), written.as_bytes()).ok().map(|()| nonce)
    }
}

/// Whether this can be the digest of `user:realm:password`. Nobody can be a user with another one.
pub fn is_digest(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// Refuses a request without credentials of a user.
pub(crate) fn check(auth: Option<&Arc<DigestAuth>>, request: &RequestView<'_>) -> Verdict {
    auth.map_or(Verdict::Silent, |auth| auth.judge(request, auth.started.elapsed().as_secs()))
}

/// The digest of texts with colons between them, in hexadecimal digits.
fn md5_of(texts: &[&str]) -> String {
    hex(&Md5::digest(texts.join(":")))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}"); // into a string
        digits
    })
}

#[cfg(test)]
mod tests {
    use super::nonces::LIFETIME;
    use super::*;
    use crate::headers::Headers;
    use http::{HeaderMap, Method, Version, header};

    const REALM: &str = "http-auth@example.org";

    fn auth() -> DigestAuth {
        let secret = md5_of(&["Mufasa", REALM, "Circle of Life"]);
        let users = [("Mufasa", secret.as_str()), ("Zazu", "")].map(|(user, digest)| (user.into(), digest.into()));
        let users = config::Users(users.into());
        DigestAuth::compile(&Arc::new(config::DigestAuth { realm: REALM.into(), users })).expect("a key")
    }

    /// What a client sends.
    struct Client<'a> {
        user: &'a str,
        password: &'a str,
        method: Method,
        uri: &'a str,
        nonce: String,
        count: &'a str,
        more: &'a str,
    }

    impl Client<'_> {
        fn authorization(&self) -> String {
            let Self { user, password, method, uri, nonce, count, more } = self;
            let secret = if *user == "Zazu" { String::new() } else { md5_of(&[*user, REALM, *password]) };
            let what = md5_of(&[method.as_str(), *uri]);
            let response = md5_of(&[&*secret, nonce.as_str(), *count, "0a4f113b", "auth", &*what]);
            format!(
                "Digest username=\"{user}\", realm=\"{REALM}\", uri=\"{uri}\", nonce=\"{nonce}\", nc={count}, \
                 cnonce=\"0a4f113b\", qop=auth, response=\"{response}\"{more}"
            )
        }
    }

    fn client<'a>(nonce: &str, count: &'a str) -> Client<'a> {
        let (user, password) = ("Mufasa", "Circle of Life");
        Client { user, password, method: Method::GET, uri: "/dir?a=b", nonce: nonce.to_owned(), count, more: "" }
    }

    fn judged(auth: &DigestAuth, authorizations: &[&str], now: u64) -> Result<(), String> {
        let value = |value: &&str| (header::AUTHORIZATION, HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
        let headers = authorizations.iter().map(value).collect();
        match auth.judge(&RequestView::new(&Method::GET, b"/dir?a=b", &headers, Version::HTTP_11), now) {
            Verdict::Allowed => Ok(()),
            Verdict::Refused(reply) => {
                assert_eq!((reply.status, reply.reason), (401, Reason::BadCredentials));
                Err(reply.headers[0].1.to_str().expect("text").to_owned())
            }
            Verdict::Silent => panic!("nothing is said"),
        }
    }

    /// A nonce of a challenge.
    fn nonce(auth: &DigestAuth, now: u64) -> String {
        let challenge = judged(auth, &[], now).expect_err("a challenge");
        assert!(challenge.starts_with(&format!("Digest realm=\"{REALM}\", qop=\"auth\", algorithm=MD5, nonce=\"")));
        assert!(!challenge.contains("stale"), "{challenge}");
        challenge.split('"').nth(5).expect("a nonce").to_owned()
    }

    fn is_stale(outcome: Result<(), String>) -> bool {
        outcome.expect_err("a challenge").ends_with(", stale=true")
    }

    #[test]
    fn the_example_of_rfc_7616_is_right() {
        let (nonce, cnonce) =
            ("7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ");
        let text = format!(
            "Digest username=\"Mufasa\", realm=\"{REALM}\", uri=\"/dir/index.html\", algorithm=MD5, nonce=\"{nonce}\", \
             nc=00000001, cnonce=\"{cnonce}\", qop=auth, response=\"8ca523f5e9506fed4657c9700eebdbec\", \
             opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
        );
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, text.parse().expect("a value"))]);
        let credentials = Credentials::of(&Headers::from(&headers)).expect("credentials");
        let headers = Headers::from(&headers);
        let request = |target| RequestView::new(&Method::GET, target, &headers, Version::HTTP_11);
        assert!(auth().is_right(&credentials, &request(b"/dir/index.html")));
        assert!(!auth().is_right(&credentials, &request(b"/dir/")), "it is for one target");
    }

    #[test]
    fn a_nonce_may_be_used_again_but_no_count() {
        let auth = auth();
        let nonce = nonce(&auth, 7);
        for (count, is_allowed) in
            [("00000001", true), ("00000001", false), ("00000003", true), ("00000002", true), ("00000003", false)]
        {
            let outcome = judged(&auth, &[&client(&nonce, count).authorization()], 7);
            assert_eq!(outcome.is_ok(), is_allowed, "{count}");
            assert!(is_allowed || is_stale(outcome), "the client is to take another nonce");
        }
    }

    #[test]
    fn nonces_of_others_and_old_ones_are_stale() {
        let (auth, other) = (auth(), auth());
        let (fresh, foreign) = (nonce(&auth, 7), nonce(&other, 7));
        let long = format!("{fresh}0");
        for invented in [&*foreign, &fresh.replace('0', "1"), &fresh[1..], &long, "", "\u{e9}"] {
            assert!(is_stale(judged(&auth, &[&client(invented, "00000001").authorization()], 7)), "{invented}");
        }
        assert!(judged(&auth, &[&client(&fresh, "00000001").authorization()], 7 + LIFETIME - 1).is_ok());
        assert!(is_stale(judged(&auth, &[&client(&fresh, "00000002").authorization()], 7 + LIFETIME)));
    }

    #[test]
    fn who_does_not_know_the_password_is_asked_for_it() {
        let auth = auth();
        let nonce = nonce(&auth, 0);
        let right = client(&nonce, "00000001").authorization();
        let of = |change: fn(&mut Client<'_>)| {
            let mut client = client(&nonce, "00000001");
            change(&mut client);
            client.authorization()
        };
        for wrong in [
            of(|client| client.password = "wrong"),
            of(|client| client.user = "Scar"),
            of(|client| client.user = "Zazu"),
            of(|client| client.method = Method::POST),
            of(|client| client.uri = "/dir"),
            of(|client| client.more = ", algorithm=SHA-256"),
            of(|client| client.more = ", nc=00000002"),
            of(|client| client.more = ", open=\"a"),
            right.replace("qop=auth", "qop=auth-int"),
            right.replace("qop=auth, ", ""),
            right.replace("realm=\"http", "realm=\"ftp"),
            right.replace("Digest ", "Basic "),
            right.replace("cnonce=\"0a", "cnonce=\"0b"),
            "Digest".to_owned(),
            "Digest ".to_owned(),
        ] {
            assert!(!is_stale(judged(&auth, &[&wrong], 0)), "{wrong}");
        }
        assert!(judged(&auth, &[&right, &right], 0).is_err(), "two are none");
    }

    #[test]
    fn a_count_is_one() {
        for count in ["1", "0000000g", "000000001", "+0000001"] {
            let auth = auth();
            let nonce = nonce(&auth, 0);
            assert!(is_stale(judged(&auth, &[&client(&nonce, count).authorization()], 0)), "{count}");
        }
    }
}
