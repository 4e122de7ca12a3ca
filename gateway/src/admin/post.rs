//! What is posted: drafts, which are explained and change nothing.

use bytes::Bytes;
use http::header::{HOST, ORIGIN};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Body;
use std::error::Error;

/// The most that may be posted, in bytes.
pub(super) const LIMIT: usize = 256 << 10;

/// Whether no page in a browser has posted it but one of ours. Others could make it work.
pub(super) fn is_of_own_page<B>(request: &Request<B>) -> bool {
    let Some(origin) = request.headers().get(ORIGIN) else { return true };
    let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    origin.is_some_and(|origin| origin.authority().map(|authority| authority.as_str()) == host && host.is_some())
}

/// Reads it as text.
///
/// # Errors
/// The status to answer with: 413 where it is too long, 400 where it is no text or breaks off.
pub(super) async fn read<B>(body: B) -> Result<String, StatusCode>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>,
{
    let collected =
        Limited::new(body, LIMIT).collect().await.map_err(|error| match error.is::<LengthLimitError>() {
            true => StatusCode::PAYLOAD_TOO_LARGE,
            false => StatusCode::BAD_REQUEST,
        })?;
    String::from_utf8(collected.to_bytes().to_vec()).map_err(|_| StatusCode::BAD_REQUEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::Full;

    #[test]
    fn pages_of_others_are_told_apart() {
        let request = |origin: Option<&str>| {
            let request = Request::post("/dashboard/why").header(HOST, "localhost:10254");
            let request = origin.into_iter().fold(request, |request, origin| request.header(ORIGIN, origin));
            request.body(()).expect("a request")
        };
        assert!(is_of_own_page(&request(None)));
        assert!(is_of_own_page(&request(Some("http://localhost:10254"))));
        for other in ["http://localhost:8080", "https://attacker.example", "null", ""] {
            assert!(!is_of_own_page(&request(Some(other))), "{other}");
        }
    }

    #[tokio::test]
    async fn only_so_much_is_read() {
        assert_eq!(read(Full::from(vec![b'a'; LIMIT])).await.map(|text| text.len()), Ok(LIMIT));
        assert_eq!(read(Full::from(vec![b'a'; LIMIT + 1])).await, Err(StatusCode::PAYLOAD_TOO_LARGE));
        assert_eq!(read(Full::from(vec![0xff])).await, Err(StatusCode::BAD_REQUEST));
    }
}
