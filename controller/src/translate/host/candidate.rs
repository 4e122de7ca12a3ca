use crate::translate::parsed_ingress::ParsedIngress;
use gateway::config::Route;

/// A route and the Ingress that it comes from.
pub(super) struct Candidate<'a> {
    pub(super) route: Route,
    pub(super) ingress: &'a ParsedIngress,
    /// It stands for `/` where no rule does.
    pub(super) implicit: bool,
}

impl Candidate<'_> {
    /// Whether it makes its host one of regular expressions.
    pub(super) fn wants_regex(&self) -> bool {
        self.route.policies.rewrite.is_some() || self.ingress.use_regex
    }
}
