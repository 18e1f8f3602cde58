//! References, and the components that they refer to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::step;

/// Older documents describe the vendor's whole API, and refer to their bodies by `$ref`; the names there hold dots, and
/// other models' documents use the same ones. The target of a reference is written out in its place. A
/// reference that is dangling, circular or to another file stays as it is, and is reported where its type is needed.
pub(crate) fn references(document: &mut Value) -> usize {
    let whole = document.clone();
    let Some(paths) = document.get_mut("paths") else {
        return 0;
    };
    let mut writer = Writer::new(whole, |_| true);
    writer.write_out(paths);
    let written = writer.written;
    if written > 0 {
        unused_components(document);
    }
    written
}

/// Writes out the references whose targets are dropped afterwards: paths that are references, and references to other paths
/// or to extensions. `document` has this client's paths alone, `published` all of them.
pub(crate) fn from_elsewhere(document: &mut Value, published: &Value) {
    let items = document.get_mut("paths").and_then(Value::as_object_mut);
    for item in items.into_iter().flat_map(Map::values_mut) {
        for _ in 0..MAX_DEPTH {
            let to = item.get("$ref").and_then(Value::as_str);
            let Some((_, target)) = to.and_then(|to| target(published, to)) else {
                break;
            };
            let mut whole = target.clone();
            if let (Value::Object(whole), Value::Object(own)) = (&mut whole, item.take()) {
                whole.extend(own.into_iter().filter(|(keyword, _)| keyword != "$ref"));
            }
            *item = whole;
        }
    }
    if refers_elsewhere(document) {
        Writer::new(published.clone(), is_elsewhere).write_out(document);
    }
}

fn refers_elsewhere(value: &Value) -> bool {
    match value {
        Value::Object(map) => {
            let to = map.get("$ref").and_then(Value::as_str);
            to.is_some_and(is_elsewhere) || map.values().any(refers_elsewhere)
        }
        Value::Array(items) => items.iter().any(refers_elsewhere),
        _ => false,
    }
}

fn is_elsewhere(to: &str) -> bool {
    let elsewhere = ["#/paths/", "#/x-", "#/components/x-"];
    elsewhere.iter().any(|folder| to.starts_with(folder))
}

/// The target of a reference within the file, with its pointer.
pub(crate) fn target<'a>(whole: &'a Value, to: &str) -> Option<(String, &'a Value)> {
    let pointer = decoded(to.strip_prefix('#')?);
    let target = whole.pointer(&pointer)?;
    Some((pointer, target))
}

struct Writer {
    whole: Value,
    /// Whether keywords beside a reference apply, as OpenAPI 3.1 states.
    joins_siblings: bool,
    /// Which references are written out.
    is_wanted: fn(&str) -> bool,
    /// The number of values in each target, so that they are counted once.
    sizes: BTreeMap<String, usize>,
    /// The references that are being written out, the outermost first.
    open: Vec<String>,
    written: usize,
    /// How many more values may be written.
    left: usize,
}

impl Writer {
    fn new(whole: Value, is_wanted: fn(&str) -> bool) -> Self {
        let version = whole.get("openapi").and_then(Value::as_str);
        Self {
            joins_siblings: version.is_some_and(|version| version.starts_with("3.1")),
            whole,
            is_wanted,
            sizes: BTreeMap::new(),
            open: Vec::new(),
            written: 0,
            left: MAX_VALUES,
        }
    }

