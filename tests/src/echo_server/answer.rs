//! What a request asks for.

use crate::echo::content;
use bytes::Bytes;
use http::StatusCode;
use http_body_util::StreamBody;
use hyper::body::Frame;
use std::convert::Infallible;
use std::time::Duration;
use tonic::body::Body;

/// Bytes of content that are made at once.
const PIECE: u64 = 64 << 10;

/// What a path asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// `/health`: whether the server is ready.
    Health,
    /// `/bytes/COUNT`: so much content.
    Content(u64),
    /// `/status/CODE`, 200 to 599: what was received, with this status.
    Status(StatusCode),
    /// `/sleep/SECONDS`, or parts of them: what was received, after so long.
    Late(Duration),
    /// All else: what was received.
    Echo,
}

impl Answer {
    /// What this path asks for. One that only looks like it asks for something special is a path like any other.
    pub(super) fn to(path: &str) -> Self {
        let special = match path.strip_prefix('/').and_then(|path| path.split_once('/')) {
            Some(("bytes", count)) => count.parse().ok().map(Self::Content),
            Some(("status", code)) => status(code).map(Self::Status),
            Some(("sleep", seconds)) => duration(seconds).map(Self::Late),
            _ => (path == "/health").then_some(Self::Health),
        };
        special.unwrap_or(Self::Echo)
    }
}

/// A final status.
pub(super) fn status(code: &str) -> Option<StatusCode> {
    code.parse::<StatusCode>().ok().filter(|status| (200..600).contains(&status.as_u16()))
}

fn duration(seconds: &str) -> Option<Duration> {
    seconds.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

/// So much content, made as it is sent.
pub(super) fn body(length: u64) -> Body {
    let pieces = futures_util::stream::unfold(0, move |offset| async move {
        let piece = PIECE.min(length - offset);
        (piece > 0).then(|| (Ok::<_, Infallible>(frame(offset, piece)), offset + piece))
    });
    Body::new(StreamBody::new(pieces))
}

fn frame(offset: u64, length: u64) -> Frame<Bytes> {
    Frame::data(content(offset, length as usize))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn some_paths_ask_for_something_special() {
        for (path, expected) in [
            ("/health", Answer::Health),
            ("/bytes/0", Answer::Content(0)),
            ("/bytes/1048576", Answer::Content(1 << 20)),
            ("/status/503", Answer::Status(StatusCode::SERVICE_UNAVAILABLE)),
            ("/sleep/30", Answer::Late(Duration::from_secs(30))),
            ("/sleep/0.25", Answer::Late(Duration::from_millis(250))),
        ] {
            assert_eq!(Answer::to(path), expected, "{path}");
        }
    }

    #[test]
    fn what_only_looks_like_it_is_a_path_like_any_other() {
        for path in ["", "/", "*", "/health/", "/healthy", "/bytes/", "/bytes/-1", "/bytes/1/2", "/status/20"] {
            assert_eq!(Answer::to(path), Answer::Echo, "{path}");
        }
        for path in ["/status/100", "/status/600", "/sleep/-1", "/sleep/NaN", "/sleep/inf", "/a/sleep/1"] {
            assert_eq!(Answer::to(path), Answer::Echo, "{path}");
        }
    }

    proptest! {
        #[test]
        fn no_path_makes_it_panic(path in "/(bytes|status|sleep)/\\PC{0,30}") {
            Answer::to(&path);
        }
    }
}
