//! Where the parts of a schema stand in the document that the schema is made from.

use std::collections::BTreeMap;

use serde_json::Value;

/// Maps JSON pointers in a request's schema to JSON pointers in the repaired document.
///
/// An entry covers everything below its pointer, up to an entry with more steps. The entry for the whole schema has the
/// empty pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places(BTreeMap<String, String>);

impl Places {
    /// The places of a schema that is used as it stands at `pointer` of the document.
    pub(super) fn at(pointer: impl Into<String>) -> Self {
        Self(BTreeMap::from([(String::new(), pointer.into())]))
    }

    /// Returns where in the document the part at `pointer` of the schema stands.
    pub fn of(&self, pointer: &str) -> String {
        let ends = pointer.rmatch_indices('/').map(|(end, _)| end);
        let mut prefixes = std::iter::once(pointer.len()).chain(ends);
        let place = prefixes.find_map(|end| {
            let place = self.0.get(&pointer[..end])?;
            Some(format!("{place}{}", &pointer[end..]))
        });
        place.unwrap_or_else(|| pointer.to_owned())
    }

    /// Records that the part at `to` is a copy of the part at `from`.
    pub(super) fn copy(&mut self, from: &str, to: &str) {
        let below = self.0.iter().filter_map(|(pointer, place)| {
            let rest = pointer.strip_prefix(from)?;
            rest.starts_with('/')
                .then(|| (format!("{to}{rest}"), place.clone()))
        });
        let copied: Vec<(String, String)> = below.collect();
        self.0.insert(to.to_owned(), self.of(from));
        self.0.extend(copied);
    }

    /// Adds the places of a schema that becomes the part at `pointer`.
    pub(super) fn insert(&mut self, pointer: &str, part: Self) {
        let entries = part.0.into_iter();
        self.0
            .extend(entries.map(|(below, place)| (format!("{pointer}{below}"), place)));
    }

    /// Drops the entries for parts that `schema` does not have.
    pub(super) fn retain(&mut self, schema: &Value) {
        self.0
            .retain(|pointer, _| schema.pointer(pointer).is_some());
    }
}
