//! Documents of shapes that no published document has, made from a seed, and bodies that are valid by them or nearly so.

use serde_json::{Map, Value, json};

/// A pseudo-random sequence from a seed.
pub struct Dice(pub u64);

impl Dice {
    /// A number below `sides`.
    pub fn below(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % sides.max(1) as u64) as usize
    }

    fn one_in(&mut self, sides: usize) -> bool {
        self.below(sides) == 0
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }
}

/// A published document with one model, `shapes/SEED`.
pub fn document(seed: u64) -> Value {
    document_of(body(seed))
}

/// A published document of one model, whose request has this schema.
pub fn document_of(body: Value) -> Value {
    json!({
        "openapi": "3.0.0",
        "info": { "title": "Shapes", "version": "1" },
        "paths": { "/v2/video/generations": { "post": {
            "requestBody": { "content": { "application/json": { "schema": body } } },
            "responses": { "200": { "description": "" } },
        } } },
    })
}

/// The request's schema of the model `shapes/SEED`, in the dialect of OpenAPI 3.0.
pub fn body(seed: u64) -> Value {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5DEE_CE66);
    let mut properties = Map::new();
    let id = format!("shapes/{seed}");
    properties.insert("model".into(), json!({ "type": "string", "enum": [id] }));
    let mut required = vec![json!("model")];
    for name in NAMES.iter().take(2 + dice.below(3)) {
        properties.insert((*name).into(), property(2, &mut dice));
        if dice.one_in(2) {
            required.push(json!(name));
        }
    }
    json!({ "type": "object", "properties": properties, "required": required })
}

/// The schema of an object of one of several kinds, each of which may say nothing of the properties that it does not state.
pub fn kinds(seed: u64) -> Value {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x1234_5678);
    let mut schema = if dice.one_in(2) {
        object(1, &mut dice)
    } else {
        json!({})
    };
    let keyword = dice.pick(&["oneOf", "anyOf"]);
    let arms = 2 + dice.below(2);
    schema[keyword] = (0..arms).map(|_| object(1, &mut dice)).collect();
    schema
}

/// A body for the model `shapes/SEED` that is valid by its `schema`, or nearly so.
pub fn value(seed: u64, schema: &Value, dice: &mut Dice) -> Value {
    let mut body = match sample(schema, dice) {
        Value::Object(body) => body,
        _ => Map::new(),
    };
    body.insert("model".into(), format!("shapes/{seed}").into());
    body.into()
}

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

fn property(depth: usize, dice: &mut Dice) -> Value {
    let mut schema = schema(depth, dice);
    if schema.get("type").is_some() && schema.get("allOf").is_none() && dice.one_in(4) {
        schema["nullable"] = json!(true);
    }
    schema
}

fn schema(depth: usize, dice: &mut Dice) -> Value {
    match dice.below(if depth == 0 { 5 } else { 12 }) {
        0 => json!({ "type": "boolean" }),
        1 => text(dice),
        2 | 3 => number(dice),
        4 => listed(dice),
        5 => {
            let mut list = json!({ "type": "array", "items": property(depth - 1, dice) });
            if dice.one_in(2) {
                list["maxItems"] = dice.pick(&[json!(3), json!(4_294_967_296_u64), json!(2.0)]);
            }
            if dice.one_in(2) {
                list["minItems"] = json!(dice.below(3));
            }
            if dice.one_in(2) {
                list["uniqueItems"] = json!(true);
            }
            list
        }
        6 | 7 => object(depth, dice),
        8 => {
            let (one, mut other) = (object(depth, dice), object(depth, dice));
            complete(&one, &mut other, dice);
            json!({ "allOf": [one, other] })
        }
        9 => {
            let arms: Vec<Value> = (0..2 + dice.below(2))
                .map(|at| tagged(at, depth, dice))
                .collect();
            let keyword = dice.pick(&["oneOf", "anyOf"]);
            let mut schema = json!({});
            if dice.one_in(3) {
                let beside = NAMES[dice.below(NAMES.len())];
                let decides = |arm: &Value| {
                    arm["properties"].get(beside).is_some()
                        || arm["additionalProperties"].is_object()
                };
                if !arms.iter().any(decides) {
                    let beside = json!({ beside: property(depth - 1, dice) });
                    schema = json!({ "type": "object", "properties": beside });
                }
            }
            schema[keyword] = arms.into();
            schema
        }
        10 => {
            let keyword = dice.pick(&["oneOf", "anyOf"]);
            let mut arms = [object(depth, dice), object(depth, dice)];
            // An arm that states properties, and nothing of others, is taken for a closed one.
            if arms[0]["properties"] != arms[1]["properties"] {
                for arm in &mut arms {
                    let says_nothing = arm.get("additionalProperties").is_none();
                    if says_nothing && arm["properties"] != json!({}) {
                        close(arm);
                    }
                }
            }
            let mut schema = if dice.one_in(2) {
                object(depth, dice)
            } else {
                json!({})
            };
            schema[keyword] = json!(arms);
            schema
        }
        _ => {
            let keyword = dice.pick(&["oneOf", "anyOf"]);
            json!({ keyword: [schema(0, dice), schema(0, dice)] })
        }
    }
}

