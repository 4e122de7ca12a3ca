//! Arguments of ingress-nginx one by one: what becomes of each, whatever is wrong with the others.

use super::flag::{Flag, Shape};
use super::spelled_out;
use super::value::Values;
use crate::registry::Support;
use crate::settings::Settings;
use std::ffi::OsString;

/// One argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The name with two dashes; the whole argument where that is no flag.
    pub name: String,
    /// Its value; empty if it has none.
    pub value: String,
    /// What becomes of it.
    pub fate: Fate,
}

/// What becomes of an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It has its effect.
    Applied,
    /// It has none, for this reason.
    Ignored(&'static str),
    /// The value is not one of the flag's: why.
    Invalid(String),
    /// There is no such flag. Holds the nearest that there is, as the end of a sentence.
    Unknown(String),
}

/// Reads arguments on top of `settings`. One that is at fault leaves the others alone, unlike in
/// [`collect`](super::collect).
pub fn judge(args: &[String], mut settings: Settings) -> (Settings, Vec<Judged>) {
    let mut judged = read(args);
    for flag in Flag::all().filter(|flag| flag.support.is_applied()) {
        let name = format!("--{}", flag.name);
        let of_flag = judged.iter().filter(|judged| judged.name == name);
        let values: Vec<&str> = of_flag.flat_map(|judged| parts(flag, &judged.value)).collect();
        if values.is_empty() {
            continue;
        }
        let before = settings.clone();
        if let Err(error) = (flag.apply)(Values::new(&values), &mut settings) {
            settings = before;
            let of_flag = judged.iter_mut().filter(|judged| judged.name == name);
            of_flag.for_each(|judged| judged.fate = Fate::Invalid(error.to_string()));
        }
    }
    (settings, judged)
}

/// The arguments with their values, which are not looked at.
fn read(args: &[String]) -> Vec<Judged> {
    let spelled = spelled_out(args.iter().map(OsString::from));
    let mut words = spelled.iter().map(|word| word.to_string_lossy()).peekable();
    let mut judged = Vec::new();
    while let Some(word) = words.next() {
        let Some(text) = word.strip_prefix("--") else {
            let fate = Fate::Unknown(String::new());
            judged.push(Judged { name: word.into_owned(), value: String::new(), fate });
            continue;
        };
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        let flag = Flag::named(name);
        let takes_next = value.is_none() && flag.is_some_and(|flag| flag.facets.shape != Shape::Switch);
        let next = takes_next.then(|| words.next_if(|next| !next.starts_with("--"))).flatten();
        let implied = if flag.is_some() && !takes_next { "true" } else { "" };
        let fate = match flag.map(|flag| flag.support) {
            None => Fate::Unknown(Flag::suggestion(name)),
            Some(Support::Ignored(why)) => Fate::Ignored(why),
            Some(Support::Full | Support::Partial(_)) => Fate::Applied,
        };
        let value = value.or(next.as_deref()).unwrap_or(implied).to_owned();
        judged.push(Judged { name: format!("--{name}"), value, fate });
    }
    judged
}

/// A repeated flag may have several values with commas.
fn parts<'v>(flag: &Flag, value: &'v str) -> Vec<&'v str> {
    match flag.facets.shape {
        Shape::Repeated(_) => value.split(',').collect(),
        Shape::Switch | Shape::Value(_) => vec![value],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fates(args: &[&str]) -> (Settings, Vec<(String, Fate)>) {
        let args: Vec<_> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let (settings, judged) = judge(&args, Settings::default());
        (settings, judged.into_iter().map(|judged| (judged.name, judged.fate)).collect())
    }

    #[test]
    fn one_fault_leaves_the_others_alone() {
        let (settings, judged) = fates(&[
            "--configmap",
            "a/b",
            "-enable-ssl-passthrough",
            "--sync-period=1m",
            "--http-port=x",
            "--publish-servic=a/b",
            "junk",
        ]);
        assert_eq!(settings.controller.configmap.map(|name| name.to_string()).as_deref(), Some("a/b"));
        assert!(settings.controller.ssl_passthrough);
        assert_eq!(settings.serve.http_port, Settings::default().serve.http_port);
        let fate = |name: &str| judged.iter().find(|(given, _)| given == name).map(|(_, fate)| fate.clone());
        assert_eq!(fate("--configmap"), Some(Fate::Applied));
        assert!(matches!(fate("--sync-period"), Some(Fate::Ignored(_))));
        assert!(matches!(fate("--http-port"), Some(Fate::Invalid(_))));
        let suggestion = "; did you mean \"publish-service\"?".to_owned();
        assert_eq!(fate("--publish-servic"), Some(Fate::Unknown(suggestion)));
        assert_eq!(fate("junk"), Some(Fate::Unknown(String::new())));
    }

    #[test]
    fn a_flag_without_its_value_takes_no_other_flag_for_it() {
        let (_, judged) = fates(&["--http-port", "--enable-ssl-passthrough"]);
        assert!(matches!(&judged[..], [(_, Fate::Invalid(_)), (_, Fate::Applied)]), "{judged:?}");
    }
}
