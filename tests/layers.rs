//! Tests the layers of `src/`: a module uses only modules of lower layers, and no two files use each other.
//!
//! A module and its children are one unit: a child may use the items of its parent. The generated code is not read.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// The modules of the library, the lowest first. Modules on one line do not use each other.
const LAYERS: &[&[&str]] = &[
    &["contract", "documents", "guide", "urls"],
    &["generation", "saved", "sha256"],
    &["error", "schedule"],
    &["tls"],
    &["http"],
    &["request"],
    &["budget"],
    &["client"],
    &["download", "journal", "poll"],
    &["batch", "generate_to"],
    &["blocking", "mock"],
];

#[test]
fn module_uses_only_lower_layers() {
    let layer = |module: &str| LAYERS.iter().position(|layer| layer.contains(&module));
    let mut upward = Vec::new();
    for (file, used) in uses() {
        let module = &file[0];
        let own = layer(module)
            .unwrap_or_else(|| panic!("`{module}` is not in the list of layers: add it"));
        for other in used
            .iter()
            .map(|path| &path[0])
            .filter(|other| *other != module)
        {
            // A module that is missing in the list is reported when its own file is read.
            if layer(other).is_some_and(|other| other >= own) {
                upward.push(format!("src/{}.rs uses `{other}`", file.join("/")));
            }
        }
    }
    assert_eq!(upward, Vec::<String>::new());
}

#[test]
fn no_two_files_use_each_other() {
    let mut open = uses();
    // Files that use no remaining file are removed repeatedly. The files that are left form a cycle or use one.
    loop {
        let names: BTreeSet<ModulePath> = open.keys().cloned().collect();
        let before = open.len();
        open.retain(|file, used| {
            let mut others = used.iter().filter(|other| !file.starts_with(other));
            others.any(|other| names.contains(other))
        });
        if open.len() == before {
            break;
        }
    }
    let cyclic: Vec<String> = open.keys().map(|file| file.join("/")).collect();
    assert_eq!(cyclic, Vec::<String>::new());
}

#[test]
fn every_form_of_import_is_read() {
    let known = |path: &[&str]| path.iter().map(ToString::to_string).collect::<Vec<_>>();
    let modules: BTreeSet<ModulePath> = [
        known(&["a"]),
        known(&["a", "b"]),
        known(&["a", "c"]),
        known(&["d"]),
        known(&["e"]),
    ]
    .into();
    let exports = BTreeMap::from([("Thing".to_owned(), known(&["d", "Thing"]))]);
    let source = "use super::c::{X, Y};\nuse crate::{Thing,\n e::{self, Z}};\n// use crate::f;\n";
    let found = uses_of(&known(&["a", "b"]), source, &modules, &exports);
    assert_eq!(
        found,
        [known(&["a", "c"]), known(&["d"]), known(&["e"])].into()
    );
    let inline = uses_of(
        &known(&["a"]),
        "fn f() { crate::d::g(); b::h(); }",
        &modules,
        &exports,
    );
    assert_eq!(inline, [known(&["a", "b"]), known(&["d"])].into());
}

/// The path of a module below the crate's root, which is also the path of its file below `src/`.
type ModulePath = Vec<String>;

/// The modules that each file of `src/` uses, without those of unit tests.
fn uses() -> BTreeMap<ModulePath, BTreeSet<ModulePath>> {
    let source = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    let mut files = BTreeMap::new();
    read(source, &mut Vec::new(), &mut files);
    let root = files.remove(&vec!["lib".to_owned()]).unwrap();
    files.retain(|path, _| path[0] != "generated");
    let modules: BTreeSet<ModulePath> = files.keys().cloned().collect();
    let exports: BTreeMap<String, ModulePath> = root
        .split("pub use ")
        .skip(1)
        .flat_map(|rest| paths(rest.split(';').next().unwrap()))
        .map(|path| (path.last().unwrap().clone(), path))
        .collect();
    let of = |(path, text): (&ModulePath, &String)| {
        (path.clone(), uses_of(path, text, &modules, &exports))
    };
    files.iter().map(of).collect()
}

