//! `auth-type: digest`: 401 without an answer to our challenge that only a user's password can give (RFC 7616 with MD5 and
//! `qop=auth`).
//!
//! A nonce proves itself by a tag that only we can make, so none is stored before somebody has used it rightly. Then it is
//! remembered which of its counts were used, and each counts once. What is remembered is bounded: beyond that, all nonces of
//! before become stale, and clients take new ones without asking their users.

use super::Verdict;
use crate::config;
use crate::request::{Reason, Reply, RequestView};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use aws_lc_rs::rand::SystemRandom;
use http::{HeaderMap, HeaderValue, header};
use md5::{Digest, Md5};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::fmt::Write;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// How long a nonce may be used, in seconds.
const LIFETIME: u64 = 300;
/// Nonces in use that are remembered at most.
const REMEMBERED: usize = 4096;
/// Counts of a nonce that may come out of order.
const WINDOW: u32 = u64::BITS;

/// Users, and the nonces that they have used.
#[derive(Debug)]
pub struct DigestAuth {
    configured: Arc<config::DigestAuth>,
    key: Key,
    started: Instant,
    issued: AtomicU64,
    used: Mutex<UsedNonces>,
}

/// The nonces that somebody has used rightly.
#[derive(Debug, Default)]
struct UsedNonces {
    windows: HashMap<Nonce, CountWindow>,
    /// Nonces of this second and before are stale.
    stale: Option<u64>,
}

/// What a nonce says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Nonce {
    /// The second since the start in which it was issued.
    second: u64,
    number: u64,
}

/// The counts that were used of a nonce: the highest, and which of those before it.
#[derive(Clone, Copy, Debug)]
struct CountWindow {
    highest: u32,
    /// Bit n is the count n below the highest.
    used: u64,
}

/// What a client answers to a challenge.
#[derive(Debug)]
struct Credentials(Vec<(String, String)>);

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

impl UsedNonces {
    /// Whether a nonce may still be used, with a count that was not. Then it is remembered.
    fn is_new(&mut self, nonce: Nonce, count: u32, now: u64) -> bool {
        let is_stale = |nonce: &Nonce, stale: Option<u64>| {
            now.saturating_sub(nonce.second) >= LIFETIME || stale.is_some_and(|stale| nonce.second <= stale)
        };
        if is_stale(&nonce, self.stale) {
            return false;
        }
        if let Some(window) = self.windows.get_mut(&nonce) {
            return window.take(count);
        }
        if self.windows.len() >= REMEMBERED {
            self.windows.retain(|nonce, _| !is_stale(nonce, None));
        }
        if self.windows.len() >= REMEMBERED {
            self.windows.clear();
            self.stale = Some(now);
            return false;
        }
        self.windows.insert(nonce, CountWindow { highest: count, used: 1 });
        true
    }
}

impl CountWindow {
    /// Uses a count, if it was not used yet, and is not so far back that nobody knows.
    fn take(&mut self, count: u32) -> bool {
        if count > self.highest {
            self.used = self.used.checked_shl(count - self.highest).unwrap_or(0) | 1;
            self.highest = count;
            return true;
        }
        let back = self.highest - count;
        let is_new = back < WINDOW && self.used & (1 << back) == 0;
        if is_new {
            self.used |= 1 << back;
        }
        is_new
    }
}

impl Credentials {
    /// Those of a request, if it has them in one header and each parameter once.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return None };
        let (scheme, mut rest) = std::str::from_utf8(value.as_bytes()).ok()?.split_once(' ')?;
        let mut parameters: Vec<(String, String)> = Vec::new();
        while !rest.trim_start().is_empty() {
            let (name, value, after) = parameter(rest)?;
            let name = name.to_ascii_lowercase();
            if parameters.iter().any(|(known, _)| *known == name) {
                return None;
            }
            parameters.push((name, value));
            rest = after;
        }
        scheme.eq_ignore_ascii_case("digest").then_some(Self(parameters))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// How often the client has used the nonce, as it says.
    fn count(&self) -> Option<u32> {
        let is_count = |count: &&str| count.len() == 8 && count.bytes().all(|digit| digit.is_ascii_hexdigit());
        self.get("nc").filter(is_count).and_then(|count| u32::from_str_radix(count, 16).ok())
    }
}

/// Splits `name=token` or `name="text"` off, and the comma behind it (RFC 9110, section 11.2).
fn parameter(text: &str) -> Option<(&str, String, &str)> {
    let (name, rest) = text.split_once('=')?;
    let rest = rest.trim_start();
    let (value, rest) = match rest.strip_prefix('"') {
        Some(quoted) => unquote(quoted)?,
        None => {
            let end = rest.find(',').unwrap_or(rest.len());
            (rest[..end].trim_end().to_owned(), &rest[end..])
        }
    };
    let rest = rest.trim_start();
    match rest.strip_prefix(',') {
        Some(after) => Some((name.trim(), value, after)),
        None => rest.is_empty().then_some((name.trim(), value, rest)),
    }
}

/// The text before the next quotation mark, and what follows that.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(letters.next()?.1),
            _ => value.push(letter),
        }
    }
    None
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
    use super::*;
    use http::{Method, Version};

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
        let credentials = Credentials::of(&headers).expect("credentials");
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

    #[test]
    fn counts_far_back_are_not_known() {
        let mut window = CountWindow { highest: 1, used: 1 };
        assert!(window.take(u32::MAX) && !window.take(u32::MAX));
        assert!(window.take(u32::MAX - WINDOW + 1) && !window.take(u32::MAX - WINDOW));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let auth = auth();
        let mut used = auth.used.lock();
        let nonce = |number: usize, second| Nonce { second, number: number as u64 };
        assert!((0..REMEMBERED).all(|number| used.is_new(nonce(number, 0), 1, 1)));
        assert!(!used.is_new(nonce(REMEMBERED, 1), 1, 1), "one too many");
        assert!(!used.is_new(nonce(0, 0), 2, 2), "those of before are stale");
        assert!((0..REMEMBERED).all(|number| used.is_new(nonce(number, 2), 1, 2)));
        assert!(used.is_new(nonce(REMEMBERED, 2 + LIFETIME), 1, 2 + LIFETIME), "expired ones make room");
        assert_eq!(used.windows.len(), 1);
    }
}
