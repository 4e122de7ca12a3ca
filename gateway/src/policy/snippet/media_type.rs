use http::HeaderValue;

/// The media types by which nginx knows a text by its extension (`conf/mime.types`).
const TYPES: [(&str, &str); 12] = [
    ("atom", "application/atom+xml"),
    ("css", "text/css"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("js", "application/javascript"),
    ("json", "application/json"),
    ("m3u8", "application/vnd.apple.mpegurl"),
    ("rss", "application/rss+xml"),
    ("shtml", "text/html"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain"),
    ("xml", "text/xml"),
];

/// The type of a text at this path, by its extension, as nginx: ngx_http_set_exten.
pub(super) fn of_path(path: &[u8]) -> Option<HeaderValue> {
    let name = path.rsplit(|byte| *byte == b'/').next()?;
    let extension = &name[memchr::memrchr(b'.', name)? + 1..];
    let found = TYPES.iter().find(|(known, _)| extension.eq_ignore_ascii_case(known.as_bytes()));
    found.map(|(_, media_type)| HeaderValue::from_static(media_type))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_extension_of_the_last_element_counts() {
        let of = |path: &str| of_path(path.as_bytes()).map(|found| found.to_str().expect("text").to_owned());
        assert_eq!(of("/robots.txt").as_deref(), Some("text/plain"));
        assert_eq!(of("/a.txt.JSON").as_deref(), Some("application/json"));
        for none in ["/", "/a", "/a.txt/b", "/a.unknown", "/a.", "/txt"] {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