fn text(dice: &mut Dice) -> Value {
    let mut text = json!({ "type": "string" });
    if dice.one_in(2) {
        text["minLength"] = json!(dice.below(3));
    }
    if dice.one_in(2) {
        text["maxLength"] = dice.pick(&[
            json!(3),
            json!(4_294_967_296_u64),
            json!(1e12),
            json!(1e300),
        ]);
    }
    text
}

fn number(dice: &mut Dice) -> Value {
    let mut number = json!({ "type": dice.pick(&["integer", "number"]) });
    if dice.one_in(2) {
        number["multipleOf"] = dice.pick(&[
            json!(0.1),
            json!(0.01),
            json!(0.25),
            json!(2.5),
            json!(3),
            json!(1e-7),
        ]);
    }
    for (limit, flag, values) in [
        (
            "minimum",
            "exclusiveMinimum",
            [json!(-2), json!(0.1), json!(0)],
        ),
        (
            "maximum",
            "exclusiveMaximum",
            [json!(5), json!(2.5), json!(9_007_199_254_740_991_u64)],
        ),
    ] {
        if dice.one_in(3) {
            number[limit] = dice.pick(&values);
            if dice.one_in(3) {
                number[flag] = json!(dice.one_in(2));
            }
        }
    }
    number
}

fn listed(dice: &mut Dice) -> Value {
    dice.pick(&[
        json!({ "type": "string", "enum": ["a", "b", 5] }),
        json!({ "type": "string", "enum": ["+1", "-1"] }),
        json!({ "type": "string", "enum": ["", " ", "1", "a/b", "a-b"] }),
        json!({ "type": "integer", "enum": [5.0, 10.0] }),
        json!({ "type": "integer", "enum": [5, 5.0, 7.5] }),
        json!({ "type": "number", "enum": [5.0, 10] }),
        json!({ "type": "number", "enum": [0.5, 1, "2"] }),
        json!({ "type": "boolean", "enum": [true] }),
        json!({ "enum": ["a", 5, true, [1], { "a": 1 }] }),
        json!({ "enum": [5, 10.0] }),
    ])
}

fn object(depth: usize, dice: &mut Dice) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for name in NAMES {
        if dice.one_in(3) {
            properties.insert(name.into(), property(depth - 1, dice));
            if dice.one_in(2) {
                required.push(name);
            }
        }
    }
    let mut object = json!({ "type": "object", "properties": properties });
    match dice.below(6) {
        0 | 1 => object["additionalProperties"] = json!(false),
        2 => object["additionalProperties"] = property(0, dice),
        3 => object["additionalProperties"] = dice.pick(&[json!(true), json!({})]),
        _ => {}
    }
    let unstated = NAMES[dice.below(NAMES.len())];
    let is_closed = object.get("additionalProperties") == Some(&json!(false));
    if !is_closed && dice.one_in(4) && !required.contains(&unstated) {
        required.push(unstated);
    }
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    if dice.one_in(6) {
        object["minProperties"] = json!(1);
    }
    if dice.one_in(6) {
        object["maxProperties"] = json!(2);
    }
    object
}

/// Forbids the properties that an object does not state.
fn close(object: &mut Value) {
    object["additionalProperties"] = json!(false);
    let stated = object["properties"].clone();
    if let Some(Value::Array(required)) = object.get_mut("required") {
        required.retain(|name| stated.get(name.as_str().unwrap_or_default()).is_some());
    }
}

/// Changes an object so that it does not contradict another one, which may be closed or a map.
fn complete(one: &Value, other: &mut Value, dice: &mut Dice) {
    let rest = one
        .get("additionalProperties")
        .filter(|rest| **rest != json!(true));
    let is_open = rest.is_none_or(|rest| *rest == json!({}));
    let required = one["required"].as_array().into_iter().flatten();
    let mut unstated = required.filter(|name| {
        one["properties"]
            .get(name.as_str().unwrap_or_default())
            .is_none()
    });
    let closes = unstated.next().is_none() && dice.one_in(4);
    let mut properties = Map::new();
    for (name, schema) in other["properties"].as_object().into_iter().flatten() {
        let stated = one["properties"].get(name);
        let mapped = rest.filter(|rest| rest.is_object() && !is_open);
        properties.insert(name.clone(), stated.or(mapped).unwrap_or(schema).clone());
    }
    let is_kept = |name: &Value| {
        is_open && !closes
            || name
                .as_str()
                .is_some_and(|name| one["properties"].get(name).is_some())
    };
    if let Some(Value::Array(required)) = other.get_mut("required") {
        required.retain(is_kept);
    }
    other["properties"] = properties.into();
    other["additionalProperties"] = json!(true);
    if closes {
        other["properties"] = one["properties"].clone();
        other["additionalProperties"] = json!(false);
    }
}

