use gateway::config::TemplateError;

/// Why a value was not applied. The default stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// It does not have the expected form, which is named.
    Expected(&'static str),
    /// It contains an nginx variable that does not exist.
    Template(TemplateError),
    /// It names a ConfigMap that does not exist.
    NoConfigMap,
    /// It is valid, and asks for something that is not supported.
    Unsupported(&'static str),
}
