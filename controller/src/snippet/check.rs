//! Checks directives one by one, so that all that is wrong is found at once.

use super::condition;
use super::context::Context;
use super::entry::{Call, Entry, Kind};
use super::finding::{Finding, Place, Snippet, Verdict};
use super::location;
use super::mapped;
use super::pattern::{MAX_PATTERN_SIZE, total_size};
use super::rewrite;
use super::rules::source_ranges;
use super::template::{Variables, group_names};
use super::{HttpBlock, fold};
use crate::nginx_syntax::{self, Directive, Position, SyntaxError};
use crate::route_defaults::{LimitZones, SnippetBlock, SnippetLocation, SnippetStatement};
use gateway::config::{BackendPolicies, Compression, LocationKind, MappedVariable, Origin, RoutePolicies, Subject};
use gateway::variables::{InvalidMap, Maps};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Reads a snippet. The variables of others that come before it may be used.
pub(crate) fn read(text: &str, place: &Place<'_>, outer: &BTreeSet<Arc<str>>) -> Snippet {
    let (directives, error) = match nginx_syntax::parse(text) {
        Ok(directives) => (directives, None),
        Err(SyntaxError { position, kind, before }) => {
            let verdict = Verdict::Fault(format!("is not nginx's syntax: {kind}"));
            (before, Some(Finding { position, directive: None, verdict }))
        }
    };
    let mut own = BTreeSet::new();
    collect_variables(&directives, &mut own);
    let variables = Variables { own: &own, outer, is_of_auth: place.context.is_of_auth() };
    let mut checker = Checker { place, variables, outer: None, findings: Vec::new(), mapped: Vec::new() };
    let mut block = checker.block(&directives, place.context);
    checker.check_mapped(&block.mapped);
    let mut findings = checker.findings;
    if source_ranges(&block.access).is_none() {
        findings.push(of_all("has too many rules of allow and deny: expected fewer"));
    }
    if total_size(&block) > MAX_PATTERN_SIZE {
        findings.push(of_all(
            "has too many or too large regular expressions: expected at most 10,000 characters of all together",
        ));
    }
    findings.extend(error);
    block.variables = own;
    Snippet { block, findings }
}

/// The variables that a snippet sets, whatever else is in it.
pub(crate) fn variables(text: &str) -> BTreeSet<Arc<str>> {
    let mut variables = BTreeSet::new();
    collect_variables(&nginx_syntax::parse(text).unwrap_or_default(), &mut variables);
    variables
}

/// The zones of limits that a snippet of `http` makes, whatever else is in it.
pub(crate) fn zones(text: &str, outer: &BTreeSet<Arc<str>>) -> LimitZones {
    let (object, zones) = (Subject::other("http"), LimitZones::default());
    let place = Place { object: &object, field: "", context: Context::Http, services: None, zones: &zones };
    read(text, &place, outer).block.zones
}

/// A fault of the snippet as a whole.
fn of_all(complaint: &str) -> Finding {
    let position = Position { line: 1, column: 1 };
    Finding { position, directive: None, verdict: Verdict::Fault(complaint.into()) }
}

/// The variables of `set` and of named groups: nginx knows them wherever they stand.
fn collect_variables(directives: &[Directive], variables: &mut BTreeSet<Arc<str>>) {
    for Directive { name, arguments, block, .. } in directives {
        let first = arguments.first().map(String::as_str);
        match name.as_str() {
            "set" | "auth_request_set" => variables.extend(first.and_then(rewrite::variable_name).map(Into::into)),
            "map" | "geo" => {
                // Their pairs set nothing.
                variables.extend(mapped::name(arguments).map(Into::into));
                continue;
            }
            "location" => {
                let pattern = location::pattern_of(arguments).into_iter();
                variables.extend(pattern.flat_map(group_names).map(Into::into));
            }
            "rewrite" => variables.extend(first.into_iter().flat_map(group_names).map(Into::into)),
            "if" => {
                let pattern = condition::pattern_of(arguments).into_iter();
                variables.extend(pattern.flat_map(group_names).map(Into::into));
            }
            _ => {}
        }
        collect_variables(block.as_deref().unwrap_or_default(), variables);
    }
}

struct Checker<'a> {
    place: &'a Place<'a>,
    variables: Variables<'a>,
    /// The location around what is read, if its path is known: how it matches, and what.
    outer: Option<(LocationKind, Arc<str>)>,
    findings: Vec<Finding>,
    /// Where the variables of `map` and `geo` stand.
    mapped: Vec<Position>,
}

