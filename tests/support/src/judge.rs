//! An independent validator of requests: the documents in `openapi/`, translated to JSON Schema 2020-12 and evaluated by the
//! crate `jsonschema`. It shares no code with the build pipeline.

use std::{fs, path::Path};

use serde_json::{Map, Value, json};

/// A model on a path, with the validator of its document.
pub struct Judged {
    pub file: String,
    pub path: String,
    pub model: String,
    /// The request's schema in JSON Schema 2020-12.
    pub schema: Value,
    pub validator: jsonschema::Validator,
}

/// Every create operation of every document.
pub fn judges() -> Vec<Judged> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi"));
    let mut files = Vec::new();
    walk(folder, &mut files);
    files.sort();
    let mut judges = Vec::new();
    for file in files {
        let document: Value =
            serde_json::from_slice(&fs::read(&file).expect("a file")).expect("JSON");
        let Some(paths) = document.get("paths").and_then(Value::as_object) else {
            continue;
        };
        for (path, item) in paths {
            let Some(schema) = item.pointer("/post/requestBody/content/application~1json/schema")
            else {
                continue;
            };
            let schema = json_schema(schema);
            let validator = validator(&schema);
            judges.push(Judged {
                file: file
                    .strip_prefix(folder)
                    .expect("below")
                    .to_string_lossy()
                    .into_owned(),
                path: path.clone(),
                model: schema["properties"]["model"]["enum"][0]
                    .as_str()
                    .expect("an id")
                    .to_owned(),
                schema,
                validator,
            });
        }
    }
    judges
}

/// The validator of a schema in JSON Schema 2020-12.
pub fn validator(schema: &Value) -> jsonschema::Validator {
    jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(schema)
        .expect("a schema")
}

fn walk(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, files);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            files.push(path);
        }
    }
}

/// Translates OpenAPI 3.0 and 3.1 to JSON Schema 2020-12: `nullable`, boolean exclusive bounds, and keywords that do not constrain
/// values.
pub fn json_schema(schema: &Value) -> Value {
    let Value::Object(map) = schema else {
        return schema.clone();
    };
    // An arm without a type, which the publisher writes for `null`.
    if schema == &json!({ "nullable": true }) {
        return json!({ "type": "null" });
    }
    let mut out = Map::new();
    for (key, value) in map {
        match key.as_str() {
            "properties" => {
                let properties = value.as_object().expect("properties");
                let translated = properties
                    .iter()
                    .map(|(name, schema)| (name.clone(), json_schema(schema)));
                out.insert(key.clone(), Value::Object(translated.collect()));
            }
            "items" | "additionalProperties" => drop(out.insert(key.clone(), json_schema(value))),
            "anyOf" | "oneOf" | "allOf" => {
                let arms = value
                    .as_array()
                    .expect("arms")
                    .iter()
                    .map(json_schema)
                    .collect();
                out.insert(key.clone(), arms);
            }
            // The ids of the service look like `UUID:MODEL`.
            "format" if value == "uuid" => {}
            // A boolean `required` is a defect of the document, and not valid in JSON Schema.
            "required" if value.is_boolean() => {}
            "nullable" | "default" | "example" => {}
            // Documents in OpenAPI 3.1, whose schemas are JSON Schema; the walks below read these forms.
            "const" => drop(out.insert("enum".into(), json!([value]))),
            "type" if value.is_array() => {
                let kinds = value.as_array().expect("types");
                let kinds: Vec<&Value> = kinds.iter().filter(|kind| *kind != "null").collect();
                let kind = if let [one] = *kinds {
                    one.clone()
                } else {
                    json!(kinds)
                };
                out.insert(key.clone(), kind);
            }
            _ => drop(out.insert(key.clone(), value.clone())),
        }
    }
    for (limit, exclusive) in [
        ("minimum", "exclusiveMinimum"),
        ("maximum", "exclusiveMaximum"),
    ] {
        if let Some(Value::Bool(is_exclusive)) = out.get(exclusive).cloned() {
            out.remove(exclusive);
            if let Some(value) = out.remove(limit) {
                let keyword = if is_exclusive { exclusive } else { limit };
                out.insert(keyword.into(), value);
            }
        }
    }
    let types = map.get("type").and_then(Value::as_array);
    let has_null = types.is_some_and(|types| types.contains(&json!("null")));
    if map.get("nullable") == Some(&json!(true)) || has_null {
        return json!({ "anyOf": [out, { "type": "null" }] });
    }
    Value::Object(out)
}

/// The beginning of an image as base64 text, which `format: uri` refuses and some documents allow in prose.
pub const BASE64_PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAkAAAAQCAYAAAAA";

/// The schema without the arm for `null`.
pub fn inner(schema: &Value) -> &Value {
    match schema
        .get("anyOf")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
    {
        Some([first, null]) if null == &json!({ "type": "null" }) => first,
        _ => schema,
    }
}

