/// A request to explain, as `/debug/explain?method=GET&url=http://shop/cart&header=X-User:me` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainQuery {
    /// The method, `GET` if none is given.
    pub method: String,
    /// The URL, as given.
    pub url: String,
    /// Headers, in the order given.
    pub headers: Vec<(String, String)>,
    /// Objects that are only drafted, as YAML: what was posted. It is explained what would happen with them.
    pub objects: Option<String>,
}

impl ExplainQuery {
    /// Reads a query string. The error names the parameter at fault and what is expected.
    ///
    /// # Errors
    /// The parameter `url` is missing, a parameter is unknown or given twice, or a header has no colon. The error names
    /// the parameter and what is expected.
    pub fn parse(query: &str) -> Result<Self, String> {
        let mut method = None;
        let mut url = None;
        let mut headers = Vec::new();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*key {
                "method" => set(&mut method, "method", value.into_owned())?,
                "url" => set(&mut url, "url", value.into_owned())?,
                "header" => {
                    let (name, value) = value.split_once(':').ok_or_else(|| {
                        format!("header '{value}' has no ':': expected NAME:VALUE, such as X-User:me")
                    })?;
                    headers.push((name.trim().to_owned(), value.trim().to_owned()));
                }
                _ => return Err(format!("unknown parameter '{key}': expected method, url or header")),
            }
        }
        let url = url.ok_or("parameter url is missing: expected a URL, such as url=http://shop.example.com/cart")?;
        Ok(Self { method: method.unwrap_or_else(|| "GET".to_owned()), url, headers, objects: None })
    }
}

fn set(field: &mut Option<String>, name: &str, value: String) -> Result<(), String> {
    match field.replace(value) {
        Some(_) => Err(format!("parameter {name} is given twice: expected it once")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_given() {
        let query = ExplainQuery::parse("url=http%3A%2F%2Fshop%2Fa%3Fb%3D1&header=X-A:+1:2&header=x-b:&method=PUT");
        assert_eq!(
            query,
            Ok(ExplainQuery {
                method: "PUT".to_owned(),
                url: "http://shop/a?b=1".to_owned(),
                headers: vec![("X-A".to_owned(), "1:2".to_owned()), ("x-b".to_owned(), String::new())],
                objects: None,
            })
        );
        assert_eq!(ExplainQuery::parse("url=/").expect("valid").method, "GET");
    }

    #[test]
    fn names_what_is_wrong() {
        for (query, parameter) in
            [("", "url"), ("url=/&url=/", "url"), ("url=/&header=nocolon", "header"), ("url=/&nope=1", "nope")]
        {
            let error = ExplainQuery::parse(query).expect_err(query);
            assert!(error.contains(parameter) && error.contains("expected"), "{query}: {error}");
        }
    }
}