impl Checker<'_> {
    fn block(&mut self, directives: &[Directive], context: Context) -> SnippetBlock {
        let mut block = SnippetBlock::default();
        for directive in directives {
            // An `if` stands before what is in it, as in the text.
            let at = self.findings.len();
            let verdict = self.directive(directive, context, &mut block);
            let verdict = verdict.unwrap_or_else(Verdict::Fault);
            let finding = Finding { position: directive.position, directive: Some(directive.head()), verdict };
            self.findings.insert(at, finding);
        }
        block
    }

    fn directive(
        &mut self,
        directive: &Directive,
        context: Context,
        block: &mut SnippetBlock,
    ) -> Result<Verdict, String> {
        let Directive { name, arguments, block: inner, position } = directive;
        let Some(entry) = Entry::named(name, context) else {
            return Err(format!("is not a directive that Adit has{}", Entry::suggestion(name)));
        };
        if let Kind::Refused = entry.kind {
            return Err(format!("is refused: {}", entry.doc));
        }
        if let Some(why) = idle(entry, context) {
            return Ok(Verdict::Idle(format!("has no effect: {why}")));
        }
        if !context.is_in(entry.contexts) {
            return Err(misplaced(entry, context));
        }
        if !entry.arguments.contains(&arguments.len()) {
            return Err(miscounted(entry, arguments.len()));
        }
        match (entry.kind, inner) {
            (Kind::If, Some(inner)) => self.condition(arguments, inner, *position, context, block),
            (Kind::Location, Some(inner)) => self.location(arguments, inner, *position, context, block),
            (Kind::Map, Some(pairs)) => {
                let read = mapped::map(arguments, pairs, self.variables);
                self.mapped(read, *position, block)
            }
            (Kind::Geo, Some(pairs)) => {
                let read = mapped::geo(arguments, pairs, self.variables);
                self.mapped(read, *position, block)
            }
            (Kind::If | Kind::Location | Kind::Map | Kind::Geo, None) => {
                Err("has no block: expected \"{ ... }\" after it".into())
            }
            (_, Some(_)) => Err("has a block, which it cannot have: expected \";\"".into()),
            (Kind::Works(apply), None) => {
                let (variables, origin) = (self.variables, self.origin(*position));
                let Place { services, zones, .. } = *self.place;
                let mut call =
                    Call { arguments, variables, origin, context, block, services, zones, warnings: Vec::new() };
                apply(&mut call)?;
                Ok(if call.warnings.is_empty() { Verdict::Works } else { Verdict::Idle(call.warnings.join("; it ")) })
            }
            (Kind::Idle | Kind::Refused, None) => Ok(Verdict::Works),
        }
    }

    /// What is in the block is checked even if the condition is wrong.
    fn condition(
        &mut self,
        arguments: &[String],
        inner: &[Directive],
        position: Position,
        context: Context,
        block: &mut SnippetBlock,
    ) -> Result<Verdict, String> {
        let inner = self.block(inner, context.of_if());
        let test = condition::test(arguments, self.variables)?;
        block.statements.push(SnippetStatement::If(self.origin(position), test, Box::new(inner)));
        Ok(Verdict::Works)
    }

    /// What is in the block is checked even if the path is wrong.
    fn location(
        &mut self,
        arguments: &[String],
        inner: &[Directive],
        position: Position,
        context: Context,
        block: &mut SnippetBlock,
    ) -> Result<Verdict, String> {
        let path = location::path(arguments).map(|(kind, text)| (kind, Arc::from(text)));
        let outer = std::mem::replace(&mut self.outer, path.as_ref().ok().cloned());
        let inner = self.block(inner, Context::InnerLocation);
        self.outer = outer;
        let (kind, text) = path?;
        location::check_place(kind, &text, context, self.outer.as_ref())?;
        let origin = self.origin(position);
        let location = SnippetLocation { origin, kind, text, block: inner };
        location::check(&location, &block.locations)?;
        let (mut policies, mut backend) = (RoutePolicies::default(), BackendPolicies::default());
        let (compression, snippet) = (&Compression::default(), &SnippetBlock::default());
        let http = HttpBlock { compression, real_ip: None, snippet, custom_errors: &[] };
        let mut warnings = fold(&location.block, http, &mut policies, &mut backend)?;
        warnings.extend(location::idle(&location));
        block.locations.push(location);
        Ok(if warnings.is_empty() { Verdict::Works } else { Verdict::Idle(warnings.join("; it ")) })
    }

    /// Of two variables with one name the last counts, as in nginx.
    fn mapped(
        &mut self,
        reading: mapped::Reading,
        position: Position,
        block: &mut SnippetBlock,
    ) -> Result<Verdict, String> {
        self.findings.extend(reading.faults);
        let (name, mapping) = reading.mapped?;
        let mapped = MappedVariable { name, origin: self.origin(position), mapping };
        match block.mapped.iter().position(|other| other.name == mapped.name) {
            Some(at) => (block.mapped[at], self.mapped[at]) = (mapped, position),
            None => {
                block.mapped.push(mapped);
                self.mapped.push(position);
            }
        }
        Ok(Verdict::Works)
    }

    /// Whether the gateway can make the variables.
    fn check_mapped(&mut self, mapped: &[MappedVariable]) {
        let Err(InvalidMap { number, reason }) = Maps::compile(mapped) else { return };
        let Some(position) = self.mapped.get(number) else { return };
        let at_fault = self.findings.iter_mut().filter(|finding| finding.position == *position);
        at_fault.for_each(|finding| finding.verdict = Verdict::Fault(reason.clone()));
    }

    fn origin(&self, position: Position) -> Origin {
        Origin::new(self.place.object.clone(), format!("{} line {}", self.place.field, position.line))
    }
}

/// Why a directive has no effect where it stands.
fn idle(entry: &Entry, context: Context) -> Option<&'static str> {
    match (entry.kind, entry.idle) {
        (Kind::Idle, _) if context.is_in(entry.contexts) => Some(entry.doc),
        (_, Some((contexts, why))) if context.is_in(contexts) => Some(why),
        _ => None,
    }
}

fn misplaced(entry: &Entry, context: Context) -> String {
    if let Some(why) = entry.refused {
        return format!("is refused: {why}");
    }
    let expected: Vec<_> = entry.contexts.iter().map(ToString::to_string).collect();
    let why = match context {
        Context::Main | Context::Http | Context::Stream => "supported",
        _ => "allowed",
    };
    format!("is not {why} in {context}: expected it in {}", expected.join(" or "))
}

fn miscounted(entry: &Entry, found: usize) -> String {
    let (least, most) = (*entry.arguments.start(), *entry.arguments.end());
    let expected = match (least, most) {
        (least, usize::MAX) => format!("at least {least}"),
        (least, most) if least == most => least.to_string(),
        (least, most) => format!("{least} to {most}"),
    };
    let arguments = if found == 1 { "argument" } else { "arguments" };
    format!("has {found} {arguments}: expected {expected}")
}
