use super::Template;
use std::sync::Arc;

/// What programs of FastCGI are told of each request beside what all are (nginx's `fastcgi_params`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FastCgi {
    /// `fastcgi-index`: what is added to `$fastcgi_script_name` where the path ends with a slash. Default empty.
    pub index: Arc<str>,
    /// `fastcgi-params-configmap`: params by name, each once. They replace those that all programs get, and headers of the
    /// request whose params have their names. Default none.
    pub params: Arc<[(Arc<str>, Template)]>,
}
