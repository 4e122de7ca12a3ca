use crate::object::Kind;
use gateway::config::TemplateError;
use std::borrow::Cow;

/// Why a value was not applied. Its text follows the value in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// It does not have the expected form, which is named.
    #[error("is not valid: expected {0}")]
    Expected(&'static str),
    /// It is wrong in a way that this text says.
    #[error("{0}")]
    Invalid(Cow<'static, str>),
    /// It contains an nginx variable that does not exist.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// It names an object of this kind that does not exist.
    #[error("names a {0} that does not exist")]
    NotFound(Kind),
    /// It is wrong, and something other than the default is used instead.
    #[error("{wrong}")]
    Replaced {
        /// What is wrong.
        wrong: Cow<'static, str>,
        /// What is used.
        by: &'static str,
    },
    /// It asks for something that is not supported. Requests are served without it.
    #[error("{0}")]
    Unsupported(&'static str),
    /// It asks for something that is not supported, and requests are not safe without it: the routes that it applies to
    /// answer 503.
    #[error("{0}")]
    Refused(Cow<'static, str>),
}

impl From<&'static str> for ValueError {
    fn from(text: &'static str) -> Self {
        Self::Invalid(text.into())
    }
}

impl From<String> for ValueError {
    fn from(text: String) -> Self {
        Self::Invalid(text.into())
    }
}
