//! The check itself, on small sources.

use super::graph::{against_order, cycles_of_files, cycles_of_folders};
use super::module::{Sources, orphans, parse};
use super::outside;
use super::resolve::{Import, imports};
use std::collections::BTreeSet;

fn sources(files: &[(&str, &str)]) -> Sources {
    files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect()
}

fn imports_of(files: &[(&str, &str)]) -> BTreeSet<Import> {
    imports(&parse(&sources(files)).expect("sources"))
}

/// The imports as `from -> to name`.
fn lines(files: &[(&str, &str)]) -> Vec<String> {
    imports_of(files).iter().map(|import| format!("{} -> {} {}", import.from, import.to, import.name)).collect()
}

#[test]
fn imports_and_paths_are_found() {
    let found = lines(&[
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", "use crate::b::{self, Kind as Sort}; fn f(_: Sort) { b::make(); std::mem::drop(0); }"),
        ("b.rs", "pub enum Kind { One } pub fn make() {}"),
        ("c.rs", "impl super::b::Kind { fn f(&self) -> bool { matches!(self, crate::b::Kind::One) } }"),
    ]);
    assert_eq!(found, ["a.rs -> b.rs Kind", "a.rs -> b.rs make", "c.rs -> b.rs Kind"]);
}

#[test]
fn paths_are_found_in_types_attributes_and_macros() {
    let found = lines(&[
        ("lib.rs", "mod a; mod b;"),
        (
            "a.rs",
            "use super::b;
            struct S(Vec<b::A>);
            impl From<b::B> for S where S: b::C {}
            #[derive(b::D)] struct T;
            fn f() { vec![(1, Some(b::h()))]; other!($x b::E => ::b::no $b::no a.b::<b::F>); }
            fn g() { other!(field: b::H, d.H, ::b::no, b::<T>::no, b::I) }
            macro_rules! make { ($b:ident) => { $b::no; $crate::b::G; } }",
        ),
        ("b.rs", ""),
    ]);
    let expected = ["A", "B", "C", "D", "E", "F", "G", "H", "I", "h"];
    assert_eq!(found, expected.map(|name| format!("a.rs -> b.rs {name}")));
}

#[test]
fn a_reexport_is_followed_to_the_file_that_defines_the_name() {
    let found = lines(&[
        ("lib.rs", "pub mod a; pub mod b; pub use b::Renamed;"),
        ("a.rs", "use crate::Renamed; use crate::b::inner::deep; fn f() { deep::make(); }"),
        (
            "b/mod.rs",
            "mod file; pub mod inner { pub use super::file as deep; } pub use self::file::Original as Renamed;",
        ),
        ("b/file.rs", "pub struct Original; pub fn make() {}"),
    ]);
    assert_eq!(found, ["a.rs -> b/file.rs Original", "a.rs -> b/file.rs make"]);
}

#[test]
fn a_reexport_of_what_is_elsewhere_is_an_import() {
    let found = lines(&[("lib.rs", "mod a; mod b;"), ("a.rs", "pub use crate::b::B;"), ("b.rs", "pub struct B;")]);
    assert_eq!(found, ["a.rs -> b.rs B"]);
}

#[test]
fn what_is_reexported_and_used_is_an_import() {
    let found = lines(&[
        ("lib.rs", "mod a;"),
        ("a/mod.rs", "mod b; pub use b::{Seen, Used}; fn f(_: Used) {}"),
        ("a/b.rs", "pub struct Seen; pub struct Used;"),
    ]);
    assert_eq!(found, ["a/mod.rs -> a/b.rs Used"]);
}

#[test]
fn a_function_and_a_module_of_one_name_are_told_apart() {
    let found = lines(&[
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b::c; fn f() { c::D; }"),
        ("b/mod.rs", "pub mod c; pub fn c() {}"),
        ("b/c.rs", "pub struct D;"),
    ]);
    assert_eq!(found, ["a.rs -> b/c.rs D", "a.rs -> b/mod.rs c"]);
}

#[test]
fn what_a_macro_defines_is_of_the_file_that_calls_it() {
    let found = lines(&[("lib.rs", "mod a; mod b;"), ("a.rs", "use crate::b::Made;"), ("b.rs", "make!(Made);")]);
    assert_eq!(found, ["a.rs -> b.rs Made"]);
}

