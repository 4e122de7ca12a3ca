macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $label:literal,)*) => {
        /// Why a request is answered by the gateway, and not by a backend.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[$doc])* $variant,)*
        }

        impl Reason {
            /// The fixed label for metrics and logs.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)* }
            }
        }
    };
}

impl Reason {
    /// A line on the page of the reply, in nginx's words.
    pub(crate) const fn explanation(self) -> Option<&'static str> {
        match self {
            Self::BadClientCertificate => Some("The SSL certificate error"),
            Self::NoClientCertificate => Some("No required SSL certificate was sent"),
            Self::SubjectDenied => Some("client certificate unauthorized"),
            _ => None,
        }
    }

    /// Whether the request may not come in.
    pub(crate) const fn is_refusal(self) -> bool {
        matches!(
            self,
            Self::AuthDenied
                | Self::AuthFailed
                | Self::BadClientCertificate
                | Self::BadCredentials
                | Self::Blocked
                | Self::ClientCertificatesDenied
                | Self::Denied
                | Self::Misdirected
                | Self::NoClientCertificate
                | Self::SourceRange
                | Self::SubjectDenied
                | Self::TooManyLogins
                | Self::Waf
                | Self::WafBusy
        )
    }

    /// Whether a new connection is all that could help the client.
    pub(crate) const fn is_of_connection(self) -> bool {
        matches!(self, Self::BadClientCertificate | Self::NoClientCertificate)
    }
}

reasons! {
    /// The path is `/`, and its host has an `app-root`.
    AppRoot = "app-root",
    /// The path lacks the slash at its end that the declared one has.
    AddSlash = "add-slash",
    /// The auth server refuses the request.
    AuthDenied = "auth-denied",
    /// The auth server cannot be reached, or its response means nothing: the request is not let through.
    AuthFailed = "auth-failed",
    /// The client is to sign in first.
    AuthSignin = "auth-signin",
    /// The request has no credentials of a user of its route.
    BadCredentials = "bad-credentials",
    /// The certificate of the client is not valid for its host.
    BadClientCertificate = "bad-client-certificate",
    /// The location of a redirect cannot be the value of a header.
    BadLocation = "bad-location",
    /// The path cannot be decoded, or climbs above the root.
    BadPath = "bad-path",
    /// The ConfigMap blocks the client's address, its `User-Agent` or its `Referer`.
    Blocked = "blocked",
    /// The request's body did not arrive in time.
    BodyTimeout = "body-timeout",
    /// The request's body is larger than its route allows.
    BodyTooLarge = "body-too-large",
    /// A temporary file for the request's body cannot be made or written.
    BufferFailed = "buffer-failed",
    /// Temporary files have no room for more of the request's body.
    BuffersFull = "buffers-full",
    /// The settings for certificates of clients are invalid, which closes the host.
    ClientCertificatesDenied = "client-certificates-denied",
    /// The client went away before it was answered. Nothing is sent.
    ClientGone = "client-gone",
    /// The client has as many requests in progress as it may.
    ConnectionLimit = "connection-limit",
    /// A browser asks which requests of another origin are allowed.
    CorsPreflight = "cors-preflight",
    /// The backend's response is one of `custom-http-errors`, and nobody answers in its place.
    CustomError = "custom-error",
    /// A security setting is invalid or not supported.
    Denied = "denied",
    /// The route's action is this status.
    FixedReply = "fixed-reply",
    /// A load balancer's health check: `/healthz` on a host that no rule names.
    Healthz = "healthz",
    /// The route redirects plain HTTP to HTTPS.
    HttpsRedirect = "https-redirect",
    /// A fault of the gateway's.
    Internal = "internal",
    /// The request's body is not what its framing says.
    MalformedBody = "malformed-body",
    /// The client's connection is not for this host.
    Misdirected = "misdirected",
    /// The backend that the request was to go to cannot be named: it does not exist, or may not be referred to.
    NoBackend = "no-backend",
    /// The client has sent no certificate, and its host requires one.
    NoClientCertificate = "no-client-certificate",
    /// The request has come to a location of a snippet that has nothing to answer, or that is `internal`.
    NoContent = "no-content",
    /// The backend has no endpoint.
    NoEndpoint = "no-endpoint",
    /// A named location of a snippet is to answer an error, and the host has none of that name.
    NoLocation = "no-location",
    /// No route takes the request, and there is no default backend.
    NoRoute = "no-route",
    /// What a program of FastCGI is to be told of the request is too long.
    ParamsTooLong = "params-too-long",
    /// Matching a pattern takes too many steps.
    PatternLimit = "pattern-limit",
    /// The route is a redirect.
    Redirect = "redirect",
    /// The client makes requests faster than it may.
    RequestLimit = "request-limit",
    /// The route's rewrite leads to a URL.
    RewriteRedirect = "rewrite-redirect",
    /// The rewritten target or its prefix is too long.
    RewriteTooLong = "rewrite-too-long",
    /// Snippets have led the request from path to path too often.
    SnippetLoop = "snippet-loop",
    /// A snippet redirects the request.
    SnippetRedirect = "snippet-redirect",
    /// A snippet answers the request.
    SnippetReturn = "snippet-return",
    /// A value that a snippet makes is too long.
    SnippetTooLong = "snippet-too-long",
    /// The client's address is not one of those that are served.
    SourceRange = "source-range",
    /// The subject of the client's certificate is not one that its host lets in.
    SubjectDenied = "subject-denied",
    /// Too many passwords wait to be verified for the route's users.
    TooManyLogins = "too-many-logins",
    /// The endpoints could not be reached, or broke off.
    UpstreamFailed = "upstream-failed",
    /// The endpoint took too long.
    UpstreamTimeout = "upstream-timeout",
    /// A rule of the web application firewall refuses the request.
    Waf = "waf",
    /// Too many requests wait for the web application firewall, or too many bytes of bodies do.
    WafBusy = "waf-busy",
    /// The host is a redirect to its counterpart with or without `www.`.
    WwwRedirect = "www-redirect",
}
