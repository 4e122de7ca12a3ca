//! How requests are routed, and the defaults of annotations.

use super::entry::Key;
use crate::diagnostic::Severity;
use crate::object::Kind;
use crate::registry::{ValueError, balance, error_pages, error_statuses, retry_conditions};
use crate::route_defaults::Risk;
use gateway::config::PathMatching;
use std::num::NonZero;

pub(super) const KEYS: &[Key] = &[
    Key::full(
        "path-matching",
        "nginx",
        "Sets how paths match: `nginx` as in ingress-nginx, `strict` as the specification of Ingress v1 says. It \
         overrides the flag `--path-matching`. Adit's own.",
        |value, draft| {
            draft.config.gateway.path_matching = match value.text() {
                "nginx" => PathMatching::Nginx,
                "strict" => PathMatching::Strict,
                _ => return Err(ValueError::Expected("\"nginx\" or \"strict\"")),
            };
            Ok(())
        },
    ),
    Key::full(
        "proxy-connect-timeout",
        "5",
        "Sets how long connecting to an endpoint may take. Time above 0. Then another endpoint is tried, if \
         `proxy-next-upstream` allows it, or the request is answered with 504.",
        |value, draft| {
            draft.backend().timeouts.connect = value.positive_time()?;
            Ok(())
        },
    ),
    Key::full(
        "proxy-send-timeout",
        "60",
        "Sets how long a backend may take no bytes of a request: the time between two writes. Time above 0. Then \
         another endpoint is tried, if `proxy-next-upstream` allows it, or the request is answered with 504.",
        |value, draft| {
            draft.backend().timeouts.send = value.positive_time()?;
            Ok(())
        },
    ),
    Key::full(
        "proxy-read-timeout",
        "60",
        "Sets how long a backend may send no bytes: the time between two reads. Time above 0. Then another endpoint is \
         tried, if `proxy-next-upstream` allows it, or the request is answered with 504, or a response that has begun is cut off. It also ends WebSockets and gRPC streams on \
         which nothing moves.",
        |value, draft| {
            draft.backend().timeouts.read = value.positive_time()?;
            Ok(())
        },
    ),
    Key::full(
        "proxy-body-size",
        "1m",
        "Sets the largest request body. Size; 0 is no limit. A larger body is answered with 413.",
        |value, draft| {
            let bytes = value.size()?;
            draft.policies().body_limit = (bytes > 0).then_some(bytes);
            Ok(())
        },
    ),
    Key::full(
        "relative-redirects",
        "false",
        "Keeps `Location` a path in redirects to a path, instead of adding scheme and host. Boolean.",
        |value, draft| {
            draft.policies().relative_redirects = value.bool()?;
            Ok(())
        },
    ),
    Key::full(
        "service-upstream",
        "false",
        "Sends requests to the cluster IPs of Services instead of their endpoints. Boolean.",
        |value, draft| {
            draft.config.routes.upstream.service_upstream = value.bool()?;
            Ok(())
        },
    ),
    Key::full(
        "load-balance",
        "round_robin",
        "Sets how an endpoint is chosen for each request: `round_robin` takes one after the other. `ewma` takes two at random \
         and chooses the one whose responses have taken less time of late; `least_request`, which ingress-nginx does not have, \
         the one with fewer requests in progress.",
        |value, draft| {
            draft.config.routes.upstream.balance = balance(value.text())?;
            Ok(())
        },
    ),
    Key::full(
        "annotation-value-word-blocklist",
        "",
        "Names words that no annotation may contain, separated by commas. An Ingress with such an annotation is \
         rejected.",
        |value, draft| {
            draft.config.routes.blocked_words = value.list().map(Into::into).collect();
            Ok(())
        },
    ),
    Key::full(
        "annotations-risk-level",
        "High",
        "Sets the highest risk that an annotation may have: `Low`, `Medium`, `High` or `Critical`. An Ingress with \
         an annotation above it is rejected.",
        |value, draft| {
            // A word that is not understood forbids as much as it can, because it was meant to forbid something.
            let (level, result) = match value.text().to_ascii_lowercase().as_str() {
                "critical" => (Risk::Critical, Ok(())),
                "high" => (Risk::High, Ok(())),
                "medium" => (Risk::Medium, Ok(())),
                "low" => (Risk::Low, Ok(())),
                _ => {
                    let wrong = "is not valid: expected Low, Medium, High or Critical".into();
                    (Risk::Low, Err(ValueError::Replaced { wrong, by: "Low" }))
                }
            };
            draft.config.routes.risk_level = level;
            result
        },
    )
    .but("An Ingress with a snippet is not rejected below `Critical`: its routes answer 503. An invalid value means `Low`."),
    Key::full(
        "strict-validate-path-type",
        "true",
        "Allows only letters, digits and `/-._` in Exact and Prefix paths. Boolean.",
        |value, draft| {
            draft.config.routes.strict_path_types = value.bool()?;
            Ok(())
        },
    )
    .but("Other paths are served, with a warning."),
    Key::full(
        "proxy-next-upstream",
        "error timeout",
        "Sets after which failures another endpoint is tried: words separated by spaces, which the annotation of that name \
         describes.",
        |value, draft| {
            draft.backend().retries.on = retry_conditions(value.text())?;
            Ok(())
        },
    ),
    Key::full(
        "proxy-next-upstream-timeout",
        "0",
        "Limits the time in which other endpoints are tried, from the first attempt's beginning. Time; 0 is no limit.",
        |value, draft| {
            let time = value.time()?;
            draft.backend().retries.timeout = (!time.is_zero()).then_some(time);
            Ok(())
        },
    ),
    Key::full(
        "proxy-next-upstream-tries",
        "3",
        "Limits how many endpoints are tried, the first included. Whole number from 0 to 4294967295; 0 is no limit, so that \
         each is tried once.",
        |value, draft| {
            let most = value.number(0..=u32::MAX, "a whole number; 0 is no limit")?;
            draft.backend().retries.tries = NonZero::new(most);
            Ok(())
        },
    ),
    Key::full(
        "retry-budget",
        "100",
        "Limits how many requests of a backend are sent again after a failure, in percent of all its requests: with 100, at \
         most one retry for each request on average. A backend that fails altogether then gets twice as many requests, and not \
         three times as many. Whole number from 0 to 1000; 0 is no limit. A backend that has not failed for a while may have up \
         to 100 retries in addition. Beyond the limit the client gets the answer of the last endpoint that was tried. Attempts \
         that could not connect, or whose stream of HTTP/2 was refused, do not count. Adit's own.",
        |value, draft| {
            let percent = value.number(0..=1000, "a whole number of percent from 0 to 1000; 0 is no limit")?;
            draft.backend().retries.budget = NonZero::new(percent);
            Ok(())
        },
    ),
    Key::full(
        "retry-non-idempotent",
        "false",
        "Sends POST, LOCK and PATCH requests again after a failure, too, as if each `proxy-next-upstream` had the word \
         `non_idempotent`. Boolean.",
        |value, draft| {
            draft.backend().retries.non_idempotent = value.bool()?;
            Ok(())
        },
    ),
    Key::full(
        "custom-http-errors",
        "",
        "Names the statuses of errors that clients do not get as they are: an error of a backend or of Adit with one of these \
         statuses is answered by the page of `error-pages`, or where there is none, by the Service of the flag \
         `--default-backend-service`. Statuses from 400 to 599, separated by commas, such as `404,503`. Empty: errors stay as \
         they are. The annotation of that name replaces the list.",
        |value, draft| {
            draft.policies().custom_errors.statuses = error_statuses(value.text())?;
            Ok(())
        },
    )
    .but(
        "A request that Adit refuses, such as one without a valid password, keeps the status of the refusal, whatever the \
         Service answers. Errors of gRPC stay as they are. Without a page and without the flag the key has no effect.",
    ),
    Key::full(
        "error-pages",
        "",
        "Names a ConfigMap, as `namespace/name`, whose values are the bodies of responses to errors, as the annotation \
         `adit.dev/error-pages` does for the paths of one Ingress; here also of requests that no rule matches. Adit's own.",
        |value, draft| {
            if value.text().is_empty() {
                return Ok(());
            }
            let (pages, complaints) = error_pages(value.config_map()?)?;
            complaints.into_iter().for_each(|complaint| draft.complain(Severity::Warning, complaint));
            draft.config.gateway.error_pages = Some(pages);
            draft.config.routes.has_error_pages = true;
            Ok(())
        },
    )
    .refers_to(Kind::ConfigMap),
    Key::full(
        "disable-proxy-intercept-errors",
        "false",
        "Keeps the responses of backends, also where `custom-http-errors` has their status. Boolean.",
        |value, draft| {
            draft.policies().custom_errors.keeps_responses = value.bool()?;
            Ok(())
        },
    ),
    Key::ignored(
        "app-root",
        "",
        "ingress-nginx reads only the annotation",
        "Sets the path to which requests for `/` are redirected.",
    ),
    Key::ignored(
        "default-type",
        "text/html",
        "responses keep the type that they have",
        "Sets the `Content-Type` of responses without one.",
    ),
];
