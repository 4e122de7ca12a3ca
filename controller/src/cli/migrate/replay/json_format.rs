//! Lines of JSON: an object each, as a `log-format-upstream` with `log-format-escape-json` writes them. Fields are known by
//! the names of nginx's variables, and by those that people give them instead.

use super::default_format::request_line;
use super::parts::{Parts, Unreadable};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// What a field says, and its names. Of several in one line the first counts that has a value.
const FIELDS: [(Field, &[&str]); 12] = [
    (Field::Host, &["host", "http_host", "vhost", "request_host", "server_name"]),
    (Field::Scheme, &["scheme"]),
    (Field::Client, &["remote_addr", "client_ip", "client"]),
    (Field::Method, &["request_method", "method"]),
    (Field::Target, &["request_uri", "uri", "path", "url"]),
    (Field::Query, &["args", "query_string", "request_query", "query"]),
    (Field::Request, &["request"]),
    (Field::Status, &["status"]),
    (Field::Upstream, &["proxy_upstream_name", "upstream_name"]),
    (Field::UpstreamAddress, &["upstream_addr"]),
    (Field::UserAgent, &["http_user_agent", "user_agent"]),
    (Field::Referer, &["http_referer", "http_referrer", "referer"]),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Host,
    Scheme,
    Client,
    Method,
    Target,
    Query,
    Request,
    Status,
    Upstream,
    UpstreamAddress,
    UserAgent,
    Referer,
}

/// Reads a line.
pub(super) fn parse(line: &str) -> Result<Parts<'_>, Unreadable> {
    let Found(mut found) = serde_json::from_str(line).map_err(|_| Unreadable::Format)?;
    let mut take = |field: Field| found[field as usize].take().map(|(_, value)| value);
    let status = take(Field::Status).ok_or(Unreadable::Format)?;
    let request = take(Field::Request);
    let (method, target) = match (take(Field::Method), take(Field::Target), &request) {
        (Some(method), Some(target), _) => (method, target),
        (_, _, Some(request)) => {
            let (method, target) = request_line(request).ok_or(Unreadable::Request)?;
            (method.to_owned().into(), target.to_owned().into())
        }
        _ => return Err(Unreadable::Format),
    };
    let query = take(Field::Query).filter(|query| !matches!(&**query, "" | "-") && !target.contains('?'));
    let target = match query {
        Some(query) => format!("{target}?{query}").into(),
        None => target,
    };
    Ok(Parts {
        host: take(Field::Host).unwrap_or_default(),
        scheme: take(Field::Scheme).unwrap_or_default(),
        client: take(Field::Client).unwrap_or_default(),
        method,
        target: match target {
            Cow::Borrowed(target) => target.as_bytes().into(),
            Cow::Owned(target) => target.into_bytes().into(),
        },
        status,
        upstream: take(Field::Upstream),
        upstream_address: take(Field::UpstreamAddress).unwrap_or_default(),
        user_agent: take(Field::UserAgent).unwrap_or_default(),
        referer: take(Field::Referer).unwrap_or_default(),
    })
}

/// The values of the fields that are known, each with the place of its name among those of its field.
struct Found<'l>([Option<(usize, Cow<'l, str>)>; FIELDS.len()]);

impl<'l> Deserialize<'l> for Found<'l> {
    fn deserialize<D: Deserializer<'l>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'l> Visitor<'l> for Object {
            type Value = Found<'l>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'l>>(self, mut map: A) -> Result<Found<'l>, A::Error> {
                let mut found = Found(Default::default());
                while let Some(Text(name)) = map.next_key()? {
                    match place(&name) {
                        Some((field, rank)) => {
                            let Text(value) = map.next_value()?;
                            let slot = &mut found.0[field as usize];
                            let is_better = slot.as_ref().is_none_or(|(other, text)| rank < *other || text.is_empty());
                            if is_better && !(value.is_empty() && slot.is_some()) {
                                *slot = Some((rank, value));
                            }
                        }
                        None => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(found)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// The field of this name, and which of its names it is.
fn place(name: &str) -> Option<(Field, usize)> {
    FIELDS.iter().find_map(|(field, names)| Some((*field, names.iter().position(|known| *known == name)?)))
}

/// A value as text: a number as it is written, and what is neither text nor number as nothing.
struct Text<'l>(Cow<'l, str>);

impl<'l> Deserialize<'l> for Text<'l> {
    fn deserialize<D: Deserializer<'l>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'l> Visitor<'l> for Any {
            type Value = Text<'l>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_borrowed_str<E>(self, text: &'l str) -> Result<Text<'l>, E> {
                Ok(Text(text.into()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'l>, E> {
                Ok(Text(text.to_owned().into()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Text<'l>, E> {
                Ok(Text(number.to_string().into()))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Text<'l>, E> {
                Ok(Text(Cow::default()))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Text<'l>, E> {
                Ok(Text(Cow::default()))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Text<'l>, E> {
                Ok(Text(Cow::default()))
            }

            fn visit_unit<E>(self) -> Result<Text<'l>, E> {
                Ok(Text(Cow::default()))
            }

            fn visit_seq<A: SeqAccess<'l>>(self, mut items: A) -> Result<Text<'l>, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Text(Cow::default()))
            }

            fn visit_map<A: MapAccess<'l>>(self, mut map: A) -> Result<Text<'l>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Text(Cow::default()))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_in_their_order() {
        for (index, (field, _)) in FIELDS.iter().enumerate() {
            assert_eq!(*field as usize, index, "{field:?}");
        }
    }

    #[test]
    fn the_better_name_counts_where_it_has_a_value() {
        for line in [
            r#"{"server_name":"_","host":"a","request":"GET / HTTP/1.1","status":200}"#,
            r#"{"host":"a","server_name":"_","request":"GET / HTTP/1.1","status":200}"#,
            r#"{"http_host":"a","host":"","request":"GET / HTTP/1.1","status":200}"#,
        ] {
            assert_eq!(parse(line).map(|parts| parts.host.into_owned()), Ok("a".to_owned()), "{line}");
        }
    }
}
