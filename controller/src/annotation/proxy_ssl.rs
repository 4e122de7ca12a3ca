//! `proxy-ssl-secret`: certificates for TLS to backends, and what goes with them.

use super::entry::{Annotation, EMPTY};
use crate::object::Kind;
use crate::registry::{Value, ValueError, cipher_suites, tls_versions};
use crate::route_defaults::Risk;
use gateway::config::HostName;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::guard(
        "proxy-ssl-secret",
        Risk::Medium,
        "Names the Secret for TLS to the backend (`backend-protocol: HTTPS` or `GRPCS`), as `name` or `namespace/name`: the \
         client certificate (`tls.crt`, `tls.key`) and the authorities that verify the backend's (`ca.crt`). Default: not \
         set, no certificate is shown, any is taken, and no name is sent.",
        |value, draft| {
            draft.proxy_ssl.secret = Some(value.secret()?.clone());
            Ok(())
        },
    )
    .refers_to(Kind::Secret),
    Annotation::guard(
        "proxy-ssl-verify",
        Risk::Low,
        "Sets whether the certificate of the backend is verified: `on` or `off`. Default `off`. With `on`, the Secret needs \
         `ca.crt`, and `proxy-ssl-name` is required. A backend whose certificate is not valid counts as one that cannot be \
         reached (502).",
        |value, draft| {
            draft.proxy_ssl.verify = is_on(value)?;
            Ok(())
        },
    ),
    Annotation::guard(
        "proxy-ssl-verify-depth",
        Risk::Low,
        "Sets how many certificates may stand between that of the backend and an authority. Whole number up to 10, \
         default 1; 0 is 1.",
        |value, draft| {
            let depth = value.number(0..=10, "a whole number from 0 to 10")?;
            draft.proxy_ssl.depth = Some(std::cmp::max(1, depth));
            Ok(())
        },
    )
    .unless(EMPTY),
    Annotation::guard(
        "proxy-ssl-name",
        Risk::High,
        "Sets the name that the backend's certificate must have, and that is sent with `proxy-ssl-server-name: on`. A host \
         name. Default: not set.",
        |value, draft| match HostName::parse(value.text()) {
            Ok(HostName::Exact(name)) => {
                draft.proxy_ssl.name = Some(name);
                Ok(())
            }
            _ => Err(ValueError::Expected("a host name, such as \"backend.example.com\"")),
        },
    )
    .but("A variable, such as `$host`, denies the routes.")
    .unless(EMPTY),
    Annotation::guard(
        "proxy-ssl-server-name",
        Risk::Low,
        "Sets whether TLS to the backend sends `proxy-ssl-name` (SNI): `on` or `off`. Default `off`.",
        |value, draft| {
            draft.proxy_ssl.send_name = is_on(value)?;
            Ok(())
        },
    )
    .unless(EMPTY),
    Annotation::guard(
        "proxy-ssl-protocols",
        Risk::Low,
        "Sets the TLS versions for the backend, separated by spaces: `TLSv1.2`, `TLSv1.3`. Default both.",
        |value, draft| {
            let (versions, others) = tls_versions(value);
            if versions == (false, false) || !others.is_empty() {
                return Err(ValueError::Expected("TLSv1.2, TLSv1.3 or both, separated by a space"));
            }
            draft.proxy_ssl.versions = Some(versions);
            Ok(())
        },
    )
    .unless(EMPTY),
    Annotation::guard(
        "proxy-ssl-ciphers",
        Risk::Medium,
        "Sets the cipher suites of TLS 1.2 for the backend, the preferred first: OpenSSL's names, separated by colons. \
         Default `DEFAULT`: all that are supported. Suites of TLS 1.3 are not affected.",
        |value, draft| {
            let names = value.text().split(':').filter(|name| !name.is_empty() && *name != "DEFAULT");
            let (known, complaint) = cipher_suites(names);
            complaint.into_iter().for_each(|complaint| draft.complain(complaint));
            draft.proxy_ssl.ciphers = known;
            Ok(())
        },
    )
    .unless(EMPTY)
    .but("ECDHE with AES-GCM or ChaCha20-Poly1305 is supported. Other suites are left out, with a warning."),
];

fn is_on(value: Value<'_>) -> Result<bool, ValueError> {
    value.one_of(&["on", "off"], "\"on\" or \"off\"").map(|word| word == "on")
}
