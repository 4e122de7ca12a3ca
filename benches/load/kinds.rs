//! The proxies that are compared. What they are set up to do is in `proxies/`.

/// A kind of proxy. Texts in it are templates, as are its files; [`crate::bed`] fills them.
#[derive(Debug)]
pub(crate) struct Kind {
    /// How it is called in a report.
    pub(crate) name: &'static str,
    /// The program, which is looked for beside this one, in the folder of tools, and where the system has its programs.
    pub(crate) program: &'static str,
    /// The argument with which it says its version, if it does.
    pub(crate) version: Option<&'static str>,
    /// Its files: name and content.
    pub(crate) files: &'static [(&'static str, &'static str)],
    pub(crate) arguments: &'static [&'static str],
    pub(crate) environment: &'static [(&'static str, &'static str)],
    /// The forwarded headers that it does not send.
    pub(crate) lacks: &'static [&'static str],
    /// The groups that it cannot take part in, and why.
    pub(crate) cannot: &'static [(&'static str, &'static str)],
}

impl Kind {
    /// Why it cannot take part in a group, if so.
    pub(crate) fn cannot(&self, group: &str) -> Option<&'static str> {
        self.cannot.iter().find(|(name, _)| *name == group).map(|(_, reason)| *reason)
    }
}

/// Unless it is told otherwise.
const STREAMS: &str = "it passes bodies on as they come";
/// It is the framework and nothing else.
const NO_POLICY: &str = "it has no such thing";

/// The one that the others are compared with comes first.
pub(crate) const KINDS: [Kind; 7] = [
    Kind {
        name: "Adit",
        program: "adit",
        version: Some("--version"),
        files: &[("adit.yaml", include_str!("proxies/adit.yaml"))],
        arguments: &[
            "serve",
            "--workers={{ workers }}",
            "--bind-address=127.0.0.1",
            "--http-port={{ http_port }}",
            "--https-port={{ https_port }}",
            "--advertised-http-port=80",
            "--advertised-https-port=443",
            "--healthz-host=127.0.0.1",
            "--healthz-port={{ admin_port }}",
            "--shutdown-grace-period=0",
            "--log-level=warn",
            "--access-log-path={{ folder }}/access.log",
            "{{ folder }}/adit.yaml",
        ],
        environment: &[],
        lacks: &[],
        cannot: &[],
    },
    Kind {
        name: "bare Pingora",
        program: "bare_pingora",
        version: None,
        files: &[],
        arguments: &[
            "{{ http }}",
            "{{ https }}",
            "{{ last.endpoints[0].address }}",
            "{{ certificate }}",
            "{{ certificate_key }}",
        ],
        environment: &[],
        lacks: &[
            "x-request-id",
            "x-real-ip",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-port",
            "x-forwarded-proto",
            "x-forwarded-scheme",
            "x-scheme",
        ],
        cannot: &[
            ("post-buffered", STREAMS),
            ("grpc", "it speaks HTTP/1.1 to backends"),
            ("access-log", NO_POLICY),
            ("routes-1k", "it has no routes"),
            ("routes-10k", "it has no routes"),
            ("address-list", NO_POLICY),
            ("limit", NO_POLICY),
            ("auth", NO_POLICY),
            ("cors", NO_POLICY),
            ("affinity", NO_POLICY),
            ("gzip", NO_POLICY),
            ("workers-8", "it has one worker"),
            ("workers-64", "it has one worker"),
        ],
    },
    Kind {
        name: "nginx",
        program: "nginx",
        version: Some("-v"),
        files: &[("nginx.conf", include_str!("proxies/nginx.conf"))],
        arguments: &["-c", "{{ folder }}/nginx.conf"],
        environment: &[],
        lacks: &[],
        cannot: &[("affinity", "only its commercial version has sessions")],
    },
    Kind {
        name: "HAProxy",
        program: "haproxy",
        version: Some("-v"),
        files: &[
            ("haproxy.cfg", include_str!("proxies/haproxy.cfg")),
            ("haproxy.map", include_str!("proxies/haproxy.map")),
            ("haproxy.pem", "{{ chain }}{{ key }}"),
        ],
        arguments: &["-db", "-f", "{{ folder }}/haproxy.cfg"],
        environment: &[],
        lacks: &[],
        cannot: &[("post-buffered", STREAMS), ("auth", "it asks no auth servers")],
    },
    Kind {
        name: "Envoy",
        program: "envoy",
        version: Some("--version"),
        files: &[("envoy.yaml", include_str!("proxies/envoy.yaml"))],
        arguments: &[
            "--config-path",
            "{{ folder }}/envoy.yaml",
            "--concurrency",
            "{{ workers }}",
            "--disable-hot-restart",
            "--log-level",
            "warning",
        ],
        environment: &[],
        lacks: &[],
        cannot: &[("post-buffered", STREAMS), ("auth", "it asks for each request")],
    },
    Kind {
        name: "Caddy",
        program: "caddy",
        version: Some("version"),
        files: &[("Caddyfile", include_str!("proxies/Caddyfile"))],
        arguments: &["run", "--adapter", "caddyfile", "--config", "{{ folder }}/Caddyfile"],
        environment: &[("GOMAXPROCS", "{{ workers }}"), ("HOME", "{{ folder }}")],
        lacks: &[],
        cannot: &[("post-buffered", STREAMS), ("limit", "it has none"), ("auth", "it asks for each request")],
    },
    Kind {
        name: "Traefik",
        program: "traefik",
        version: Some("version"),
        files: &[
            ("traefik.yaml", include_str!("proxies/traefik.yaml")),
            ("traefik-routes.yaml", include_str!("proxies/traefik-routes.yaml")),
        ],
        arguments: &["--configFile={{ folder }}/traefik.yaml"],
        environment: &[("GOMAXPROCS", "{{ workers }}")],
        lacks: &["x-request-id"],
        cannot: &[("post-buffered", STREAMS), ("auth", "it asks for each request")],
    },
];
