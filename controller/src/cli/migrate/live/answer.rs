//! What a gateway answers to one request.

use super::address::Address;
use super::sample::Request;
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::client::conn::http1;
use twox_hash::XxHash3_128;

/// How many bytes of a body are read: of a longer one the beginning is compared.
pub(super) const MOST: u64 = 64 << 20;

/// What is asked with, where the log does not say.
const USER_AGENT: &str = concat!("adit-migrate/", env!("CARGO_PKG_VERSION"));

/// What came of a request.
#[derive(Debug)]
pub(super) enum Answer {
    /// It was answered.
    Whole { status: StatusCode, headers: HeaderMap, body: Body },
    /// It was not: why.
    Failed(String),
}

/// A body, as its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Body {
    pub(super) hash: u128,
    /// In bytes, up to [`MOST`].
    pub(super) length: u64,
    pub(super) is_whole: bool,
}

/// Asks on a connection of its own. Redirects are not followed.
///
/// # Errors
/// There is no whole answer: says why.
pub(super) async fn ask(address: &Address, request: &Request) -> Result<Answer, String> {
    let stream = address.connect(&request.host).await.map_err(|error| format!("no connection: {error:#}"))?;
    let (mut sender, connection) = http1::handshake(stream).await.map_err(|error| error.to_string())?;
    // It fails together with the request, and ends with the answer, of which not all may have been read.
    let connection = tokio::spawn(connection);
    let answer = async {
        let response = sender.send_request(message(request)?).await.map_err(|error| error.to_string())?;
        let (head, body) = response.into_parts();
        let body = read(body).await.map_err(|error| format!("the answer breaks off: {error}"))?;
        Ok(Answer::Whole { status: head.status, headers: head.headers, body })
    };
    let answer = answer.await;
    connection.abort();
    answer
}

fn message(request: &Request) -> Result<http::Request<Empty<Bytes>>, String> {
    http::Request::builder()
        .method(if request.is_head { Method::HEAD } else { Method::GET })
        .uri(&*request.target)
        .header(header::HOST, &*request.host)
        .header(header::USER_AGENT, request.user_agent.as_deref().unwrap_or(USER_AGENT))
        .header(header::ACCEPT, "*/*")
        .body(Empty::new())
        .map_err(|error| error.to_string())
}

/// Hashes a body as it comes, up to [`MOST`].
async fn read(mut body: Incoming) -> hyper::Result<Body> {
    let (mut hasher, mut length) = (XxHash3_128::new(), 0);
    while length < MOST {
        let Some(frame) = body.frame().await else { break };
        let Ok(data) = frame?.into_data() else { continue };
        let left = usize::try_from(MOST - length).unwrap_or(usize::MAX);
        let data = &data[..data.len().min(left)];
        hasher.write(data);
        length += data.len() as u64;
    }
    Ok(Body { hash: hasher.finish_128(), length, is_whole: length < MOST || body.is_end_stream() })
}
