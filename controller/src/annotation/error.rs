use gateway::config::TemplateError;
use std::borrow::Cow;

/// Why a value was not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnnotationError {
    /// It is not of the form expected, which is named.
    Expected(&'static str),
    /// It has an nginx variable that there is not.
    Template(TemplateError),
    /// It asks for something that is not there. The route serves without it.
    Unsupported(&'static str),
    /// It asks for something that is not there, and without which the route must not serve.
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
