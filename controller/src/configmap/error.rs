use gateway::config::TemplateError;

/// Why a value was not applied. The default stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// It is not of the form expected, which is named.
    Expected(&'static str),
    /// It has an nginx variable that there is not.
    Template(TemplateError),
    /// It names a ConfigMap that there is not.
    NoConfigMap,
    /// It is valid, and asks for something that is not there.
    Unsupported(&'static str),
}
