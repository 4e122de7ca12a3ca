//! Redirects to HTTPS, and HSTS.

use super::entry::Key;
use crate::registry::ValueError;
use crate::route_defaults::ACME_CHALLENGES;

pub(super) const KEYS: &[Key] = &[
    Key::full(
        "ssl-redirect",
        "true",
        "Redirects requests over plain HTTP to HTTPS, on hosts that have TLS. Boolean. The annotation of this name \
         overrides it.",
        |value, draft| {
            draft.config.routes.https.with_tls = value.bool()?;
            Ok(())
        },
    ),
    Key::full(
        "force-ssl-redirect",
        "false",
        "Redirects requests over plain HTTP to HTTPS, on all hosts. Boolean. The annotation of this name overrides \
         it.",
        |value, draft| {
            draft.config.routes.https.always = value.bool()?;
            Ok(())
        },
    ),
    Key::full(
        "no-tls-redirect-locations",
        ACME_CHALLENGES,
        "Names paths that are not redirected to HTTPS. Absolute paths, separated by commas. A path of a rule that \
         begins with one of them is exempt; the path of the request does not matter.",
        |value, draft| {
            draft.config.routes.plain_paths = value.paths()?;
            Ok(())
        },
    ),
    Key::full(
        "preserve-trailing-slash",
        "false",
        "Keeps a slash at the end of path or query in redirects to HTTPS. Boolean. With false one slash is removed.",
        |value, draft| {
            draft.config.routes.https.preserve_trailing_slash = value.bool()?;
            Ok(())
        },
    ),
    Key::full(
        "use-port-in-redirects",
        "false",
        "Adds the port of HTTPS to redirects: `--advertised-https-port`, or else `--https-port`. Boolean.",
        |value, draft| {
            draft.config.routes.https.name_port = value.bool()?;
            Ok(())
        },
    )
    .but("Only redirects to HTTPS name the port, not redirects that add a slash to the path."),
    Key::full(
        "http-redirect-code",
        "308",
        "Sets the status of redirects to HTTPS, and of redirects by `from-to-www-redirect`: 301, 302, 307 or 308.",
        |value, draft| {
            const EXPECTED: &str = "301, 302, 307 or 308";
            let code = value.number(301..=308, EXPECTED)?;
            if ![301, 302, 307, 308].contains(&code) {
                return Err(ValueError::Expected(EXPECTED));
            }
            draft.config.routes.redirect_code = code;
            Ok(())
        },
    ),
    Key::full(
        "hsts",
        "true",
        "Sets the header `Strict-Transport-Security` on every response over HTTPS; the backend's own is replaced. \
         Boolean.",
        |value, draft| {
            if !value.bool()? {
                draft.config.gateway.hsts = None;
            }
            Ok(())
        },
    ),
    Key::full(
        "hsts-max-age",
        "31536000",
        "Sets `max-age` in `Strict-Transport-Security`: how long browsers use HTTPS only. Whole seconds from 0.",
        |value, draft| {
            let seconds = value.number(0..=u64::MAX, "a whole number of seconds, such as \"86400\"")?;
            draft.hsts(|hsts| hsts.max_age = seconds);
            Ok(())
        },
    ),
    Key::full(
        "hsts-include-subdomains",
        "true",
        "Adds `includeSubDomains` to `Strict-Transport-Security`: browsers use HTTPS for subdomains, too. Boolean.",
        |value, draft| {
            let included = value.bool()?;
            draft.hsts(|hsts| hsts.include_subdomains = included);
            Ok(())
        },
    ),
    Key::full(
        "hsts-preload",
        "false",
        "Adds `preload` to `Strict-Transport-Security`: the host may be put on the list that browsers come with. \
         Boolean.",
        |value, draft| {
            let preload = value.bool()?;
            draft.hsts(|hsts| hsts.preload = preload);
            Ok(())
        },
    ),
];
