//! The phases of rules: 1 and 2 are a request's head and body.

use zentinel_modsec::parser::{Action, Directive, MetadataAction};

/// Those of rules for responses: their heads, and their bodies.
pub(super) const RESPONSE: [u8; 2] = [3, 4];
/// That of rules for the log.
pub(super) const LOGGING: [u8; 1] = [5];

/// Whether some of these rules are of one of these phases.
pub(super) fn has_rules_of(phases: &[u8], directives: &[Directive]) -> bool {
    let is_of_phase =
        |action: &Action| matches!(action, Action::Metadata(MetadataAction::Phase(phase)) if phases.contains(phase));
    directives.iter().filter_map(actions).any(|actions| actions.iter().any(is_of_phase))
}

/// What a rule does.
pub(super) fn actions(directive: &Directive) -> Option<&[Action]> {
    match directive {
        Directive::SecRule(rule) => Some(&rule.actions),
        Directive::SecAction(action) => Some(&action.actions),
        _ => None,
    }
}
