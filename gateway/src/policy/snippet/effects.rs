use super::error_page::ErrorPage;
use crate::config::{self, Expires, FRAMING_HEADERS, ResponseFilter, Template};
use crate::headers::{Fields, Headers};
use crate::policy::Invalid;
use crate::policy::compression::Compression;
use crate::policy::status::gets_headers;
use crate::policy::sub_filter::SubFilter;
use crate::telemetry::{Now, RequestInfo};
use crate::variables::{Values, render_within};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use jiff::Timestamp;
use smallvec::{SmallVec, smallvec};
use std::sync::Arc;
use std::time::SystemTime;

/// Bytes of the value of a header.
const VALUE_LIMIT: usize = 16 << 10;

/// What a block does besides its statements.
#[derive(Debug, Default)]
pub struct Effects {
    input: Box<[InputHeader]>,
    backend: Box<[(Name, Template)]>,
    response: Box<[ResponseHeader]>,
    hidden: Box<[HeaderName]>,
    pub(super) default_type: Option<HeaderValue>,
    /// How responses are compressed, or that they are not; `None` leaves that to the gateway's settings.
    pub compression: Option<Option<Compression>>,
    pub(crate) sub_filter: Option<SubFilter>,
    /// Whether the request is logged; `None` leaves that to its route.
    pub access_log: Option<bool>,
    error_pages: Box<[Arc<ErrorPage>]>,
    /// Whether the responses of backends are errors in whose place another one may answer; `None` leaves that to their route.
    pub intercepts_errors: Option<bool>,
}

/// A header's name, and as it is written.
#[derive(Clone, Debug)]
pub struct Name {
    /// As it is written.
    pub written: Arc<str>,
    /// In lower case.
    pub name: HeaderName,
}

/// One name, or all with a beginning.
#[derive(Debug)]
enum Names {
    One(HeaderName),
    Beginning(Box<str>),
}

#[derive(Debug)]
enum InputHeader {
    Set { name: Name, value: Template, replaces_only: bool },
    Clear(Names),
}

/// A directive that changes responses.
#[derive(Debug)]
pub struct ResponseHeader(Operation);

#[derive(Debug)]
enum Operation {
    Add { name: Name, value: Template, always: bool },
    Set { name: Name, value: Template, only: ResponseFilter, appends: bool },
    Clear { names: Names, only: ResponseFilter },
    Expires(Expires),
}

/// The headers of a request after snippets have changed them.
#[derive(Debug)]
pub struct InputHeaders {
    headers: Headers,
    /// The changes in their order: a new value, or the header is gone.
    changes: Vec<(Name, Option<HeaderValue>)>,
}

/// A change of a response.
#[derive(Debug, PartialEq, Eq)]
pub enum Change {
    /// The header gets this value.
    Set(Arc<str>, HeaderValue),
    /// The header gets this value beside those that it has.
    Append(Arc<str>, HeaderValue),
    /// The header goes.
    Remove(HeaderName),
}

/// What one directive asks for.
type Changes = SmallVec<[Change; 2]>;

impl Effects {
    pub(super) fn compile(effects: &config::Effects) -> Result<Self, Invalid> {
        let config::Effects {
            input_headers,
            backend_headers,
            response_headers,
            default_type,
            compression,
            sub_filter,
            access_log,
            error_pages,
            intercepts_errors,
        } = effects;
        let mut compiled = Self {
            compression: compression.as_deref().map(Compression::compile),
            sub_filter: sub_filter.as_deref().map(SubFilter::compile).transpose()?,
            access_log: *access_log,
            error_pages: error_pages.iter().map(|page| Arc::new(ErrorPage::new(page))).collect(),
            intercepts_errors: *intercepts_errors,
            ..Self::default()
        };
        compiled.input = collect(input_headers.iter().map(InputHeader::compile))?;
        compiled.response = collect(response_headers.iter().map(ResponseHeader::compile))?;
        compiled.backend = collect(
            backend_headers.iter().map(|(name, value)| Ok(Name::changeable(name)?.map(|name| (name, value.clone())))),
        )?;
        let hidden = response_headers.iter().filter_map(|header| match header {
            config::ResponseHeader::Hide(name) => Some(Name::parse(name).map(|name| name.name)),
            _ => None,
        });
        compiled.hidden = hidden.collect::<Result<_, _>>()?;
        if let Some(text) = default_type {
            let reason = || "cannot be the value of a header".to_owned();
            let value = HeaderValue::from_str(text).map_err(|_| Invalid { value: text.clone(), reason: reason() })?;
            compiled.default_type = Some(value);
        }
        Ok(compiled)
    }

    pub(super) fn changes_input(&self) -> bool {
        !self.input.is_empty()
    }

