//! The parts of a document that describe some of its models.

use serde_json::{Map, Value};

use super::{Create, Document, creates};
use crate::{Diagnostics, Route, repair, step};

/// A published document that is divided by model.
#[derive(Debug)]
pub struct Divisible {
    file: String,
    /// The document with references written out, since operations may share a component; and the repaired document, for ids
    /// that only a repair finds.
    forms: [Form; 2],
    declared: Vec<(Route, String, Value)>,
}

/// A document apart from its bodies, so that each part copies its own arms alone: there may be hundreds.
#[derive(Debug)]
struct Form {
    frame: Value,
    /// The schemas of the bodies, with their pointers.
    bodies: Vec<(Route, String, Value)>,
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
            forms: [Form::new(value), Form::new(repaired.value)],
        }
    }

    /// The part that describes the models that `is_kept` accepts: the ids of the others are dropped, with the arms and the
    /// operations that no id is left for. A single arm that is left is joined with the keywords beside it. The fetch operations
    /// are kept if `has_fetch`.
    ///
    /// `None` if the other models cannot be taken out without a change of the kept ones.
    pub fn part(&self, has_fetch: bool, is_kept: impl Fn(Route, &str) -> bool) -> Option<Document> {
        let mut forms = self.forms.iter();
        forms.find_map(|form| self.part_of(form, has_fetch, &is_kept))
    }

    fn part_of(
        &self,
        form: &Form,
        has_fetch: bool,
        is_kept: &dyn Fn(Route, &str) -> bool,
    ) -> Option<Document> {
        let mut value = form.frame.clone();
        let mut without = Vec::new();
        for (route, pointer, schema) in &form.bodies {
            match kept(schema, &|id| is_kept(*route, id)) {
                (_, Some(false)) => without.push(route),
                (body, _) => *value.pointer_mut(pointer)? = body,
            }
        }
        let paths = value.get_mut("paths")?.as_object_mut()?;
        for route in Route::ALL {
            let Some(item) = paths.get_mut(route.path()).and_then(Value::as_object_mut) else {
                continue;
            };
            if without.contains(&&route) {
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

impl Form {
    fn new(mut frame: Value) -> Self {
        let mut bodies = Vec::new();
        for route in Route::ALL {
            let at = format!("/paths{}/post/requestBody/content", step(route.path()));
            let content = frame.pointer_mut(&at).and_then(Value::as_object_mut);
            for (kind, body) in content.into_iter().flatten() {
                let pointer = format!("{at}{}/schema", step(kind));
                let schema = body.get_mut("schema").map(Value::take);
                bodies.extend(schema.map(|schema| (route, pointer, schema)));
            }
        }
        Self { frame, bodies }
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

/// A body without the ids that are not kept, and whether one is left; `None` if the body names no model. Nothing is copied
/// where none is left.
fn kept(schema: &Value, is_kept: &dyn Fn(&str) -> bool) -> (Value, Option<bool>) {
    let Value::Object(map) = schema else {
        return (schema.clone(), None);
    };
    let mut left = None;
    let ids = schema.pointer("/properties/model/enum");
    let ids = ids.and_then(Value::as_array).map(|ids| {
        let is_kept = |id: &&Value| id.as_str().is_none_or(is_kept);
        ids.iter().filter(is_kept).cloned().collect::<Vec<Value>>()
    });
    if let Some(ids) = &ids {
        if ids.is_empty() {
            return (Value::Null, Some(false));
        }
        left = Some(true);
    }
    let mut whole = Map::new();
    let mut by_model = Vec::new();
    for (keyword, value) in map {
        let value = match (keyword.as_str(), value) {
            ("properties", Value::Object(properties)) => match &ids {
                Some(ids) => with_ids(properties, ids),
                None => value.clone(),
            },
            ("allOf" | "oneOf" | "anyOf", Value::Array(parts)) => {
                let parts = parts.iter().map(|part| kept(part, is_kept));
                let (parts, of_parts): (Vec<Value>, Vec<Option<bool>>) = parts.unzip();
                let mut of_models = of_parts.iter().flatten().peekable();
                if of_models.peek().is_some() {
                    let is_left = if keyword == "allOf" {
                        of_models.all(|is_left| *is_left)
                    } else {
                        by_model.push(keyword);
                        of_models.any(|is_left| *is_left)
                    };
                    left = Some(is_left && left != Some(false));
                }
                let is_copied = |(_, left): &(Value, Option<bool>)| *left != Some(false);
                let parts = parts.into_iter().zip(of_parts).filter(is_copied);
                parts.map(|(part, _)| part).collect()
            }
            _ => value.clone(),
        };
        whole.insert(keyword.clone(), value);
    }
    for keyword in by_model {
        let arms = whole.get(keyword).and_then(Value::as_array);
        if let Some([only]) = arms.map(Vec::as_slice) {
            let only = only.clone();
            whole.remove(keyword);
            // It selects among arms.
            whole.remove("discriminator");
            if let Some(Value::Object(joined)) = repair::joined(&whole, &only) {
                whole = joined;
            }
        }
    }
    (whole.into(), left)
}

/// Properties whose `model` allows these ids.
fn with_ids(properties: &Map<String, Value>, ids: &[Value]) -> Value {
    let property = |(name, schema): (&String, &Value)| {
        let schema = match schema.as_object().filter(|_| name == "model") {
            Some(model) => {
                let others = model.iter().filter(|(keyword, _)| *keyword != "enum");
                let others = others.map(|(keyword, value)| (keyword.clone(), value.clone()));
                let listed = [("enum".to_owned(), ids.into())];
                Value::Object(others.chain(listed).collect())
            }
            None => schema.clone(),
        };
        (name.clone(), schema)
    };
    Value::Object(properties.iter().map(property).collect())
}
