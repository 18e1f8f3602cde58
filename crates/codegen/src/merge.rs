//! Takes one create operation per URL and model from all documents, and reads its contract.

mod duplicate;

use std::collections::{BTreeMap, BTreeSet};

use aimlapi_video_contract::{Model, Schema};
use serde_json::Value;

use crate::{
    Diagnostic, Diagnostics, Facts, Route, constraints,
    document::{self, Create, Document},
    names, rules,
    rust::types,
    step, task,
};

/// What all documents declare together.
#[derive(Debug)]
pub struct Merged {
    /// One entry per path and model, in the order of their type names.
    pub requests: Vec<Request>,
    /// The fetch operations' responses, where a document declares them.
    pub fetched: BTreeMap<Route, Fetched>,
}

/// The response of a fetch operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Fetched {
    /// The document's file.
    pub file: String,
    /// The schema of the response.
    pub schema: Value,
}

/// A model's request on one URL.
#[derive(Clone, Debug)]
pub struct Request {
    /// The operation, as a document declares it.
    pub create: Create,
    /// The contract that was read from it.
    pub model: Model,
}

/// Merges `documents`, keeping the models of the vendors that `wanted` accepts.
pub fn merge(
    documents: &[Document],
    facts: &Facts,
    wanted: impl Fn(&str) -> bool,
    diagnostics: &mut Diagnostics,
) -> Merged {
    documents
        .iter()
        .for_each(|document| report_unused(document, diagnostics));
    let mut requests = BTreeMap::new();
    for (document, create) in duplicate::resolved(documents, diagnostics) {
        let vendor = facts.vendor(&create.model, &create.file);
        if !wanted(&vendor) {
            continue;
        }
        let read = constraints::read(&create, &facts.glossary, document, diagnostics);
        let Some((properties, checks)) = read else {
            continue;
        };
        let mut model = Model::new(create.route, &create.model);
        model.vendor = vendor;
        model.type_name = names::request(create.route, &create.model);
        model.document.clone_from(&create.file);
        model.properties = properties;
        model.checks = checks;
        model.task = task::read(&create, &model, diagnostics);
        model.durations = facts.durations(&create.model);
        model.rules = rules::read(&create, diagnostics);
        let twin: Option<&Request> = requests.get(&model.type_name);
        if let Some(Request { create: twin, .. }) = twin {
            let what = format!(
                "`{}` and `{}` of {} would both be called {}",
                create.model, twin.model, twin.file, model.type_name
            );
            let remedy = "remove one of the two models";
            diagnostics.error(Diagnostic::new(&create.file, &create.place, what, remedy));
            continue;
        }
        requests.insert(model.type_name.clone(), Request { create, model });
    }
    let requests: Vec<Request> = requests.into_values().collect();
    types_named_alike(&requests, diagnostics);
    let fetched = Route::ALL.into_iter().filter_map(|route| {
        report_other_fetches(documents, route, diagnostics);
        let (document, schema) = duplicate::fetched(documents, route)?;
        let file = document.file.clone();
        Some((route, Fetched { file, schema }))
    });
    Merged {
        fetched: fetched.collect(),
        requests,
    }
}

/// The create operations that [`merge`] takes, of all that `documents` declare.
pub fn creates(documents: &[Document], diagnostics: &mut Diagnostics) -> Vec<Create> {
    let resolved = duplicate::resolved(documents, diagnostics);
    resolved.into_iter().map(|(_, create)| create).collect()
}

/// The document that declares the most of the fetch operation's response.
pub fn fetch(documents: &[Document], route: Route) -> Option<&Document> {
    duplicate::fetched(documents, route).map(|(document, _)| document)
}

