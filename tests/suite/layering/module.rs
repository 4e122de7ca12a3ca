//! The modules of a crate as its sources declare them: the names of each, and the paths that its code writes.
//!
//! What is only compiled for tests (`#[cfg(test)]`) is left out. Code inside macro calls is searched for paths, too.

use anyhow::{Context, Result, bail, ensure};
use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItem, Item, ItemMod, ItemUse, Meta, UseTree, Visibility};

/// The source files of a crate: text by path below `src`.
pub(crate) type Sources = BTreeMap<String, String>;

/// One module.
pub(crate) struct Module {
    /// The module's names from the crate's root down; empty for the root.
    pub(crate) path: Vec<String>,
    /// The file that it is written in, below `src`. A module inside a file shares it.
    pub(crate) file: String,
    /// Its number among the modules, as that of its parent; the root is its own parent.
    pub(crate) parent: usize,
    /// What its names stand for. A name may be a type, a function and a macro at once.
    pub(crate) names: HashMap<String, Vec<Name>>,
    pub(crate) mentions: Vec<Mention>,
}

/// What a name of a module stands for.
pub(crate) enum Name {
    /// An item that is defined there.
    Item,
    /// The module of this number.
    Module(usize),
    /// An import of this path.
    Import(Vec<String>),
}

/// A path that is written in a module.
pub(crate) struct Mention {
    pub(crate) path: Vec<String>,
    /// Whether others may import it from here.
    pub(crate) is_reexport: bool,
}

/// Reads the files of a crate that end in `.rs`.
pub(crate) fn read(directory: &Path) -> Result<Sources> {
    let mut sources = Sources::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(&next).with_context(|| next.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let below = path.strip_prefix(directory)?.to_string_lossy().into_owned();
                sources.insert(below, fs::read_to_string(&path)?);
            }
        }
    }
    Ok(sources)
}

/// The files that no other declares as a module, not even for tests.
pub(crate) fn orphans(sources: &Sources) -> Vec<String> {
    let is_declared = |file: &str| {
        let path = file.strip_suffix("/mod.rs").or(file.strip_suffix(".rs")).unwrap_or(file);
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let parents = if folder.is_empty() {
            ["lib.rs".to_owned(), "main.rs".to_owned()]
        } else {
            [format!("{folder}.rs"), format!("{folder}/mod.rs")]
        };
        let declaration = format!("mod {name};");
        parents.iter().filter_map(|parent| sources.get(parent)).any(|text| text.contains(&declaration))
    };
    let roots = ["lib.rs", "main.rs"];
    sources.keys().filter(|file| !roots.contains(&file.as_str()) && !is_declared(file)).cloned().collect()
}

/// The modules that `lib.rs` leads to; the first one is the root.
pub(crate) fn parse(sources: &Sources) -> Result<Vec<Module>> {
    let mut parser = Parser { sources, modules: Vec::new() };
    parser.file("lib.rs", &[], 0)?;
    Ok(parser.modules)
}

struct Parser<'a> {
    sources: &'a Sources,
    modules: Vec<Module>,
}

impl Parser<'_> {
    /// Adds the module of this path and parent that a file is, and those below it. Returns its number.
    fn file(&mut self, file: &str, path: &[String], parent: usize) -> Result<usize> {
        let text = self.sources.get(file).with_context(|| format!("{file} is missing"))?;
        let items = syn::parse_file(text).with_context(|| format!("{file} cannot be parsed"))?.items;
        self.items(&items, file, path, parent)
    }

    fn items(&mut self, items: &[Item], file: &str, path: &[String], parent: usize) -> Result<usize> {
        let number = self.modules.len();
        let (names, mentions) = (HashMap::new(), Vec::new());
        self.modules.push(Module { path: path.to_owned(), file: file.to_owned(), parent, names, mentions });
        let mut code = Code::default();
        for item in items.iter().filter(|item| !is_for_tests(attributes(item))) {
            if let Item::Mod(module) = item {
                let child = self.child(module, file, path, number)?;
                code.names.entry(module.ident.to_string()).or_default().push(Name::Module(child));
                continue;
            }
            if let Some(name) = name(item) {
                code.names.entry(name).or_default().push(Name::Item);
            }
            code.visit_item(item);
        }
        if let Some(glob) = code.globs.first() {
            bail!("{file}: the names that {}::* imports are not followed, name them", glob.join("::"));
        }
        self.modules[number].names = code.names;
        self.modules[number].mentions = code.mentions;
        Ok(number)
    }

    fn child(&mut self, module: &ItemMod, file: &str, path: &[String], parent: usize) -> Result<usize> {
        let is_elsewhere = module.attrs.iter().any(|attribute| attribute.path().is_ident("path"));
        ensure!(!is_elsewhere, "{file}: #[path] is not followed");
        let path = [path, &[module.ident.to_string()]].concat();
        if let Some((_, items)) = &module.content {
            return self.items(items, file, &path, parent);
        }
        let stem = path.join("/");
        let candidates = [format!("{stem}.rs"), format!("{stem}/mod.rs")];
        let found = candidates.iter().find(|candidate| self.sources.contains_key(*candidate));
        let found = found.with_context(|| format!("{file}: the file of mod {} is missing", module.ident))?;
        self.file(found, &path, parent)
    }
}

