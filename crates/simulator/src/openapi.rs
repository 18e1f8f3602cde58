//! The simulator's own OpenAPI document: the create and fetch operations of both URLs, and what is below `/_simulator/`.
//!
//! Schemathesis holds a strict simulator to it, and finds nothing (`pip install schemathesis`):
//!
//! ```sh
//! aimlapi-video simulate --strict &
//! checks=not_a_server_error,response_schema_conformance,positive_data_acceptance,negative_data_rejection
//! url=http://127.0.0.1:8080/_simulator/openapi.json
//! st run $url --header 'Authorization: Bearer any' --checks $checks --exclude-path /_simulator/scenario
//! st run $url --header 'Authorization: Bearer any' --checks $checks --include-path-regex ^/_simulator/
//! ```
//!
//! In two runs, since a scenario that was played has the next creates refused, cut and delayed, which is what it is for.

mod schemas;

use serde_json::{Map, Value, json};

use super::{server::Service, shapes::Shape};
use aimlapi_video::{Route, contract};

/// The document of this simulator: its requests are held to exactly these schemas in strict mode; otherwise a few more are
/// taken, as the service takes them.
pub(super) fn document(service: &Service) -> Value {
    let mut components = schemas::own(service.shapes == [Shape::Documented]);
    let mut paths = own_paths();
    for route in [Route::Universal, Route::LegacyKling] {
        let mut arms = Vec::new();
        for (id, schema) in service.documents.schemas(route) {
            let Some(model) = contract::model(route, id) else {
                continue;
            };
            let name = model.type_name.clone();
            arms.push(json!({ "$ref": format!("#/components/schemas/{name}") }));
            components.insert(name, schema.clone());
        }
        if !arms.is_empty() {
            paths.insert(route.path().into(), service_path(route, &arms));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "A simulator of AI/ML API's video generation",
            "description": "Made from the documents that this simulator judges requests by. Its state is in memory.",
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
    let refusals = [400, 401, 403, 405, 413, 429];
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
                &refusals,
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
    let post = |id: &str, summary: &str, takes: &str, gives: &str| {
        let schema = json!({ "$ref": format!("#/components/schemas/{takes}") });
        json!({
            "operationId": id,
            "summary": summary,
            "requestBody": { "required": true, "content": { "application/json": { "schema": schema } } },
            "responses": responses(&[(200, gives)], &[400]),
        })
    };
    let paths = json!({
        "/_simulator/": { "get": get("overview", "The tasks, every request seen, and what is left of the credits", "Overview") },
        "/_simulator/tasks": { "get": get("tasks", "The generations, the oldest first", "Tasks") },
        "/_simulator/requests": { "get": get("requests", "Every request seen, keys left out", "Requests") },
        "/_simulator/scenario": {
            "get": get("scenario", "What is still to be played", "Scenario"),
            "post": post("play", "Add to what the next generations do", "Scenario", "Scenario"),
            "delete": get("stop", "Let the next generations end well", "Scenario"),
        },
        "/_simulator/clock": {
            "get": get("clock", "The service's time since the start", "Clock"),
            "post": post("advance", "Move the service's time forward", "Advance", "Clock"),
        },
        "/_simulator/reset": { "post": {
            "operationId": "reset",
            "summary": "Forget everything, and begin as at the start",
            "responses": { "204": { "description": "Done" } },
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
    });
    match paths {
        Value::Object(paths) => paths,
        _ => Map::new(),
    }
}

fn file() -> Value {
    let parameter = |name: &str, place: &str| {
        let schema = json!({ "type": "string", "minLength": 1 });
        json!({ "name": name, "in": place, "required": true, "schema": schema })
    };
    let video = json!({ "video/mp4": {} });
    let error = json!({ "application/xml": {} });
    json!({
        "operationId": "file",
        "summary": "A file of a finished generation, by the signed link of its answer",
        "parameters": [
            parameter("id", "path"),
            parameter("name", "path"),
            parameter("Expires", "query"),
            parameter("Signature", "query"),
        ],
        "responses": {
            "200": { "description": "The file", "content": video },
            "206": { "description": "A part of it", "content": video },
            "403": { "description": "The signature is wrong, or the link has expired", "content": error },
            "404": { "description": "There is no such file", "content": error },
            "416": { "description": "It has no such part" },
        },
    })
}

fn responses(answers: &[(u16, &str)], refusals: &[u16]) -> Value {
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
    answers
        .iter()
        .for_each(|(status, name)| add(*status, "Answer", name));
    refusals
        .iter()
        .for_each(|status| add(*status, "Refusal", "Error"));
    Value::Object(out)
}
