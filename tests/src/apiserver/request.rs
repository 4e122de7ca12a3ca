use crate::wire::{RequestHead, header};
use anyhow::{Context, Result};
use serde_json::Value;

/// A request about objects.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) target: String,
    /// The name in URLs, such as `ingresses`.
    pub(super) resource: String,
    /// The same with the subresource, as rules of RBAC have it: `ingresses/status`.
    pub(super) rule: String,
    pub(super) namespace: Option<String>,
    /// `None` for lists and watches, and for what is to be created.
    pub(super) name: Option<String>,
    pub(super) content_type: Option<String>,
    /// `null` if there is none.
    pub(super) body: Value,
    pub(super) selectors: Vec<Selector>,
    /// A selector of fields cannot be understood.
    pub(super) is_malformed: bool,
    pub(super) is_watch: bool,
    /// Where a watch begins.
    pub(super) version: Option<u64>,
    /// Where a page begins.
    pub(super) offset: usize,
    pub(super) token: Option<String>,
    /// How many orders were given before it: those are not for this watch.
    pub(super) orders: usize,
}

/// One requirement of a selector.
#[derive(Debug)]
pub(super) struct Selector {
    /// A JSON pointer; labels are looked up by their whole name.
    path: Vec<String>,
    value: String,
    is_equal: bool,
}

impl Request {
    pub(super) fn parse(head: &RequestHead, body: &[u8]) -> Result<Self> {
        let url = http::Uri::try_from(&head.target)?;
        let segments: Vec<_> = url.path().split('/').map(str::to_owned).collect();
        // After `/api/v1` or `/apis/group/v1`.
        let version = if segments.get(1).is_some_and(|first| first == "api") { 3 } else { 4 };
        let (namespace, place) = match segments.get(version..).context("no resource")? {
            [namespaces, namespace, place @ ..] if namespaces == "namespaces" && !place.is_empty() => {
                (Some(namespace.clone()), place)
            }
            place => (None, place),
        };
        let resource = place.first().context("no resource")?.clone();
        let text = |name: &str| header(&head.headers, name);
        let mut request = Self {
            method: head.method.clone(),
            target: head.target.clone(),
            rule: place.get(2).map_or(resource.clone(), |subresource| format!("{resource}/{subresource}")),
            resource,
            namespace,
            name: place.get(1).cloned(),
            content_type: text("content-type"),
            body: if body.is_empty() { Value::Null } else { serde_json::from_slice(body)? },
            selectors: Vec::new(),
            is_malformed: false,
            is_watch: false,
            version: None,
            offset: 0,
            orders: 0,
            token: text("authorization").and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned)),
        };
        for (name, value) in form_urlencoded::parse(url.query().unwrap_or_default().as_bytes()) {
            match &*name {
                "watch" => request.is_watch = value == "true",
                "resourceVersion" => request.version = Some(value.parse()?),
                "continue" => request.offset = value.parse()?,
                "fieldSelector" => match value.split(',').map(Selector::of_field).collect::<Option<Vec<_>>>() {
                    Some(selectors) => request.selectors.extend(selectors),
                    None => request.is_malformed = true,
                },
                "labelSelector" => request.selectors.extend(value.split(',').filter_map(Selector::of_label)),
                _ => {}
            }
        }
        Ok(request)
    }
}

impl Selector {
    fn of_field(text: &str) -> Option<Self> {
        let (path, value, is_equal) = split(text)?;
        Some(Self { path: path.split('.').map(str::to_owned).collect(), value, is_equal })
    }

    fn of_label(text: &str) -> Option<Self> {
        let (label, value, is_equal) = split(text)?;
        Some(Self { path: vec!["metadata".to_owned(), "labels".to_owned(), label.to_owned()], value, is_equal })
    }

    pub(super) fn selects(&self, object: &Value) -> bool {
        let found = self.path.iter().try_fold(object, |value, step| value.get(step));
        (found.and_then(Value::as_str) == Some(&self.value)) == self.is_equal
    }
}

fn split(text: &str) -> Option<(&str, String, bool)> {
    let equal = || text.split_once('=').map(|(path, value)| (path, value.to_owned(), true));
    text.split_once("!=").map(|(path, value)| (path, value.to_owned(), false)).or_else(equal)
}
