use gateway::config::TemplateError;
use std::borrow::Cow;

/// Why a value was not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnnotationError {
    /// It does not have the expected form, which is named.
    Expected(&'static str),
    /// It contains an nginx variable that does not exist.
    Template(TemplateError),
    /// It asks for something that is not supported. The routes are served without it.
    Unsupported(&'static str),
    /// It asks for something that is not supported, and the routes are not safe without it: they answer 503.
    Refused(&'static str),
}

impl AnnotationError {
    /// What is wrong with the value, to follow it in a sentence.
    pub(super) fn complaint(&self) -> Cow<'static, str> {
        match self {
            Self::Expected(expected) => format!("is not valid: expected {expected}").into(),
            Self::Template(error) => error.to_string().into(),
            Self::Unsupported(why) | Self::Refused(why) => Cow::Borrowed(why),
        }
    }
}
