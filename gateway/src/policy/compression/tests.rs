use super::*;
use bytes::Bytes;
use http::HeaderValue;
use http::{HeaderName, Method};
use proptest::prelude::*;
use std::io::Read;

const ALL: [Coding; 3] = [Coding::Gzip, Coding::Brotli, Coding::Zstd];

/// With these codings, all of which compress text from 10 bytes on.
fn configured(codings: &[Coding]) -> config::Compression {
    let default = config::Compression::default();
    let coding = |coding, of: &config::Coding| config::Coding {
        enabled: codings.contains(&coding),
        min_length: 10,
        ..of.clone()
    };
    config::Compression {
        gzip: coding(Coding::Gzip, &default.gzip),
        brotli: coding(Coding::Brotli, &default.brotli),
        zstd: coding(Coding::Zstd, &default.zstd),
        ..default.clone()
    }
}

fn headers(lines: &[(HeaderName, &str)]) -> HeaderMap {
    lines.iter().map(|(name, value)| (name.clone(), value.parse().expect("a value"))).collect()
}

fn verdict_of(
    configured: &config::Compression,
    version: Version,
    request: &[(HeaderName, &str)],
    status: u16,
    response: &[(HeaderName, &str)],
) -> Verdict {
    let (request, response) = (headers(request), headers(response));
    let request_headers = Headers::from(&request);
    let request = RequestView::new(&Method::GET, b"/", &request_headers, version);
    let compression = Compression::compile(configured).expect("something is compressed");
    compression.verdict(&request, &ResponseView { status, headers: &response })
}

/// What becomes of a text for a client that accepts this.
fn chosen(codings: &[Coding], accept: &str) -> Option<Coding> {
    let request = [(header::ACCEPT_ENCODING, accept)];
    match verdict_of(&configured(codings), Version::HTTP_2, &request, 200, &[(header::CONTENT_TYPE, "text/css")]) {
        Verdict::Encoded(encoded) => Some(encoded.coding),
        Verdict::Varies => None,
        Verdict::Unfit => panic!("a text fits"),
    }
}

/// The same of another response, for a client that accepts gzip.
fn becomes(status: u16, response: &[(HeaderName, &str)]) -> Verdict {
    verdict_of(&configured(&[Coding::Gzip]), Version::HTTP_11, &[(header::ACCEPT_ENCODING, "gzip")], status, response)
}

#[test]
fn a_client_gets_what_it_likes_most() {
    for (accept, coding) in [
        ("gzip, br, zstd", Some(Coding::Zstd)),
        ("gzip, br", Some(Coding::Brotli)),
        ("gzip, deflate, br;q=0.9", Some(Coding::Gzip)),
        ("gzip;q=0.5, br;q=0.4, zstd;q=0.3", Some(Coding::Gzip)),
        ("gzip;q=0.5, identity;q=0.4", Some(Coding::Gzip)),
        ("gzip;q=0.5, identity", None),
        ("gzip, identity", Some(Coding::Gzip)),
        ("gzip, identity;q=0", Some(Coding::Gzip)),
        ("*", Some(Coding::Gzip)),
        ("*;q=0", None),
        ("*, gzip;q=0", None),
        ("br, *;q=0", Some(Coding::Brotli)),
        ("identity", None),
        ("deflate", None),
        ("", None),
        ("gzip;q=0, br;q=0.000", None),
    ] {
        assert_eq!(chosen(&ALL, accept), coding, "{accept}");
    }
    assert_eq!(chosen(&[Coding::Gzip], "gzip;q=0.1, br, zstd"), Some(Coding::Gzip));
}

#[test]
fn some_responses_stay_as_they_are() {
    let css = (header::CONTENT_TYPE, "text/css; charset=utf-8");
    let fits = |status, more: &[(HeaderName, &str)]| becomes(status, &[std::slice::from_ref(&css), more].concat());
    for status in [200, 403, 404] {
        assert!(matches!(fits(status, &[]), Verdict::Encoded(_)), "{status}");
    }
    for status in [201, 204, 206, 301, 304, 401, 500, 503] {
        assert_eq!(fits(status, &[]), Verdict::Unfit, "{status}");
    }
    for (name, value) in [
        (header::CONTENT_ENCODING, "br"),
        (header::CONTENT_ENCODING, "identity"),
        (header::CACHE_CONTROL, "max-age=1, No-Transform"),
        (header::CONTENT_LENGTH, "9"),
        (header::CONTENT_LENGTH, "0"),
    ] {
        assert_eq!(fits(200, &[(name, value)]), Verdict::Unfit, "{value}");
    }
    let encoded = Verdict::Encoded(Encoded { coding: Coding::Gzip, level: 1, length: Some(10) });
    assert_eq!(fits(200, &[(header::CONTENT_LENGTH, "10")]), encoded);
}

