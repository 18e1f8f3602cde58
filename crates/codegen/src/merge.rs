//! One OpenAPI document out of many, with four operations and one request type per path and model.

mod duplicate;

use std::collections::{BTreeMap, BTreeSet};

use aimlapi_video_contract::{Model, Property, Schema};
use serde_json::{Map, Value, json};

use crate::{
    Diagnostic, Diagnostics, Facts, Route, constraints,
    document::{self, Create, Document},
    names, rules, rust_types, step,
};

/// What the documents declare together.
#[derive(Debug)]
pub struct Merged {
    /// One entry per path and model, in the order of their type names.
    pub requests: Vec<Request>,
    /// What the fetches answer, where a document says so.
    pub fetched: BTreeMap<Route, Value>,
    /// The description that the generator works with.
    pub openapi: Value,
}

/// A model's request on one path.
#[derive(Clone, Debug)]
pub struct Request {
    pub create: Create,
    pub model: Model,
}

/// The component that stands for any model's request.
pub const REQUEST: &str = "GenerationRequest";

/// The component that stands for every answer.
pub const ANSWER: &str = "Generation";

/// Merges `documents`, keeping the models of the vendors that `wanted` accepts.
pub fn merge(
    documents: &[Document],
    facts: &Facts,
    wanted: impl Fn(&str) -> bool,
    diagnostics: &mut Diagnostics,
) -> Merged {
    documents
        .iter()
        .for_each(|document| left_out(document, diagnostics));
    let mut requests = BTreeMap::new();
    for (document, create) in duplicate::resolved(documents, diagnostics) {
        let vendor = names::vendor(&create.model, &create.file);
        if !wanted(&vendor) {
            continue;
        }
        let read = constraints::read(&create, &facts.glossary, document, diagnostics);
        let Some((properties, checks)) = read else {
            continue;
        };
        let needs_media = properties
            .iter()
            .any(|property: &Property| property.required && property.media);
        let mut model = Model::new(create.route, &create.model);
        model.vendor = vendor;
        model.task = names::task(&create.model, needs_media);
        model.type_name = names::request(create.route, &create.model);
        model.document.clone_from(&create.file);
        model.properties = properties;
        model.checks = checks;
        model.durations = facts.durations(&create.model);
        model.rules = rules::read(&create, diagnostics);
        let twin: Option<&Request> = requests.get(&model.type_name);
        if let Some(Request { create: twin, .. }) = twin {
            let what = format!(
                "`{}` and `{}` of {} would both be called {}",
                create.model, twin.model, twin.file, model.type_name
            );
            let remedy = "keep one of the two models";
            diagnostics.error(Diagnostic::new(&create.file, &create.place, what, remedy));
            continue;
        }
        requests.insert(model.type_name.clone(), Request { create, model });
    }
    let requests: Vec<Request> = requests.into_values().collect();
    let openapi = openapi(&requests, diagnostics);
    let fetched = Route::ALL.into_iter().filter_map(|route| {
        differing_fetches(documents, route, diagnostics);
        Some((route, duplicate::fetched(documents, route)?.1))
    });
    Merged {
        fetched: fetched.collect(),
        requests,
        openapi,
    }
}

/// The create operations that [`merge`] takes, of all that `documents` declare.
pub fn creates(documents: &[Document], diagnostics: &mut Diagnostics) -> Vec<Create> {
    let resolved = duplicate::resolved(documents, diagnostics);
    resolved.into_iter().map(|(_, create)| create).collect()
}

/// The document that knows most of what the fetch of `route` answers.
pub fn fetch(documents: &[Document], route: Route) -> Option<&Document> {
    duplicate::fetched(documents, route).map(|(document, _)| document)
}

/// A description of one request alone.
pub fn alone(request: &Request) -> Merged {
    let requests = vec![request.clone()];
    Merged {
        openapi: openapi(&requests, &mut Diagnostics::default()),
        fetched: BTreeMap::new(),
        requests,
    }
}

/// What a document holds beside the operations of this client is told, so that nobody looks for it in vain.
fn left_out(document: &Document, diagnostics: &mut Diagnostics) {
    let declared = &document.declared;
    let mut named = declared.others.join(", ");
    if declared.other_count > declared.others.len() {
        let more = declared.other_count - declared.others.len();
        named.push_str(&format!(" and {more} more"));
    }
    let what = match (document.is_video(), declared.others.is_empty()) {
        (true, true) => return,
        (true, false) => {
            format!("beside its video operations it declares {named}, which is left out")
        }
        (false, true) => "declares no operation, so it is left out".to_owned(),
        (false, false) => {
            format!("declares none of this client's operations but {named}, so it is left out")
        }
    };
    let remedy = "nothing has to be done";
    let place = document.place("/paths");
    diagnostics.warning(Diagnostic::new(&document.file, &place, what, remedy));
}

