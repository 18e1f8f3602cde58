//! The schemas of the simulator's responses, and of the request bodies of its own endpoints.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::{
    Shape,
    scenario::{FRAMING_HEADERS, MAX_SECONDS},
};

/// Returns the simulator's own schemas.
///
/// `documented` states whether every response has the documented shape; `ids` are the models that a rule may name.
pub(super) fn own(documented: bool, ids: &BTreeSet<&str>) -> Map<String, Value> {
    let list = |name: &str| json!({ "type": "array", "items": reference(name) });
    let schemas = json!({
        "Generation": generation(documented),
        "Error": error(),
        "Tasks": list("Task"),
        "Task": task(),
        "Requests": list("Request"),
        "Request": request(),
        "Overview": object(json!({
            "version": { "type": "string" },
            "note": { "type": "string" },
            "strict": { "type": "boolean" },
            "now_seconds": { "type": "number" },
            "credits_left": { "type": ["number", "null"] },
            "requests_seen": { "type": "integer" },
            "tasks": reference("Tasks"),
            "requests": reference("Requests"),
        })),
        "Clock": object(json!({ "now_seconds": { "type": "number" } })),
        "Advance": object(json!({ "advance_seconds": seconds() })),
        "Scenario": object(json!({ "next": list("Rule") })),
        "Rules": list("RecordedRule"),
        "RecordedRule": object(json!({
            "name": { "type": ["string", "null"] },
            "applied": { "type": "integer" },
            "left": { "type": ["integer", "null"] },
            "requests": { "type": "array", "items": { "type": "integer" } },
            "rule": reference("Rule"),
        })),
        "Rule": rule(ids),
        "When": closed(json!({
            "model": models(ids),
            "body": conditions("^(/([^~]|~[01])*)?$", reference("Condition")),
            "headers": conditions(
                HEADER_NAME,
                json!({ "allOf": [reference("Condition"), { "properties": { "equals": { "type": "string" } } }] }),
            ),
            "key": { "type": "string", "pattern": "\\S" },
            "every": count(),
        })),
        "Condition": condition(),
        "Step": step(json!({ "times": count() })),
        "DownloadStep": step(json!({
            "times": count(),
            "cut_after": { "type": "integer", "minimum": 0, "maximum": 4_294_967_295_u32 },
        })),
        "CreateStep": step(json!({ "created": { "type": "boolean" } })),
    });
    match schemas {
        Value::Object(schemas) => schemas,
        _ => Map::new(),
    }
}

fn generation(documented: bool) -> Value {
    if !documented {
        // Other shapes name the id differently and represent videos differently.
        let status = json!({ "type": "string" });
        return json!({ "type": "object", "properties": { "status": status }, "required": ["status"] });
    }
    let video = json!({
        "type": "object",
        "properties": { "url": { "type": "string", "format": "uri" }, "duration": { "type": "number" } },
        "required": ["url"],
    });
    let number = json!({ "type": "number" });
    json!({
        "type": "object",
        "properties": {
            "id": { "type": "string" },
            "status": { "type": "string", "enum": ["queued", "generating", "completed", "error"] },
            "video": { "anyOf": [video, { "type": "array", "items": video }] },
            "duration": number,
            "error": {},
            "meta": { "type": "object", "properties": { "usage": {
                "type": "object",
                "properties": { "credits_used": number, "tokens_used": number, "usd_spent": number },
            } } },
        },
        "required": ["id", "status"],
    })
}

fn error() -> Value {
    object(json!({
        "message": { "type": "string" },
        "path": { "type": "string" },
        "requestId": { "type": "string" },
        "statusCode": { "type": "integer" },
        "timestamp": { "type": "string", "format": "date-time" },
    }))
}

fn task() -> Value {
    object(json!({
        "id": { "type": "string" },
        "model": { "type": "string" },
        "route": { "enum": ["universal", "legacy-kling"] },
        "created": { "type": "string", "format": "date-time" },
        "status": { "type": "string" },
        "state": { "enum": ["queued", "generating", "completed", "failed", "unknown"] },
        "seconds_left": { "type": ["number", "null"] },
        "polls": { "type": "integer" },
        "downloads": { "type": "integer" },
        "credits": { "type": "number" },
        "prompt": { "type": ["string", "null"] },
        "key": key_hash(json!("string")),
        "requests": { "type": "array", "items": { "type": "integer" } },
    }))
}

