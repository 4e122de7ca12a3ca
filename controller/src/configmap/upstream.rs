//! Connections to backends, and what passes through them.

use super::builder::ConfigBuilder;
use super::entry::Key;
use super::error::KeyError;
use super::value::Value;

const STREAMED: &str = "bodies are streamed, and buffers grow as they must";

pub(super) const KEYS: &[Key] = &[
    Key::full(
        "upstream-keepalive-connections",
        "320",
        "Idle connections to backends that a worker keeps. Read when a worker starts.",
        |value, draft| {
            draft.config.gateway.upstream.idle = value.number(0..=1 << 20, "a whole number up to 1048576")?;
            Ok(())
        },
    ),
    Key::full("upstream-keepalive-timeout", "60", "How long an idle connection is kept.", |value, draft| {
        draft.config.gateway.upstream.idle_timeout = value.positive_time()?;
        Ok(())
    }),
    Key::planned("upstream-keepalive-time", "1h", "How long a connection may be used at all."),
    Key::planned("upstream-keepalive-requests", "10000", "Requests on one connection."),
    Key::planned("proxy-http-version", "1.1", "The version of HTTP towards backends."),
    Key::planned("upstream-hash-by", "", "Requests for which this text is equal go to one endpoint."),
    Key::planned("upstream-hash-by-subset", "false", "They go to several endpoints. Boolean."),
    Key::planned("upstream-hash-by-subset-size", "3", "How many."),
    Key::planned("proxy-cookie-domain", "off", "Replaces the domain of backends' cookies."),
    Key::planned("proxy-cookie-path", "off", "Replaces the path of backends' cookies."),
    Key::planned("proxy-redirect-from", "off", "The beginning of backends' `Location` that is replaced."),
    Key::planned("proxy-redirect-to", "off", "What replaces it."),
    Key::planned("proxy-ssl-location-only", "false", "TLS settings towards backends are per path. Boolean."),
    Key::full("proxy-buffering", "off", "Whether answers are buffered: `on` or `off`.", streamed)
        .but("Answers are always streamed, as with `off`."),
    Key::full("proxy-request-buffering", "on", "Whether request bodies are buffered: `on` or `off`.", streamed)
        .but("Request bodies are always streamed, as with `off`."),
    Key::ignored("proxy-buffer-size", "4k", STREAMED, "The buffer for the head of an answer."),
    Key::ignored("proxy-buffers-number", "4", STREAMED, "How many buffers an answer has."),
    Key::ignored("proxy-busy-buffers-size", "8k", STREAMED, "How much of an answer may wait for the client."),
    Key::ignored("proxy-max-temp-file-size", "1024m", STREAMED, "How much of an answer may go to a file."),
    Key::ignored("grpc-buffer-size-kb", "0", STREAMED, "The buffer for gRPC."),
];

fn streamed(value: Value<'_>, _: &mut ConfigBuilder<'_>) -> Result<(), KeyError> {
    match value.text() {
        "off" => Ok(()),
        "on" => Err(KeyError::Unsupported("is not supported: bodies are streamed, as with \"off\"")),
        _ => Err(KeyError::Expected("\"on\" or \"off\"")),
    }
}
