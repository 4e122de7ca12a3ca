//! Sets right what the engine (zentinel-modsec 0.5) makes of some rules. Each mend is needed for rules of the OWASP Core Rule
//! Set; without them a fifth of the attacks that libmodsecurity blocks would pass.

use zentinel_modsec::parser::{Action, Directive, SecRule, Selection, VariableName};

/// The variable that has the status of the response in place of `RESPONSE_STATUS`, which the engine cannot be told.
pub(super) const RESPONSE_STATUS: &str = "adit_response_status";

pub(super) fn mend(directives: &mut [Directive]) {
    move_actions_of_chains(directives);
    for directive in directives {
        if let Directive::SecRule(rule) = directive {
            normalize_windows_paths(rule);
            read_status(rule);
        }
    }
}

/// Of a chain that matches, the engine runs the actions of its first rule alone. The core rules have theirs, which raise
/// the score of the request, in the last one.
fn move_actions_of_chains(directives: &mut [Directive]) {
    let mut start = None;
    for index in 0..directives.len() {
        let Directive::SecRule(rule) = &directives[index] else {
            start = None;
            continue;
        };
        let goes_on = rule.is_chained();
        if let Some(start) = start {
            let of_the_chain = |action: &&Action| matches!(action, Action::Data(_) | Action::Control(_));
            let actions: Vec<_> = rule.actions.iter().filter(of_the_chain).cloned().collect();
            if let Directive::SecRule(first) = &mut directives[start] {
                first.actions.extend(actions);
            }
        }
        start = if goes_on { start.or(Some(index)) } else { None };
    }
}

/// The engine's `normalizePathWin` makes backslashes of slashes, and its `normalizePath` what the other should be.
fn normalize_windows_paths(rule: &mut SecRule) {
    for action in &mut rule.actions {
        if let Action::Transformation(name) = action
            && (name.eq_ignore_ascii_case("normalizePathWin") || name.eq_ignore_ascii_case("normalisePathWin"))
        {
            *name = "normalizePath".to_owned();
        }
    }
}

/// The engine's `RESPONSE_STATUS` is always 0.
fn read_status(rule: &mut SecRule) {
    for variable in &mut rule.variables {
        if variable.name == VariableName::ResponseStatus {
            variable.name = VariableName::Tx;
            variable.selection = Some(Selection::Key(RESPONSE_STATUS.to_owned()));
        }
    }
}
