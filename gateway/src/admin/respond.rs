use super::{Admin, ExplainQuery, List, Page, post, tail};
use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, LOCATION, REFERRER_POLICY, SERVER,
    X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::channel::Channel;
use http_body_util::{Either, Full};
use hyper::body::Body;
use serde_json::Value;
use std::error::Error;
use std::net::IpAddr;

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
/// Identifies the gateway's version to `adit explain --admin`, which may have another one.
const SELF: &str = concat!("adit/", env!("CARGO_PKG_VERSION"));
/// Below it are the pages of the dashboard.
const DASHBOARD: &str = "/dashboard/";
/// Its page with a form for drafts.
const WHY: &str = "/dashboard/why";
/// What its page of requests is told as they end.
const EVENTS: &str = "/dashboard/requests/events";
/// A page has a stylesheet, links and forms to its own kind, and nothing else: no script, no frame, nothing of others.
const CONTENT_POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// The same with a script of ours, which may ask us.
const SCRIPT_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A whole answer, or one that goes on.
pub(super) type AdminBody = Either<Full<Bytes>, Channel<Bytes>>;
type AdminResponse = Response<AdminBody>;

/// The resource of a path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Resource {
    Health,
    Readiness,
    Metrics,
    List(List),
    Explain,
    /// What leads to the dashboard.
    Entrance,
    Dashboard,
    /// What the dashboard is told as it happens.
    Events,
}

impl Resource {
    fn at(path: &str, admin: &Admin) -> Option<Self> {
        match path {
            "/readyz" => Some(Self::Readiness),
            "/metrics" => Some(Self::Metrics),
            "/debug/table" => Some(Self::List(List::Table)),
            "/debug/backends" => Some(Self::List(List::Backends)),
            "/debug/certificates" => Some(Self::List(List::Certificates)),
            "/debug/diagnostics" => Some(Self::List(List::Diagnostics)),
            "/debug/explain" => Some(Self::Explain),
            _ if path == &*admin.health_path => Some(Self::Health),
            "/" | "/dashboard" => Some(Self::Entrance),
            EVENTS => Some(Self::Events),
            _ => path.starts_with(DASHBOARD).then_some(Self::Dashboard),
        }
    }

    /// The port can be reached from every Pod; routes and addresses are shown to clients on the same machine only.
    fn is_private(self) -> bool {
        matches!(self, Self::List(_) | Self::Explain | Self::Entrance | Self::Dashboard | Self::Events)
    }

    /// What would be served with other objects is explained to who posts them. Nothing else can be posted.
    fn takes_drafts(self, path: &str) -> bool {
        self == Self::Explain || path == WHY
    }

    /// Probes are answered at any time, since whoever fails one is restarted.
    fn needs_place(self) -> bool {
        matches!(self, Self::Metrics | Self::List(_) | Self::Explain | Self::Dashboard)
    }
}

/// Responds to one request. Metrics and debugging may take a while: they run on a thread that may block, where
/// `take_place` finds a place for them.
pub(super) async fn respond<B>(
    admin: &Admin,
    peer: IpAddr,
    request: Request<B>,
    take_place: impl FnOnce() -> bool,
) -> AdminResponse
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>,
{
    let Some(resource) = Resource::at(request.uri().path(), admin) else {
        return plain(StatusCode::NOT_FOUND, "not found\n".to_owned());
    };
    if resource.is_private() && !peer.to_canonical().is_loopback() {
        return plain(StatusCode::FORBIDDEN, "/debug/ and /dashboard/ answer loopback addresses only\n".to_owned());
    }
    if resource.is_private() && !names_a_machine(&request) {
        let expected = "asked by an unexpected name: expected the Host localhost or an IP address\n";
        return plain(StatusCode::FORBIDDEN, expected.to_owned());
    }
    let takes_drafts = resource.takes_drafts(request.uri().path());
    let is_post = request.method() == Method::POST && takes_drafts;
    if !is_post && !matches!(*request.method(), Method::GET | Method::HEAD) {
        return method_not_allowed(takes_drafts);
    }
    if is_post && !post::is_of_own_page(&request) {
        return plain(StatusCode::FORBIDDEN, "posted by a page of another origin\n".to_owned());
    }
    if resource.needs_place() && !take_place() {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "too many requests for metrics and debugging\n".to_owned());
    }
    let (head, body) = request.into_parts();
    let posted = match if is_post { post::read(body).await.map(Some) } else { Ok(None) } {
        Ok(posted) => posted,
        Err(status) => return plain(status, format!("expected text of at most {} bytes\n", post::LIMIT)),
    };
    match resource {
        Resource::Health => probe(admin.lifecycle.alive(), StatusCode::INTERNAL_SERVER_ERROR),
        Resource::Readiness => probe(admin.lifecycle.ready(), StatusCode::SERVICE_UNAVAILABLE),
        Resource::Metrics => metrics(admin).await,
        Resource::List(list) => show(admin, list).await,
        Resource::Explain => explain(admin, head.uri.query().unwrap_or_default(), posted).await,
        Resource::Entrance | Resource::Dashboard => dashboard(admin, &head.uri, posted).await,
        Resource::Events => events(admin, &head),
    }
}

