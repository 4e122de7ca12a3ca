use super::BackendId;
use std::sync::Arc;

/// `custom-http-errors`: errors that a backend of their own answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CustomErrors {
    /// Their statuses, from 400 to 599. Default none.
    pub statuses: Arc<[u16]>,
    /// Who answers, where there is no page for the error. Default `None`: the gateway's default backend. Where there is none,
    /// errors stay as they are.
    pub backend: Option<BackendId>,
    /// `disable-proxy-intercept-errors`: the responses of backends stay as they are, whatever their status. Default false.
    pub keeps_responses: bool,
    /// An `error_page` of a snippet stands in their place, as in nginx, where that of the innermost block counts. Which responses of
    /// backends are errors stays as it is. Default false.
    pub overruled: bool,
}
