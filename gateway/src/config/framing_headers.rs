/// Headers that frame a message, or hold for one connection only, in lower case. Gateways set them on each side by
/// themselves: a value of somebody else's makes two sides disagree on where a message ends.
pub const FRAMING_HEADERS: [&str; 9] = [
    "connection",
    "content-length",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