/// A value that the schema allows, with only the required properties.
pub fn minimal(schema: &Value) -> Value {
    let schema = inner(schema);
    if let Some(value) = schema.get("enum").and_then(|values| values.get(0)) {
        return value.clone();
    }
    if let Some(arms) = schema.get("anyOf").or(schema.get("oneOf")) {
        return minimal(&arms[0]);
    }
    match schema
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or("object")
    {
        "null" => Value::Null,
        "boolean" => json!(true),
        "integer" | "number" => match schema.get("multipleOf").and_then(Value::as_f64) {
            Some(step) => {
                let min = schema.get("minimum").and_then(Value::as_f64);
                multiple((min.unwrap_or(step) / step).ceil(), step)
            }
            None => schema.get("minimum").cloned().unwrap_or(json!(1)),
        },
        "array" => {
            let count = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0);
            (0..count).map(|_| minimal(&schema["items"])).collect()
        }
        "string" if schema.get("format") == Some(&json!("uri")) => {
            json!("https://example.com/a%2Fb?c=d")
        }
        "string" => {
            let count = schema
                .get("minLength")
                .and_then(Value::as_u64)
                .unwrap_or(1)
                .max(1);
            Value::from("é".repeat(count as usize))
        }
        _ => {
            let required = schema
                .get("required")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            let entry = |name: &Value| {
                let name = name.as_str().expect("a name");
                (name.to_owned(), minimal(&schema["properties"][name]))
            };
            Value::Object(required.iter().map(entry).collect())
        }
    }
}

/// A multiple of a decimal number, as an integer if it is one.
pub fn multiple(count: f64, step: f64) -> Value {
    // The product of two binary numbers is no decimal multiple.
    let value = (count * step * 1e9).round() / 1e9;
    if value.fract() == 0.0 {
        json!(value as i64)
    } else {
        json!(value)
    }
}

/// A value that the schema allows, with every property.
pub fn maximal(schema: &Value) -> Value {
    let schema = inner(schema);
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return match schema.get("items") {
            Some(items) => {
                let min = schema
                    .get("minItems")
                    .and_then(Value::as_u64)
                    .unwrap_or(1)
                    .max(1);
                (0..min).map(|_| maximal(items)).collect()
            }
            None => minimal(schema),
        };
    };
    Value::Object(
        properties
            .iter()
            .map(|(name, schema)| (name.clone(), maximal(schema)))
            .collect(),
    )
}

/// Adds values at, below and above every limit of the schema, at every depth; most of them are invalid. `put` sets a value in a
/// body.
pub fn mutations(schema: &Value, put: &dyn Fn(Value) -> Value, out: &mut Vec<Value>) {
    for value in [
        json!(null),
        json!(true),
        json!(0),
        json!(1.5),
        json!(-1),
        json!("x"),
        json!(""),
        json!("5"),
        json!([]),
        json!([1]),
        json!({}),
        json!({ "x": 1 }),
        json!(1e300),
    ] {
        out.push(put(value));
    }
    let outer = schema;
    let schema = inner(schema);
    out.push(put(minimal(outer)));
    for value in schema
        .get("enum")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        out.push(put(value.clone()));
        match value {
            Value::String(text) => {
                out.push(put(json!(format!("{text} "))));
                out.push(put(json!(text.to_uppercase())));
            }
            Value::Number(number) => {
                let number = number.as_f64().expect("a number");
                for value in [number + 1.0, number - 1.0, number + 0.5, number] {
                    out.push(put(json!(value)));
                }
                out.push(put(json!(number.to_string())));
            }
            _ => {}
        }
    }
    for limit in ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"] {
        let Some(limit) = schema.get(limit).and_then(Value::as_f64) else {
            continue;
        };
        for value in [limit, limit - 1.0, limit + 1.0, limit - 1e-9, limit + 1e-9] {
            out.push(put(json!(value)));
            out.push(put(json!(value as i64)));
        }
    }
    for limit in ["minLength", "maxLength"] {
        let Some(limit) = schema.get(limit).and_then(Value::as_u64) else {
            continue;
        };
        for count in [limit.saturating_sub(1), limit, limit + 1] {
            out.push(put(json!("é".repeat(count as usize))));
        }
    }
    for text in [
        BASE64_PNG,
        "https://example.com/a%2Fb?c=d#e",
        "data:image/png;base64,iVBORw0KGgo=",
        "urn:isbn:1",
        "a",
        "a b",
        "//example.com/a",
        "https://example.com/a b",
        "https://exämple.com",
        "http://[::1",
        "https://example.com/%zz",
        "mailto:a@b",
        "%",
        "https://",
    ] {
        out.push(put(json!(text)));
    }
    for arm in schema
        .get("anyOf")
        .or(schema.get("oneOf"))
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        mutations(arm, put, out);
    }
    if let Some(items) = schema.get("items") {
        let item = minimal(items);
        let limits =
            ["minItems", "maxItems"].map(|limit| schema.get(limit).and_then(Value::as_u64));
        for count in limits
            .into_iter()
            .flatten()
            .flat_map(|limit| [limit.saturating_sub(1), limit, limit + 1])
        {
            out.push(put((0..count).map(|_| item.clone()).collect()));
        }
        let count = schema
            .get("minItems")
            .and_then(Value::as_u64)
            .unwrap_or(1)
            .max(1);
        let within = |value: Value| {
            let mut items: Vec<Value> = (0..count).map(|_| item.clone()).collect();
            items[count as usize - 1] = value;
            put(items.into())
        };
        mutations(items, &within, out);
    }
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        let base = minimal(schema);
        for (name, property) in properties {
            let within = |value: Value| {
                let mut object = base.clone();
                object[name] = value;
                put(object)
            };
            mutations(property, &within, out);
            let mut without = base.clone();
            without.as_object_mut().expect("an object").remove(name);
            out.push(put(without));
        }
        let mut names: Vec<&String> = properties.keys().collect();
        names.sort();
        out.push(put(names
            .into_iter()
            .map(|name| minimal(&properties[name]))
            .collect()));
        let mut more = base;
        more["a field that no document knows"] = json!([{}]);
        out.push(put(more));
    }
}
