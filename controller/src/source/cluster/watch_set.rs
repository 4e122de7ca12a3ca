//! All watches of a cluster, and what to do about what they report: events to send, watches to start and to stop. Pure.

use super::discovery::Served;
use super::gateway_api::GatewayApi;
use super::namespaces::Namespaces;
use super::objects::{ObjectState, Objects, Presence, WatchEvent};
use super::references::References;
use super::watch::{Resource, Watch, watches};
use crate::apiserver::{ApiFailure, Cause};
use crate::diagnostic::Diagnostic;
use crate::feed::{SourceEvent, WatchHealth};
use crate::object::{Kind, NamespacedName, ObjectKey};
use crate::settings::{ClusterSettings, ControllerSettings, WatchedNamespaces};
use gateway::config::Subject;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Names a watch for as long as it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct WatchId(u32);

/// What a watch reports.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Report {
    /// An event of its list or of its stream.
    Event(WatchEvent),
    /// It follows the cluster, and did not before.
    Healthy,
    /// It does not, because of this.
    Failing(ApiFailure),
}

/// What to do about a report.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Actions {
    pub(super) events: Vec<SourceEvent>,
    pub(super) start: Vec<(WatchId, Watch)>,
    pub(super) stop: Vec<WatchId>,
}

/// All watches, and what is known of each.
#[derive(Debug)]
pub(super) struct WatchSet {
    watches: HashMap<WatchId, Entry>,
    next_id: u32,
    config_maps: BTreeMap<NamespacedName, WatchId>,
    references: References,
    namespaces: Option<Namespaces>,
    gateway_api: GatewayApi,
    /// The watches of Gateway API's kinds.
    gateway_watches: BTreeMap<Kind, WatchId>,
    /// The objects that problems were reported of.
    flawed: HashSet<ObjectKey>,
    is_synced: bool,
}

/// What is known of one watch.
#[derive(Debug)]
struct Entry {
    watch: Watch,
    /// `None` for the watch of namespaces.
    objects: Option<Objects>,
    /// Whether all that it can bring has been there once; with 403, that is nothing.
    has_answered: bool,
    is_healthy: Option<bool>,
    /// Whether a diagnostic says that it is forbidden.
    is_refused: bool,
}

impl WatchSet {
    /// The set of the watches that the settings ask for, and those watches, to be started.
    pub(super) fn open(settings: &ControllerSettings, cluster: &ClusterSettings) -> (Self, Vec<(WatchId, Watch)>) {
        let is_selective = matches!(cluster.namespaces, WatchedNamespaces::Labelled(_));
        let selected = || Namespaces::new(settings).with_published(cluster.status.publish_service.clone());
        let mut watch_set = Self {
            watches: HashMap::new(),
            next_id: 0,
            config_maps: BTreeMap::new(),
            references: References::new(settings),
            namespaces: is_selective.then(selected),
            gateway_api: GatewayApi::new(settings, cluster),
            gateway_watches: BTreeMap::new(),
            flawed: HashSet::new(),
            is_synced: false,
        };
        let mut start: Vec<_> = watches(settings, cluster).into_iter().map(|watch| watch_set.start(watch)).collect();
        start.extend(watch_set.follow_references().start);
        (watch_set, start)
    }

