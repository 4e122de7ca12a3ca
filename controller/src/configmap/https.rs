//! Redirects to HTTPS, and the promise to stay with it.

use super::entry::Key;
use super::error::KeyError;
use crate::route_defaults::ACME_CHALLENGES;

pub(super) const KEYS: &[Key] = &[
    Key::full("ssl-redirect", "true", "Hosts with TLS redirect plain HTTP to HTTPS. Boolean.", |value, draft| {
        draft.config.routes.https.with_tls = value.bool()?;
        Ok(())
    }),
    Key::full("force-ssl-redirect", "false", "All hosts do. Boolean.", |value, draft| {
        draft.config.routes.https.always = value.bool()?;
        Ok(())
    }),
    Key::full(
        "no-tls-redirect-locations",
        ACME_CHALLENGES,
        "Declared paths that begin with one of these, separated by commas, do not.",
        |value, draft| {
            if value.list().any(|path| !path.starts_with('/')) {
                return Err(KeyError::Expected("paths, separated by commas, that begin with a slash"));
            }
            draft.config.routes.plain_paths = value.list().map(Into::into).collect();
            Ok(())
        },
    ),
    Key::full(
        "preserve-trailing-slash",
        "false",
        "Redirects to HTTPS keep a slash at the end. Boolean.",
        |value, draft| {
            draft.config.routes.https.preserve_trailing_slash = value.bool()?;
            Ok(())
        },
    ),
    Key::full(
        "use-port-in-redirects",
        "false",
        "Redirects name the port: that of `--advertised-https-port`. Boolean.",
        |value, draft| {
            draft.config.routes.https.name_port = value.bool()?;
            Ok(())
        },
    )
    .but("Only redirects to HTTPS name it, not those to a path with a slash."),
    Key::full(
        "http-redirect-code",
        "308",
        "The status of redirects to HTTPS and from and to `www.`: 301, 302, 307 or 308.",
        |value, draft| {
            const EXPECTED: &str = "301, 302, 307 or 308";
            let code = value.number(301..=308, EXPECTED)?;
            if ![301, 302, 307, 308].contains(&code) {
                return Err(KeyError::Expected(EXPECTED));
            }
            draft.config.routes.redirect_code = code;
            Ok(())
        },
    ),
    Key::full(
        "hsts",
        "true",
        "Answers over HTTPS have `Strict-Transport-Security`, in place of the backend's. Boolean.",
        |value, draft| {
            if !value.bool()? {
                draft.config.gateway.hsts = None;
            }
            Ok(())
        },
    ),
    Key::full("hsts-max-age", "31536000", "Seconds for which it holds.", |value, draft| {
        let seconds = value.number(0..=u64::MAX, "a number of seconds, such as \"86400\"")?;
        draft.hsts(|hsts| hsts.max_age = seconds);
        Ok(())
    }),
    Key::full("hsts-include-subdomains", "true", "It holds for subdomains too. Boolean.", |value, draft| {
        let included = value.bool()?;
        draft.hsts(|hsts| hsts.include_subdomains = included);
        Ok(())
    }),
    Key::full("hsts-preload", "false", "Browsers may know of it beforehand. Boolean.", |value, draft| {
        let preload = value.bool()?;
        draft.hsts(|hsts| hsts.preload = preload);
        Ok(())
    }),
];