#[test]
fn the_type_decides() {
    let of = |media_type| becomes(200, &[(header::CONTENT_TYPE, media_type)]);
    for media_type in ["text/html", "TEXT/Html;charset=x", "application/json", " image/svg+xml "] {
        assert!(matches!(of(media_type), Verdict::Encoded(_)), "{media_type}");
    }
    for media_type in ["image/png", "text/htm", "text/html2", "text/event-stream", "application/grpc+json", ""] {
        assert_eq!(of(media_type), Verdict::Unfit, "{media_type}");
    }
    assert_eq!(becomes(200, &[]), Verdict::Unfit, "without a type");
    let mut all = configured(&[Coding::Gzip]);
    all.gzip.types = MediaTypes::All;
    let of_all = |lines: &[_]| verdict_of(&all, Version::HTTP_11, &[(header::ACCEPT_ENCODING, "gzip")], 200, lines);
    assert!(matches!(of_all(&[]), Verdict::Encoded(_)));
    assert!(matches!(of_all(&[(header::CONTENT_TYPE, "image/png")]), Verdict::Encoded(_)));
    for never in
        ["text/event-stream;charset=utf-8", "Text/Event-Stream", "application/grpc", "application/grpc-web+proto"]
    {
        assert_eq!(of_all(&[(header::CONTENT_TYPE, never)]), Verdict::Unfit, "{never}");
    }
}

#[test]
fn each_coding_has_its_own_rules() {
    let mut configured = configured(&ALL);
    configured.zstd.min_length = 100;
    configured.brotli.types = MediaTypes::HtmlAnd(["a/b".into()].into());
    let of = |media_type: &str, length: &str| {
        let request = [(header::ACCEPT_ENCODING, "gzip, br, zstd")];
        let response = [(header::CONTENT_TYPE, media_type), (header::CONTENT_LENGTH, length)];
        match verdict_of(&configured, Version::HTTP_11, &request, 200, &response) {
            Verdict::Encoded(encoded) => Some(encoded.coding),
            _ => None,
        }
    };
    assert_eq!(of("text/css", "100"), Some(Coding::Zstd));
    assert_eq!(of("text/css", "99"), Some(Coding::Gzip));
    assert_eq!(of("a/b", "99"), Some(Coding::Brotli));
    assert_eq!(of("text/html", "9"), None);
}

#[test]
fn some_clients_get_no_compressed_response() {
    let text = [(header::CONTENT_TYPE, "text/css")];
    let accept = (header::ACCEPT_ENCODING, "gzip");
    let of = |configured: &config::Compression, version, more: &[(HeaderName, &str)]| {
        verdict_of(configured, version, &[std::slice::from_ref(&accept), more].concat(), 200, &text)
    };
    let gzip = configured(&[Coding::Gzip]);
    assert_eq!(of(&gzip, Version::HTTP_10, &[]), Verdict::Varies);
    assert_eq!(of(&gzip, Version::HTTP_11, &[(header::CACHE_CONTROL, "no-transform")]), Verdict::Unfit);
    let disabled = |clients: &[DisabledClients], agent: &str| {
        let configured = config::Compression { gzip_disable: clients.into(), ..gzip.clone() };
        of(&configured, Version::HTTP_11, &[(header::USER_AGENT, agent)]) == Verdict::Varies
    };
    let old = [DisabledClients::Msie6];
    for (agent, is_disabled) in [
        ("Mozilla/45.0 (compatible; MSIE 6.0; Windows NT 5.1)", true),
        ("Mozilla/4.0 (compatible; MSIE 5.5; Windows)", true),
        ("Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1)", false),
        ("Mozilla/4.0 (compatible; MSIE 7.0; Windows)", false),
        ("Mozilla/4.8 [en] (Windows NT 5.1; U)", false),
        ("MSIE 6.", false),
        ("", false),
    ] {
        assert_eq!(disabled(&old, agent), is_disabled, "{agent}");
    }
    let pattern = [DisabledClients::Pattern("^curl/[0-7]".into())];
    assert!(disabled(&pattern, "Curl/7.1") && !disabled(&pattern, "curl/8.1") && !disabled(&pattern, "a curl/7"));
}