    /// As headers-more: ngx_http_set_header_helper of input headers. A value that is empty, or that no header can have,
    /// removes the header.
    pub(super) fn change_input(&self, input: &mut InputHeaders, info: &RequestInfo<'_>) {
        for header in &self.input {
            match header {
                InputHeader::Set { name, replaces_only: true, .. } if !input.headers.has(name.name.as_str()) => {}
                InputHeader::Set { name, value, .. } => {
                    let info = RequestInfo { headers: Some(&input.headers), ..*info };
                    let value = header_value(value, &(&info, &Now)).filter(|value| !value.is_empty());
                    input.change(name.clone(), value);
                }
                InputHeader::Clear(names) => {
                    for name in names.of(input.headers.map()) {
                        input.change(Name { written: name.as_str().into(), name }, None);
                    }
                }
            }
        }
    }

    /// `proxy_set_header`: names, with their values; `None` where the header is not to be sent.
    pub fn backend_headers<'a>(
        &'a self,
        info: &'a RequestInfo<'a>,
    ) -> impl Iterator<Item = (&'a Name, Option<HeaderValue>)> {
        self.backend
            .iter()
            .map(move |(name, value)| (name, header_value(value, &(info, &Now)).filter(|value| !value.is_empty())))
    }

    /// Whether a header of the backend's response is not passed on.
    pub fn hides(&self, name: &[u8]) -> bool {
        self.hidden.iter().any(|hidden| name.eq_ignore_ascii_case(hidden.as_str().as_bytes()))
    }

    /// What answers in place of an error, as nginx: ngx_http_special_response_handler.
    pub(crate) fn error_page(&self, status: u16) -> Option<&Arc<ErrorPage>> {
        self.error_pages.iter().find(|page| page.is_of(status))
    }

    /// The changes of a response, in their order.
    pub fn response(&self) -> &[ResponseHeader] {
        &self.response
    }
}

impl InputHeaders {
    pub(super) fn new(headers: Headers) -> Self {
        Self { headers, changes: Vec::new() }
    }

    /// All headers of the request.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// What has changed, in its order: names, with their new values; `None` where the header is gone.
    pub fn changes(&self) -> &[(Name, Option<HeaderValue>)] {
        &self.changes
    }

    fn change(&mut self, name: Name, value: Option<HeaderValue>) {
        match value.clone() {
            Some(value) => self.headers.set(crate::headers::Name::Parsed(name.name.clone()), value),
            None => self.headers.remove(name.name.as_str()),
        }
        self.changes.push((name, value));
    }
}

impl InputHeader {
    /// `None` for a header that only we may change.
    fn compile(header: &config::InputHeader) -> Result<Option<Self>, Invalid> {
        Ok(match header {
            config::InputHeader::Set { name, value, replaces_only } => Name::changeable(name)?
                .filter(|name| name.name != header::HOST)
                .map(|name| Self::Set { name, value: value.clone(), replaces_only: *replaces_only }),
            config::InputHeader::Clear(names) => Some(Self::Clear(Names::parse(names)?)),
        })
    }
}

impl ResponseHeader {
    /// `None` for a header that only we may change, and for what is not a change of every response.
    fn compile(header: &config::ResponseHeader) -> Result<Option<Self>, Invalid> {
        let operation = match header {
            config::ResponseHeader::Add { name, value, always } => {
                Name::changeable(name)?.map(|name| Operation::Add { name, value: value.clone(), always: *always })
            }
            config::ResponseHeader::Set { name, value, only, appends } => Name::changeable(name)?
                .map(|name| Operation::Set { name, value: value.clone(), only: only.clone(), appends: *appends }),
            config::ResponseHeader::Clear { name, only } => {
                Some(Operation::Clear { names: Names::parse(name)?, only: only.clone() })
            }
            config::ResponseHeader::Expires(expires) => Some(Operation::Expires(*expires)),
            config::ResponseHeader::Hide(_) => None,
        };
        Ok(operation.map(Self))
    }

    /// What it changes in a response with this status and these headers. A value that no header can have changes nothing.
    pub fn changes(&self, status: u16, headers: &HeaderMap, values: &impl Values) -> Changes {
        match &self.0 {
            Operation::Add { always: false, .. } | Operation::Expires(_) if !gets_headers(status) => Changes::new(),
            Operation::Add { name, value, .. } => add(name, header_value(value, values)),
            Operation::Set { only, .. } | Operation::Clear { only, .. } if !accepts(only, status, headers) => {
                Changes::new()
            }
            // ngx_http_set_header_helper: an empty value takes the header away.
            Operation::Set { name, value, appends, .. } => match header_value(value, values) {
                Some(value) if value.is_empty() => smallvec![Change::Remove(name.name.clone())],
                Some(value) if *appends => smallvec![Change::Append(name.written.clone(), value)],
                Some(value) => smallvec![Change::Set(name.written.clone(), value)],
                None => Changes::new(),
            },
            Operation::Clear { names, .. } => names.of(headers).into_iter().map(Change::Remove).collect(),
            Operation::Expires(expires) => expire(*expires),
        }
    }
}

