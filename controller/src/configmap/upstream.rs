//! Connections to backends, and what passes through them.

use super::entry::Key;
use crate::registry::{BUSY_BUFFERS, LARGEST_HEAD, ValueError};
use crate::snippet::{Address, cookie_rewrites, redirect_from, redirect_to};

const STREAMED: &str = "responses of gRPC are streamed, and Adit chooses the sizes of its buffers";
const BY_ANNOTATION: &str = "ingress-nginx reads it and makes nothing of it, only the annotation of this name counts";

pub(super) const KEYS: &[Key] = &[
    Key::full(
        "upstream-keepalive-connections",
        "320",
        "Limits the idle connections to backends that each worker keeps. Whole number from 0 to 1048576. Read at the \
         start.",
        |value, draft| {
            draft.config.gateway.upstream.idle = value.number(0..=1 << 20, "a whole number from 0 to 1048576")?;
            Ok(())
        },
    ),
    Key::full(
        "upstream-keepalive-timeout",
        "60",
        "Sets how long an idle connection to a backend is kept. Time above 0.",
        |value, draft| {
            draft.config.gateway.upstream.idle_timeout = value.positive_time()?;
            Ok(())
        },
    ),
    Key::full(
        "upstream-keepalive-time",
        "1h",
        "Sets how old a connection to a backend may be to get another request. Time above 0. An older one is closed when the \
         request on it has ended.",
        |value, draft| {
            draft.config.gateway.upstream.lifetime = value.positive_time()?;
            Ok(())
        },
    ),
    Key::full(
        "upstream-keepalive-requests",
        "10000",
        "Limits the requests on one connection to a backend. Whole number from 1. Then it is closed.",
        |value, draft| {
            draft.config.gateway.upstream.requests = value.number(1..=u32::MAX, "a whole number from 1")?;
            Ok(())
        },
    ),
    Key::full(
        "proxy-http-version",
        "1.1",
        "Sets the HTTP version for backends: `1.1` or `1.0`. The annotation of this name overrides it.",
        |value, draft| {
            draft.backend().http_10 = value.http_10()?;
            Ok(())
        },
    ),
    Key::ignored(
        "upstream-hash-by",
        "",
        BY_ANNOTATION,
        "Sets the key of `upstream-hash-by`. A text with nginx variables.",
    ),
    Key::ignored(
        "upstream-hash-by-subset",
        "false",
        BY_ANNOTATION,
        "Makes `upstream-hash-by` choose a subset of the endpoints. Boolean.",
    ),
    Key::ignored(
        "upstream-hash-by-subset-size",
        "3",
        BY_ANNOTATION,
        "Sets how many endpoints a subset of `upstream-hash-by-subset` has. Whole number.",
    ),
    Key::full(
        "proxy-cookie-domain",
        "off",
        "Replaces the domain in the `Set-Cookie` headers of backends: `off`, or the domain to replace and the new one, as \
         nginx's `proxy_cookie_domain` has them.",
        |value, draft| {
            let rewrites = cookie_rewrites(Address::CookieDomain, value.text())?;
            draft.policies().response_rewrites.cookie_domains = rewrites;
            Ok(())
        },
    ),
    Key::full(
        "proxy-cookie-path",
        "off",
        "Replaces the path in the `Set-Cookie` headers of backends: `off`, or the beginning of the path to replace and the \
         new one, as nginx's `proxy_cookie_path` has them.",
        |value, draft| {
            let rewrites = cookie_rewrites(Address::CookiePath, value.text())?;
            draft.policies().response_rewrites.cookie_paths = rewrites;
            Ok(())
        },
    ),
    Key::full(
        "proxy-redirect-from",
        "off",
        "Sets the beginning of the `Location` headers of backends, and of the URL in `Refresh`, that `proxy-redirect-to` \
         replaces, as nginx's `proxy_redirect` has it: a URL, or `~` and a regular expression. `off` leaves them; \
         `default` replaces `http://upstream_balancer/` by `/`, as does a URL without `proxy-redirect-to`.",
        |value, draft| {
            draft.config.routes.proxy_redirect.from = redirect_from(value.text())?;
            Ok(())
        },
    ),
    Key::full(
        "proxy-redirect-to",
        "off",
        "Sets the text that replaces `proxy-redirect-from`, in which nginx variables may stand, or `off`.",
        |value, draft| {
            draft.config.routes.proxy_redirect.to = redirect_to(value.text())?;
            Ok(())
        },
    ),
    Key::full(
        "proxy-ssl-location-only",
        "false",
        "Applies the annotations `proxy-ssl-*` to the paths of their Ingress only, not to the whole host. Boolean.",
        |value, _| match value.bool()? {
            true => Ok(()),
            false => Err(ValueError::Unsupported("is not supported: they apply to the paths of their Ingress only")),
        },
    )
    .but("They always do, as with `true`: no Ingress lends its certificate to the backends of another one."),
    Key::full(
        "proxy-buffering",
        "off",
        "Sets whether a response is read as fast as the backend sends it, however slow the client is: `on` or `off`. It does not \
         apply to gRPC. The annotation of this name overrides it.",
        |value, draft| {
            draft.policies().response_buffering.on = value.on_or_off()?;
            Ok(())
        },
    ),
    Key::full(
        "proxy-request-buffering",
        "on",
        "Sets whether a request body is read to its end before the backend gets it: `on` or `off`. It does not apply to \
         gRPC. The annotation of this name overrides it.",
        |value, draft| {
            draft.policies().request_buffering.on = value.on_or_off()?;
            Ok(())
        },
    ),
    Key::full(
        "max-temp-files-size",
        "1g",
        "Limits the bytes of all temporary files of a Pod together (`--temp-path`), which hold bodies that are buffered. Size \
         above 0. A request body that finds no room is answered with 503, whatever `proxy-body-size` allows; for a response \
         that finds none the backend waits. The volume has to be larger: that of the manifests has 2 GiB, that of the chart \
         twice this size. Adit's own.",
        |value, draft| {
            let bytes = match value.size()? {
                0 => return Err(ValueError::Expected("a size above 0")),
                bytes => bytes,
            };
            (draft.config.gateway.temp_files, draft.config.routes.temp_files) = (bytes, bytes);
            Ok(())
        },
    ),
    Key::full(
        "proxy-buffer-size",
        "4k",
        "Sets the size of the buffers for a response (`proxy-buffering`), and the largest head of one. Size above 0. The \
         annotation of this name overrides it.",
        |value, draft| {
            let bytes = value.buffer_size()?;
            let buffering = &mut draft.policies().response_buffering;
            (buffering.head, buffering.buffer) = (bytes, bytes);
            Ok(())
        },
    )
    .but(LARGEST_HEAD),
    Key::full(
        "proxy-buffers-number",
        "4",
        "Sets how many buffers of a response may wait in memory for a slow client (`proxy-buffering`). Whole number from 1 to \
         65536. The annotation of this name overrides it.",
        |value, draft| {
            draft.policies().response_buffering.buffers = value.buffers()?;
            Ok(())
        },
    ),
    Key::ignored(
        "proxy-busy-buffers-size",
        "8k",
        BUSY_BUFFERS,
        "Sets how many bytes of a response are on their way to a slow client. Size.",
    ),
    Key::full(
        "proxy-max-temp-file-size",
        "1024m",
        "Sets how much of a response may wait for a slow client in a temporary file (`proxy-buffering`). Size; 0 makes no file. \
         Beyond it, or beyond `max-temp-files-size`, the backend waits. The annotation of this name overrides it.",
        |value, draft| {
            draft.policies().response_buffering.file = value.size()?;
            Ok(())
        },
    ),
    Key::ignored("grpc-buffer-size-kb", "0", STREAMED, "Sets the size of the buffer for gRPC responses. Kilobytes."),
];