    /// Takes in what a watch reports, and says what to do about it.
    pub(super) fn handle(&mut self, id: WatchId, report: Report) -> Actions {
        let mut actions = Actions::default();
        // A stopped watch may have had something left to say.
        let Some(entry) = self.watches.get_mut(&id) else { return actions };
        match report {
            Report::Event(event) => {
                entry.has_answered |= event == WatchEvent::Listed;
                let states = match &mut entry.objects {
                    Some(objects) => {
                        let states = objects.handle(event);
                        self.in_watched_namespaces(states)
                    }
                    None => self.namespaces.as_mut().map(|namespaces| namespaces.handle(event)).unwrap_or_default(),
                };
                actions = self.emit(states);
            }
            Report::Healthy => {
                entry.is_healthy = Some(true);
                let was_refused = std::mem::take(&mut entry.is_refused);
                actions.events.extend(was_refused.then(|| refusal(&entry.watch, Vec::new())));
            }
            Report::Failing(failure) => {
                // A cluster may have Gateway API for others, and we no right to it.
                let is_others = entry.is_of_gateway_classes() && failure.cause == Cause::Forbidden;
                entry.is_healthy = (!is_others).then_some(false);
                entry.has_answered |= is_others;
                if failure.cause == Cause::Forbidden && !is_others && !entry.is_refused {
                    entry.is_refused = true;
                    let diagnostic = refused(&entry.watch, &failure, entry.has_answered);
                    actions.events.push(refusal(&entry.watch, vec![diagnostic]));
                    entry.has_answered = true;
                }
            }
        }
        self.check_synced(&mut actions);
        actions
    }

    /// Takes in which kinds of Gateway API there are now.
    pub(super) fn discovered(&mut self, served: Served) -> Actions {
        self.gateway_api.discovered(served);
        let mut actions = self.follow_gateway_api();
        self.check_synced(&mut actions);
        actions
    }

    fn check_synced(&mut self, actions: &mut Actions) {
        let has_answered = self.gateway_api.is_known() && self.watches.values().all(|entry| entry.has_answered);
        if has_answered && !std::mem::replace(&mut self.is_synced, true) {
            actions.events.push(SourceEvent::Synced);
        }
    }

