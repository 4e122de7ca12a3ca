//! The annotations: one entry, one place.
//!
//! Every name that ingress-nginx has, had, or that its users believe it has, is one [`Annotation`] in one family file.
//! The entry says how Adit treats it. The table in the documentation is generated from the entries. What concerns
//! several Ingresses at once is not decided here but in [`crate::translate`]. An AditPolicy has the same settings as fields
//! (`policy`).

mod affinity;
mod affinity_settings;
mod backend;
mod body;
mod canary;
mod canary_settings;
mod client_certificate_settings;
mod client_certificates;
mod cors;
mod custom_errors;
mod endpoint_health;
mod entry;
mod external_auth;
mod families;
mod fastcgi;
mod field_texts;
mod field_type;
mod hash_reader;
mod hash_settings;
mod htpasswd;
mod ingress;
mod limits;
mod mirror;
mod mirror_settings;
mod obsolete;
mod password_settings;
mod passwords;
mod policy;
mod policy_field;
mod prefix;
mod proxy;
mod proxy_ssl;
mod proxy_ssl_settings;
mod read;
mod redirect;
mod rewrite;
mod routing;
mod settings;
mod snippet_reader;
mod snippets;
mod telemetry;
mod timeouts;
mod tls;
mod tracing_settings;
mod upstream;
mod waf;
mod waf_settings;
mod written;

pub use affinity_settings::AffinitySettings;
pub(crate) use affinity_settings::COOKIE as AFFINITY_COOKIE;
pub use canary_settings::{Canary, Side};
pub use entry::{Annotation, AnnotationFacets, Applied, Effect, Invalid, OWN_PREFIX, Scope};
pub(crate) use field_texts::{field_text, in_fields};
pub use field_type::FieldType;
pub use htpasswd::{Hashes, Htpasswd};
pub(crate) use ingress::read;
pub use mirror_settings::MirrorSettings;
pub(crate) use policy::PolicyFields;
pub use policy_field::{policy_field, policy_fields};
pub(crate) use read::{Context, Reading};
pub use settings::{AnnotationSettings, ServerSnippet};
pub use tracing_settings::TracingAnnotations;
pub use waf_settings::WafAnnotations;
pub(crate) use written::Written;