#[test]
fn tests_are_left_out() {
    let found = lines(&[
        ("lib.rs", "mod a; mod b;"),
        (
            "a.rs",
            "#[cfg(test)] use crate::b::A;
            #[cfg(test)] mod tests { use crate::b::*; }
            #[cfg(test)] mod missing;
            impl S { #[cfg(test)] fn f() { crate::b::A; } }
            #[cfg(not(test))] use crate::b::B;",
        ),
        ("b.rs", "pub struct A; pub struct B;"),
    ]);
    assert_eq!(found, ["a.rs -> b.rs B"]);
}

#[test]
fn what_cannot_be_followed_is_refused() {
    let error = |a: &str| parse(&sources(&[("lib.rs", "mod a;"), ("a.rs", a)])).err().map(|error| error.to_string());
    assert_eq!(
        error("use crate::b::*;").as_deref(),
        Some("a.rs: the names that crate::b::* imports are not followed, name them")
    );
    assert_eq!(error("mod gone;").as_deref(), Some("a.rs: the file of mod gone is missing"));
    assert_eq!(error("#[path = \"b.rs\"] mod b;").as_deref(), Some("a.rs: #[path] is not followed"));
    assert_eq!(error("fn {").as_deref(), Some("a.rs cannot be parsed"));
}

#[test]
fn a_cycle_of_files_is_found() {
    let imports = imports_of(&[
        ("lib.rs", "mod a; mod b; mod c; mod d;"),
        ("a.rs", "use crate::b::B; pub struct A;"),
        ("b.rs", "use crate::c::C; pub struct B;"),
        ("c.rs", "use crate::a::A; use crate::d::D; pub struct C;"),
        ("d.rs", "pub struct D;"),
    ]);
    let expected = [
        "a.rs -> b.rs: a.rs uses B, which b.rs defines",
        "b.rs -> c.rs: b.rs uses C, which c.rs defines",
        "c.rs -> a.rs: c.rs uses A, which a.rs defines",
    ];
    assert_eq!(cycles_of_files(&imports), expected);
}

#[test]
fn a_cycle_of_folders_is_found_where_files_have_none() {
    let imports = imports_of(&[
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "mod one; pub mod two;"),
        ("a/one.rs", "use crate::b::B;"),
        ("a/two.rs", "pub struct Two;"),
        ("b.rs", "use crate::a::two::Two; pub struct B;"),
    ]);
    assert!(cycles_of_files(&imports).is_empty());
    let expected = ["a -> b: a/one.rs uses B, which b.rs defines", "b -> a: b.rs uses Two, which a/two.rs defines"];
    assert_eq!(cycles_of_folders(&imports), expected);
}

#[test]
fn a_cycle_of_folders_in_a_folder_is_found() {
    let imports = imports_of(&[
        ("lib.rs", "mod a;"),
        ("a/mod.rs", "mod b; mod c; pub struct A;"),
        ("a/b/mod.rs", "pub mod d; use super::c::C;"),
        ("a/b/d.rs", "pub struct D; use crate::a::A;"),
        ("a/c.rs", "use super::b::d::D; pub struct C;"),
    ]);
    assert!(cycles_of_files(&imports).is_empty());
    let expected =
        ["a/b -> a/c: a/b/mod.rs uses C, which a/c.rs defines", "a/c -> a/b: a/c.rs uses D, which a/b/d.rs defines"];
    assert_eq!(cycles_of_folders(&imports), expected);
}

#[test]
fn an_upward_import_is_reported() {
    let imports = imports_of(&[
        ("lib.rs", "mod top; mod one; mod two; mod new;"),
        ("top.rs", "use crate::two::inner::Two; pub struct Top;"),
        ("one.rs", "use crate::top::Top;"),
        ("two/mod.rs", "pub mod inner;"),
        ("two/inner.rs", "use crate::one; fn f() { one::g() } pub struct Two;"),
        ("new.rs", ""),
    ]);
    let files = ["lib.rs", "top.rs", "one.rs", "two/mod.rs", "two/inner.rs", "new.rs"].map(str::to_owned);
    let expected = [
        "new.rs has no place in the order of modules",
        "old stands in the order of modules, and is nowhere",
        "upward: one.rs uses Top, which top.rs defines",
        "upward: two/inner.rs uses g, which one.rs defines",
    ];
    assert_eq!(against_order(&[&["top", "old"], &["one", "two"]], &files, &imports), expected);
}

#[test]
fn the_longest_place_counts() {
    let imports = imports_of(&[
        ("lib.rs", "mod a; mod b; use a::A;"),
        ("a/mod.rs", "pub mod low; use crate::b::B; pub struct A;"),
        ("a/low.rs", "pub struct Low;"),
        ("b.rs", "use crate::a::low::Low; pub struct B;"),
    ]);
    let files = ["lib.rs", "a/mod.rs", "a/low.rs", "b.rs"].map(str::to_owned);
    assert_eq!(against_order(&[&["a"], &["b"], &["a/low"]], &files, &imports), [""; 0]);
}

#[test]
fn nothing_uses_what_only_leads_on() {
    let imports = imports_of(&[
        ("lib.rs", "mod a; use a::b::B; pub struct Root;"),
        ("a/mod.rs", "pub mod b; use b::B; pub struct A;"),
        ("a/b.rs", "use super::A; use crate::Root; pub struct B;"),
    ]);
    let files = ["lib.rs", "a/mod.rs", "a/b.rs"].map(str::to_owned);
    let expected = ["upward: a/b.rs uses A, which a/mod.rs defines", "upward: a/b.rs uses Root, which lib.rs defines"];
    assert_eq!(against_order(&[&["a/b"]], &files, &imports), expected);
}

#[test]
fn a_crate_is_named_in_its_places_alone() {
    let modules = parse(&sources(&[
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", "use pingora_core::Error;"),
        ("b.rs", "fn f(_: &pingora_http::RequestHeader) {}"),
        ("c.rs", "/// pingora_http::RequestHeader\nstruct C;"),
    ]));
    let found = outside(&["a"], "pingora_", &modules.expect("sources"));
    assert_eq!(found, ["b.rs names pingora_http::RequestHeader"]);
}

#[test]
fn a_file_that_no_module_declares_is_found() {
    let files = sources(&[
        ("lib.rs", "mod a;"),
        ("main.rs", ""),
        ("a/mod.rs", "mod b;\n#[cfg(test)]\nmod tests;"),
        ("a/b.rs", ""),
        ("a/b/c.rs", ""),
        ("a/tests.rs", ""),
    ]);
    assert_eq!(orphans(&files), ["a/b/c.rs"]);
}
