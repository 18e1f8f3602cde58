//! Request bodies with `oneOf` or `anyOf`: the model that each arm belongs to, and one schema per model.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Document, Places};
use crate::{Diagnostic, Diagnostics, repair};

mod lift;

/// Splits a body by model: the id, the places and the schema of each. Keywords beside the arms apply to each arm; a model
/// with several arms stays one request, which has to match one of them.
pub(super) fn by_model(
    document: &Document,
    schema: &Value,
    pointer: &str,
    diagnostics: &mut Diagnostics,
) -> Vec<(String, Places, Value)> {
    let tree = tree(document, schema, pointer, diagnostics);
    let mut ids = BTreeSet::new();
    tree.ids(&mut ids);
    let of_model = |id: &String| {
        let (places, schema) = tree.of(id)?;
        Some((id.clone(), places, schema))
    };
    ids.into_iter().filter_map(of_model).collect()
}

/// The arms of a body, as a document nests them.
enum Tree {
    Body {
        at: String,
        /// Without the `model` of its properties, which may list thousands.
        schema: Value,
        models: BTreeSet<String>,
    },
    Arms {
        at: String,
        keyword: &'static str,
        /// What the overlay states for all arms.
        stated: Map<String, Value>,
        arms: Vec<Self>,
    },
}

impl Tree {
    fn ids<'a>(&'a self, ids: &mut BTreeSet<&'a String>) {
        match self {
            Self::Body { models, .. } => ids.extend(models),
            Self::Arms { arms, .. } => arms.iter().for_each(|arm| arm.ids(ids)),
        }
    }

    /// The schema of one model's bodies, with the places of its parts: among fewer arms a body has another index.
    fn of(&self, id: &str) -> Option<(Places, Value)> {
        match self {
            Self::Body { at, schema, models } => models.contains(id).then(|| {
                let mut schema = schema.clone();
                schema["properties"]["model"] = only(id);
                (Places::at(at), schema)
            }),
            Self::Arms {
                at,
                keyword,
                stated,
                arms,
            } => {
                let mut own: Vec<(Places, Value)> =
                    arms.iter().filter_map(|arm| arm.of(id)).collect();
                if own.len() < 2 {
                    return own.pop();
                }
                let mut places = Places::at(at);
                let mut bodies = Vec::new();
                for (index, (of_body, body)) in own.into_iter().enumerate() {
                    places.insert(&format!("/{keyword}/{index}"), of_body);
                    bodies.push(body);
                }
                let mut several = stated.clone();
                several.insert("type".into(), "object".into());
                several.insert((*keyword).into(), bodies.into());
                Some((places, several.into()))
            }
        }
    }
}

/// Reads the arms of a body, each joined with the keywords beside and above it.
fn tree(document: &Document, schema: &Value, pointer: &str, diagnostics: &mut Diagnostics) -> Tree {
    let mut by_model = groups(schema).filter(|(_, arms)| arms.iter().any(names_model));
    let Some((keyword, arms)) = by_model.next() else {
        let models = models(schema);
        let mut schema = schema.clone();
        schema.pointer_mut("/properties/model").map(Value::take);
        return Tree::Body {
            at: pointer.to_owned(),
            models,
            schema,
        };
    };
    let is_split = by_model.next().is_some();
    if is_split {
        // The arms of both would multiply at every depth.
        let what = "both `oneOf` and `anyOf` have arms with a `model`";
        let remedy = "write one of them into the arms of the other by an overlay action";
        let place = document.place(pointer);
        diagnostics.error(Diagnostic::new(&document.file, &place, what, remedy));
    }
    let arms = if is_split { &[] } else { arms.as_slice() };
    let mut shared = schema.as_object().cloned().unwrap_or_default();
    shared.remove("discriminator");
    shared.remove(keyword);
    let mut stated = shared.clone();
    stated.retain(|name, _| matches!(name.as_str(), "x-rules" | "x-task"));
    let mut bodies = Vec::new();
    for (index, arm) in arms.iter().enumerate() {
        let at = format!("{pointer}/{keyword}/{index}");
        match repair::joined(&shared, arm) {
            Some(whole) if !names_model(&whole) => {
                let what = "has no `model` with an id, so it is left out";
                let remedy = "if it is a request, add `model` with the id by an overlay action";
                let place = document.place(&at);
                diagnostics.warning(Diagnostic::new(&document.file, &place, what, remedy));
            }
            Some(whole) => bodies.push(tree(document, &whole, &at, diagnostics)),
            None => {
                let what = format!("contradicts the keywords beside `{keyword}`");
                let remedy = "correct one of them by an overlay action";
                let place = document.place(&at);
                diagnostics.error(Diagnostic::new(&document.file, &place, what, remedy));
            }
        }
    }
    Tree::Arms {
        at: pointer.to_owned(),
        keyword,
        stated,
        arms: bodies,
    }
}

/// Whether a schema, or one of its arms, has a `model` with an id.
fn names_model(schema: &Value) -> bool {
    !models(schema).is_empty() || groups(schema).any(|(_, arms)| arms.iter().any(names_model))
}

/// The arms of a schema, by the keyword that they stand under.
fn groups(schema: &Value) -> impl Iterator<Item = (&'static str, &Vec<Value>)> {
    let arms = |keyword: &'static str| Some((keyword, schema.get(keyword)?.as_array()?));
    ["oneOf", "anyOf"].into_iter().filter_map(arms)
}

/// The ids that a body's `model` allows.
fn models(schema: &Value) -> BTreeSet<String> {
    let allowed = schema.pointer("/properties/model/enum");
    let allowed = allowed.and_then(Value::as_array).into_iter().flatten();
    allowed
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// The schema of a `model` with one id.
fn only(id: &str) -> Value {
    json!({ "type": "string", "enum": [id] })
}

/// The body of one model in the form that a struct can hold. `model` is required, since the service selects the model by it.
pub(super) fn for_model(mut schema: Value, model: &str, places: &mut Places) -> Value {
    lift::lift(&mut schema, places);
    places.retain(&schema);
    match schema.get_mut("required") {
        Some(Value::Array(required)) => {
            if !required.iter().any(|name| name == "model") {
                required.push("model".into());
            }
        }
        // The reader of constraints reports a value that is not a list.
        Some(odd) if !odd.is_boolean() => {}
        _ => schema["required"] = json!(["model"]),
    }
    with_id(&mut schema, model);
    schema
}

/// Restricts `model` to one id, in every arm too.
fn with_id(schema: &mut Value, model: &str) {
    if let Some(property) = schema.pointer_mut("/properties/model") {
        *property = only(model);
    }
    for keyword in ["oneOf", "anyOf", "allOf"] {
        let arms = schema.get_mut(keyword).and_then(Value::as_array_mut);
        for arm in arms.into_iter().flatten() {
            let has_arms = groups(arm).next().is_some() || arm.get("allOf").is_some();
            if has_arms || models(arm).contains(model) {
                with_id(arm, model);
            }
        }
    }
}
