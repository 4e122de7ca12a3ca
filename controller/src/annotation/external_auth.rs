//! `auth-url`: a server that authorizes each request, and the annotations that go with it.

use super::entry::{Annotation, EMPTY, Invalid, Scope};
use crate::object::Kind;
use crate::registry::auth_server;
use crate::route_defaults::Risk;

const KEPT: &str = "connections to the auth service are always kept";

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::guard(
        "auth-url",
        Risk::High,
        "Sets the URL of an external service that authorizes requests. Each request first causes an auth request to \
         this URL. A 2xx response allows the request; 401 and 403 go to the client; any other result is answered with \
         500. An absolute URL with `http://` or `https://`; path and query may contain nginx variables, and the host may \
         be `$host`, for the host that the client asks for. Default: not set, no auth request. The timeouts are those of \
         the backend.",
        |value, draft| auth_server::auth_url(value, &mut draft.external_auth),
    )
    .but("Other variables in the host are refused, and `$host` where the host of a rule is no exact name: the routes answer 503.")
    .refused(),
    Annotation::guard(
        "auth-method",
        Risk::Low,
        "Sets the HTTP method of the auth request, such as `POST`. Default `GET`.",
        |value, draft| auth_server::auth_method(value, &mut draft.external_auth),
    )
    .unless(EMPTY),
    Annotation::full(
        "auth-signin",
        Scope::Path,
        Risk::High,
        Invalid::FallsBack, // the client gets the 401
        "Sets the URL of the sign-in page. Requests that the auth service answers with 401 are redirected (302) to it, and so are \
         requests without the user name and password that `auth-type` asks for. May contain nginx variables. Default: not set, \
         the client gets the 401.",
        |value, draft| auth_server::auth_signin(value, &mut draft.external_auth),
    ),
    Annotation::guard(
        "auth-signin-redirect-param",
        Risk::Medium,
        "Sets the query parameter that tells the sign-in page the URL to return to. Default `rd`.",
        |value, draft| auth_server::auth_redirect_param(value, &mut draft.external_auth),
    )
    .unless(EMPTY),
    Annotation::guard(
        "auth-response-headers",
        Risk::Medium,
        "Names the headers that are copied from the auth response to the request for the backend, separated by \
         commas. They replace the client's; one that the auth response does not have is removed. Default: none.",
        |value, draft| auth_server::auth_response_headers(value, &mut draft.external_auth),
    )
    .unless(EMPTY),
    Annotation::guard(
        "auth-request-redirect",
        Risk::Medium,
        "Sets the header `X-Auth-Request-Redirect` of the auth request. A URL or a path; it may contain nginx \
         variables. Default: path and query of the client's request.",
        |value, draft| auth_server::auth_request_redirect(value, &mut draft.external_auth),
    )
    .unless(EMPTY),
    Annotation::guard(
        "auth-always-set-cookie",
        Risk::Low,
        "Sets whether the `Set-Cookie` headers of the auth response are added to all responses. Boolean, default \
         false: they are added to successful responses and redirects only.",
        |value, draft| auth_server::auth_always_set_cookie(value, &mut draft.external_auth),
    )
    .unless(EMPTY),
    Annotation::guard(
        "auth-proxy-set-headers",
        Risk::Medium,
        "Names a ConfigMap, as `name` or `namespace/name`, with headers that are set on the auth request, in place of \
         the client's. Values may contain nginx variables; a header whose value is empty is removed. Default: none.",
        |value, draft| auth_server::auth_request_headers(value, &mut draft.external_auth),
    )
    .unless(EMPTY)
    .refers_to(Kind::ConfigMap),
    Annotation::guard(
        "auth-cache-key",
        Risk::Medium,
        "Sets the key under which auth responses are kept, so that the auth service is not asked again: text with \
         nginx variables, such as `$http_authorization`. Requests to one path of a rule on one host share a response if the \
         key's text is the same, so it should contain all that the auth service looks at. A response that sets a cookie \
         is not kept; `Cache-Control`, `Expires`, `X-Accel-Expires` and `Vary` of the response count. Default: not set, \
         nothing is kept.",
        |value, draft| auth_server::auth_cache_key(value, &mut draft.external_auth),
    )
    .unless(EMPTY),
    Annotation::guard(
        "auth-cache-duration",
        Risk::Medium,
        "Sets how long auth responses are kept: statuses, then a time with its unit, such as `200 202 10m`; without \
         statuses 200, 301 and 302. Several entries are separated by commas. Default `200 202 401 5m`.",
        |value, draft| auth_server::auth_cache_duration(value, &mut draft.external_auth),
    )
    .unless(EMPTY),
    Annotation::ignored(
        "auth-keepalive",
        KEPT,
        "Sets how many idle connections to the auth service are kept. Whole number.",
    ),
    Annotation::ignored(
        "auth-keepalive-requests",
        KEPT,
        "Sets how many auth requests one kept connection serves. Whole number.",
    ),
    Annotation::ignored(
        "auth-keepalive-timeout",
        "the ConfigMap's `upstream-keepalive-timeout` sets it",
        "Sets how long an idle connection to the auth service is kept. Whole seconds.",
    ),
    Annotation::ignored(
        "auth-keepalive-share-vars",
        "variables in the settings of the auth request always have the values of the client's request",
        "Shares nginx variables between the client's request and the auth request. Boolean, default false.",
    ),
    Annotation::full(
        "auth-snippet",
        Scope::Path,
        Risk::Critical,
        Invalid::FallsBack,
        "Adds nginx directives to the auth request of this Ingress's `auth-url`: headers, timeouts, and conditions under which the auth \
         service is not asked. [snippets.md](snippets.md) lists those that work. Default empty. It needs \
         `allow-snippet-annotations: \"true\"` and `annotations-risk-level: Critical` in the ConfigMap. If it is not allowed, or one \
         of its directives cannot be served, the routes answer 503; `adit check` lists which.",
        |_, _| Ok(()), // read with the other snippets
    )
    .but("Some directives only; a snippet with another one denies the routes."),
    Annotation::full(
        "enable-global-auth",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack, // it stays on
        "Sets whether the ConfigMap's `global-auth-url` applies to these paths, where `auth-url` is not set. Boolean, \
         default true.",
        |value, draft| {
            draft.global_auth = value.bool()?;
            Ok(())
        },
    ),
];
