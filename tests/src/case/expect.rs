//! What must come of a request.

use super::size;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What must come of a request. What is not said is not checked, but for [`Self::status`] and [`Self::backend`].
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The response's status: `404`, or `5xx`. Default 200 where a backend answers.
    pub status: Option<Status>,
    /// The Service that answers. Without it, the gateway must answer, and no backend may have received the request.
    pub backend: Option<String>,
    /// A backend may have received the head of a request that the gateway then answered.
    #[serde(default)]
    pub may_reach_backend: bool,
    /// What the auth server received first. Without it, it may have received nothing of a request that the gateway answers.
    pub auth: Option<AuthRequest>,
    /// The copy that the mirror received. Without it, the mirror counts as any backend.
    pub mirror: Option<Copy>,
    /// How many requests the backends and the auth server received of it together.
    pub received: Option<usize>,
    /// The request target that the backend received, byte for byte.
    pub path: Option<String>,
    /// Headers that the backend received, names in lower case.
    #[serde(default)]
    pub headers: BTreeMap<String, Option<Text>>,
    /// The length of the body that the backend received, such as `50MiB`.
    #[serde(default, deserialize_with = "size::deserialize_some")]
    pub body_length: Option<u64>,
    /// The response's `Location`. Without it, there must be none.
    pub location: Option<String>,
    /// Headers of the response, names in lower case.
    #[serde(default)]
    pub response: BTreeMap<String, Option<Text>>,
    /// A text within the response's body, once its coding is undone.
    pub body_contains: Option<String>,
    /// The response says `Connection: close`, and the gateway then closes.
    #[serde(default)]
    pub closes: bool,
    /// The certificate that the gateway shows.
    pub certificate: Option<Certificate>,
    /// The version of TLS, `TLSv1_2` or `TLSv1_3`.
    pub tls: Option<String>,
    /// The cipher suite, by IANA's name.
    pub cipher: Option<String>,
    /// The alert that ends the handshake, as rustls spells it: `UnrecognisedName`. Without it, there must be none.
    pub alert: Option<String>,
    /// Which pods answer a repeated request, and how evenly.
    pub spread: Option<Spread>,
    /// What the request leaves in the access log.
    pub log: Option<Logged>,
}

/// What an auth server received, exactly once.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthRequest {
    /// The Service that it is.
    pub service: String,
    /// The request target, byte for byte.
    pub path: String,
    /// The method.
    #[serde(default = "super::get")]
    pub method: String,
    /// Headers, names in lower case.
    #[serde(default)]
    pub headers: BTreeMap<String, Option<Text>>,
    /// The length of the body, such as `1MiB`. Default none.
    #[serde(default, deserialize_with = "size::deserialize")]
    pub body_length: u64,
}

/// What a mirror received, exactly once.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Copy {
    /// The Service that it is.
    pub service: String,
    /// The request target, byte for byte.
    pub path: String,
    /// The method.
    #[serde(default = "super::get")]
    pub method: String,
    /// Headers, names in lower case.
    #[serde(default)]
    pub headers: BTreeMap<String, Option<Text>>,
    /// The length of the body, such as `1MiB`. Default none.
    #[serde(default, deserialize_with = "size::deserialize")]
    pub body_length: u64,
}

/// A status, or all of a hundred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "StatusText")]
pub enum Status {
    /// This one.
    Exactly(u16),
    /// `5xx` is `Class(5)`.
    Class(u16),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum StatusText {
    Number(u16),
    Text(String),
}

/// Lines of the access log: a regular expression over all of each.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Logged {
    /// One.
    Line(String),
    /// These, in their order; none if it is empty. A line that is not expected is seen with the next request.
    Lines(Vec<String>),
}

impl Logged {
    /// The regular expressions.
    pub fn patterns(&self) -> &[String] {
        match self {
            Self::Line(line) => std::slice::from_ref(line),
            Self::Lines(lines) => lines,
        }
    }
}

/// The value of a header.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Text {
    /// This text. Repeated headers read as one, joined by `, `.
    Exactly(String),
    /// A text that this regular expression matches from end to end.
    Like {
        /// The regular expression.
        matches: String,
    },
}

/// A certificate, by what is said of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// It is the one that this Secret, `namespace/name`, has now.
    pub secret: Option<String>,
    /// The common name of its issuer.
    pub issuer: Option<String>,
}

/// Which pods answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// Every one of these, and no other. Without them, any.
    pub pods: Option<Vec<String>>,
    /// So many of them.
    pub count: Option<usize>,
    /// How many answers a pod's share may differ from an even one; without it, by any number.
    pub within: Option<usize>,
}

impl Expect {
    /// The status to expect, its default included.
    pub fn status(&self) -> Status {
        self.status.unwrap_or(Status::Exactly(200))
    }
}

impl Status {
    /// Whether `status` is, or is one of, this.
    pub fn includes(self, status: u16) -> bool {
        match self {
            Self::Exactly(expected) => status == expected,
            Self::Class(hundreds) => status / 100 == hundreds,
        }
    }
}

impl TryFrom<StatusText> for Status {
    type Error = String;

    fn try_from(text: StatusText) -> Result<Self, String> {
        match text {
            StatusText::Number(status) => Ok(Self::Exactly(status)),
            StatusText::Text(text) => match text.strip_suffix("xx").and_then(|hundreds| hundreds.parse().ok()) {
                Some(hundreds) => Ok(Self::Class(hundreds)),
                None => Err(format!("{text:?} is not a status: expected a number, or a class such as 5xx")),
            },
        }
    }
}