/// An object that its `type` distinguishes from those at other indices.
fn tagged(at: usize, depth: usize, dice: &mut Dice) -> Value {
    let mut object = object(depth, dice);
    let value = ["image", "video", "own-clip"][at];
    object["properties"]["type"] = json!({ "type": "string", "enum": [value] });
    let mut required = object["required"].as_array().cloned().unwrap_or_default();
    required.push(json!("type"));
    object["required"] = required.into();
    object
}

/// A value that is valid by a schema, or nearly so.
pub fn sample(schema: &Value, dice: &mut Dice) -> Value {
    if dice.one_in(25) {
        return odd(dice);
    }
    if schema.get("nullable") == Some(&json!(true)) && dice.one_in(4) {
        return Value::Null;
    }
    let mut parts = Vec::new();
    for part in schema
        .get("allOf")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        parts.push(sample(part, dice));
    }
    for keyword in ["oneOf", "anyOf"] {
        if let Some(arms) = schema.get(keyword).and_then(Value::as_array) {
            parts.push(sample(&dice.pick(arms), dice));
        }
    }
    let own = own(schema, dice);
    match (own, parts.is_empty()) {
        (Value::Object(mut own), false) => {
            for part in parts {
                match part {
                    Value::Object(part) => own.extend(part),
                    other => return other,
                }
            }
            own.into()
        }
        (own, true) => own,
        (_, false) => parts.swap_remove(0),
    }
}

/// A value by the keywords of a schema without its parts.
fn own(schema: &Value, dice: &mut Dice) -> Value {
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        let value = dice.pick(values);
        return match value.as_f64().filter(|_| dice.one_in(2)) {
            Some(number) if number.fract() == 0.0 => {
                dice.pick(&[json!(number), json!(number as i64), json!(number + 1.0)])
            }
            _ => value,
        };
    }
    match schema
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or("object")
    {
        "boolean" => json!(dice.one_in(2)),
        "string" => dice.pick(&["", "é", "ab", "abc", "abcd"]).into(),
        "integer" => digits(schema, dice, true),
        "number" => digits(schema, dice, false),
        "array" => {
            let min = schema["minItems"].as_u64().unwrap_or(0) as usize;
            let mut items: Vec<Value> = (0..min + dice.below(3))
                .map(|_| sample(&schema["items"], dice))
                .collect();
            if dice.one_in(3) && !items.is_empty() {
                let first = items[0]
                    .as_f64()
                    .map_or(items[0].clone(), |number| json!(number));
                items.push(first);
            }
            items.into()
        }
        _ => {
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            let mut object = Map::new();
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                let is_given = required.contains(&json!(name)) && !dice.one_in(12);
                if is_given || dice.one_in(3) {
                    object.insert(name.clone(), sample(property, dice));
                }
            }
            let more = schema.get("additionalProperties").unwrap_or(&Value::Null);
            for name in required.iter().filter_map(Value::as_str) {
                if schema["properties"].get(name).is_none() && dice.one_in(2) {
                    object.insert(name.into(), sample(more, dice));
                }
            }
            if dice.one_in(if more.is_object() { 2 } else { 10 }) {
                object.insert(dice.pick(&["d", "e", "x y"]).into(), sample(more, dice));
            }
            object.into()
        }
    }
}

fn digits(schema: &Value, dice: &mut Dice, is_whole: bool) -> Value {
    let step = schema["multipleOf"].as_f64().unwrap_or(1.0);
    let near = ["minimum", "maximum"].map(|limit| schema[limit].as_f64().unwrap_or(0.0));
    let count = dice.below(40) as f64 - 5.0;
    let decimal = |number: f64| (number * 1e9).round() / 1e9;
    match dice.below(if is_whole { 5 } else { 7 }) {
        0 => json!(dice.below(8) as i64 - 3),
        1 => json!(decimal(count * step)),
        2 => json!(dice.pick(&near)),
        3 => json!((decimal(count * step)).ceil() as i64),
        4 => json!(dice.pick(&near) as i64 + dice.below(3) as i64 - 1),
        // The product is no decimal multiple where binary arithmetic is inexact.
        5 => json!(count * step),
        _ => json!(dice.pick(&near) + 1e-9),
    }
}

fn odd(dice: &mut Dice) -> Value {
    dice.pick(&[
        json!(null),
        json!(true),
        json!(0),
        json!(1.5),
        json!("x"),
        json!([]),
        json!([1, 1.0]),
        json!({}),
        json!({ "x": 1 }),
    ])
}
