//! nginx directives that users wrote (`configuration-snippet`, `server-snippet`, ...), checked and typed: nothing here is
//! text that somebody has to parse again.

use super::{Compression, Origin, SubFilter, Template, Variable};
use std::sync::Arc;

/// A block of directives: a server, a location, or an `if` in one of them.
///
/// The statements are run in their order, which is nginx's rewrite phase. Then the effects of one block hold: those of
/// the last `if` whose condition was true, or of the location if none was. Inheritance is resolved already, so the
/// effects of an `if` contain what nginx lets it inherit from its location and server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Block {
    /// What is run, in its order. Default none.
    pub statements: Arc<[Statement]>,
    /// What is done to the requests for which this block is the last. Default nothing.
    pub effects: Effects,
}

/// A directive of nginx's rewrite module.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Statement {
    /// The snippet it stands in, and its line: `metadata.annotations[...] line 3`.
    pub origin: Origin,
    /// What it does.
    pub operation: Operation,
}

/// What a [`Statement`] does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `set $name value`.
    Set {
        /// The variable, without its `$`.
        name: Arc<str>,
        /// Its new value.
        value: Template,
    },
    /// `if (test) { ... }`.
    If {
        /// Whether the block is entered.
        test: Test,
        /// What is done then.
        block: Block,
    },
    /// `rewrite pattern replacement [flag]`.
    Rewrite(RewriteStatement),
    /// `return status [text]` or `return status URL`: answers the request.
    Return {
        /// The status, from 100 to 599; 444 closes the connection without a response.
        status: u16,
        /// The body, or for 301, 302, 303, 307 and 308 the `Location`. Default none: nginx's page for the status.
        text: Option<Template>,
    },
    /// `break`: nothing after it is run, in this block or those around it.
    Break,
}

/// The condition of an `if`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Test {
    /// `($variable)`: its value is neither empty nor `0`.
    IsTrue(Variable),
    /// `($variable = text)` and `!=`: as text, with regard to case.
    Equals {
        /// What is looked at.
        variable: Variable,
        /// What it is compared with.
        text: Template,
        /// `!=`: true where they differ.
        negated: bool,
    },
    /// `($variable ~ pattern)`, `~*`, `!~` and `!~*`. Groups of the pattern become `$1` to `$9`, named groups variables.
    Matches {
        /// What is looked at.
        variable: Variable,
        /// A regular expression of PCRE's syntax, which may match anywhere.
        pattern: Arc<str>,
        /// `~*`: without regard to case.
        ignores_case: bool,
        /// `!~`: true where it does not match.
        negated: bool,
    },
}

/// `rewrite pattern replacement [flag]`: if the pattern matches the path, the replacement takes its place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RewriteStatement {
    /// A regular expression of PCRE's syntax, which may match anywhere in the decoded and normalised path.
    pub pattern: Arc<str>,
    /// The new path and arguments, or a URL to redirect to. The request's own arguments are added after those of the
    /// replacement, unless it ends with `?` (which is not part of this text).
    pub replacement: Template,
    /// The replacement ended with `?`: the request's arguments are dropped.
    pub drops_arguments: bool,
    /// What follows.
    pub flag: RewriteFlag,
}

/// What follows after a rewrite whose pattern has matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RewriteFlag {
    /// No flag: the next statement. In a location, a changed path is looked up again after the last statement.
    Next,
    /// `last`: no further statement; the new path is looked up among the routes of the host.
    Last,
    /// `break`: no further statement; the route stays.
    Break,
    /// `redirect`, or a replacement that begins with `http://`, `https://` or `$scheme`: the client is redirected with
    /// 302.
    Redirect,
    /// `permanent`: the same with 301.
    Permanent,
}

