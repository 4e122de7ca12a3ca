//! What a rule may do: nothing that reaches beyond its request, and nothing that the engine would leave out.

use super::invalid::{FILES, InvalidRules, MAX_RULES, UNKNOWN};
use regex::RegexBuilder;
use zentinel_modsec::engine::control::unsupported_controls;
use zentinel_modsec::parser::{Action, DataAction, Directive, MetadataAction, OperatorName, SecRule};

/// Bytes of a compiled regular expression at most.
const MAX_PATTERN: usize = 1 << 20;

/// Refuses what a rule may not do: read files, run programs, ask servers, or keep state.
pub(super) fn check(directives: &[Directive]) -> Result<(), InvalidRules> {
    if directives.len() > MAX_RULES {
        return Err(InvalidRules::TooManyRules(directives.len()));
    }
    for directive in directives {
        let (actions, line) = match directive {
            Directive::SecRule(rule) => {
                check_operator(rule.operator.name, rule.location.line)?;
                check_condition(rule)?;
                (&rule.actions, rule.location.line)
            }
            Directive::SecAction(action) => (&action.actions, action.location.line),
            _ => continue,
        };
        check_controls(actions, line)?;
        for action in actions {
            check_action(action, line)?;
        }
    }
    Ok(())
}

/// Refuses a condition that never holds: the engine only logs that, and the rule would protect nobody.
fn check_condition(rule: &SecRule) -> Result<(), InvalidRules> {
    let refused = |text: String, why| Err(InvalidRules::Refused { line: rule.location.line, text, why });
    if let Some(variable) = rule.variables.iter().find(|variable| !variable.name.is_implemented()) {
        return refused(format!("the variable {:?}", variable.name), UNKNOWN);
    }
    let pattern = &rule.operator.argument;
    if rule.operator.name == OperatorName::Rx && (pattern.is_empty() || !is_pattern(pattern)) {
        return refused(
            format!("the pattern {pattern}"),
            "is not a regular expression, is too large, or looks around or refers back, which is not supported",
        );
    }
    Ok(())
}

fn is_pattern(text: &str) -> bool {
    RegexBuilder::new(text).size_limit(MAX_PATTERN).build().is_ok()
}

/// Refuses a `ctl` that has no effect, unless it is about logs.
fn check_controls(actions: &[Action], line: usize) -> Result<(), InvalidRules> {
    let has_effect = |name: &str| !name.starts_with("audit") && !name.starts_with("debug");
    match unsupported_controls(actions).into_iter().find(|(name, ..)| has_effect(name)) {
        Some((name, value, _)) => {
            Err(InvalidRules::Refused { line, text: format!("the action ctl:{name}={value}"), why: UNKNOWN })
        }
        None => Ok(()),
    }
}

fn check_operator(operator: OperatorName, line: usize) -> Result<(), InvalidRules> {
    let refused = |why| Err(InvalidRules::Refused { line, text: format!("the operator {operator:?}"), why });
    match operator {
        OperatorName::PmFromFile
        | OperatorName::Pmf
        | OperatorName::IpMatchFromFile
        | OperatorName::IpMatchF
        | OperatorName::InspectFile
        | OperatorName::ValidateDtd
        | OperatorName::ValidateSchema
        | OperatorName::Rbl
        | OperatorName::GeoLookup
        | OperatorName::GsbLookup => refused(FILES),
        OperatorName::FuzzyHash | OperatorName::ValidateHash | OperatorName::Rsub => refused(UNKNOWN),
        _ => Ok(()),
    }
}

fn check_action(action: &Action, line: usize) -> Result<(), InvalidRules> {
    let refused = |text: &str, why| Err(InvalidRules::Refused { line, text: format!("the action {text}"), why });
    match action {
        Action::Data(DataAction::InitCol { .. } | DataAction::ExpireVar { .. }) => {
            refused("initcol or expirevar", UNKNOWN)
        }
        Action::Metadata(MetadataAction::Phase(phase)) if !(1..=5).contains(phase) => {
            refused("phase", "must be from 1 to 5")
        }
        Action::Metadata(MetadataAction::Status(status)) if !(300..=599).contains(status) => {
            refused("status", "must be from 300 to 599")
        }
        _ => Ok(()),
    }
}
