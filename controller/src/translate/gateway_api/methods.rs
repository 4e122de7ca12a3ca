use http::Method;

/// Those that Gateway API knows.
const METHODS: [Method; 9] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::DELETE,
    Method::CONNECT,
    Method::OPTIONS,
    Method::TRACE,
    Method::PATCH,
];

/// That of this name, with regard to case.
pub(super) fn named(text: &str) -> Option<Method> {
    METHODS.into_iter().find(|method| method.as_str() == text)
}
