//! Who may pass, and what may be asked for. None of it is there yet, and a ConfigMap that asks for it denies every
//! request.

use super::entry::Key;

pub(super) const KEYS: &[Key] = &[
    Key::denied("whitelist-source-range", "", "Addresses that may pass."),
    Key::denied("denylist-source-range", "", "Addresses that may not."),
    Key::denied("block-cidrs", "", "Addresses that may not, before anything else."),
    Key::denied("block-user-agents", "", "User agents that may not."),
    Key::denied("block-referers", "", "Referers that may not."),
    Key::denied("limit-rate", "0", "Bytes per second of one answer. 0 is no limit."),
    Key::denied("limit-rate-after", "0", "Bytes after which that begins."),
    Key::planned("limit-req-status-code", "503", "The status beyond a limit on requests. Limits themselves deny."),
    Key::planned("limit-conn-status-code", "503", "The status beyond a limit on connections. Limits themselves deny."),
    Key::planned("limit-conn-zone-variable", "$binary_remote_addr", "What limits count by. Limits themselves deny."),
    Key::denied("global-auth-url", "", "A URL that is asked about each request."),
    Key::denied("global-auth-method", "", "The method of that question."),
    Key::denied("global-auth-signin", "", "Where clients are sent that may not pass."),
    Key::denied("global-auth-signin-redirect-param", "rd", "The parameter that tells where to return."),
    Key::denied("global-auth-response-headers", "", "Headers of the answer that backends get."),
    Key::denied("global-auth-request-redirect", "", "The question's `X-Auth-Request-Redirect`."),
    Key::denied("global-auth-snippet", "", "nginx directives for the question."),
    Key::denied("global-auth-cache-key", "", "What makes two questions equal."),
    Key::denied("global-auth-cache-duration", "", "How long answers are remembered."),
    Key::denied("global-auth-always-set-cookie", "false", "Cookies of the answer always pass. Boolean."),
    Key::planned("no-auth-locations", "/.well-known/acme-challenge", "Paths without authentication."),
    Key::denied("enable-modsecurity", "false", "ModSecurity looks at requests. Boolean."),
    Key::denied("enable-owasp-modsecurity-crs", "false", "It uses OWASP's rules. Boolean."),
    Key::denied("modsecurity-snippet", "", "Its rules."),
    Key::denied("main-snippet", "", "nginx directives at the top."),
    Key::denied("http-snippet", "", "nginx directives for HTTP."),
    Key::denied("server-snippet", "", "nginx directives for every host."),
    Key::denied("stream-snippet", "", "nginx directives for TCP and UDP."),
    Key::denied("location-snippet", "", "nginx directives for every path."),
    Key::ignored(
        "allow-snippet-annotations",
        "false",
        "nothing here interprets nginx directives; a snippet denies its routes",
        "Snippets are allowed. Boolean.",
    ),
    Key::planned(
        "allow-cross-namespace-resources",
        "false",
        "Ingresses may name objects of other namespaces. Boolean.",
    ),
    Key::ignored("nginx-status-ipv4-whitelist", "127.0.0.1", "there is no such page", "Who sees nginx's status page."),
    Key::ignored("nginx-status-ipv6-whitelist", "::1", "there is no such page", "Who sees nginx's status page."),
];
