//! What becomes of a request, and how the API server is told.

use super::request::{API_VERSION, AdmissionRequest, KIND};
use gateway::telemetry::Admission;
use http::StatusCode;
use serde_json::{Value, json};

/// Decides about a request, on a thread that may block.
pub(crate) type Review = dyn Fn(AdmissionRequest) -> Verdict + Send + Sync;

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The object is taken; kubectl prints the warnings.
    Allowed { warnings: Vec<String> },
    /// It is not, and this says why.
    Refused { message: String, warnings: Vec<String> },
    /// It is taken although nobody knows whether it is right. Why, after "because".
    Unchecked(String),
}

impl Verdict {
    /// Allowed, with nothing to say.
    pub(super) fn allowed() -> Self {
        Self::Allowed { warnings: Vec::new() }
    }

    /// For the metrics.
    pub(super) fn outcome(&self) -> Admission {
        match self {
            Self::Allowed { .. } => Admission::Allowed,
            Self::Refused { .. } => Admission::Refused,
            Self::Unchecked(_) => Admission::Unchecked,
        }
    }

    /// The response to the request of this `uid`.
    pub(super) fn response(self, uid: &str) -> Value {
        let response = match self {
            Self::Allowed { warnings } => json!({"uid": uid, "allowed": true, "warnings": warnings}),
            Self::Refused { message, warnings } => {
                let code = StatusCode::BAD_REQUEST.as_u16(); // as ingress-nginx
                let status = json!({"status": "Failure", "reason": "BadRequest", "code": code, "message": message});
                json!({"uid": uid, "allowed": false, "status": status, "warnings": warnings})
            }
            Self::Unchecked(why) => {
                let warning = format!(
                    "Adit has not reviewed this object, because {why}; what is wrong with it will be in its Events"
                );
                json!({"uid": uid, "allowed": true, "warnings": [warning]})
            }
        };
        json!({"apiVersion": API_VERSION, "kind": KIND, "response": response})
    }
}
