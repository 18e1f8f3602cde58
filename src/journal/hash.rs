//! The SHA-256 of a request's body, by which a later run recognizes the request.

use std::collections::BTreeMap;

use crate::sha256::{Hash, hex};
use serde_json::{Map, Value};

/// The SHA-256 of a body in hexadecimal, independent of the order of its properties.
pub(super) fn sha256(body: &Map<String, Value>) -> String {
    let mut hash = Hash::new();
    feed_object(body, &mut hash);
    hex(hash)
}

fn feed(value: &Value, hash: &mut Hash) {
    match value {
        Value::Object(map) => feed_object(map, hash),
        Value::Array(items) => {
            hash.update(b"[");
            for item in items {
                feed(item, hash);
                hash.update(b",");
            }
            hash.update(b"]");
        }
        scalar => hash.update(scalar.to_string()),
    }
}

fn feed_object(map: &Map<String, Value>, hash: &mut Hash) {
    let sorted: BTreeMap<&String, &Value> = map.iter().collect();
    hash.update(b"{");
    for (name, value) in sorted {
        feed(&name.as_str().into(), hash);
        hash.update(b":");
        feed(value, hash);
        hash.update(b",");
    }
    hash.update(b"}");
}