fn read(folder: &Path, path: &mut ModulePath, files: &mut BTreeMap<ModulePath, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap().path();
        let name = entry.file_stem().unwrap().to_str().unwrap().to_owned();
        // Unit tests may use every module.
        if ["tests", "fuzz", "bench"].contains(&name.as_str()) {
            continue;
        }
        path.push(name);
        if entry.is_dir() {
            read(&entry, path, files);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            files.insert(path.clone(), fs::read_to_string(&entry).unwrap());
        }
        path.pop();
    }
}

/// The modules that a file uses: in imports, by paths that begin with `crate`, and children by their names.
fn uses_of(
    file: &ModulePath,
    source: &str,
    modules: &BTreeSet<ModulePath>,
    exports: &BTreeMap<String, ModulePath>,
) -> BTreeSet<ModulePath> {
    let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = code.lines().map(|line| line.split("//").next().unwrap());
    let code = lines.collect::<Vec<_>>().join("\n");
    let mut used = BTreeSet::new();
    for rest in code.split("use ").skip(1) {
        for path in paths(rest.split(';').next().unwrap()) {
            used.extend(module(file, &path, modules, exports));
        }
    }
    for rest in code.split("crate::").skip(1) {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
        let path = rest[..end.unwrap_or(rest.len())].split("::");
        let path: ModulePath = std::iter::once("crate")
            .chain(path)
            .map(str::to_owned)
            .collect();
        used.extend(module(file, &path, modules, exports));
    }
    let children = modules
        .iter()
        .filter(|path| path[..path.len() - 1] == file[..]);
    used.extend(
        children
            .filter(|child| code.contains(&format!("{}::", child.last().unwrap())))
            .cloned(),
    );
    used.remove(file);
    used
}

/// The module of an imported path, if the path is one of this crate.
fn module(
    file: &ModulePath,
    path: &ModulePath,
    modules: &BTreeSet<ModulePath>,
    exports: &BTreeMap<String, ModulePath>,
) -> Option<ModulePath> {
    let (mut from, mut rest) = match path.first()?.as_str() {
        "crate" => (Vec::new(), &path[1..]),
        "super" | "self" => (file.clone(), &path[..]),
        _ => return None,
    };
    while let Some(step) = rest
        .first()
        .filter(|step| *step == "super" || *step == "self")
    {
        if step == "super" {
            from.pop();
        }
        rest = &rest[1..];
    }
    from.extend(rest.iter().cloned());
    // An item of the crate's root counts as a use of the root, which exports the item.
    if from.len() == 1
        && !modules.contains(&from)
        && let Some(export) = exports.get(&from[0])
    {
        from.clone_from(export);
    }
    while !from.is_empty() && !modules.contains(&from) {
        from.pop();
    }
    (!from.is_empty()).then_some(from)
}

/// The paths of one import, with expanded groups: `a::{b, c::d}` as `a::b` and `a::c::d`.
fn paths(import: &str) -> Vec<ModulePath> {
    let import = import.split(" as ").next().unwrap().trim();
    let Some((prefix, group)) = import.split_once('{') else {
        return vec![
            import
                .split("::")
                .map(|step| step.trim().to_owned())
                .collect(),
        ];
    };
    let prefix: ModulePath = prefix
        .split("::")
        .map(str::trim)
        .filter(|step| !step.is_empty())
        .map(str::to_owned)
        .collect();
    let group = &group[..group.rfind('}').unwrap_or(group.len())];
    let (mut members, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                members.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    members.push(&group[start..]);
    members
        .into_iter()
        .filter(|member| !member.trim().is_empty())
        .flat_map(paths)
        .map(|member| prefix.iter().cloned().chain(member).collect())
        .collect()
}
