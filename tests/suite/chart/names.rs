//! The names of the values are in several places, which agree.

use super::rendered::chart;
use crate::manifests::{list, text};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

const FLAGS: &str = include_str!("../../../docs/flags.md");

fn schema() -> Value {
    let text = fs::read_to_string(chart().join("values.schema.json")).expect("a schema");
    serde_json::from_str(&text).expect("JSON")
}

fn yaml(file: &str) -> Value {
    let text = fs::read_to_string(chart().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn the_schema_refuses_every_other_name_and_lists_those_that_there_are() {
    let mut levels = 0;
    closed(&schema(), "", &mut levels);
    assert!(levels > 30, "only {levels} levels");
}

fn closed(schema: &Value, path: &str, levels: &mut u32) {
    let Some(properties) = schema["properties"].as_object() else { return };
    // The values of other charts may be there, too.
    if path != "/global" {
        let said = text(&schema["additionalProperties"]["const"]);
        let listed = said.strip_prefix("absent: the names known here are ").unwrap_or_default();
        let listed: BTreeSet<_> = listed.split(", ").collect();
        assert_eq!(listed, properties.keys().map(String::as_str).collect(), "{path}");
        *levels += 1;
    }
    for (name, property) in properties {
        closed(property, &format!("{path}/{name}"), levels);
        closed(&property["items"], &format!("{path}/{name}/items"), levels);
    }
}

#[test]
fn every_flag_may_be_in_extra_args_and_nothing_else() {
    let schema = schema();
    let patterns = schema["properties"]["controller"]["properties"]["extraArgs"]["patternProperties"].as_object();
    let pattern = patterns.and_then(|patterns| patterns.keys().next()).expect("a pattern");
    let named = pattern.trim_start_matches("^(").trim_end_matches(")$");
    let rows = FLAGS.lines().filter_map(|line| line.strip_prefix("| `--")?.split('`').next());
    assert_eq!(named.split('|').collect::<BTreeSet<_>>(), rows.collect());
}

#[test]
fn what_has_no_effect_is_known_and_has_no_default() {
    let (schema, values) = (schema(), yaml("values.yaml"));
    let reasons = yaml("files/without-effect.yaml");
    let mut names = BTreeSet::new();
    for reason in list(&reasons) {
        assert!(!text(&reason["why"]).is_empty(), "{reason}");
        for name in list(&reason["values"]).iter().map(text) {
            let path = name.split('.');
            let known = path.clone().fold(&schema, |level, name| &level["properties"][name]);
            assert!(known.is_object(), "{name} is not in the schema");
            let default = path.fold(&values, |level, name| &level[name]);
            assert_eq!(*default, Value::Null, "{name} would always be named");
            assert!(names.insert(name.clone()), "{name} twice");
        }
    }
    assert!(!names.is_empty(), "nothing has no effect");
}

/// Whoever reads values.yaml finds all that can be set, but for what has no effect.
#[test]
fn every_value_has_a_default_or_a_comment() {
    let text = fs::read_to_string(chart().join("values.yaml")).expect("values");
    let without_effect = fs::read_to_string(chart().join("files/without-effect.yaml")).expect("names");
    let mut missing = Vec::new();
    undocumented(&schema(), &yaml("values.yaml"), "", &mut |path: &str, name: &str| {
        let commented = text.lines().any(|line| line.trim_start().starts_with(&format!("# {name}:")));
        let of_this = |line: &str| line.trim_start_matches([' ', '-']).strip_prefix(path).is_some_and(is_end_of_name);
        let has_no_effect = without_effect.lines().any(of_this);
        if !commented && !has_no_effect {
            missing.push(path.to_owned());
        }
    });
    assert_eq!(missing, [""; 0]);
}

fn undocumented(schema: &Value, values: &Value, path: &str, tell: &mut impl FnMut(&str, &str)) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match values.get(name) {
            None => tell(&path, name),
            Some(values) if values.as_object().is_some_and(|values| !values.is_empty()) => {
                undocumented(property, values, &path, tell);
            }
            Some(_) => {}
        }
    }
}

fn is_end_of_name(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('.')
}