    /// What a watch brings; `None` where it was stopped.
    pub(super) fn kind(&self, id: WatchId) -> Option<&'static str> {
        self.watches.get(&id).map(|entry| entry.watch.resource.kind())
    }

    /// The health of each kind that has answered: of all its watches together.
    pub(super) fn health(&self) -> WatchHealth {
        let mut health = WatchHealth::new();
        for entry in self.watches.values() {
            if let Some(is_healthy) = entry.is_healthy {
                *health.entry(entry.watch.resource.kind()).or_insert(true) &= is_healthy;
            }
        }
        health
    }

    fn start(&mut self, watch: Watch) -> (WatchId, Watch) {
        let id = WatchId(self.next_id);
        self.next_id += 1;
        let objects = match watch.resource {
            Resource::Objects(kind) => Some(Objects::new(kind)),
            Resource::Namespaces => None,
        };
        let entry = Entry { watch: watch.clone(), objects, has_answered: false, is_healthy: None, is_refused: false };
        self.watches.insert(id, entry);
        (id, watch)
    }

    /// Leaves out what is in namespaces that do not count.
    fn in_watched_namespaces(&mut self, states: Vec<ObjectState>) -> Vec<ObjectState> {
        match &mut self.namespaces {
            None => states,
            Some(namespaces) => states.into_iter().filter_map(|state| namespaces.pass(state)).collect(),
        }
    }

    /// The events of these states, and the watches of the ConfigMaps that they name.
    fn emit(&mut self, states: Vec<ObjectState>) -> Actions {
        let mut events = Vec::new();
        let (mut has_new_references, mut has_class) = (false, false);
        for state in states {
            has_new_references |= self.references.record(&state);
            has_class |= self.gateway_api.record(&state);
            self.emit_one(state, &mut events);
        }
        let mut actions = if has_new_references { self.follow_references() } else { Actions::default() };
        if has_class {
            actions.extend(self.follow_gateway_api());
        }
        actions.events.splice(0..0, events);
        actions
    }

    fn emit_one(&mut self, state: ObjectState, events: &mut Vec<SourceEvent>) {
        let ObjectState { key, presence, diagnostics } = state;
        let part = || key.to_string().into();
        if diagnostics.is_empty() {
            if self.flawed.remove(&key) {
                events.push(SourceEvent::Problems { part: part(), diagnostics });
            }
        } else {
            self.flawed.insert(key.clone());
            events.push(SourceEvent::Problems { part: part(), diagnostics });
        }
        match presence {
            Presence::Present(observed) => events.push(SourceEvent::Apply(observed)),
            Presence::Malformed => {}
            Presence::Gone => events.push(SourceEvent::Delete(key)),
        }
    }

    fn follow_references(&mut self) -> Actions {
        let mut actions = Actions::default();
        let wanted = self.references.config_maps();
        let unwanted: Vec<_> = self.config_maps.keys().filter(|name| !wanted.contains(*name)).cloned().collect();
        for name in unwanted {
            let Some(id) = self.config_maps.remove(&name) else { continue };
            let objects = self.stop(id, &mut actions);
            for state in objects.map(Objects::forget).unwrap_or_default() {
                self.emit_one(state, &mut actions.events);
            }
        }
        for name in wanted {
            if !self.config_maps.contains_key(&name) {
                let (id, watch) = self.start(Watch::config_map(&name));
                self.config_maps.insert(name, id);
                actions.start.push((id, watch));
            }
        }
        actions
    }

    /// Starts and stops watches of Gateway API. The objects of a kind that is gone are gone, and stay while it is only read
    /// in another version.
    fn follow_gateway_api(&mut self) -> Actions {
        let mut actions = Actions::default();
        let mut wanted = self.gateway_api.watches();
        for (kind, id) in std::mem::take(&mut self.gateway_watches) {
            if self.watches.get(&id).map(|entry| &entry.watch) == wanted.get(&kind) {
                wanted.remove(&kind);
                self.gateway_watches.insert(kind, id);
                continue;
            }
            let objects = self.stop(id, &mut actions);
            match wanted.remove(&kind) {
                Some(watch) => self.start_for(kind, watch, objects, &mut actions),
                None => {
                    let gone = objects.map(Objects::forget).unwrap_or_default();
                    let gone = self.in_watched_namespaces(gone);
                    gone.into_iter().for_each(|state| self.emit_one(state, &mut actions.events));
                }
            }
        }
        wanted.into_iter().for_each(|(kind, watch)| self.start_for(kind, watch, None, &mut actions));
        actions
    }

    fn start_for(&mut self, kind: Kind, watch: Watch, objects: Option<Objects>, actions: &mut Actions) {
        let (id, watch) = self.start(watch);
        if let (Some(entry), Some(objects)) = (self.watches.get_mut(&id), objects) {
            entry.objects = Some(objects);
        }
        self.gateway_watches.insert(kind, id);
        actions.start.push((id, watch));
    }

    /// Stops a watch: what it knew of.
    fn stop(&mut self, id: WatchId, actions: &mut Actions) -> Option<Objects> {
        let entry = self.watches.remove(&id)?;
        actions.stop.push(id);
        actions.events.extend(entry.is_refused.then(|| refusal(&entry.watch, Vec::new())));
        entry.objects
    }
}

impl Entry {
    fn is_of_gateway_classes(&self) -> bool {
        self.watch.resource == Resource::Objects(Kind::GatewayClass)
    }
}

impl Actions {
    fn extend(&mut self, other: Self) {
        self.events.extend(other.events);
        self.start.extend(other.start);
        self.stop.extend(other.stop);
    }
}

/// What is wrong with a watch as such; empty when all is well again.
fn refusal(watch: &Watch, diagnostics: Vec<Diagnostic>) -> SourceEvent {
    SourceEvent::Problems { part: format!("{REFUSAL}{watch}").into(), diagnostics }
}

/// What the names of parts begin with that are watches.
const REFUSAL: &str = "watch of ";

/// Whether what is wrong is a watch as such.
pub(super) fn is_refusal(part: &str) -> bool {
    part.starts_with(REFUSAL)
}

fn refused(watch: &Watch, failure: &ApiFailure, was_allowed: bool) -> Diagnostic {
    let (group, resource) = watch.resource.place();
    let consequence = if was_allowed { "the known ones stay in effect" } else { "Adit serves as if there were none" };
    let message = format!(
        "cannot be watched: {}; expected a Role that allows list and watch of {resource} in the API group {group:?}; \
         until then {consequence}",
        failure.message
    );
    Diagnostic::error(Subject::other(watch.to_string()), "", message)
}

#[cfg(test)]
mod tests;
