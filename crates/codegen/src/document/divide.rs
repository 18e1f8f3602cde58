//! The parts of a document that describe some of its models.

use serde_json::{Map, Value};

use super::{Create, Document, creates};
use crate::{Diagnostics, Route, repair};

/// A published document that is divided by model.
#[derive(Debug)]
pub struct Divisible {
    file: String,
    /// The document with references written out, since operations may share a component; and the repaired document, for ids
    /// that only a repair finds.
    forms: [Value; 2],
    declared: Vec<(Route, String, Value)>,
}

impl Divisible {
    /// Prepares a document.
    pub fn new(document: &Document) -> Self {
        let mut value = document.unrepaired();
        repair::references(&mut value);
        let repaired = repaired(document);
        Self {
            file: document.file.clone(),
            declared: declared(&repaired),
            forms: [value, repaired.value],
        }
    }

    /// The part that describes the models that `is_kept` accepts: the ids of the others are dropped, with the arms and the
    /// operations that no id is left for. A single arm that is left is joined with the keywords beside it. The fetch operations
    /// are kept if `has_fetch`.
    ///
    /// `None` if the other models cannot be taken out without a change of the kept ones.
    pub fn part(&self, has_fetch: bool, is_kept: impl Fn(Route, &str) -> bool) -> Option<Document> {
        let mut forms = self.forms.iter();
        forms.find_map(|form| self.part_of(form.clone(), has_fetch, &is_kept))
    }

    fn part_of(
        &self,
        mut value: Value,
        has_fetch: bool,
        is_kept: &dyn Fn(Route, &str) -> bool,
    ) -> Option<Document> {
        let paths = value.get_mut("paths")?.as_object_mut()?;
        for route in Route::ALL {
            let Some(item) = paths.get_mut(route.path()).and_then(Value::as_object_mut) else {
                continue;
            };
            let bodies = item
                .get_mut("post")
                .and_then(|post| post.pointer_mut("/requestBody/content"))
                .and_then(Value::as_object_mut);
            let bodies = bodies.into_iter().flat_map(Map::values_mut);
            let mut schemas = bodies.filter_map(|body| body.get_mut("schema"));
            let is_kept = |id: &str| is_kept(route, id);
            if schemas.any(|schema| retain(schema, &is_kept) == Some(false)) {
                item.remove("post");
            }
            if !has_fetch {
                item.remove("get");
            }
            if !item.contains_key("post") && !item.contains_key("get") {
                paths.remove(route.path());
            }
        }
        let part = Document::new(&self.file, value);
        let kept = self
            .declared
            .iter()
            .filter(|(route, id, _)| is_kept(*route, id));
        kept.eq(&declared(&repaired(&part))).then_some(part)
    }
}

/// A document without an overlay.
fn repaired(document: &Document) -> Document {
    let mut repaired = Document {
        value: document.unrepaired(),
        ..document.clone()
    };
    repair::apply(&mut repaired);
    repaired
}

fn declared(repaired: &Document) -> Vec<(Route, String, Value)> {
    let creates = creates(repaired, &mut Diagnostics::default());
    let facts = |create: Create| (create.route, create.model, create.schema);
    creates.into_iter().map(facts).collect()
}

/// Drops the ids that are not kept from a body; `None` if it names no model, else whether one is left.
fn retain(schema: &mut Value, is_kept: &dyn Fn(&str) -> bool) -> Option<bool> {
    let mut left = None;
    let mut narrow = |named: bool| left = Some(named && left != Some(false));
    if let Some(Value::Array(ids)) = schema.pointer_mut("/properties/model/enum") {
        ids.retain(|id| id.as_str().is_none_or(is_kept));
        narrow(!ids.is_empty());
    }
    let all = schema.get_mut("allOf").and_then(Value::as_array_mut);
    let parts = all.into_iter().flatten();
    parts
        .filter_map(|part| retain(part, is_kept))
        .for_each(&mut narrow);
    for keyword in ["oneOf", "anyOf"] {
        let Some(Value::Array(arms)) = schema.get_mut(keyword) else {
            continue;
        };
        let mut of_models = Vec::new();
        arms.retain_mut(|arm| {
            let left = retain(arm, is_kept);
            of_models.extend(left);
            left != Some(false)
        });
        if of_models.is_empty() {
            continue;
        }
        narrow(of_models.contains(&true));
        if let ([only], Value::Object(map)) = (&*arms.clone(), &mut *schema) {
            map.remove(keyword);
            // It selects among arms.
            map.remove("discriminator");
            if let Some(whole) = repair::joined(map, only) {
                *schema = whole;
            }
        }
    }
    left
}