fn openapi(requests: &[Request], diagnostics: &mut Diagnostics) -> Value {
    let mut schemas = Map::new();
    schemas.insert(ANSWER.into(), json!({ "type": "object" }));
    let arms: Vec<Value> = requests
        .iter()
        .map(|request| reference(&request.model.type_name))
        .collect();
    schemas.insert(REQUEST.into(), json!({ "oneOf": arms }));
    let mut owners: BTreeMap<String, &Request> = BTreeMap::new();
    for request in requests {
        for (name, mut schema) in rust_types::components(&request.model) {
            if schemas.contains_key(&name) {
                let other = owners
                    .get(&name)
                    .map_or("this crate itself", |owner| &owner.create.model);
                let create = &request.create;
                let what = format!(
                    "`{name}`, a type of `{}`, is also one of `{other}`",
                    create.model
                );
                let remedy = "take one of the two models out, or the property whose name makes it";
                diagnostics.error(Diagnostic::new(&create.file, &create.place, what, remedy));
            }
            schema["description"] = described(&name, request).into();
            schemas.insert(name.clone(), schema);
            owners.insert(name, request);
        }
    }
    numbers_named_alike(requests, diagnostics);
    let paths: Map<String, Value> = Route::ALL
        .into_iter()
        .map(|route| (route.path().to_owned(), operations(route)))
        .collect();
    json!({
        "openapi": "3.0.3",
        "info": { "title": "AI/ML API video generation", "version": "2" },
        "paths": paths,
        "components": { "schemas": schemas },
    })
}

/// The types of ranges of numbers are no components, and stand beside those of integers from a list.
fn numbers_named_alike(requests: &[Request], diagnostics: &mut Diagnostics) {
    let mut ranges = BTreeSet::new();
    let each = |visit: &mut dyn FnMut(&Request, &str, &Schema)| {
        for request in requests {
            rust_types::each(&request.model, &mut |name, schema| {
                visit(request, name, schema);
            });
        }
    };
    each(&mut |_, _, schema| {
        if let Schema::Number { min, max } = schema {
            ranges.insert(rust_types::float_name(*min, *max));
        }
    });
    each(&mut |Request { create, .. }, name, schema| {
        if matches!(schema, Schema::IntegerEnum(_)) && ranges.contains(name) {
            let what = format!(
                "`{name}`, a type of `{}`, is also one of a range of numbers",
                create.model
            );
            let remedy = "take the model out, or the property whose name makes it";
            diagnostics.error(Diagnostic::new(&create.file, &create.place, what, remedy));
        }
    });
}

/// The pair of operations of a route; they exist whether or not a document declares them.
fn operations(route: Route) -> Value {
    let (create, fetch) = match route {
        Route::LegacyKling => (
            "create_legacy_kling_generation",
            "fetch_legacy_kling_generation",
        ),
        Route::Universal => ("create_generation", "fetch_generation"),
    };
    // For the mocks; the client reads responses as bytes. 200 and 201 both mean success here.
    let responses = json!({ "2XX": {
        "description": "",
        "content": { "application/json": { "schema": reference(ANSWER) } },
    }});
    let parameters = json!([
        { "name": "generation_id", "in": "query", "required": true, "schema": { "type": "string" } },
    ]);
    json!({
        "post": {
            "operationId": create,
            "requestBody": {
                "required": true,
                "content": { "application/json": { "schema": reference(REQUEST) } },
            },
            "responses": responses,
        },
        "get": { "operationId": fetch, "parameters": parameters, "responses": responses },
    })
}

/// The description whose operations return every response, whatever its status, as a stream of bytes: the client reads it
/// with a limit, keeps its bytes, and accepts what the documents do not declare.
pub fn with_byte_responses(openapi: &Value) -> Value {
    let mut openapi = openapi.clone();
    let operations = openapi["paths"]
        .as_object_mut()
        .into_iter()
        .flat_map(Map::values_mut)
        .filter_map(Value::as_object_mut)
        .flat_map(Map::values_mut);
    for operation in operations {
        operation["responses"] =
            json!({ "default": { "description": "", "content": { "*/*": {} } } });
    }
    openapi
}

/// A fetch that is declared otherwise than this client calls it may be answered otherwise, so it is told.
fn differing_fetches(documents: &[Document], route: Route, diagnostics: &mut Diagnostics) {
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
            let what = "the fetch is not `GET ?generation_id=ID`, as this client sends it";
            let remedy =
                "correct the document by an overlay action, or change merge.rs and client.rs";
            diagnostics.warning(Diagnostic::new(
                &document.file,
                &document.place(&pointer),
                what,
                remedy,
            ));
        }
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn described(name: &str, request: &Request) -> String {
    let create = &request.create;
    if name == request.model.type_name {
        format!(
            "Request body of `{}` for `POST {}`, as `{}` declares it.\n\n{}",
            create.model,
            create.route.path(),
            create.file,
            request.model.markdown_table()
        )
    } else {
        format!("Part of [`{}`].", request.model.type_name)
    }
}
