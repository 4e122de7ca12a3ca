//! Rules that redirect.

use super::paths::Taken;
use gateway::config::{HttpsRedirect, WwwRedirect};
use serde_json::{Value, json};

/// The redirect to HTTPS.
pub(super) fn to_https(redirect: HttpsRedirect) -> Value {
    let HttpsRedirect { code, port, preserve_trailing_slash: _ } = redirect;
    let mut filter = json!({"scheme": "https", "statusCode": code});
    if let Some(port) = port {
        filter["port"] = port.into();
    }
    redirect_filter(&filter)
}

/// The same rule for who has come over HTTPS to a proxy before Adit: whose `X-Forwarded-Proto` is anything but `http`.
pub(super) fn unless_plain(mut rule: Value) -> Value {
    const OTHER: &str = "[^h].*|h(?:[^t].*)?|ht(?:[^t].*)?|htt(?:[^p].*)?|http.+";
    let header = json!({"type": "RegularExpression", "name": "X-Forwarded-Proto", "value": OTHER});
    for wanted in rule["matches"].as_array_mut().into_iter().flatten() {
        match wanted["headers"].as_array_mut() {
            Some(headers) => headers.push(header.clone()),
            None => wanted["headers"] = json!([header]),
        }
    }
    rule
}

/// `app-root`: from `/` to a path.
pub(super) fn app_root(path: &str) -> Value {
    let path = json!({"type": "ReplaceFullPath", "replaceFullPath": path});
    let filter = redirect_filter(&json!({"path": path, "statusCode": 302}));
    json!({"matches": [{"path": {"type": "Exact", "value": "/"}}], "filters": [filter]})
}

/// From a path to the same with a slash at its end.
pub(super) fn add_slash(taken: &Taken<'_>) -> Value {
    let path = json!({"type": "ReplaceFullPath", "replaceFullPath": format!("{}/", taken.path)});
    let filter = redirect_filter(&json!({"path": path, "statusCode": 301}));
    json!({"matches": [{"path": taken.value()}], "filters": [filter]})
}

/// `from-to-www-redirect`: to the other host.
pub(super) fn www(redirect: &WwwRedirect) -> Value {
    let filter = redirect_filter(&json!({"hostname": &*redirect.to, "statusCode": redirect.code}));
    json!({"filters": [filter]})
}

fn redirect_filter(redirect: &Value) -> Value {
    json!({"type": "RequestRedirect", "requestRedirect": redirect})
}
