//! When a request that has failed at one endpoint goes to another.

use std::fmt;
use std::num::NonZero;
use std::time::Duration;

/// When another endpoint is tried, as nginx's `proxy_next_upstream` says it. Each endpoint of a backend is tried once at most, unless
/// they are tried [`again`](Self::again), and none once the client has got a byte of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Retries {
    /// `proxy-next-upstream`: what has to come of an attempt. Default `error` and `timeout`.
    pub on: RetryConditions,
    /// `retry-non-idempotent`: the same as [`RetryCondition::NonIdempotent`], whatever `on` has. Default false.
    pub non_idempotent: bool,
    /// `proxy-next-upstream-tries`: the most endpoints that are tried, the first included. `None` is no limit. Default 3.
    pub tries: Option<NonZero<u32>>,
    /// `proxy-next-upstream-timeout`: how long after the beginning of the first attempt another may begin. Default none: no
    /// limit.
    pub timeout: Option<Duration>,
    /// `retry-budget`: how many requests of the backend may be sent again after an endpoint has got them, in percent of those
    /// that are sent for the first time. From 1 to 1000. `None` is no limit. Default 100.
    pub budget: Option<NonZero<u32>>,
    /// `retry` of an HTTPRoute: endpoints are tried again once each has been, as long as there are `tries`. Default none: each is tried
    /// once, and without a pause.
    pub again: Option<Again>,
}

/// The pauses before attempts at a backend whose endpoints are tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Again {
    /// The first pause of a request, and the shortest. Each that follows may be twice as long, up to ten times this, and is shorter by
    /// chance, so that requests that have failed together do not come together again.
    pub pause: Duration,
    /// There is one before each attempt but the first. Else only where each endpoint has been tried.
    pub before_each: bool,
}

impl Retries {
    /// ingress-nginx's.
    pub const DEFAULT: Self = Self {
        on: RetryConditions::NONE.with(RetryCondition::Error).with(RetryCondition::Timeout),
        non_idempotent: false,
        tries: NonZero::new(3),
        timeout: None,
        budget: NonZero::new(100),
        again: None,
    };

    /// Whether a request may be sent again whose method changes something anew each time.
    pub fn repeats_non_idempotent(&self) -> bool {
        self.non_idempotent || self.on.contains(RetryCondition::NonIdempotent)
    }
}

impl Default for Retries {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What may come of an attempt. (nginx: `ngx_http_upstream_next`.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryCondition {
    /// No connection, or one that broke or was closed before the head of a response.
    Error,
    /// Connecting, sending or waiting for the head of a response took too long.
    Timeout,
    /// A response that violates HTTP.
    InvalidHeader,
    /// The request may be sent again even if its method is POST, LOCK or PATCH. It is a condition beside the others.
    NonIdempotent,
    /// A response with the status 403.
    Http403,
    /// A response with the status 404.
    Http404,
    /// A response with the status 429.
    Http429,
    /// A response with the status 500.
    Http500,
    /// A response with the status 502.
    Http502,
    /// A response with the status 503.
    Http503,
    /// A response with the status 504.
    Http504,
}

impl RetryCondition {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Error,
        Self::Timeout,
        Self::InvalidHeader,
        Self::NonIdempotent,
        Self::Http403,
        Self::Http404,
        Self::Http429,
        Self::Http500,
        Self::Http502,
        Self::Http503,
        Self::Http504,
    ];

    /// nginx's word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Timeout => "timeout",
            Self::InvalidHeader => "invalid_header",
            Self::NonIdempotent => "non_idempotent",
            Self::Http403 => "http_403",
            Self::Http404 => "http_404",
            Self::Http429 => "http_429",
            Self::Http500 => "http_500",
            Self::Http502 => "http_502",
            Self::Http503 => "http_503",
            Self::Http504 => "http_504",
        }
    }

    /// That of a response with this status, if there is one.
    pub fn of_status(status: u16) -> Option<Self> {
        Some(match status {
            403 => Self::Http403,
            404 => Self::Http404,
            429 => Self::Http429,
            500 => Self::Http500,
            502 => Self::Http502,
            503 => Self::Http503,
            504 => Self::Http504,
            _ => return None,
        })
    }
}

/// A set of [`RetryCondition`]s.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct RetryConditions(u16);

impl RetryConditions {
    /// None of them: nginx's `off`.
    pub const NONE: Self = Self(0);

    /// These, and this one.
    #[must_use]
    pub const fn with(self, condition: RetryCondition) -> Self {
        Self(self.0 | 1 << condition as u16)
    }

    /// Whether this one is among them.
    pub fn contains(self, condition: RetryCondition) -> bool {
        self.0 & 1 << condition as u16 != 0
    }
}

impl fmt::Debug for RetryConditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(RetryCondition::ALL.into_iter().filter(|condition| self.contains(*condition))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_into_it() {
        for condition in RetryCondition::ALL {
            let set = RetryConditions::NONE.with(condition);
            let others = RetryCondition::ALL.into_iter().filter(|other| *other != condition);
            assert!(set.contains(condition) && !others.into_iter().any(|other| set.contains(other)), "{condition:?}");
        }
        assert_eq!(format!("{:?}", Retries::DEFAULT.on), "[Error, Timeout]");
    }

    #[test]
    fn statuses_have_the_words_of_nginx() {
        for status in 100..=599 {
            let word = format!("http_{status}");
            let named = RetryCondition::ALL.into_iter().find(|condition| condition.word() == word);
            assert_eq!(RetryCondition::of_status(status), named, "{status}");
        }
    }
}
