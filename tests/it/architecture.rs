//! The rooms of `src/`: their order is that of `src/lib.rs`, and no file imports in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Modules by their path (`answer::slo`; the root is empty), with their text.
type Modules = BTreeMap<String, String>;

/// The modules that each one imports.
type Imports<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every module but tests, without comments and without the tests at its end.
fn modules() -> Modules {
    let mut found = Modules::new();
    let mut folders = vec![source()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            if name.contains("test") || name == "main" {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.insert(module_of(&path), without_tests(&text));
            }
        }
    }
    found
}

fn module_of(path: &Path) -> String {
    let relative = path.strip_prefix(source()).unwrap().with_extension("");
    let parts = relative.iter().map(|part| part.to_str().unwrap());
    parts.filter(|part| !["mod", "lib"].contains(part)).collect::<Vec<_>>().join("::")
}

fn without_tests(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines.iter().position(|l| l.starts_with("mod ") && l.ends_with("tests {"));
    let kept = lines[..tests.unwrap_or(lines.len())].iter();
    let code = kept.map(|line| line.split("//").next().unwrap_or_default());
    // How far something can be seen is no import.
    code.map(|line| line.replace("(in crate", "(in ")).collect::<Vec<_>>().join("\n")
}

/// What is imported, re-exported or named by its whole path, from the root.
fn used(module: &str, text: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for (at, _) in text.match_indices("use ") {
        let line = text[..at].rsplit('\n').next().unwrap_or_default();
        if !(line.is_empty() || line.starts_with("pub")) {
            continue;
        }
        let tree = text[at + 4..].split(';').next().unwrap_or_default();
        let mut leaves = Vec::new();
        take_apart(tree, "", &mut leaves);
        paths.extend(leaves);
    }
    let inline = text.split(|c: char| !(c.is_alphanumeric() || "_:".contains(c)));
    let begins = |word: &str| word.starts_with("crate::") || word.starts_with("super::");
    let inline = inline.filter(|word| begins(word) && !word.ends_with("::"));
    paths.extend(inline.map(str::to_owned));
    paths.iter().filter_map(|path| absolute(module, path)).collect()
}

/// `a::{b, c::{d, e}}` is `a::b`, `a::c::d`, `a::c::e`.
fn take_apart(tree: &str, prefix: &str, leaves: &mut Vec<String>) {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let path = tree.split(" as ").next().unwrap_or_default().trim();
        leaves.extend((!path.is_empty()).then(|| format!("{prefix}{path}")));
        return;
    };
    let prefix = format!("{prefix}{}", &tree[..open]);
    let (mut depth, mut start) = (0, open + 1);
    for (at, c) in tree.char_indices().skip(open + 1) {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return take_apart(&tree[start..at], &prefix, leaves),
            '}' => depth -= 1,
            ',' if depth == 0 => {
                take_apart(&tree[start..at], &prefix, leaves);
                start = at + 1;
            }
            _ => {}
        }
    }
}

/// A path from the root; `None` for what has none.
fn absolute(module: &str, path: &str) -> Option<String> {
    let (mut base, mut rest): (Vec<&str>, &str) = match path.split_once("::")? {
        ("crate", rest) => (Vec::new(), rest),
        ("self", rest) => (module.split("::").collect(), rest),
        _ => (module.split("::").collect(), path),
    };
    while let Some(above) = rest.strip_prefix("super::") {
        base.pop();
        rest = above;
    }
    base.extend(rest.split("::"));
    Some(base.join("::").trim_start_matches("::").to_owned())
}

/// The module that holds what is named by `path`.
fn holder<'a>(modules: &'a Modules, path: &str) -> Option<&'a str> {
    let parts: Vec<&str> = path.split("::").collect();
    let prefixes = (1..=parts.len()).rev().map(|n| parts[..n].join("::"));
    prefixes.into_iter().find_map(|prefix| modules.get_key_value(&prefix)).map(|(name, _)| &**name)
}

fn imports(modules: &Modules) -> Imports<'_> {
    let each = modules.iter().map(|(name, text)| {
        let held = used(name, text);
        let held = held.iter().filter_map(|path| holder(modules, path));
        (&**name, held.filter(|other| other != name).collect())
    });
    each.collect()
}

/// A chain of imports that leads back to its beginning.
fn circle<'a>(imports: &Imports<'a>) -> Option<Vec<&'a str>> {
    fn walk<'a>(
        at: &'a str,
        imports: &Imports<'a>,
        path: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
    ) -> Option<Vec<&'a str>> {
        if let Some(begin) = path.iter().position(|seen| *seen == at) {
            return Some(path[begin..].to_vec());
        }
        if !done.insert(at) {
            return None;
        }
        path.push(at);
        let found = imports.get(at)?.iter().find_map(|next| walk(next, imports, path, done));
        path.pop();
        found
    }
    let mut done = BTreeSet::new();
    imports.keys().find_map(|start| walk(start, imports, &mut Vec::new(), &mut done))
}

#[test]
fn no_file_imports_in_a_circle() {
    let modules = modules();
    let imports = imports(&modules);
    assert!(imports.len() > 300, "{}", imports.len());
    assert_eq!(circle(&imports), None);
}

#[test]
fn a_room_uses_only_those_above_it_in_the_map() {
    let modules = modules();
    let map = std::fs::read_to_string(source().join("lib.rs")).unwrap();
    let declared = map.lines().filter_map(|l| l.strip_prefix("pub mod ")?.strip_suffix(';'));
    let rooms: Vec<&str> = declared.collect();
    let of = |module: &str| {
        let room = module.split("::").next().unwrap_or_default();
        rooms.iter().position(|known| *known == room)
    };
    for (module, others) in imports(&modules) {
        for other in others {
            assert!(of(other) <= of(module), "{module} uses {other}, which stands below it");
        }
        assert!(module.is_empty() || of(module).is_some(), "{module} is in no room of the map");
    }
    for room in rooms {
        let row = [format!("| [`{room}`] |"), format!("| `{room}` |")];
        assert!(row.iter().any(|row| map.contains(row)), "the map does not say what {room} holds");
    }
}

#[test]
fn circles_are_found() {
    let module = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let found = |texts: &[(String, String)]| {
        let modules: Modules = texts.iter().cloned().collect();
        circle(&imports(&modules)).map(|path| path.join(" → "))
    };
    let there = module("a::x", "use crate::b::{Thing, y::{self, Other}};\n");
    let back = module("b::y", "pub(super) use super::super::a::x::Item;\n");
    let b = module("b", "");
    assert_eq!(found(&[there.clone(), b.clone()]), None);
    assert_eq!(found(&[there, back, b]).as_deref(), Some("a::x → b::y"));
    let (parent, child) = (module("a", "pub use x::Item;\n"), module("a::x", "use super::Own;\n"));
    assert_eq!(found(&[parent, child]).as_deref(), Some("a → a::x"));
}
