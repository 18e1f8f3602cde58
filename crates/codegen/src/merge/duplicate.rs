//! Selects one of several documents for the same URL and model, and reports how the others differ.

use std::{cmp::Reverse, collections::BTreeMap};

use serde_json::{Map, Value};

use crate::{
    Diagnostic, Diagnostics, Route,
    document::{self, Create, Document},
    strip,
};

/// One create operation per URL and model, with its document. Of several documents, the one with fewer paths is taken, then
/// the one whose file is named after the model, then the one with the newer form of response, then the first by name. A
/// warning for each of the others states the difference.
pub(super) fn resolved<'a>(
    documents: &'a [Document],
    diagnostics: &mut Diagnostics,
) -> Vec<(&'a Document, Create)> {
    let mut claims: BTreeMap<(Route, String), Vec<(&Document, Create)>> = BTreeMap::new();
    for document in documents {
        for create in document::creates(document, diagnostics) {
            let key = (create.route, create.model.clone());
            claims.entry(key).or_default().push((document, create));
        }
    }
    let mut taken = Vec::new();
    for mut claims in claims.into_values() {
        claims.sort_by_cached_key(|(document, create)| rank(document, create));
        let mut claims = claims.into_iter();
        let Some((document, winner)) = claims.next() else {
            continue;
        };
        for (_, loser) in claims {
            let what = format!(
                "describes `{}` on {}, for which {} is taken instead; {}",
                loser.model,
                loser.route.path(),
                winner.file,
                difference(&loser.schema, &winner.schema)
            );
            let remedy = "no action is needed; remove the document that you do not want";
            let warning = Diagnostic::new(&loser.file, &loser.place, what, remedy);
            diagnostics
                .warning(warning.of_kind("describes a model that is taken from another document"));
        }
        taken.push((document, winner));
    }
    taken
}

/// The schema of the fetch operation's response, from the document that declares the most of it.
pub(super) fn fetched(documents: &[Document], route: Route) -> Option<(&Document, Value)> {
    let declared = documents.iter().filter_map(|document| {
        Some((
            document,
            document::answer(document::fetch(document, route)?)?,
        ))
    });
    declared.min_by_key(|(document, answer)| {
        (
            Reverse(newness(Some(answer))),
            document.declared.paths,
            document.file.clone(),
        )
    })
}

fn rank(document: &Document, create: &Create) -> (usize, bool, Reverse<usize>, String) {
    (
        document.declared.paths,
        !is_named_after(&create.file, &create.model),
        Reverse(newness(create.answer.as_ref())),
        create.file.clone(),
    )
}

/// Whether a file is named after a model: `Kling-AI/v1.5-pro-text-to-video.json` after `kling-video/v1.5/pro/text-to-video`.
fn is_named_after(file: &str, model: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file);
    let name = name.strip_suffix(".json").unwrap_or(name);
    let name = ["-pair", "-schema"]
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix))
        .unwrap_or(name);
    ends_in(model, name) || ends_in(name, model)
}

/// Whether the last part or parts of `whole` are `tail`; separators do not count.
fn ends_in(whole: &str, tail: &str) -> bool {
    let letters = |text: &str| -> String {
        let letters = text.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    let tail = letters(tail);
    let mut last = String::new();
    !tail.is_empty()
        && whole.rsplit(['/', '-', '_', ' ']).any(|part| {
            last.insert_str(0, &letters(part));
            last == tail
        })
}

/// How many features of newer responses are declared: a schema at all, usage, its price in dollars, several videos.
fn newness(answer: Option<&Value>) -> usize {
    let declared = |pointer: &str| answer.and_then(|answer| answer.pointer(pointer));
    let usage = "/properties/meta/properties/usage";
    let usage_with_price = format!("{usage}/properties/usd_spent");
    let features = [
        declared("/properties").is_some(),
        declared(usage).is_some(),
        declared(&usage_with_price).is_some(),
        declared("/properties/video/anyOf").is_some(),
    ];
    features.into_iter().filter(|has| *has).count()
}

/// Describes how the properties of `this` differ from those of `that`.
fn difference(this: &Value, that: &Value) -> String {
    let [mine, theirs] = [this, that].map(properties);
    let only = |these: &Map<String, Value>, those: &Map<String, Value>| -> Vec<String> {
        let only = these.keys().filter(|name| !those.contains_key(*name));
        only.map(|name| format!("`{name}`")).collect()
    };
    let other: Vec<String> = mine
        .iter()
        .filter(|(name, schema)| theirs.get(*name).is_some_and(|theirs| theirs != *schema))
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    let differences: Vec<String> = [
        ("it has", only(&mine, &theirs)),
        ("it lacks", only(&theirs, &mine)),
        ("it differs in", other),
    ]
    .into_iter()
    .filter(|(_, names)| !names.is_empty())
    .map(|(verb, names)| format!("{verb} {}", names.join(", ")))
    .collect();
    if differences.is_empty() {
        "the request is the same".into()
    } else {
        differences.join(", ")
    }
}

/// The properties of a request with what they allow, without prose, and whether each is required.
fn properties(schema: &Value) -> Map<String, Value> {
    let required = schema.get("required").and_then(Value::as_array);
    let is_required =
        |name: &str| required.is_some_and(|names| names.iter().any(|known| known == name));
    let properties = schema.get("properties").and_then(Value::as_object);
    let property = |(name, schema): (&String, &Value)| {
        let facts = Value::from(vec![facts(schema), is_required(name).into()]);
        (name.clone(), facts)
    };
    properties.into_iter().flatten().map(property).collect()
}

fn facts(schema: &Value) -> Value {
    let mut facts = schema.clone();
    strip::without_prose(&mut facts);
    facts
}
