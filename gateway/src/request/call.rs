//! Calls of gRPC: how they are told from other requests, and what they call.

use crate::headers::{Fields, Headers};
use http::HeaderValue;

/// The media type of calls and of answers to them.
pub(crate) const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// Whether a request is a call. gRPC-Web is not gRPC: its clients understand HTTP.
pub(crate) fn is_call(headers: &Headers) -> bool {
    let content_type = headers.first("content-type").unwrap_or_default();
    match content_type.split_at_checked(GRPC.len()) {
        Some((head, rest)) => {
            head.eq_ignore_ascii_case(GRPC.as_bytes()) && matches!(rest.first(), None | Some(b'+' | b';' | b' '))
        }
        None => false,
    }
}

/// The service and the method of the path of a call.
pub(crate) fn service_and_method(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let names = path.strip_prefix(b"/")?;
    let slash = memchr::memrchr(b'/', names)?;
    Some((&names[..slash], &names[slash + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header;

    #[test]
    fn calls_have_the_media_type_of_grpc() {
        let is_call = |value: &'static str| {
            is_call(&[(header::CONTENT_TYPE, HeaderValue::from_static(value))].into_iter().collect())
        };
        for call in ["application/grpc", "application/grpc+proto", "Application/GRPC", "application/grpc; x=y"] {
            assert!(is_call(call), "{call}");
        }
        for other in ["application/grpc-web", "application/grpc-web+proto", "application/grp", "text/html", ""] {
            assert!(!is_call(other), "{other}");
        }
    }

    #[test]
    fn a_path_names_a_service_and_a_method() {
        let names = |path: &'static str| {
            let text = |bytes| std::str::from_utf8(bytes).expect("a part of a text");
            service_and_method(path.as_bytes()).map(|(service, method)| (text(service), text(method)))
        };
        assert_eq!(names("/shop.Cart/Add"), Some(("shop.Cart", "Add")));
        assert_eq!(names("/a/b/c"), Some(("a/b", "c")));
        for other in ["/", "/shop.Cart", "*", ""] {
            assert_eq!(names(other), None, "{other}");
        }
    }
}
