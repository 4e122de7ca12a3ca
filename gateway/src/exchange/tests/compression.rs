use super::edits::Response;
use super::{Lane, update, view};
use crate::config::{AccessLog, Coding, Compression, GatewaySettings, RoutePolicies, Template};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use std::io::Read;
use std::sync::Arc;

/// A lane whose responses are compressed with gzip, and which logs how much of them.
fn lane() -> Lane {
    let compression = Compression::default();
    let gzip = Coding { enabled: true, ..compression.gzip.clone() };
    let format = "$upstream_response_length $gzip_ratio $brotli_ratio";
    let settings = GatewaySettings {
        compression: Compression { gzip, ..compression },
        access_log: AccessLog { format: Template::parse(format).expect("valid"), ..AccessLog::default() },
        ..GatewaySettings::default()
    };
    let update = update(&[1], RoutePolicies::default());
    Lane::of(
        crate::config::Update { settings: Some(Arc::new(settings)), ..update },
        &Method::GET,
        &[(header::ACCEPT_ENCODING, "gzip")],
    )
}

/// A text of so many bytes.
fn text(length: &'static str) -> Response {
    let lines: [(HeaderName, &str); 3] =
        [(header::CONTENT_TYPE, "text/css"), (header::CONTENT_LENGTH, length), (header::ETAG, "\"a\"")];
    Response(200, lines.map(|(name, value)| (name, HeaderValue::from_static(value))).into_iter().collect())
}

impl Lane {
    fn compress(&mut self, has_body: bool, response: &mut Response) -> bool {
        self.exchange.begin_body(&view(&self.headers), has_body, response)
    }
}

#[test]
fn a_body_is_compressed_piece_by_piece() {
    let mut lane = lane();
    lane.attempt();
    assert!(lane.exchange.response_head(200, true).is_continue());
    let mut response = text("2000");
    assert!(lane.compress(true, &mut response));
    let expected = [
        (header::CONTENT_TYPE, "text/css"),
        (header::CONTENT_ENCODING, "gzip"),
        (header::ETAG, "W/\"a\""),
        (header::VARY, "Accept-Encoding"),
    ];
    assert_eq!(response.1, HeaderMap::from_iter(expected.map(|(name, value)| (name, HeaderValue::from_static(value)))));
    let mut encoded = Vec::new();
    for (piece, is_last) in [("x".repeat(1000), false), (String::new(), false), ("x".repeat(1000), true)] {
        encoded.extend(lane.exchange.encode(Bytes::from(piece), is_last).expect("encodes"));
    }
    let mut body = String::new();
    flate2::read::GzDecoder::new(&*encoded).read_to_string(&mut body).expect("whole");
    assert_eq!(body, "x".repeat(2000));
    let ratio = format!("{:.2}", 2000.0 / encoded.len() as f64);
    assert_eq!(lane.finish(Some(200)).0, format!("2000 {ratio} -"));
}

#[test]
fn other_bodies_stay_as_they_are() {
    let mut lane = lane();
    lane.attempt();
    let mut response = text("255");
    assert!(!lane.compress(true, &mut response));
    assert_eq!(response.1, text("255").1);
    let piece = Bytes::from_static(b"x");
    assert_eq!(lane.exchange.encode(piece.clone(), true).expect("no work").as_ptr(), piece.as_ptr());
    assert_eq!(lane.finish(Some(200)).0, "7 - -");
}

#[test]
fn a_head_alone_is_that_of_get() {
    let lane = &mut lane();
    let request = crate::request::RequestView { method: &Method::HEAD, ..view(&lane.headers) };
    let mut response = text("2000");
    assert!(!lane.exchange.begin_body(&request, false, &mut response), "no body follows");
    assert_eq!(response.1[header::CONTENT_ENCODING], "gzip");
    assert!(!response.1.contains_key(header::CONTENT_LENGTH));
    let mut empty = text("2000");
    assert!(!lane.compress(false, &mut empty));
    assert_eq!(empty.1, text("2000").1, "nothing follows though it was a GET");
}
