//! `map`: a variable that a text leads to.

use super::pairs::{Block, not_here, word};
use crate::nginx_syntax::Directive;
use crate::snippet::entry::{Entry, HTTP_ONLY, Kind};
use crate::snippet::pattern::pattern;
use crate::snippet::template::{Variables, group_names};
use gateway::config::{MapKey, Template, TextMap};
use std::collections::BTreeSet;

pub(super) const ENTRY: Entry = Entry {
    name: "map",
    contexts: HTTP_ONLY,
    arguments: 2..=2,
    kind: Kind::Map,
    idle: None,
    refused: None,
    doc: "Makes a variable of others, for all snippets: `map SOURCE $NAME { KEY VALUE; }`. A key is a text, without regard to case, or a \
          regular expression after `~` or `~*`, whose groups may stand in the value; `default` is the value for all else, and with \
          `hostnames` keys may be `*.example.com`, `.example.com` and `www.example.*`. A `\\` before a key takes its meaning away. \
          The value is made whenever it is asked for, as with `volatile`, where nginx keeps the first. Groups do not stay for other \
          directives. All regular expressions of all blocks may have 10,000 characters, and a value may ask for 32 such variables. \
          `include` is refused.",
};

/// Reads the block of a `map` (`ngx_http_map`).
pub(super) fn read(source: &str, entries: &[Directive], variables: Variables<'_>) -> (Result<TextMap, String>, Block) {
    let mut block = Block::default();
    let mut map = Reader { variables, hostnames: false, default: None, entries: Vec::new() };
    for entry in entries {
        block.read(entry, |key, values| map.entry(key, values));
    }
    let source = variables.template(source);
    let entries = map.entries.into();
    let default = map.default.unwrap_or_default();
    (source.map(|source| TextMap { source, hostnames: map.hostnames, entries, default }), block)
}

struct Reader<'a> {
    variables: Variables<'a>,
    hostnames: bool,
    default: Option<Template>,
    entries: Vec<(MapKey, Template)>,
}

impl Reader<'_> {
    fn entry(&mut self, key: &str, values: &[String]) -> Result<(), String> {
        match (key, values) {
            ("hostnames", []) if !self.entries.is_empty() => Err(not_here("hostnames")),
            ("hostnames", []) => {
                self.hostnames = true;
                Ok(())
            }
            ("default", [value]) => {
                let value = self.variables.template(value)?;
                match self.default.replace(value) {
                    None => Ok(()),
                    Some(_) => Err("stands here twice: nginx takes it only once".into()),
                }
            }
            (key, [value]) => self.pair(key, value),
            (_, values) => Err(word(values.len())),
        }
    }

    fn pair(&mut self, key: &str, value: &str) -> Result<(), String> {
        if let Some(text) = key.strip_prefix('~') {
            let ignoring = text.strip_prefix('*');
            let pattern = pattern(ignoring.unwrap_or(text))?;
            let groups: BTreeSet<_> = group_names(&pattern).map(Into::into).collect();
            let own = self.variables.own | &groups;
            let value = Variables { own: &own, ..self.variables }.template(value)?;
            self.entries.push((MapKey::Regex { pattern, ignores_case: ignoring.is_some() }, value));
            return Ok(());
        }
        let value = self.variables.template(value)?;
        let text = key.strip_prefix('\\').unwrap_or(key).to_ascii_lowercase();
        let is_mask = self.hostnames && !key.starts_with('\\');
        match (text.strip_prefix('*'), text.strip_suffix('*')) {
            (Some(suffix), _) if is_mask && is_hosts(suffix.strip_prefix('.')) => {
                self.add(MapKey::Suffix(suffix.into()), value)
            }
            (None, Some(start)) if is_mask && is_hosts(start.strip_suffix('.')) => {
                self.add(MapKey::Beginning(start.into()), value)
            }
            _ if is_mask && text.contains('*') => {
                Err("is not a name of hosts: expected such as \"*.example.com\" or \"www.example.*\"".into())
            }
            _ if is_mask && text.starts_with('.') => {
                self.add(MapKey::Text(text[1..].into()), value.clone())?;
                self.add(MapKey::Suffix(text.into()), value)
            }
            _ => self.add(MapKey::Text(text.into()), value),
        }
    }

    fn add(&mut self, key: MapKey, value: Template) -> Result<(), String> {
        if self.entries.iter().any(|(other, _)| *other == key) {
            return Err("stands here twice: nginx takes it only once".into());
        }
        self.entries.push((key, value));
        Ok(())
    }
}

fn is_hosts(rest: Option<&str>) -> bool {
    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains('*'))
}
