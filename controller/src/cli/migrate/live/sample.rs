//! The requests that are sent: of a log by chance, or one for each host and path of the routes.

use crate::cli::migrate::replay::Entry;
use crate::cli::sample_host::sample_host;
use fastrand::Rng;
use gateway::table::{Route, Table};
use http::Method;
use http::uri::PathAndQuery;

/// What names of parameters contain whose values are credentials.
const SECRETS: [&str; 10] =
    ["token", "secret", "password", "passwd", "pwd", "signature", "credential", "api_key", "apikey", "session"];

/// The same of whole names.
const SECRET_NAMES: [&str; 6] = ["key", "sig", "auth", "code", "jwt", "ticket"];

/// What begins a regular expression, or a variable of one, in a path.
const SPECIAL: [char; 11] = ['(', '[', '{', '*', '+', '?', '|', '\\', '^', '$', ')'];

/// A request that is sent to both.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Request {
    /// That of the `Host` header.
    pub(super) host: String,
    /// The virtual host and the path of the route, and its Ingress; empty where none takes it.
    pub(super) route: String,
    pub(super) target: String,
    pub(super) is_head: bool,
    pub(super) user_agent: Option<String>,
}

/// Some of the requests of a log, none more likely than another.
#[derive(Debug)]
pub(in crate::cli::migrate) struct Sample {
    most: usize,
    /// The same log gives the same sample.
    rng: Rng,
    requests: Vec<Request>,
    /// How many there were to choose from.
    pub(super) suitable: u64,
    pub(super) left_out: LeftOut,
}

/// Requests of the log that are not sent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LeftOut {
    /// Of other methods than GET and HEAD.
    pub(super) unsafe_methods: u64,
    /// With what looks like credentials in the query.
    pub(super) credentials: u64,
    /// Without a host, or with a path that no client may send.
    pub(super) unsendable: u64,
}

impl Sample {
    /// One of so many requests at most.
    pub(in crate::cli::migrate) fn new(most: usize) -> Self {
        Self { most, rng: Rng::with_seed(0), requests: Vec::new(), suitable: 0, left_out: LeftOut::default() }
    }

    /// One request for each host and path.
    pub(in crate::cli::migrate) fn of_routes(table: &Table, most: usize) -> Self {
        let mut sample = Self::new(most);
        let mut hosts: Vec<_> = table.hosts().collect();
        hosts.sort_by_key(|host| host.name());
        for host in hosts {
            let Some(name) = sample_host(host.name()) else { continue };
            for route in host.routes() {
                let path = route.labels.path.split(SPECIAL).next().unwrap_or_default();
                let path = if path.starts_with('/') { path } else { "/" };
                sample.choose(|| Request {
                    host: name.clone(),
                    route: named(Some(route)),
                    target: path.to_owned(),
                    is_head: false,
                    user_agent: None,
                });
            }
        }
        sample
    }

    /// Takes a request of the log, or not.
    pub(in crate::cli::migrate) fn offer(&mut self, entry: &Entry<'_>, host: &str, route: Option<&Route>) {
        let is_sendable = !host.is_empty() && PathAndQuery::try_from(&*entry.target).is_ok();
        let left_out = match entry.method {
            Method::GET | Method::HEAD if !is_sendable => &mut self.left_out.unsendable,
            Method::GET | Method::HEAD if has_credentials(&entry.target) => &mut self.left_out.credentials,
            Method::GET | Method::HEAD => {
                return self.choose(|| Request {
                    host: host.to_owned(),
                    route: named(route),
                    target: String::from_utf8_lossy(&entry.target).into_owned(),
                    is_head: entry.method == Method::HEAD,
                    user_agent: entry.user_agent.as_deref().map(str::to_owned),
                });
            }
            _ => &mut self.left_out.unsafe_methods,
        };
        *left_out += 1;
    }

    /// Of all so far, each is chosen with the same chance.
    fn choose(&mut self, request: impl FnOnce() -> Request) {
        self.suitable += 1;
        if self.requests.len() < self.most {
            self.requests.push(request());
        } else if let Ok(place) = usize::try_from(self.rng.u64(..self.suitable))
            && let Some(other) = self.requests.get_mut(place)
        {
            *other = request();
        }
    }

    /// Each once.
    pub(super) fn into_requests(mut self) -> Vec<Request> {
        self.requests.sort();
        self.requests.dedup_by(|a, b| {
            (&a.host, &a.target, a.is_head, &a.user_agent) == (&b.host, &b.target, b.is_head, &b.user_agent)
        });
        self.requests
    }
}

/// How reports name a route.
fn named(route: Option<&Route>) -> String {
    let Some(route) = route else { return String::new() };
    let owner = &route.labels.owner;
    format!("{}: {} of Ingress {}/{}", route.labels.host, route.labels.path, owner.namespace, owner.ingress)
}

/// Whether a parameter of the query is named as credentials are.
fn has_credentials(target: &[u8]) -> bool {
    let Some(query) = target.iter().position(|byte| *byte == b'?') else { return false };
    form_urlencoded::parse(&target[query + 1..]).any(|(name, _)| {
        let name = name.to_ascii_lowercase();
        SECRET_NAMES.contains(&&*name) || SECRETS.iter().any(|secret| name.contains(secret))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(method: &str, target: &str) -> String {
        format!(r#"{{"host":"h.example.com","request_method":"{method}","request_uri":"{target}","status":200}}"#)
    }

    fn offered(lines: &[String], most: usize) -> Sample {
        let mut sample = Sample::new(most);
        for line in lines {
            let entry = Entry::parse(line).expect("an entry");
            sample.offer(&entry, entry.host.as_deref().unwrap_or_default(), None);
        }
        sample
    }

    #[test]
    fn only_what_is_safe_and_has_no_credentials_is_sent() {
        let lines = [
            line("GET", "/a?page=1"),
            line("HEAD", "/a?page=1"),
            line("GET", "/a?page=1"),
            line("POST", "/a"),
            line("DELETE", "/a"),
            line("GET", "/b?access_token=x"),
            line("GET", "/b?x=1&Sig=y"),
            line("GET", "/b?X-Amz-Signature=z"),
            line("GET", "/c d"),
        ];
        let sample = offered(&lines, 10);
        let LeftOut { unsafe_methods, credentials, unsendable } = sample.left_out;
        assert_eq!((sample.suitable, unsafe_methods, credentials, unsendable), (3, 2, 3, 1));
        let requests = sample.into_requests();
        let sent: Vec<_> = requests.iter().map(|request| (&*request.target, request.is_head)).collect();
        assert_eq!(sent, [("/a?page=1", false), ("/a?page=1", true)]);
    }

    #[test]
    fn a_long_log_gives_requests_of_all_of_it() {
        let lines: Vec<_> = (0..10_000).map(|number| line("GET", &format!("/{number}"))).collect();
        let requests = offered(&lines, 100).into_requests();
        assert_eq!(requests.len(), 100);
        let late = requests.iter().filter(|request| request.target[1..].parse::<u32>().expect("a number") >= 5000);
        assert!((25..=75).contains(&late.count()));
    }
}
