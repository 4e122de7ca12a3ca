//! The groups of measurements: what proxies are set up to do, and the load on them.

use crate::bed::CALL;
use crate::load::{Closed, Kept, Load};
use crate::setup::{Policy, Protocol, Setup};
use benches::TARGET;
use benches::client::Start;

/// One load on proxies that are set up alike.
#[derive(Debug)]
pub(crate) struct Group {
    /// How it is called on the command line.
    pub(crate) name: &'static str,
    /// How it is called in a report.
    pub(crate) title: &'static str,
    /// Whether it is one of those that matter most.
    pub(crate) main: bool,
    pub(crate) setup: Setup,
    pub(crate) load: Load,
}

const PLAIN: Setup =
    Setup { workers: 1, routes: 1, access_log: false, buffered: false, protocol: Protocol::Http, policy: Policy::None };
/// GET of 100 bytes over kept connections, which most groups have.
const SMALL: Kept =
    Kept { scheme: "http", target: TARGET, body: None, protocol: "http/1.1", options: &["--h1", "-c64"] };
const POST: Kept = Kept { target: "/post", body: Some("64k"), ..SMALL };
const OVER_TLS: Kept = Kept { scheme: "https", ..SMALL };
const HTTP2: Kept = Kept { protocol: "h2", options: &["--npn-list=h2", "-c64"], ..OVER_TLS };

const STREAMS: Kept = Kept { options: &["--npn-list=h2", "-c16", "-m16"], ..HTTP2 };

pub(crate) const GROUPS: [Group; 27] = [
    main("small", "GET of 100 bytes, 64 kept connections", PLAIN, kept(SMALL)),
    main("latency", "GET of 100 bytes, 5,000 per second, over 64 kept connections", PLAIN, Load::Open(5_000)),
    more("10k", "GET of 10 KiB, 64 kept connections", PLAIN, kept(Kept { target: "/files/10k", ..SMALL })),
    main(
        "1m",
        "GET of 1 MiB, 16 kept connections",
        PLAIN,
        kept(Kept { target: "/files/1m", options: &["--h1", "-c16"], ..SMALL }),
    ),
    main("post", "POST of 64 KiB, 64 kept connections", PLAIN, kept(POST)),
    more(
        "post-buffered",
        "POST of 64 KiB, which is held back in a file until all of it is there",
        Setup { buffered: true, ..PLAIN },
        kept(POST),
    ),
    more("connections", "A new connection for each request, 32 at once", PLAIN, reconnect(Start::Cleartext)),
    main("tls", "GET of 100 bytes over TLS 1.3, 64 kept connections", PLAIN, kept(OVER_TLS)),
    main("handshakes", "A whole handshake of TLS 1.3 for each request, 32 at once", PLAIN, reconnect(Start::Handshake)),
    more(
        "resumptions",
        "A resumed session of TLS 1.3 for each request, 32 at once",
        PLAIN,
        reconnect(Start::Resumption),
    ),
    more("http2", "HTTP/2 over TLS 1.3, 64 connections with 1 stream each", PLAIN, kept(HTTP2)),
    main("http2-streams", "HTTP/2 over TLS 1.3, 16 connections with 16 streams each", PLAIN, kept(STREAMS)),
    more(
        "websocket",
        "Messages of 100 bytes over WebSockets, and back, 64 connections",
        Setup { protocol: Protocol::Websocket, ..PLAIN },
        Load::Closed(Closed::WebSocket { connections: 64 }),
    ),
    more(
        "grpc",
        "Unary calls of gRPC, over TLS 1.3, 16 connections with 16 streams each",
        Setup { protocol: Protocol::Grpc, ..PLAIN },
        kept(Kept { target: CALL, body: Some("message"), ..STREAMS }),
    ),
    more("access-log", "GET of 100 bytes, with an access log", Setup { access_log: true, ..PLAIN }, kept(SMALL)),
    main("routes-1k", "GET of 100 bytes, the last of 1,000 routes", routes(1_000), kept(SMALL)),
    more("routes-10k", "GET of 100 bytes, the last of 10,000 routes", routes(10_000), kept(SMALL)),
    more("address-list", "GET of 100 bytes, a list of addresses that may ask", with(Policy::AddressList), kept(SMALL)),
    more("limit", "GET of 100 bytes, a limit per client that is not reached", with(Policy::Limit), kept(SMALL)),
    more("auth", "GET of 100 bytes, an auth server whose answer is kept", with(Policy::Auth), kept(SMALL)),
    more("cors", "GET of 100 bytes, CORS", with(Policy::Cors), kept(SMALL)),
    more("affinity", "GET of 100 bytes, a session by a cookie", with(Policy::Affinity), kept(SMALL)),
    more(
        "gzip",
        "A page of 64 KiB, compressed with gzip at level 1",
        with(Policy::Gzip),
        kept(Kept { target: "/files/page", ..SMALL }),
    ),
    more("idle", "10,000 idle connections", PLAIN, Load::Idle { connections: 10_000, tls: false }),
    more("idle-tls", "10,000 idle connections of TLS", PLAIN, Load::Idle { connections: 10_000, tls: true }),
    more(
        "workers-8",
        "GET of 100 bytes, 2 workers, 8 kept connections",
        Setup { workers: 2, ..PLAIN },
        kept(Kept { options: &["--h1", "-c8"], ..SMALL }),
    ),
    more("workers-64", "GET of 100 bytes, 2 workers, 64 kept connections", Setup { workers: 2, ..PLAIN }, kept(SMALL)),
];

const fn main(name: &'static str, title: &'static str, setup: Setup, load: Load) -> Group {
    Group { name, title, main: true, setup, load }
}

const fn more(name: &'static str, title: &'static str, setup: Setup, load: Load) -> Group {
    Group { name, title, main: false, setup, load }
}

const fn kept(kept: Kept) -> Load {
    Load::Closed(Closed::Kept(kept))
}

const fn reconnect(start: Start) -> Load {
    Load::Closed(Closed::Reconnect(start))
}

const fn routes(routes: usize) -> Setup {
    Setup { routes, ..PLAIN }
}

const fn with(policy: Policy) -> Setup {
    Setup { policy, ..PLAIN }
}