/// As nginx: ngx_http_add_header, and for two headers ngx_http_set_response_header.
fn add(name: &Name, value: Option<HeaderValue>) -> Changes {
    let is_single = matches!(name.name, header::LAST_MODIFIED | header::ETAG);
    match value {
        None => Changes::new(),
        Some(value) if value.is_empty() && is_single => smallvec![Change::Remove(name.name.clone())],
        Some(value) if value.is_empty() => Changes::new(),
        Some(value) if is_single => smallvec![Change::Set(name.written.clone(), value)],
        Some(value) => smallvec![Change::Append(name.written.clone(), value)],
    }
}

/// As headers-more: ngx_http_headers_more_check_status and ngx_http_headers_more_check_type.
fn accepts(only: &ResponseFilter, status: u16, headers: &HeaderMap) -> bool {
    let media_type = || {
        let value = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        let end = memchr::memchr(b';', value).unwrap_or(value.len());
        value[..end].trim_ascii()
    };
    let has_type = |wanted: &Arc<str>| media_type().eq_ignore_ascii_case(wanted.as_bytes());
    (only.statuses.is_empty() || only.statuses.contains(&status))
        && (only.media_types.is_empty() || only.media_types.iter().any(has_type))
}

/// As nginx: ngx_http_set_expires.
fn expire(expires: Expires) -> Changes {
    let (date, control) = match expires {
        Expires::Epoch => ("Thu, 01 Jan 1970 00:00:01 GMT".to_owned(), "no-cache".to_owned()),
        Expires::Max => ("Thu, 31 Dec 2037 23:55:55 GMT".to_owned(), "max-age=315360000".to_owned()),
        Expires::In(seconds) if seconds < 0 => (date_in(seconds), "no-cache".to_owned()),
        Expires::In(seconds) => (date_in(seconds), format!("max-age={seconds}")),
    };
    let set = |name: &str, value: String| Some(Change::Set(name.into(), HeaderValue::try_from(value).ok()?));
    [set("Expires", date), set("Cache-Control", control)].into_iter().flatten().collect()
}

fn date_in(seconds: i64) -> String {
    let now = Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH);
    let then = Timestamp::from_second(now.as_second().saturating_add(seconds)).unwrap_or(Timestamp::MAX);
    then.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn header_value(template: &Template, values: &impl Values) -> Option<HeaderValue> {
    HeaderValue::from_bytes(&render_within(template, values, VALUE_LIMIT).ok()?).ok()
}

impl Name {
    fn parse(written: &Arc<str>) -> Result<Self, Invalid> {
        let reason = || "is not the name of a header".to_owned();
        let name = written.parse().map_err(|_| Invalid { value: written.clone(), reason: reason() })?;
        Ok(Self { written: written.clone(), name })
    }

    /// `None` for a name of the connection or of framing: those are ours alone.
    fn changeable(written: &Arc<str>) -> Result<Option<Self>, Invalid> {
        Self::parse(written).map(|name| Some(name).filter(|name| !is_ours(&name.name)))
    }
}

impl Names {
    fn parse(text: &Arc<str>) -> Result<Self, Invalid> {
        match text.strip_suffix('*') {
            Some(beginning) => Ok(Self::Beginning(beginning.to_ascii_lowercase().into())),
            None => Name::parse(text).map(|name| Self::One(name.name)),
        }
    }

    /// Those among these headers that may be changed.
    fn of(&self, headers: &HeaderMap) -> Vec<HeaderName> {
        let is_meant = |name: &&HeaderName| match self {
            Self::One(one) => *name == one,
            Self::Beginning(beginning) => name.as_str().starts_with(&**beginning),
        };
        headers.keys().filter(is_meant).filter(|name| !is_ours(name)).cloned().collect()
    }
}

/// Whether only we may change a header: it frames messages, or is answered by us.
fn is_ours(name: &HeaderName) -> bool {
    FRAMING_HEADERS.contains(&name.as_str()) || *name == header::EXPECT
}

/// Compiles all, without those that are nothing.
fn collect<T>(compiled: impl Iterator<Item = Result<Option<T>, Invalid>>) -> Result<Box<[T]>, Invalid> {
    compiled.filter_map(Result::transpose).collect()
}
