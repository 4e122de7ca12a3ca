//! Who uses what: every path that is written in a crate, followed through imports and re-exports to the file that
//! defines its name.

use super::module::{Module, Name};
use std::collections::BTreeSet;

/// A file uses a name that another file defines.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Import {
    pub(crate) from: String,
    pub(crate) to: String,
    /// The name as it is defined.
    pub(crate) name: String,
}

impl std::fmt::Display for Import {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} uses {}, which {} defines", self.from, self.name, self.to)
    }
}

/// Where a path leads to.
#[derive(Clone, Copy, Debug)]
enum Target<'a> {
    Module(usize),
    /// Something of this name that the module of this number defines.
    Item(usize, &'a str),
}

/// How many re-exports may stand between a name and its definition.
const MOST_REEXPORTS: usize = 32;

/// What the files of a crate import from each other.
///
/// A module's re-export of what is below it is no import: it only says where others find a name. Nor is a path that ends
/// at a module, since what is used of that module is another path.
pub(crate) fn imports(modules: &[Module]) -> BTreeSet<Import> {
    let mut imports = BTreeSet::new();
    for (number, module) in modules.iter().enumerate() {
        for mention in &module.mentions {
            for target in resolve(modules, number, &mention.path, MOST_REEXPORTS) {
                let Target::Item(definer, name) = target else { continue };
                let definer = &modules[definer];
                let is_facade = mention.is_reexport && definer.path.starts_with(&module.path);
                if definer.file != module.file && !is_facade {
                    let (from, to) = (module.file.clone(), definer.file.clone());
                    imports.insert(Import { from, to, name: name.to_owned() });
                }
            }
        }
    }
    imports
}

/// Where a path that is written in a module leads to; nowhere when it leaves the crate.
fn resolve<'a>(modules: &'a [Module], module: usize, path: &'a [String], depth: usize) -> Vec<Target<'a>> {
    let Some(depth) = depth.checked_sub(1) else { return Vec::new() };
    let [first, rest @ ..] = path else { return Vec::new() };
    let first = match first.as_str() {
        "crate" => vec![Target::Module(0)],
        "self" => vec![Target::Module(module)],
        "super" => vec![Target::Module(modules[module].parent)],
        name => look_up(modules, module, name, depth),
    };
    rest.iter().fold(first, |found, name| {
        let has_module = found.iter().any(|target| matches!(target, Target::Module(_)));
        let step = |target| match target {
            Target::Module(module) if name == "super" => vec![Target::Module(modules[module].parent)],
            Target::Module(module) => {
                let names = look_up(modules, module, name, depth);
                // What is not found, a macro has defined.
                if names.is_empty() { vec![Target::Item(module, name)] } else { names }
            }
            // A function may have a module's name, but nothing inside.
            Target::Item(..) if has_module => Vec::new(),
            // A variant of an enum, or what a type or a trait has.
            Target::Item(..) => vec![target],
        };
        found.into_iter().flat_map(step).collect()
    })
}

fn look_up<'a>(modules: &'a [Module], module: usize, name: &str, depth: usize) -> Vec<Target<'a>> {
    let Some((name, meanings)) = modules[module].names.get_key_value(name) else { return Vec::new() };
    let targets = meanings.iter().flat_map(|meaning| match meaning {
        Name::Item => vec![Target::Item(module, name)],
        Name::Module(child) => vec![Target::Module(*child)],
        Name::Import(path) => resolve(modules, module, path, depth),
    });
    targets.collect()
}