/// What a block does besides its statements.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Effects {
    /// Changes of the request before access is decided, which are also seen by `$http_NAME`: `more_set_input_headers` and
    /// `more_clear_input_headers`, in their order. Default none.
    pub input_headers: Arc<[InputHeader]>,
    /// `proxy_set_header` and `grpc_set_header`: headers of the request to the backend only, after our own. An empty value
    /// removes the header. Default none.
    pub backend_headers: Arc<[(Arc<str>, Template)]>,
    /// Changes of the response. Default none.
    pub response_headers: Arc<[ResponseHeader]>,
    /// `default_type`: the media type of a body that `return` gives, where the extension of the path says none. Default
    /// `text/html`, as ingress-nginx's.
    pub default_type: Option<Arc<str>>,
    /// `gzip`, `brotli`, `zstd` and what goes with them: how responses are compressed, all that is not said there included. Default
    /// none: as [`super::GatewaySettings`] has it.
    pub compression: Option<Arc<Compression>>,
    /// `sub_filter`: texts in the bodies of responses that others take the place of. Default none.
    pub sub_filter: Option<Arc<SubFilter>>,
    /// `access_log off`: false. Default none: the route's own setting decides.
    pub access_log: Option<bool>,
    /// `error_page`: what answers in place of errors; of those for a status the first counts. Default none.
    pub error_pages: Arc<[SnippetErrorPage]>,
    /// `proxy_intercept_errors`: whether that holds for the responses of backends, too. Default none: where they are replaced by
    /// [`super::CustomErrors`].
    pub intercepts_errors: Option<bool>,
}

/// `error_page STATUS... [=[STATUS]] TARGET`: something else answers in place of errors. Only one does so for a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SnippetErrorPage {
    /// The snippet it stands in, and its line.
    pub origin: Origin,
    /// The statuses of the errors, from 300 to 599.
    pub statuses: Arc<[u16]>,
    /// The status of the answer. Default that of the error.
    pub status: PageStatus,
    /// Where the answer comes from. `/path?arguments`: from the route or location of that path, to which the request goes with GET.
    /// `@name`: from that named location, with the request's own path and method. Anything else is the URL of a redirect.
    pub target: Template,
}

/// The status of the answer in place of an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PageStatus {
    /// That of the error; a redirect is made with 302, unless the error is a redirect.
    #[default]
    Error,
    /// `=`: that of the answer.
    Page,
    /// `=STATUS`: this one, from 200 to 599 and of a response that has a body.
    Fixed(u16),
}

/// A change of the request's headers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum InputHeader {
    /// `more_set_input_headers "Name: value"`.
    Set {
        /// The name, as written.
        name: Arc<str>,
        /// The new value.
        value: Template,
        /// `-r`: only where the request has the header.
        replaces_only: bool,
    },
    /// `more_clear_input_headers Name`: a `*` at the end takes every name that begins so.
    Clear(Arc<str>),
}

/// A change of the response's headers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ResponseHeader {
    /// `add_header Name value [always]`: beside those that are there, where the value is not empty.
    Add {
        /// The name, as written.
        name: Arc<str>,
        /// The value.
        value: Template,
        /// `always`: whatever the status. Otherwise only with 200, 201, 204, 206, 301, 302, 303, 304, 307 and 308.
        always: bool,
    },
    /// `more_set_headers [-s statuses] [-t types] "Name: value"`: instead of those that are there, whatever the status.
    Set {
        /// The name, as written.
        name: Arc<str>,
        /// The value.
        value: Template,
        /// To which responses it is done.
        only: ResponseFilter,
        /// `-a`: beside those that are there.
        appends: bool,
    },
    /// `more_clear_headers [-s statuses] [-t types] Name`: a `*` at the end takes every name that begins so.
    Clear {
        /// The name, or the beginning of names and `*`.
        name: Arc<str>,
        /// To which responses it is done.
        only: ResponseFilter,
    },
    /// `proxy_hide_header Name`: taken from the backend's response only, before all other changes.
    Hide(Arc<str>),
    /// `expires`: sets `Expires` and `Cache-Control`, with the statuses of `Add` without `always`.
    Expires(Expires),
}

/// The responses that a header's change is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ResponseFilter {
    /// `-s`: only these statuses. Default none: all.
    pub statuses: Arc<[u16]>,
    /// `-t`: only these media types, in lower case and without parameters. Default none: all.
    pub media_types: Arc<[Arc<str>]>,
}

/// The value of `expires`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Expires {
    /// `epoch`: 1 January 1970, and `no-cache`.
    Epoch,
    /// `max`: 31 December 2037, and ten years.
    Max,
    /// A time from now in seconds, which may be negative (`no-cache`).
    In(i64),
}