fn request() -> Value {
    object(json!({
        "number": { "type": "integer" },
        "at": { "type": "string", "format": "date-time" },
        "method": { "type": "string" },
        "target": { "type": "string" },
        "headers": { "type": "object", "additionalProperties": { "type": "string" } },
        "body": {},
        "body_bytes": { "type": "integer" },
        "key": key_hash(json!(["string", "null"])),
        "task": { "type": ["string", "null"] },
        "model": { "type": ["string", "null"] },
        "status": { "type": ["integer", "null"] },
    }))
}

fn key_hash(kind: Value) -> Value {
    json!({ "type": kind, "pattern": "^sha256:[0-9a-f]{16}$" })
}

fn rule(ids: &BTreeSet<&str>) -> Value {
    let list = |name: &str| json!({ "type": "array", "items": reference(name) });
    let one = |name: &str, schema: Value| object(json!({ name: schema }));
    closed(json!({
        "times": { "anyOf": [count(), { "const": "always" }] },
        "name": { "type": "string", "pattern": "\\S" },
        "when": reference("When"),
        "model": models(ids),
        "seconds": seconds(),
        "queued_seconds": seconds(),
        "back_to_queued": { "type": "boolean" },
        "end": { "anyOf": [
            { "const": "completed" },
            one("fail", json!({})),
            one("stall", json!({ "enum": ["queued", "generating"] })),
            one("status", json!({ "type": "string" })),
        ] },
        "video": { "anyOf": [
            { "enum": ["given", "missing", "without_url"] },
            one("after_polls", json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX })),
        ] },
        "id": { "enum": ["own", "wrong"] },
        "shape": { "enum": Shape::ALL },
        "create": reference("CreateStep"),
        "polls": list("Step"),
        "downloads": list("DownloadStep"),
    }))
}

fn models(ids: &BTreeSet<&str>) -> Value {
    match ids.is_empty() {
        true => json!(false),
        false => json!({ "enum": ids }),
    }
}

const HEADER_NAME: &str = "^[A-Za-z0-9-]+$";

/// Returns the schema of an object with a condition for each name that matches `names`.
fn conditions(names: &str, condition: Value) -> Value {
    json!({
        "type": "object",
        "propertyNames": { "pattern": names },
        "additionalProperties": condition,
    })
}

fn condition() -> Value {
    let mut schema = closed(json!({
        "equals": {},
        "matches": { "type": "string", "format": "regex" },
        "exists": { "type": "boolean" },
    }));
    let value = json!({ "anyOf": [{ "required": ["equals"] }, { "required": ["matches"] }] });
    let exists = json!({ "properties": { "exists": { "const": true } } });
    schema["if"] = value;
    schema["then"] = exists;
    schema["else"] = json!({ "required": ["exists"] });
    schema
}

/// Returns the schema of a step with `own` properties besides the common ones.
fn step(own: Value) -> Value {
    let any_case = |text: &str| {
        let either = |letter: char| match letter.is_ascii_alphabetic() {
            true => format!("[{}{letter}]", letter.to_ascii_uppercase()),
            false => letter.to_string(),
        };
        text.chars().map(either).collect::<String>()
    };
    let framing: Vec<String> = FRAMING_HEADERS.iter().map(|name| any_case(name)).collect();
    let mut schema = closed(json!({
        "delay_seconds": seconds(),
        "status": { "type": "integer", "minimum": 200, "maximum": 599 },
        "headers": {
            "type": "object",
            "propertyNames": {
                "pattern": HEADER_NAME,
                "not": { "pattern": format!("^({})$", framing.join("|")) },
            },
            "additionalProperties": { "type": "string", "pattern": "^[ -~]*$" },
        },
        "json": {},
        "text": { "type": "string" },
        "html": { "type": "string" },
        "close": { "type": "boolean" },
    }));
    if let (Some(properties), Value::Object(own)) = (schema["properties"].as_object_mut(), own) {
        properties.extend(own);
    }
    schema["not"] = json!({ "anyOf": [
        { "required": ["json", "text"] },
        { "required": ["json", "html"] },
        { "required": ["text", "html"] },
    ] });
    schema
}

fn count() -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": u32::MAX })
}

fn seconds() -> Value {
    json!({ "type": "number", "minimum": 0, "maximum": MAX_SECONDS })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Returns the schema of an object that allows only these properties.
fn closed(properties: Value) -> Value {
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

/// Returns the schema of an object that requires all of these properties and allows only them.
fn object(properties: Value) -> Value {
    let names: Vec<String> = properties
        .as_object()
        .into_iter()
        .flat_map(|properties| properties.keys().cloned())
        .collect();
    let mut schema = closed(properties);
    schema["required"] = names.into();
    schema
}
