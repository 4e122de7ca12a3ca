//! How requests are routed, and what is done to them where no annotation says otherwise.

use super::entry::Key;
use super::error::KeyError;
use crate::route_defaults::Risk;
use gateway::config::{Balance, PathMatching};

pub(super) const KEYS: &[Key] = &[
    Key::full(
        "path-matching",
        "nginx",
        "How paths match: `nginx` as ingress-nginx does, `strict` as Ingress v1 says. Adit's own.",
        |value, draft| {
            draft.config.gateway.path_matching = match value.text() {
                "nginx" => PathMatching::Nginx,
                "strict" => PathMatching::Strict,
                _ => return Err(KeyError::Expected("\"nginx\" or \"strict\"")),
            };
            Ok(())
        },
    ),
    Key::full("proxy-connect-timeout", "5", "Time to connect to a backend.", |value, draft| {
        draft.backend().timeouts.connect = value.positive_time()?;
        Ok(())
    }),
    Key::full("proxy-send-timeout", "60", "Time between two writes to a backend.", |value, draft| {
        draft.backend().timeouts.send = value.positive_time()?;
        Ok(())
    }),
    Key::full("proxy-read-timeout", "60", "Time between two reads from a backend.", |value, draft| {
        draft.backend().timeouts.read = value.positive_time()?;
        Ok(())
    }),
    Key::full("proxy-body-size", "1m", "The largest request body; 0 is no limit.", |value, draft| {
        let bytes = value.size()?;
        draft.policies().body_limit = (bytes > 0).then_some(bytes);
        Ok(())
    }),
    Key::full("relative-redirects", "false", "Redirects to a path keep `Location` a path. Boolean.", |value, draft| {
        draft.policies().relative_redirects = value.bool()?;
        Ok(())
    }),
    Key::full("service-upstream", "false", "Requests go to cluster IPs instead of endpoints. Boolean.", |value, draft| {
        draft.config.routes.upstream.service_upstream = value.bool()?;
        Ok(())
    }),
    Key::full("load-balance", "round_robin", "How an endpoint is chosen: `round_robin` or `ewma`.", |value, draft| {
        draft.config.routes.upstream.balance = match value.text() {
            "round_robin" => Balance::RoundRobin,
            "ewma" => Balance::LeastRequest,
            _ => return Err(KeyError::Expected("\"round_robin\" or \"ewma\"")),
        };
        Ok(())
    })
    .but("`ewma` is the less busy of two endpoints chosen at random."),
    Key::full(
        "annotation-value-word-blocklist",
        "",
        "Words, separated by commas, that no annotation may hold: an Ingress with one is rejected.",
        |value, draft| {
            draft.config.routes.blocked_words = value.list().map(Into::into).collect();
            Ok(())
        },
    ),
    Key::full(
        "annotations-risk-level",
        "High",
        "The highest risk that an annotation may have: `Low`, `Medium`, `High` or `Critical`. An Ingress with one above it \
         is rejected.",
        |value, draft| {
            // A word that is not understood forbids as much as it can, because it was meant to forbid something.
            let (level, result) = match value.text().to_ascii_lowercase().as_str() {
                "critical" => (Risk::Critical, Ok(())),
                "high" => (Risk::High, Ok(())),
                "medium" => (Risk::Medium, Ok(())),
                "low" => (Risk::Low, Ok(())),
                _ => (Risk::Low, Err(KeyError::Unsupported(
                    "is not valid: expected Low, Medium, High or Critical; Low is assumed",
                ))),
            };
            draft.config.routes.risk_level = level;
            result
        },
    )
    .but("Snippets deny their routes at every level."),
    Key::full(
        "strict-validate-path-type",
        "true",
        "Exact and Prefix paths have only letters, digits and `/-._`. Boolean.",
        |value, draft| {
            draft.config.routes.strict_path_types = value.bool()?;
            Ok(())
        },
    )
    .but("Other paths are served, with a warning."),
    Key::planned("proxy-next-upstream", "error timeout", "When a request goes to another endpoint."),
    Key::planned("proxy-next-upstream-timeout", "0", "Time within which other endpoints are tried."),
    Key::planned("proxy-next-upstream-tries", "3", "How many endpoints are tried."),
    Key::planned("retry-non-idempotent", "false", "POST, LOCK and PATCH are tried again as well. Boolean."),
    Key::planned("custom-http-errors", "", "Statuses whose answers the default backend replaces."),
    Key::planned("disable-proxy-intercept-errors", "false", "The backend's own error answers are kept. Boolean."),
    Key::ignored("app-root", "", "ingress-nginx reads only the annotation", "Where requests for `/` are redirected."),
    Key::ignored("default-type", "text/html", "answers keep the type that they have", "The type of answers without one."),
];
