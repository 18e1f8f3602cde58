//! The simulator's own OpenAPI document: the create and fetch operations of both routes, and the endpoints below
//! `/_simulator/`.
//!
//! Schemathesis (`pip install schemathesis`) tests a strict simulator against this document, and reports no failure:
//!
//! ```sh
//! aimlapi-video simulate --strict &
//! checks=not_a_server_error,response_schema_conformance,positive_data_acceptance,negative_data_rejection
//! url=http://127.0.0.1:8080/_simulator/openapi.json
//! st run $url --header 'Authorization: Bearer any' --checks $checks --exclude-path /_simulator/scenario
//! st run $url --header 'Authorization: Bearer any' --checks $checks --include-path-regex ^/_simulator/
//! ```
//!
//! The scenario endpoint needs a run of its own, since a scenario makes later creates fail, which the other checks report.

mod schemas;

use serde_json::{Map, Value, json};

use super::{
    lists::{PARAMETERS, RULE_PARAMETERS},
    server::Service,
    shapes::Shape,
};
use aimlapi_video::contract::Route;

/// Builds the OpenAPI document of a simulator.
///
/// A strict simulator accepts exactly the requests that these schemas allow. Any other simulator also accepts numeric strings
/// and plain base64 text, as the service does.
pub(super) fn document(service: &Service) -> Value {
    let mut components = schemas::own(
        service.shapes == [Shape::Documented],
        &service.documents.ids(),
    );
    let mut paths = own_paths();
    for route in [Route::Universal, Route::LegacyKling] {
        let mut arms = Vec::new();
        for document in service.documents.on(route) {
            let name = document.model.type_name.clone();
            arms.push(json!({ "$ref": format!("#/components/schemas/{name}") }));
            components.insert(name, document.schema.clone());
        }
        if !arms.is_empty() {
            paths.insert(route.path().into(), service_path(route, &arms));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "A simulator of AI/ML API's video generation",
            "description": "Made from the documents by which this simulator validates requests. The state is held in memory.",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } },
        },
    })
}

fn service_path(route: Route, arms: &[Value]) -> Value {
    let security = json!([{ "key": [] }]);
    let errors = [400, 401, 403, 405, 413, 429];
    json!({
        "post": {
            "operationId": format!("create-{route}"),
            "summary": "Create a generation",
            "security": security,
            "requestBody": {
                "required": true,
                "content": { "application/json": { "schema": { "oneOf": arms } } },
            },
            "responses": responses(
                &[(200, "Generation"), (201, "Generation")],
                &errors,
            ),
        },
        "get": {
            "operationId": format!("fetch-{route}"),
            "summary": "Fetch a generation",
            "security": security,
            "parameters": [{
                "name": "generation_id",
                "in": "query",
                "required": true,
                "schema": { "type": "string", "minLength": 1 },
            }],
            "responses": responses(&[(200, "Generation")], &[400, 401, 403, 404, 405, 413, 429]),
        },
    })
}

fn own_paths() -> Map<String, Value> {
    let get = |id: &str, summary: &str, schema: &str| {
        json!({
            "operationId": id,
            "summary": summary,
            "responses": responses(&[(200, schema)], &[]),
        })
    };
    let list = |id: &str, summary: &str, schema: &str, names: &[&str]| {
        let parameters: Vec<Value> = names.iter().map(|name| parameter(name)).collect();
        json!({
            "operationId": id,
            "summary": summary,
            "parameters": parameters,
            "responses": responses(&[(200, schema)], &[400]),
        })
    };
    let post = |id: &str, summary: &str, request: &str, response: &str| {
        let schema = json!({ "$ref": format!("#/components/schemas/{request}") });
        json!({
            "operationId": id,
            "summary": summary,
            "requestBody": { "required": true, "content": { "application/json": { "schema": schema } } },
            "responses": responses(&[(200, response)], &[400, 403]),
        })
    };
    let mut done = responses(&[], &[403]);
    done["204"] = json!({ "description": "Done" });
    let mut stop = get(
        "stop",
        "Remove all rules, so that the next generations complete",
        "Scenario",
    );
    stop["responses"] = responses(&[(200, "Scenario")], &[403]);
    let paths = json!({
        "/_simulator/": { "get": list("overview", "The settings, the credits left, the tasks and the recorded requests", "Overview", PARAMETERS) },
        "/_simulator/tasks": { "get": list("tasks", "The generations, the oldest first", "Tasks", PARAMETERS) },
        "/_simulator/requests": { "get": list("requests", "The recorded requests, without keys", "Requests", PARAMETERS) },
        "/_simulator/rules": { "get": list("rules", "The rules of the scenarios, with the creates that each applied to", "Rules", RULE_PARAMETERS) },
        "/_simulator/scenario": {
            "get": get("scenario", "The rules that are left", "Scenario"),
            "post": post("play", "Add rules for the next generations", "Scenario", "Scenario"),
            "delete": stop,
        },
        "/_simulator/clock": {
            "get": get("clock", "The service's time since the start", "Clock"),
            "post": post("advance", "Move the service's clock forward", "Advance", "Clock"),
        },
        "/_simulator/reset": { "post": {
            "operationId": "reset",
            "summary": "Remove the tasks and requests of the request's key or of all keys, and restore the initial scenario, clock and credits",
            "responses": done,
        } },
        "/_simulator/openapi.json": { "get": {
            "operationId": "document",
            "summary": "This document",
            "responses": { "200": {
                "description": "OpenAPI 3.1",
                "content": { "application/json": { "schema": { "type": "object" } } },
            } },
        } },
        "/_simulator/files/{id}/{name}": { "get": file() },
        "/_simulator/replay/{course}/{name}": { "get": replayed() },
    });
    match paths {
        Value::Object(paths) => paths,
        _ => Map::new(),
    }
}