#[test]
fn nothing_is_compiled_where_nothing_is_compressed() {
    assert!(Compression::compile(&config::Compression::default()).is_none());
}

#[test]
fn etags_become_weak() {
    let weak = |etag| weak_etag(&HeaderValue::from_static(etag));
    assert_eq!(weak("\"a\""), Some(HeaderValue::from_static("W/\"a\"")));
    assert_eq!(weak("W/\"a\""), Some(HeaderValue::from_static("W/\"a\"")));
    assert_eq!((weak("a"), weak("W/"), weak("")), (None, None, None));
}

/// What a client makes of a body, also where it is not whole.
fn decoded(coding: Coding, encoded: &[u8]) -> (Vec<u8>, bool) {
    let mut decoder: Box<dyn Read + '_> = match coding {
        Coding::Gzip => Box::new(flate2::read::GzDecoder::new(encoded)),
        Coding::Brotli => Box::new(brotli::Decompressor::new(encoded, 4096)),
        Coding::Zstd => Box::new(zstd::stream::read::Decoder::new(encoded).expect("a decoder")),
    };
    let (mut body, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        match decoder.read(&mut piece) {
            Ok(0) => return (body, true),
            Ok(length) => body.extend_from_slice(&piece[..length]),
            Err(_) => return (body, false),
        }
    }
}

fn coding() -> impl Strategy<Value = (Coding, u8)> {
    prop_oneof![(Just(Coding::Gzip), 1..=9_u8), (Just(Coding::Brotli), 0..=6_u8), (Just(Coding::Zstd), 1..=6_u8),]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_piece_can_be_read_at_once_and_the_end_is_seen(
        (coding, level) in coding(),
        pieces in prop::collection::vec(prop_oneof!["[ab ]{0,300}", "[ -~]{0,20000}"], 1..6),
        knows_length: bool,
    ) {
        let whole = pieces.concat().into_bytes();
        let length = knows_length.then_some(whole.len() as u64);
        let mut encoder = Encoder::new(Encoded { coding, level, length }).expect("room");
        let (mut sent, mut received) = (Vec::new(), 0);
        for piece in &pieces {
            sent.extend_from_slice(&encoder.encode(piece.as_bytes(), false).expect("encodes"));
            received += piece.len();
            let (seen, is_whole) = decoded(coding, &sent);
            prop_assert_eq!(&seen, &whole[..received]);
            prop_assert!(!is_whole || sent.is_empty() || whole.is_empty());
        }
        sent.extend_from_slice(&encoder.encode(b"", true).expect("encodes"));
        prop_assert_eq!(decoded(coding, &sent), (whole, true));
        prop_assert_eq!((encoder.received(), encoder.sent()), (received as u64, sent.len() as u64));
    }
}

#[test]
fn a_body_that_does_not_become_smaller_is_whole_too() {
    let noise: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(100_000).collect();
    for coding in ALL {
        let mut encoder = Encoder::new(Encoded { coding, level: 1, length: None }).expect("room");
        let encoded = encoder.encode(&noise, true).expect("encodes");
        assert_eq!(decoded(coding, &encoded), (noise.clone(), true), "{coding:?}");
    }
}

#[test]
fn a_body_without_the_length_that_was_said_is_no_whole_one() {
    let mut encoder = Encoder::new(Encoded { coding: Coding::Zstd, level: 1, length: Some(5) }).expect("room");
    encoder.encode(b"four", false).expect("encodes");
    assert!(encoder.encode(b"", true).is_err());
}

#[test]
fn the_encoders_of_a_worker_have_so_much_memory_and_no_more() {
    let encoded = Encoded { coding: Coding::Zstd, level: 6, length: None };
    let all: Vec<_> = std::iter::from_fn(|| Encoder::new(encoded)).collect();
    assert_eq!(all.len(), (64 << 20) / (2900 << 10));
    assert!(Encoder::new(Encoded { coding: Coding::Brotli, ..encoded }).is_none());
    drop(all);
    assert_eq!(Encoder::new(encoded).expect("room").encode(b"", false).expect("nothing"), Bytes::new());
}
