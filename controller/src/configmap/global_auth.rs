//! `global-auth-url`: the auth server of all routes that name none of their own.

use super::builder::ConfigBuilder;
use super::entry::Key;
use crate::registry::{Value, ValueError, auth_server};
use crate::route_defaults::ExternalAuthSettings;

pub(super) const KEYS: &[Key] = &[
    Key::full(
        "global-auth-url",
        "",
        "Sets the URL of an external service that authorizes the requests of all routes, those of Gateway API included, as the \
         annotation `auth-url` does for one Ingress. `enable-global-auth: \"false\"` exempts an Ingress. Empty: none.",
        |value, draft| read(value, draft, auth_server::auth_url),
    )
    .but(
        "Variables in the host other than `$host` are refused: every request is answered with 503. With `$host`, requests for \
         hosts that no rule of an Ingress names exactly are answered with 503, and so are those for routes of Gateway API.",
    ),
    Key::full(
        "global-auth-method",
        "",
        "Sets the HTTP method of the auth request, such as `POST`. Empty: `GET`.",
        |value, draft| read(value, draft, auth_server::auth_method),
    ),
    Key::full(
        "global-auth-signin",
        "",
        "Sets the URL of the sign-in page, to which requests are redirected (302) that the auth service answers with \
         401. May contain nginx variables. Empty or invalid: the client gets the 401.",
        |value, draft| match value.text() {
            "" => Ok(()),
            _ => auth_server::auth_signin(value, &mut draft.config.routes.external_auth),
        },
    ),
    Key::full(
        "global-auth-signin-redirect-param",
        "rd",
        "Sets the query parameter that tells the sign-in page the URL to return to.",
        |value, draft| read(value, draft, auth_server::auth_redirect_param),
    ),
    Key::full(
        "global-auth-response-headers",
        "",
        "Names the headers that are copied from the auth response to the request for the backend, separated by \
         commas. They replace the client's; one that the auth response does not have is removed.",
        |value, draft| read(value, draft, auth_server::auth_response_headers),
    ),
    Key::full(
        "global-auth-request-redirect",
        "",
        "Sets the header `X-Auth-Request-Redirect` of the auth request. May contain nginx variables. Empty: path and \
         query of the client's request.",
        |value, draft| read(value, draft, auth_server::auth_request_redirect),
    ),
    Key::full(
        "global-auth-snippet",
        "",
        "Adds nginx directives to the auth request of `global-auth-url`, as the annotation `auth-snippet`. \
         [snippets.md](snippets.md) lists those that work.",
        |_, _| Ok(()), // read with the other snippets
    )
    .but("Some directives only; with another one every request is answered with 503."),
    Key::full(
        "global-auth-cache-key",
        "",
        "Sets the key under which auth responses are kept, as the annotation `auth-cache-key`. Empty: nothing is kept.",
        |value, draft| read(value, draft, auth_server::auth_cache_key),
    ),
    Key::full(
        "global-auth-cache-duration",
        "",
        "Sets how long auth responses are kept: statuses, then a time with its unit, such as `200 202 10m`. Several \
         entries are separated by commas. Empty: `200 202 401 5m`.",
        |value, draft| read(value, draft, auth_server::auth_cache_duration),
    ),
    Key::full(
        "global-auth-always-set-cookie",
        "false",
        "Adds the `Set-Cookie` headers of the auth response to all responses. Boolean. With false they are added to \
         successful responses and redirects only.",
        |value, draft| read(value, draft, auth_server::auth_always_set_cookie),
    ),
];

/// Reads a value that is not empty. With one that cannot be used, no route may be served.
fn read(
    value: Value<'_>,
    draft: &mut ConfigBuilder,
    apply: fn(Value<'_>, &mut ExternalAuthSettings) -> Result<(), ValueError>,
) -> Result<(), ValueError> {
    if value.text().is_empty() {
        return Ok(());
    }
    apply(value, &mut draft.config.routes.external_auth).map_err(|error| ValueError::Refused(error.to_string().into()))
}