/// A time in UTC. The days that every month has are enough for a description.
const TIME: &str =
    "^2[0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$";

/// Describes a parameter of a list.
fn parameter(name: &str) -> Value {
    let (schema, description) = match name {
        "method" => (
            json!({ "minLength": 1 }),
            "The method; of generations, that of their creates",
        ),
        "path" => (
            json!({ "minLength": 1 }),
            "The start of the path; of generations, that of their creates",
        ),
        "model" => (json!({ "minLength": 1 }), "The model's id"),
        "key" => (
            json!({ "minLength": 1 }),
            "The API key, or its hash as a list shows it",
        ),
        "since" => (
            json!({ "anyOf": [{ "pattern": "^[0-9]{1,18}$" }, { "pattern": TIME }] }),
            "The first request, by its number or by a time",
        ),
        "limit" => (
            json!({ "pattern": "^[1-9][0-9]{0,8}$" }),
            "The maximum of items, the newest",
        ),
        _ => (json!({ "minLength": 1 }), "The rule's name"),
    };
    let mut schema = schema;
    schema["type"] = "string".into();
    json!({ "name": name, "in": "query", "description": description, "schema": schema })
}

fn file() -> Value {
    let mut file = clip(
        "file",
        "A file of a completed generation, by the signed URL of its response",
        &[
            ("id", "path"),
            ("name", "path"),
            ("Expires", "query"),
            ("Signature", "query"),
        ],
    );
    file["responses"]["403"] = denied("The signature is wrong, or the URL has expired");
    file
}

fn replayed() -> Value {
    clip(
        "replayed",
        "A clip in place of a file of a recording that the simulator replays",
        &[("course", "path"), ("name", "path")],
    )
}

/// Describes an operation that responds with a clip.
fn clip(id: &str, summary: &str, parameters: &[(&str, &str)]) -> Value {
    let parameters = parameters.iter().map(|(name, location)| {
        let schema = json!({ "type": "string", "minLength": 1 });
        json!({ "name": name, "in": location, "required": true, "schema": schema })
    });
    let video = json!({ "video/mp4": {} });
    json!({
        "operationId": id,
        "summary": summary,
        "parameters": parameters.collect::<Vec<_>>(),
        "responses": {
            "200": { "description": "The file", "content": video },
            "206": { "description": "The requested range", "content": video },
            "404": denied("There is no such file"),
            "416": { "description": "The requested range is beyond the end of the file" },
        },
    })
}

fn denied(description: &str) -> Value {
    json!({ "description": description, "content": { "application/xml": {} } })
}

fn responses(successes: &[(u16, &str)], errors: &[u16]) -> Value {
    let mut out = Map::new();
    let mut add = |status: u16, description: &str, name: &str| {
        let schema = json!({ "$ref": format!("#/components/schemas/{name}") });
        let mut response = json!({
            "description": description,
            "content": { "application/json": { "schema": schema } },
        });
        if status == 429 {
            response["headers"] =
                json!({ "Retry-After": { "schema": { "type": "integer", "minimum": 1 } } });
        }
        out.insert(status.to_string(), response);
    };
    successes
        .iter()
        .for_each(|(status, name)| add(*status, "Success", name));
    errors
        .iter()
        .for_each(|status| add(*status, "Error", "Error"));
    Value::Object(out)
}
