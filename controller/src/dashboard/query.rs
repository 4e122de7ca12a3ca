use super::failure::Failure;
use std::borrow::Cow;

/// The parameters of a page.
#[derive(Debug)]
pub(super) struct Query<'q>(Vec<(Cow<'q, str>, Cow<'q, str>)>);

/// It is a parameter of all pages with data.
const FORMAT: &str = "format";

impl<'q> Query<'q> {
    /// Reads a query string that may have these parameters.
    ///
    /// # Errors
    /// Another parameter is there.
    pub(super) fn parse(query: &'q str, known: &[&str]) -> Result<Self, Failure> {
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        let unknown = pairs.iter().find(|(key, _)| !known.contains(&&**key) && key != FORMAT);
        match unknown {
            Some((key, _)) => {
                let known = known.join(", ");
                Err(Failure::bad_query(format!("Unknown parameter {key:?}: expected {known} or {FORMAT}.")))
            }
            None => Ok(Self(pairs)),
        }
    }

    /// All values of a parameter.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| &**value)
    }

    /// The value of a parameter, without spaces around it; empty where it is not there.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim())
    }

    /// The same, for one that must be there: an example says how.
    pub(super) fn required(&self, name: &str, example: &str) -> Result<&str, Failure> {
        match self.text(name) {
            "" => Err(Failure::bad_query(format!("The parameter {name} is missing: expected one such as {example}."))),
            text => Ok(text),
        }
    }

    /// The number of the part of a long list, from 1.
    pub(super) fn page(&self) -> Result<usize, Failure> {
        match self.text("page") {
            "" => Ok(1),
            text => text.parse().ok().filter(|number| *number > 0).ok_or_else(|| {
                Failure::bad_query(format!("The parameter page is {text:?}: expected a whole number from 1."))
            }),
        }
    }

    pub(super) fn wants_json(&self) -> Result<bool, Failure> {
        match self.text(FORMAT) {
            "" | "html" => Ok(false),
            "json" => Ok(true),
            other => Err(Failure::bad_query(format!("The parameter {FORMAT} is {other:?}: expected html or json."))),
        }
    }
}
