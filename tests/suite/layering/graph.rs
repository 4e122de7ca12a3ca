//! What must be true of the imports of a crate: no cycle, and every import points down.

use super::resolve::Import;
use std::collections::{BTreeMap, BTreeSet};

/// Who uses what, each with the imports that make it so.
type Graph<'a> = BTreeMap<String, BTreeMap<String, Vec<&'a Import>>>;

/// The imports that tie files together in cycles, a line for each.
pub(crate) fn cycles_of_files(imports: &BTreeSet<Import>) -> Vec<String> {
    let mut graph = Graph::new();
    for import in imports {
        connect(&mut graph, import.from.clone(), import.to.clone(), import);
    }
    cycles(&graph)
}

/// The imports that tie folders together in cycles, a line for each.
///
/// In each folder, a file and all that is in the folder of its name count as one.
pub(crate) fn cycles_of_folders(imports: &BTreeSet<Import>) -> Vec<String> {
    let mut graph = Graph::new();
    for import in imports {
        let (from, to) = (module(&import.from), module(&import.to));
        let common = from.iter().zip(&to).take_while(|(from, to)| from == to).count();
        let part = |path: &[&str]| path[..path.len().min(common + 1)].join("/");
        connect(&mut graph, part(&from), part(&to), import);
    }
    cycles(&graph)
}

/// The imports that do not point down, a line for each; and the files that have no place in the order.
///
/// The order is of layers, the highest first. A layer names modules, each as a path of folders; a file is of the one
/// that names the most of its own path. What is in a layer knows nothing else of that layer, and nothing above. What
/// leads to a module, as the root does, has no place: it may use all, and nothing may use it.
pub(crate) fn against_order<'a>(
    order: &[&[&'static str]],
    files: impl IntoIterator<Item = &'a String>,
    imports: &BTreeSet<Import>,
) -> Vec<String> {
    let places = order.iter().enumerate().flat_map(|(layer, names)| names.iter().map(move |name| (layer, *name)));
    let places: Vec<_> = places.collect();
    let parts = |name: &'static str| name.split('/').collect::<Vec<_>>();
    let place = |file: &str| {
        let above = places.iter().filter(|(_, name)| module(file).starts_with(&parts(name)));
        above.max_by_key(|(_, name)| name.len()).copied()
    };
    let leads_on = |file: &str| places.iter().any(|(_, name)| parts(name).starts_with(&module(file)));
    let files: Vec<_> = files.into_iter().collect();
    let lost = files.iter().filter(|file| place(file).is_none() && !leads_on(file));
    let lost = lost.map(|file| format!("{file} has no place in the order of modules"));
    let used: BTreeSet<_> = files.iter().filter_map(|file| place(file)).collect();
    let empty = places.iter().filter(|place| !used.contains(place));
    let empty = empty.map(|(_, name)| format!("{name} stands in the order of modules, and is nowhere"));
    let points_down = |import: &&Import| match (place(&import.from), place(&import.to)) {
        (Some(from), Some(to)) => from == to || from.0 < to.0,
        (from, to) => from.is_none() && to.is_some(),
    };
    let upward = imports.iter().filter(|import| !points_down(import)).map(|import| format!("upward: {import}"));
    lost.chain(empty).chain(upward).collect()
}

/// The names of the modules that lead to a file, its own last; none for the root.
fn module(file: &str) -> Vec<&str> {
    let mut names: Vec<_> = file.trim_end_matches(".rs").split('/').collect();
    names.pop_if(|last| matches!(*last, "lib" | "mod"));
    names
}

fn connect<'a>(graph: &mut Graph<'a>, from: String, to: String, import: &'a Import) {
    if from != to {
        graph.entry(from).or_default().entry(to).or_default().push(import);
    }
}

fn cycles(graph: &Graph) -> Vec<String> {
    let reachable: BTreeMap<_, _> = graph.keys().map(|node| (node, reachable(graph, node))).collect();
    let leads = |from: &String, to: &String| reachable.get(from).is_some_and(|nodes| nodes.contains(to));
    let edges = graph.iter().flat_map(|(from, tos)| tos.iter().map(move |(to, imports)| (from, to, imports)));
    let cyclic = edges.filter(|(from, to, _)| leads(to, from));
    cyclic
        .flat_map(|(from, to, imports)| imports.iter().map(move |import| format!("{from} -> {to}: {import}")))
        .collect()
}

/// What can be reached from a node in one step or more.
fn reachable<'a>(graph: &'a Graph, node: &String) -> BTreeSet<&'a String> {
    let mut found = BTreeSet::new();
    let mut waiting: Vec<_> = graph.get(node).into_iter().flat_map(BTreeMap::keys).collect();
    while let Some(next) = waiting.pop() {
        if found.insert(next) {
            waiting.extend(graph.get(next).into_iter().flat_map(BTreeMap::keys));
        }
    }
    found
}