/// Collects what the code of one module imports and which paths it writes.
#[derive(Default)]
struct Code {
    names: HashMap<String, Vec<Name>>,
    mentions: Vec<Mention>,
    globs: Vec<Vec<String>>,
}

impl Code {
    fn import(&mut self, before: &[String], tree: &UseTree, is_reexport: bool) {
        let with = |name: String| [before, &[name]].concat();
        let (path, alias) = match tree {
            UseTree::Path(tree) => return self.import(&with(tree.ident.to_string()), &tree.tree, is_reexport),
            UseTree::Group(tree) => return tree.items.iter().for_each(|item| self.import(before, item, is_reexport)),
            UseTree::Glob(_) => return self.globs.push(before.to_vec()),
            UseTree::Name(tree) if tree.ident == "self" => (before.to_vec(), before.last().cloned()),
            UseTree::Name(tree) => (with(tree.ident.to_string()), Some(tree.ident.to_string())),
            UseTree::Rename(tree) if tree.ident == "self" => (before.to_vec(), Some(tree.rename.to_string())),
            UseTree::Rename(tree) => (with(tree.ident.to_string()), Some(tree.rename.to_string())),
        };
        if let Some(alias) = alias {
            self.names.entry(alias).or_default().push(Name::Import(path.clone()));
        }
        self.mentions.push(Mention { path, is_reexport });
    }

    fn mention(&mut self, path: Vec<String>) {
        if !path.is_empty() {
            self.mentions.push(Mention { path, is_reexport: false });
        }
    }

    /// Finds paths in what is handed to a macro, or in its definition.
    fn search(&mut self, tokens: TokenStream) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let ident = |at: usize| match tokens.get(at) {
            Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
            _ => None,
        };
        let is = |at: Option<usize>, wanted: char| match at.and_then(|at| tokens.get(at)) {
            Some(TokenTree::Punct(punct)) => punct.as_char() == wanted,
            _ => false,
        };
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            if let TokenTree::Group(group) = token {
                self.search(group.stream());
            }
            let before = at.checked_sub(1);
            let mut path: Vec<_> = ident(at).into_iter().collect();
            at += 1;
            while !path.is_empty() && is(Some(at), ':') && is(Some(at + 1), ':') {
                let Some(next) = ident(at + 2) else { break };
                path.push(next);
                at += 3;
            }
            // Not a field or a method, not what follows `::`, not a variable of a macro.
            let continues = is(before, ':') && is(before.and_then(|before| before.checked_sub(1)), ':');
            let is_variable = is(before, '$') && path.first().is_none_or(|first| first != "crate");
            if !is(before, '.') && !continues && !is_variable {
                self.mention(path);
            }
        }
    }
}

impl Visit<'_> for Code {
    fn visit_item(&mut self, item: &Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &ImplItem) {
        let attributes = match item {
            ImplItem::Const(item) => &item.attrs,
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Type(item) => &item.attrs,
            _ => &Vec::new(),
        };
        if !is_for_tests(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &ItemUse) {
        if item.leading_colon.is_none() {
            self.import(&[], &item.tree, !matches!(item.vis, Visibility::Inherited));
        }
    }

    fn visit_path(&mut self, path: &syn::Path) {
        if path.leading_colon.is_none() {
            self.mention(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &syn::Macro) {
        visit::visit_macro(self, call);
        self.search(call.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.search(list.tokens.clone());
        }
        visit::visit_attribute(self, attribute);
    }

    /// `pub(in path)` names who may use something, and uses nothing itself.
    fn visit_visibility(&mut self, _: &Visibility) {}
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
        .any(|attribute| attribute.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test")))
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// The name that an item defines; `None` for what defines none, and for `use` and `mod`.
fn name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}