/// Reports the operations of a document that are not this client's.
fn report_unused(document: &Document, diagnostics: &mut Diagnostics) {
    let declared = &document.declared;
    let mut named = declared.others.join(", ");
    if declared.other_count > declared.others.len() {
        let more = declared.other_count - declared.others.len();
        named.push_str(&format!(" and {more} more"));
    }
    let (what, kind) = match (document.is_video(), declared.others.is_empty()) {
        (true, true) => return,
        (true, false) => {
            let what = format!("also declares {named}, which is left out");
            (what, "also declares operations that are left out")
        }
        (false, true) => {
            let what = "declares no operation and is left out";
            (what.to_owned(), what)
        }
        (false, false) => {
            let what = format!("declares {named} but no operation of this client, and is left out");
            (what, "declares no operation of this client and is left out")
        }
    };
    let remedy = "no action is needed";
    let place = document.place("/paths");
    let warning = Diagnostic::new(&document.file, &place, what, remedy);
    diagnostics.warning(warning.of_kind(kind));
}

/// Reports types of two models that have the same name.
fn types_named_alike(requests: &[Request], diagnostics: &mut Diagnostics) {
    let mut owners: BTreeMap<String, Option<&Request>> = BTreeMap::new();
    owners.extend([types::REQUEST, types::GENERATION].map(|name| (name.to_owned(), None)));
    for request in requests {
        let create = &request.create;
        types::each_named(&request.model, &mut |name| {
            if let Some(owner) = owners.insert(name.to_owned(), Some(request)) {
                let other = owner.map_or("this crate itself", |owner| &owner.create.model);
                let what = format!(
                    "`{name}`, a type of `{}`, is also one of `{other}`",
                    create.model
                );
                let remedy =
                    "remove one of the two models, or rename the property by an overlay action";
                diagnostics.error(Diagnostic::new(&create.file, &create.place, what, remedy));
            }
        });
    }
    for request in requests {
        let create = &request.create;
        types::each_struct(&request.model, &mut |name, _| {
            let builder = format!("{name}Builder");
            if owners.contains_key(&builder) {
                let what =
                    format!("`{builder}`, a type of a model, is also the builder of `{name}`");
                let remedy = "remove the model, or rename the property by an overlay action";
                diagnostics.error(Diagnostic::new(&create.file, &create.place, what, remedy));
            }
        });
    }
    // The types of ranges of numbers are shared by all models, in the same module as theirs.
    let mut ranges = BTreeSet::new();
    for request in requests {
        types::each(&request.model, &mut |_, schema| {
            if let Schema::Number { min, max } = schema {
                ranges.insert(types::float_name(*min, *max));
            }
        });
    }
    for Request { create, model } in requests {
        types::each_named(model, &mut |name| {
            if ranges.contains(name) {
                let what = format!(
                    "`{name}`, a type of `{}`, is also one of a range of numbers",
                    create.model
                );
                let remedy = "remove the model, or rename the property by an overlay action";
                diagnostics.error(Diagnostic::new(&create.file, &create.place, what, remedy));
            }
        });
    }
}

/// Reports fetch operations whose parameters differ from those that this client sends.
fn report_other_fetches(documents: &[Document], route: Route, diagnostics: &mut Diagnostics) {
    let fits = |parameter: &Value| {
        parameter["name"] == "generation_id"
            && parameter["in"] == "query"
            && parameter["schema"]["type"] == "string"
    };
    for document in documents {
        let fetch = document::fetch(document, route);
        let parameters = fetch.and_then(|fetch| fetch.get("parameters"));
        let Some(parameters) = parameters.and_then(Value::as_array) else {
            continue;
        };
        if parameters.len() != 1 || !parameters.iter().all(fits) {
            let pointer = format!("/paths{}/get/parameters", step(route.path()));
            let what = "the fetch is not `GET ?generation_id=ID`, which this client sends";
            let remedy =
                "correct the document by an overlay action, or change the generated operation";
            diagnostics.warning(Diagnostic::new(
                &document.file,
                &document.place(&pointer),
                what,
                remedy,
            ));
        }
    }
}
