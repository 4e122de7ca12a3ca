//! The flags about the admission webhook.

use super::flag::{Flag, Shape};
use crate::object::is_name;
use crate::registry::ValueError;
use crate::settings::{ServeSettings, WebhookSettings};
use std::net::IpAddr;

pub(super) const FLAGS: &[Flag] = &[
    Flag::full(
        "validating-webhook",
        Shape::Value("[IP]:PORT"),
        "",
        "Port, and if needed IP address, of the admission webhook, such as :8443 or 127.0.0.1:8443. The API server asks it \
         before it takes an Ingress or a ConfigMap with settings of Adit (docs/admission.md). Without an IP address it \
         listens on all addresses of the machine. With port 0 the system chooses one. Without this flag there is no webhook",
        |values, settings| {
            let (address, port) = values.last_unless_empty().map(address).transpose()?.unzip();
            settings.controller.own_ports.webhook = port.unwrap_or_default();
            let webhook = &mut settings.serve.webhook;
            (webhook.address, webhook.port) = (address.flatten(), port);
            Ok(())
        },
    ),
    Flag::full(
        "validating-webhook-certificate",
        Shape::Value("FILE"),
        "",
        "PEM file with the certificate that the admission webhook shows, and its issuers. A file that changes is read again. \
         Without this flag and the next, Adit makes a certificate and renews it, and has the API server believe it",
        |values, settings| {
            settings.serve.webhook.certificate = values.last_unless_empty().map(Into::into);
            Ok(())
        },
    ),
    Flag::full(
        "validating-webhook-key",
        Shape::Value("FILE"),
        "",
        "PEM file with the key of that certificate",
        |values, settings| {
            settings.serve.webhook.key = values.last_unless_empty().map(Into::into);
            Ok(())
        },
    ),
    Flag::full(
        "validating-webhook-name",
        Shape::Value("NAME"),
        "adit-admission",
        "Name of what the cluster has for the admission webhook where Adit makes the certificate: the \
         ValidatingWebhookConfiguration and, in the namespace of this Pod, the Service and the Secret with the certificate. \
         Adit's own",
        |values, settings| {
            let name = values.last_unless_empty().filter(|name| is_name(name));
            settings.serve.webhook.name = name.ok_or("is not the name of an object")?.into();
            Ok(())
        },
    ),
];

/// As Go's `net.Listen` takes it, but for names.
fn address(text: &str) -> Result<(Option<IpAddr>, u16), ValueError> {
    const EXPECTED: &str =
        "is not an address to listen on: expected a form such as :8443, 127.0.0.1:8443 or [::1]:8443";
    let (ip, port) = text.rsplit_once(':').ok_or(EXPECTED)?;
    let ip = ip.strip_prefix('[').and_then(|ip| ip.strip_suffix(']')).unwrap_or(ip);
    let ip = if ip.is_empty() { None } else { Some(ip.parse().map_err(|_| EXPECTED)?) };
    Ok((ip, port.parse().map_err(|_| EXPECTED)?))
}

/// A certificate needs its key.
pub(super) fn expect_certificate(serve: &ServeSettings) -> Result<(), String> {
    const FLAGS: [&str; 2] = ["--validating-webhook-certificate", "--validating-webhook-key"];
    let WebhookSettings { certificate, key, .. } = &serve.webhook;
    match (certificate, key) {
        (Some(_), None) => Err(format!("{}: is missing: expected a file as with {}", FLAGS[1], FLAGS[0])),
        (None, Some(_)) => Err(format!("{}: is missing: expected a file as with {}", FLAGS[0], FLAGS[1])),
        _ => Ok(()),
    }
}
