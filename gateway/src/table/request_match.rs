//! What a request must have besides host and path.

use crate::config::{self, CallMatch, Condition, HeaderMatch, QueryMatch, ValueMatch};
use crate::headers::Fields;
use crate::pattern::{Anchor, Case, Pattern};
use crate::policy::Invalid;
use crate::request::{RequestView, SessionCookie, is_call, service_and_method};
use crate::upstream::Upstream;
use crate::variables;
use http::{HeaderName, Method};
use std::borrow::Cow;
use std::sync::Arc;

/// Parts of a request, all of which it must have.
#[derive(Debug)]
pub(super) struct RequestMatch {
    call: Option<Box<Call>>,
    method: Option<Method>,
    headers: Box<[(HeaderName, Value)]>,
    query: Box<[(Arc<str>, Value)]>,
}

/// What a call of gRPC must be for.
#[derive(Debug)]
struct Call {
    service: Option<Value>,
    method: Option<Value>,
}

/// The part of a request that a route wants otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestMismatch<'t> {
    /// The route wants a call of gRPC.
    NoCall,
    /// The route wants a call of another service or method.
    Call,
    /// The route wants this method.
    Method(&'t Method),
    /// This header is missing, or has another value.
    Header(&'t HeaderName),
    /// This argument of the query is missing, or has another value.
    Query(&'t str),
}

/// Parts of a request that send it to a certain backend.
#[derive(Debug)]
pub(super) enum BackendCondition {
    Header(HeaderName, Value),
    Cookie(Arc<str>, Value),
    Session { cookie: Arc<str>, with: Arc<Upstream> },
}

#[derive(Debug)]
pub(super) enum Value {
    Exact(Arc<str>),
    Pattern(Box<Pattern>),
}

impl RequestMatch {
    /// None if it is any request.
    pub(super) fn compile(matches: &config::RouteMatch) -> Result<Option<Box<Self>>, Invalid> {
        let config::RouteMatch { path: _, call, method, headers, query } = matches;
        if call.is_none() && method.is_none() && headers.is_empty() && query.is_empty() {
            return Ok(None);
        }
        let argument = |QueryMatch { name, value }: &QueryMatch| Ok((Arc::clone(name), Value::compile(value)?));
        Ok(Some(Box::new(Self {
            call: call.as_deref().map(Call::compile).transpose()?.map(Box::new),
            method: method.clone(),
            headers: headers.iter().map(header).collect::<Result<_, _>>()?,
            query: query.iter().map(argument).collect::<Result<_, _>>()?,
        })))
    }

    /// The first part that a request with this normalised path does not have, if any. The error is a pattern that takes too long on it. Allocates
    /// only where a header stands there several times, or an argument is escaped.
    pub(super) fn mismatch(
        &self,
        request: &RequestView<'_>,
        path: &[u8],
    ) -> Result<Option<RequestMismatch<'_>>, &Pattern> {
        if let Some(call) = &self.call {
            if !is_call(request.headers) {
                return Ok(Some(RequestMismatch::NoCall));
            }
            if !call.accepts(path)? {
                return Ok(Some(RequestMismatch::Call));
            }
        }
        if let Some(method) = self.method.as_ref().filter(|method| *method != request.method) {
            return Ok(Some(RequestMismatch::Method(method)));
        }
        for (name, wanted) in &self.headers {
            if !wanted.accepts(header_of(request, name).as_deref())? {
                return Ok(Some(RequestMismatch::Header(name)));
            }
        }
        for (name, wanted) in &self.query {
            if !wanted.accepts(argument_of(request, name).as_deref().map(str::as_bytes))? {
                return Ok(Some(RequestMismatch::Query(name)));
            }
        }
        Ok(None)
    }
}

impl Call {
    fn compile(wanted: &CallMatch) -> Result<Self, Invalid> {
        let compile = |value: &Option<ValueMatch>| value.as_ref().map(Value::compile).transpose();
        Ok(Self { service: compile(&wanted.service)?, method: compile(&wanted.method)? })
    }

    /// Whether a path names what is wanted. The error is a pattern that takes too long on it.
    fn accepts(&self, path: &[u8]) -> Result<bool, &Pattern> {
        let (service, method) = service_and_method(path).unzip();
        for (wanted, name) in [(&self.service, service), (&self.method, method)] {
            if let Some(wanted) = wanted
                && !wanted.accepts(name)?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl BackendCondition {
    /// Compiles the condition of a backend with this upstream.
    pub(super) fn compile(condition: &Condition, upstream: &Arc<Upstream>) -> Result<Self, Invalid> {
        match condition {
            Condition::Header(wanted) => header(wanted).map(|(name, value)| Self::Header(name, value)),
            Condition::Cookie { name, value } => Ok(Self::Cookie(Arc::clone(name), Value::compile(value)?)),
            Condition::Session { cookie } => {
                Ok(Self::Session { cookie: Arc::clone(cookie), with: Arc::clone(upstream) })
            }
        }
    }

    /// Whether a request fulfils it. The error is a pattern that takes too long on it.
    pub(super) fn accepts(&self, request: &RequestView<'_>) -> Result<bool, &Pattern> {
        match self {
            Self::Header(name, wanted) => wanted.accepts(header_of(request, name).as_deref()),
            Self::Cookie(name, wanted) => wanted.accepts(variables::cookie_value(request.headers, name)),
            Self::Session { cookie, with } => {
                let session = SessionCookie::of_backend(request.headers, cookie, with.tag());
                Ok(session.is_some() && !with.is_empty())
            }
        }
    }
}

impl Value {
    fn compile(wanted: &ValueMatch) -> Result<Self, Invalid> {
        match wanted {
            ValueMatch::Exact(text) => Ok(Self::Exact(Arc::clone(text))),
            ValueMatch::Regex(text) => match Pattern::compile(text, Anchor::Anywhere, Case::Sensitive) {
                Ok(pattern) => Ok(Self::Pattern(Box::new(pattern))),
                Err(error) => Err(Invalid { value: Arc::clone(text), reason: error.to_string() }),
            },
        }
    }

    fn accepts(&self, value: Option<&[u8]>) -> Result<bool, &Pattern> {
        match (self, value) {
            (_, None) => Ok(false),
            (Self::Exact(wanted), Some(value)) => Ok(wanted.as_bytes() == value),
            (Self::Pattern(pattern), Some(value)) => pattern.is_match(value).map_err(|_| &**pattern),
        }
    }
}

fn header(wanted: &HeaderMatch) -> Result<(HeaderName, Value), Invalid> {
    let name = HeaderName::from_bytes(wanted.name.as_bytes());
    let invalid = |_| Invalid { value: Arc::clone(&wanted.name), reason: "is not the name of a header".to_owned() };
    Ok((name.map_err(invalid)?, Value::compile(&wanted.value)?))
}

/// The values of a header, joined as nginx joins them.
fn header_of<'a>(request: &RequestView<'a>, name: &'a HeaderName) -> Option<Cow<'a, [u8]>> {
    let mut values = request.headers.values(name.as_str());
    let first = values.next()?;
    if values.next().is_none() {
        return Some(Cow::Borrowed(first));
    }
    let mut joined = Vec::new();
    variables::header(request.headers, name.as_str(), &mut joined);
    Some(Cow::Owned(joined))
}

/// The first argument of this name in the query, decoded.
fn argument_of<'a>(request: &RequestView<'a>, name: &str) -> Option<Cow<'a, str>> {
    let arguments = form_urlencoded::parse(request.query()?);
    arguments.into_iter().find_map(|(key, value)| (key == name).then_some(value))
}
