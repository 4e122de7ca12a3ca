//! What two answers differ in.

use super::answer::{Answer, Body};
use crate::cli::migrate::shown::shown;
use http::{HeaderMap, HeaderName, header};
use serde::Serialize;
use std::collections::BTreeSet;

/// Headers that are not compared: they are of one connection, of one moment or of one request, or name the program.
pub(super) const LEFT_OUT: [&str; 14] = [
    "age",
    "alt-svc",
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "request-id",
    "server",
    "transfer-encoding",
    "traceparent",
    "via",
    "x-correlation-id",
    "x-request-id",
    "x-runtime",
];

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(in crate::cli::migrate) struct Difference {
    /// `status`, `body`, `answer`, or the name of a header.
    pub(in crate::cli::migrate) what: String,
    /// What ingress-nginx has; empty if it has no such header.
    pub(in crate::cli::migrate) against: String,
    /// What Adit has.
    pub(in crate::cli::migrate) with: String,
}

/// What differs between them. Statuses that differ are told alone: the rest differs with them.
pub(super) fn between(against: &Answer, with: &Answer) -> Vec<Difference> {
    let one = |what: &str, against: String, with: String| Difference { what: what.to_owned(), against, with };
    let (Answer::Whole { status, headers, body }, Answer::Whole { status: other, headers: others, body: another }) =
        (against, with)
    else {
        let differs = !matches!((against, with), (Answer::Failed(_), Answer::Failed(_)));
        return differs.then(|| one("answer", outcome(against), outcome(with))).into_iter().collect();
    };
    if status != other {
        return vec![one("status", status.as_str().to_owned(), other.as_str().to_owned())];
    }
    let names: BTreeSet<_> = headers.keys().chain(others.keys()).map(HeaderName::as_str).collect();
    let mut found: Vec<_> = names
        .into_iter()
        .filter(|name| !LEFT_OUT.contains(name))
        .map(|name| one(name, values(headers, name), values(others, name)))
        .filter(|difference| difference.against != difference.with)
        .map(shortened)
        .collect();
    if body != another {
        found.push(one("body", length(body), length(another)));
    }
    found
}

fn outcome(answer: &Answer) -> String {
    match answer {
        Answer::Whole { status, .. } => status.as_str().to_owned(),
        Answer::Failed(reason) => shown(reason),
    }
}

fn length(body: &Body) -> String {
    format!("{}{} bytes", if body.is_whole { "" } else { "more than " }, body.length)
}

/// All values of a header. Cookies count by their names and attributes: values are credentials.
fn values(headers: &HeaderMap, name: &str) -> String {
    let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let is_cookie = name == header::SET_COOKIE.as_str();
    let mut values: Vec<_> =
        values.map(|value| if is_cookie { without_values(&value) } else { value.into_owned() }).collect();
    if is_cookie {
        values.sort();
    }
    values.join(", ")
}

/// A cookie without its value and its end.
fn without_values(cookie: &str) -> String {
    let mut parts = cookie.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default().split('=').next().unwrap_or_default();
    let is_lasting = |part: &&str| !part.to_ascii_lowercase().starts_with("expires=");
    let mut attributes: Vec<_> = parts.filter(is_lasting).map(str::to_ascii_lowercase).collect();
    attributes.sort();
    [vec![name.to_owned()], attributes].concat().join("; ")
}

fn shortened(difference: Difference) -> Difference {
    let value = |text: &str| match (difference.what == header::LOCATION.as_str(), text.split_once('?')) {
        // A query may hold secrets.
        (true, Some((path, _))) => shown(&format!("{path}?...")),
        _ => shown(text),
    };
    Difference { against: value(&difference.against), with: value(&difference.with), ..difference }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, StatusCode};

    fn answer(status: u16, headers: &[(&'static str, &'static str)], hash: u128) -> Answer {
        let named = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let status = StatusCode::from_u16(status).expect("a status");
        let body = Body { hash, length: 3, is_whole: true };
        Answer::Whole { status, headers: headers.iter().map(named).collect(), body }
    }

    fn differing(against: &Answer, with: &Answer) -> Vec<String> {
        between(against, with)
            .into_iter()
            .map(|found| format!("{}: {} | {}", found.what, found.against, found.with))
            .collect()
    }

    #[test]
    fn status_headers_and_body_are_compared() {
        let usual = answer(200, &[("date", "x"), ("server", "nginx"), ("x-a", "1")], 7);
        assert_eq!(differing(&usual, &answer(200, &[("date", "y"), ("x-a", "1"), ("x-request-id", "z")], 7)), [""; 0]);
        assert_eq!(differing(&usual, &answer(404, &[], 8)), ["status: 200 | 404"]);
        let found = differing(&usual, &answer(200, &[("x-a", "2"), ("x-b", "3")], 8));
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!((&*found[0], &*found[2]), ("x-a: 1 | 2", "body: 3 bytes | 3 bytes"));
    }

    #[test]
    fn failures_of_both_are_the_same() {
        let failed = || Answer::Failed("refused".to_owned());
        assert_eq!(differing(&failed(), &Answer::Failed("other".to_owned())), [""; 0]);
        assert_eq!(differing(&answer(200, &[], 1), &failed()), ["answer: 200 | refused"]);
    }

    #[test]
    fn no_value_of_a_cookie_and_no_query_of_a_redirect_is_shown() {
        let cookie = |value| answer(200, &[("set-cookie", value)], 1);
        let first = "SESSION=secret; Path=/; HttpOnly; Expires=Mon, 30 Nov 2026 09:00:00 GMT";
        assert_eq!(differing(&cookie(first), &cookie("SESSION=other; httponly; path=/")), [""; 0]);
        let found = differing(&cookie(first), &cookie("SESSION=other; Path=/a"));
        assert_eq!(found, ["set-cookie: SESSION; httponly; path=/ | SESSION; path=/a"]);
        let to = |value| answer(302, &[("location", value)], 1);
        assert_eq!(differing(&to("/a?token=x"), &to("/b?token=x")), ["location: /a?... | /b?..."]);
    }
}