fn method_not_allowed(takes_drafts: bool) -> AdminResponse {
    let allowed = if takes_drafts { "GET, HEAD, POST" } else { "GET, HEAD" };
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, format!("expected one of {allowed}\n"));
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

/// Whether the request is addressed to `localhost` or an IP address. A page in a browser that reaches this port through a
/// name of its own (DNS rebinding), as with `kubectl port-forward`, sends that name.
fn names_a_machine<B>(request: &Request<B>) -> bool {
    let is_machine = |authority: &Authority| {
        let host = authority.host();
        let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
    };
    let mut hosts = request.headers().get_all(HOST).iter().peekable();
    hosts.peek().is_some()
        && hosts.all(|host| Authority::try_from(host.as_bytes()).is_ok_and(|host| is_machine(&host)))
        && request.uri().authority().is_none_or(is_machine)
}

fn probe(state: Result<(), &'static str>, failed: StatusCode) -> AdminResponse {
    match state {
        Ok(()) => plain(StatusCode::OK, "ok".to_owned()),
        Err(reason) => plain(failed, format!("{reason}\n")),
    }
}

async fn metrics(admin: &Admin) -> AdminResponse {
    let Some(metrics) = admin.metrics.clone() else {
        return plain(StatusCode::NOT_FOUND, "metrics are off: see --enable-metrics\n".to_owned());
    };
    match blocking(move || metrics()).await {
        Ok(text) => response(StatusCode::OK, prometheus::TEXT_FORMAT, text),
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}

async fn show(admin: &Admin, list: List) -> AdminResponse {
    let lists = admin.lists.clone();
    match blocking(move || json(&lists(list)?)).await {
        Ok(text) => response(StatusCode::OK, JSON, text),
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}

async fn explain(admin: &Admin, query: &str, objects: Option<String>) -> AdminResponse {
    let query = match ExplainQuery::parse(query) {
        Ok(query) => ExplainQuery { objects, ..query },
        Err(error) => return plain(StatusCode::BAD_REQUEST, format!("{error}\n")),
    };
    let explain = admin.explain.clone();
    match blocking(move || Ok(explain(&query).map(|value| json(&value)))).await {
        Ok(Ok(Ok(text))) => response(StatusCode::OK, JSON, text),
        Ok(Err(error)) => plain(StatusCode::BAD_REQUEST, format!("{error}\n")),
        Ok(Ok(Err(error))) | Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}

/// A form that is posted has what is otherwise the query.
async fn dashboard(admin: &Admin, uri: &Uri, form: Option<String>) -> AdminResponse {
    let Some(dashboard) = admin.dashboard.clone() else {
        return plain(StatusCode::NOT_FOUND, "the dashboard is off: see --enable-dashboard\n".to_owned());
    };
    let Some(path) = uri.path().strip_prefix(DASHBOARD).map(str::to_owned) else {
        let mut response = plain(StatusCode::FOUND, format!("see {DASHBOARD}\n"));
        response.headers_mut().insert(LOCATION, HeaderValue::from_static(DASHBOARD));
        return response;
    };
    let query = form.unwrap_or_else(|| uri.query().unwrap_or_default().to_owned());
    let mut response = match blocking(move || Ok(dashboard(&path, &query))).await {
        Ok(page) => show_page(page),
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    };
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

fn show_page(Page { status, content_type, body, has_script }: Page) -> AdminResponse {
    let mut response = response(status, content_type, body);
    let policy = if has_script { SCRIPT_POLICY } else { CONTENT_POLICY };
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}

fn events(admin: &Admin, request: &Parts) -> AdminResponse {
    let Some(following) = &admin.following else {
        return plain(StatusCode::NOT_FOUND, "the dashboard is off: see --enable-dashboard\n".to_owned());
    };
    let Some(events) = following.follow(tail::after(request)) else {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "too many follow the requests\n".to_owned());
    };
    let mut response = response(StatusCode::OK, tail::EVENT_STREAM, String::new());
    *response.body_mut() = Either::Right(events);
    response
}

/// Runs a function on a thread that may block. A panic in it is an error of this response alone.
async fn blocking<T: Send + 'static>(run: impl FnOnce() -> Result<T, String> + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(run).await.unwrap_or_else(|error| Err(error.to_string()))
}

fn json(value: &Value) -> Result<String, String> {
    serde_json::to_string_pretty(value).map_err(|error| error.to_string())
}

fn plain(status: StatusCode, text: String) -> AdminResponse {
    response(status, TEXT, text)
}

fn response(status: StatusCode, content_type: &'static str, text: String) -> AdminResponse {
    let mut response = Response::new(Either::Left(Full::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(SERVER, HeaderValue::from_static(SELF));
    response
}
