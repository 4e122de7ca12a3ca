//! Who answers.

use anyhow::{Context, Result};
use http::HeaderValue;

/// A Pod's names. The variables are those of the ingress conformance suite's backends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    /// Its namespace: NAMESPACE.
    pub namespace: String,
    /// The Ingress that it serves: INGRESS_NAME.
    pub ingress: String,
    /// Its Service: SERVICE_NAME.
    pub service: String,
    /// Itself: POD_NAME, or the machine's name, which in a Pod is the Pod's.
    pub name: String,
}

impl Pod {
    /// As these variables say; without one a name is empty, but the Pod's own.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let named = |name| variable(name).unwrap_or_default();
        let machine = || gethostname::gethostname().to_string_lossy().into_owned();
        Self {
            namespace: named("NAMESPACE"),
            ingress: named("INGRESS_NAME"),
            service: named("SERVICE_NAME"),
            name: variable("POD_NAME").unwrap_or_else(machine),
        }
    }

    /// Its Service and itself.
    pub(super) fn header_values(&self) -> Result<[HeaderValue; 2]> {
        let value = |name: &str, value: &str| {
            HeaderValue::from_str(value).with_context(|| format!("{name} is {value:?}, which fits no header"))
        };
        Ok([value("SERVICE_NAME", &self.service)?, value("POD_NAME", &self.name)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_environment() {
        let pod = Pod::from_environment(|name| Some(format!("the {name}")));
        let expected = Pod {
            namespace: "the NAMESPACE".into(),
            ingress: "the INGRESS_NAME".into(),
            service: "the SERVICE_NAME".into(),
            name: "the POD_NAME".into(),
        };
        assert_eq!(pod, expected);
    }

    #[test]
    fn a_pod_without_a_name_has_the_machines() {
        let pod = Pod::from_environment(|_| None);
        assert_eq!(pod.service, "");
        assert_eq!(pod.name, gethostname::gethostname().to_string_lossy());
    }

    #[test]
    fn a_name_that_fits_no_header_is_refused() {
        let pod = Pod { service: "a\nb".into(), ..Pod::default() };
        let error = pod.header_values().expect_err("two lines");
        assert_eq!(error.to_string(), r#"SERVICE_NAME is "a\nb", which fits no header"#);
    }
}
