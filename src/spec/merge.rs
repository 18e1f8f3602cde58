//! One OpenAPI document out of many, with four operations and one request type per path and model.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    Route, Trouble,
    constraints::{self, Object},
    document::{self, Create, Document},
    names,
    rules::{self, Sourced},
    step,
};

/// What the documents declare together.
#[derive(Debug)]
pub struct Merged {
    /// One entry per path and model, in the order of their type names.
    pub requests: Vec<Request>,
    /// The description that the generator works with.
    pub openapi: Value,
}

/// A model's request on one path.
#[derive(Debug)]
pub struct Request {
    pub create: Create,
    pub vendor: String,
    pub object: Object,
    pub rules: Vec<Sourced>,
}

/// The component that stands for any model's request on `route`.
pub fn union(route: Route) -> &'static str {
    match route {
        Route::Universal => "GenerationRequest",
        Route::LegacyKling => "LegacyKlingRequest",
    }
}

/// The component that stands for every answer.
pub const ANSWER: &str = "Generation";

/// Merges `documents`, keeping the models of the vendors that `wanted` accepts.
pub fn merge(
    documents: &[Document],
    glossary: &Value,
    wanted: impl Fn(&str) -> bool,
) -> Result<Merged, Vec<Trouble>> {
    let mut troubles = Vec::new();
    let mut requests: BTreeMap<String, Request> = BTreeMap::new();
    for document in documents {
        let creates = document::creates(document).unwrap_or_else(|found| {
            troubles.extend(found);
            Vec::new()
        });
        for create in creates {
            let vendor = names::vendor(&create.model);
            if !wanted(&vendor) {
                continue;
            }
            let read = constraints::read(&create, glossary)
                .and_then(|object| Ok((object, rules::read(&create)?)));
            let (object, rules) = match read {
                Ok(read) => read,
                Err(found) => {
                    troubles.extend(found);
                    continue;
                }
            };
            if let Some(twin) = requests.get(&object.name) {
                let twin = &twin.create;
                let what = format!(
                    "`{}` and `{}` of {} would both be called {}",
                    create.model, twin.model, twin.file, object.name
                );
                troubles.push(Trouble::new(
                    &create.file,
                    &create.pointer,
                    what,
                    "keep one of the two documents",
                ));
                continue;
            }
            requests.insert(
                object.name.clone(),
                Request {
                    create,
                    vendor,
                    object,
                    rules,
                },
            );
        }
    }
    for document in documents {
        troubles.extend(
            Route::ALL
                .into_iter()
                .filter_map(|route| differing_fetch(document, route)),
        );
    }
    if !troubles.is_empty() {
        return Err(troubles);
    }
    let requests: Vec<Request> = requests.into_values().collect();
    let openapi = openapi(&requests);
    Ok(Merged { requests, openapi })
}

fn openapi(requests: &[Request]) -> Value {
    let mut schemas = Map::new();
    schemas.insert(ANSWER.into(), json!({ "type": "object" }));
    let mut paths = Map::new();
    for route in Route::ALL {
        let bodies: Vec<&Request> = requests
            .iter()
            .filter(|request| request.create.route == route)
            .collect();
        for request in &bodies {
            for (name, mut schema) in request.object.components() {
                schema["description"] = described(&name, request).into();
                schemas.insert(name, schema);
            }
        }
        let arms: Vec<Value> = bodies
            .iter()
            .map(|request| reference(&request.object.name))
            .collect();
        schemas.insert(union(route).into(), json!({ "oneOf": arms }));
        paths.insert(route.path().into(), operations(route));
    }
    json!({
        "openapi": "3.0.3",
        "info": { "title": "AI/ML API video generation", "version": "2" },
        "paths": paths,
        "components": { "schemas": schemas },
    })
}

/// The pair of operations of a route; they exist whether or not a document declares them.
fn operations(route: Route) -> Value {
    let (create, fetch) = match route {
        Route::Universal => ("create_generation", "fetch_generation"),
        Route::LegacyKling => (
            "create_legacy_kling_generation",
            "fetch_legacy_kling_generation",
        ),
    };
    // 200 and 201 both mean success here, and an error's body is read by us with its status and headers.
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
                "content": { "application/json": { "schema": reference(union(route)) } },
            },
            "responses": responses,
        },
        "get": { "operationId": fetch, "parameters": parameters, "responses": responses },
    })
}

/// A fetch that is declared otherwise than our client calls it would be called wrongly, so it is reported.
fn differing_fetch(document: &Document, route: Route) -> Option<Trouble> {
    let declared = document::fetch(document, route)?
        .get("parameters")?
        .as_array()?;
    let fits = |parameter: &Value| {
        parameter["name"] == "generation_id"
            && parameter["in"] == "query"
            && parameter["schema"]["type"] == "string"
    };
    if declared.len() == 1 && declared.iter().all(fits) {
        return None;
    }
    let pointer = format!("/paths{}/get/parameters", step(route.path()));
    let what = "the fetch is not `GET ?generation_id=ID` any more";
    Some(Trouble::new(
        &document.file,
        &pointer,
        what,
        "correct it by an overlay action, or change merge.rs and client.rs",
    ))
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn described(name: &str, request: &Request) -> String {
    let create = &request.create;
    if name == request.object.name {
        format!(
            "Request body of `{}` for `POST {}`, as `{}` declares it.\n\n{}",
            create.model,
            create.route.path(),
            create.file,
            request.object.ledger()
        )
    } else {
        format!("Part of [`{}`].", request.object.name)
    }
}