    fn write_out(&mut self, value: &mut Value) {
        match value {
            Value::Object(map) => {
                if let Some((name, mut target)) = self.target(map) {
                    self.open.push(name);
                    self.write_out(&mut target);
                    self.open.pop();
                    self.written += 1;
                    let mut siblings = std::mem::take(map);
                    siblings.remove("$ref");
                    *value = if self.joins_siblings && siblings.keys().any(|key| is_of_schema(key))
                    {
                        siblings
                            .values_mut()
                            .for_each(|value| self.write_out(value));
                        beside(siblings, target)
                    } else {
                        target
                    };
                } else {
                    map.values_mut().for_each(|value| self.write_out(value));
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|value| self.write_out(value)),
            _ => {}
        }
    }

    fn target(&mut self, map: &Map<String, Value>) -> Option<(String, Value)> {
        let name = map.get("$ref")?.as_str()?;
        if !(self.is_wanted)(name) {
            return None;
        }
        if self.open.iter().any(|open| open == name) || self.open.len() == MAX_DEPTH {
            return None;
        }
        let (_, target) = target(&self.whole, name)?;
        let size = match self.sizes.get(name) {
            Some(size) => *size,
            None => *self.sizes.entry(name.to_owned()).or_insert(size(target)),
        };
        self.left = self.left.checked_sub(size)?;
        Some((name.to_owned(), target.clone()))
    }
}

/// Whether a keyword beside a reference makes it one to a schema. A reference to a parameter, a response and the like has
/// prose beside it alone, which replaces that of the target.
fn is_of_schema(keyword: &str) -> bool {
    !["summary", "description"].contains(&keyword) && !keyword.starts_with("x-")
}

/// A schema that allows what both its own keywords and `target` allow.
fn beside(mut schema: Map<String, Value>, target: Value) -> Value {
    let mut parts = match schema.remove("allOf") {
        Some(Value::Array(parts)) => parts,
        odd => Vec::from_iter(odd),
    };
    parts.push(target);
    schema.insert("allOf".into(), parts.into());
    schema.into()
}

/// Tools put `$defs` into a schema and write references as if it were the whole file. Such a reference becomes one to the
/// outermost `$defs` around it that has the name: those of the file, or of the schema that was a file.
pub(crate) fn below_definitions(document: &mut Value) {
    if has_definitions(document) {
        point_below(document, String::new(), &mut Vec::new());
    }
}

fn has_definitions(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.contains_key("$defs") || map.values().any(has_definitions),
        Value::Array(items) => items.iter().any(has_definitions),
        _ => false,
    }
}

fn point_below(value: &mut Value, at: String, open: &mut Vec<(String, BTreeSet<String>)>) {
    let depth = open.len();
    match value {
        Value::Object(map) => {
            if let Some(Value::Object(named)) = map.get("$defs") {
                open.push((at.clone(), named.keys().cloned().collect()));
            }
            if let Some(Value::String(to)) = map.get_mut("$ref")
                && let Some(below) = to.strip_prefix("#/$defs/")
            {
                let name = unescaped(below.split('/').next().unwrap_or_default());
                let mut around = open.iter();
                if let Some((place, _)) = around.find(|(_, names)| names.contains(&name)) {
                    *to = format!("#{}/$defs/{below}", place.replace('%', "%25"));
                }
            }
            for (key, value) in map {
                point_below(value, format!("{at}{}", step(key)), open);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter_mut().enumerate() {
                point_below(value, format!("{at}/{index}"), open);
            }
        }
        _ => {}
    }
    open.truncate(depth);
}

fn unescaped(step: &str) -> String {
    decoded(step).replace("~1", "/").replace("~0", "~")
}

/// The pointer of a reference is part of a URI, in which some characters are percent-encoded.
pub(crate) fn decoded(pointer: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = pointer.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after
            .get(..2)
            .and_then(|code| std::str::from_utf8(code).ok());
        let code = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        match code.filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn size(value: &Value) -> usize {
    match value {
        Value::Object(map) => 1 + map.values().map(size).sum::<usize>(),
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        _ => 1,
    }
}

/// Documents have components without a reference to them, hundreds of them in older ones; they are dropped.
pub(crate) fn unused_components(document: &mut Value) -> usize {
    let Some(components) = document.get("components").and_then(Value::as_object) else {
        return 0;
    };
    let schemas = components.get("schemas").cloned().unwrap_or_default();
    let mut used = Vec::new();
    named(document.get("paths").unwrap_or(&Value::Null), &mut used);
    let others = components.iter().filter(|(kind, _)| *kind != "schemas");
    others.for_each(|(_, others)| named(others, &mut used));
    let mut next = 0;
    while let Some(name) = used.get(next).cloned() {
        named(schemas.get(&name).unwrap_or(&Value::Null), &mut used);
        next += 1;
    }
    let schemas = document.pointer_mut("/components/schemas");
    let Some(schemas) = schemas.and_then(Value::as_object_mut) else {
        return 0;
    };
    let before = schemas.len();
    schemas.retain(|name, _| used.contains(name));
    before - schemas.len()
}

/// The schemas that a value refers to, or to a part of.
fn named(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            let to = map.get("$ref").and_then(Value::as_str);
            let to = to.and_then(|to| to.strip_prefix('#')).map(decoded);
            let below = to
                .as_deref()
                .and_then(|to| to.strip_prefix("/components/schemas/"));
            if let Some(name) = below.and_then(|below| below.split('/').next()) {
                let name = name.replace("~1", "/").replace("~0", "~");
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            map.values().for_each(|value| named(value, names));
        }
        Value::Array(items) => items.iter().for_each(|value| named(value, names)),
        _ => {}
    }
}

/// The most values that references may add: nested references can make a small file larger than memory.
const MAX_VALUES: usize = 200_000;

/// The most references within references.
const MAX_DEPTH: usize = 32;
