//! Large media of requests, which go to the object store and not into histories.

use object_store::{ObjectStoreExt, path::Path};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::protocol::hex;
use crate::store::Store;

/// The maximum size of a body in a history, in bytes.
pub const MAX_BODY: usize = 256 * 1024;

/// The minimum size of a text that is moved to the store.
const MIN_TEXT: usize = 4 * 1024;

/// Moves the long texts of a body, which are its media as data URIs or Base64, to the store if the body is larger than [`MAX_BODY`].
/// Each becomes a reference by its SHA-256.
///
/// # Errors
///
/// If the store cannot be written.
pub async fn offload(store: &Store, body: Value) -> Result<Value, object_store::Error> {
    if is_small(&body) {
        return Ok(body);
    }
    let mut body = body;
    for text in texts(&mut body, &|text| {
        text.as_str().is_some_and(|text| text.len() >= MIN_TEXT)
    }) {
        let Value::String(content) = text.take() else {
            continue;
        };
        let sha256 = hex(&Sha256::digest(&content));
        store
            .bucket
            .put(&key(store, &sha256), content.into())
            .await?;
        *text = json!({ REFERENCE: sha256 });
    }
    Ok(body)
}

/// Whether a body may be in a history as it is.
pub fn is_small(body: &Value) -> bool {
    body.to_string().len() <= MAX_BODY
}

/// Whether texts of a body are in the store.
pub(super) fn is_offloaded(body: &Value) -> bool {
    match body {
        Value::Object(map) => map.contains_key(REFERENCE) || map.values().any(is_offloaded),
        Value::Array(items) => items.iter().any(is_offloaded),
        _ => false,
    }
}

/// Replaces the references of a body by their texts.
pub(super) async fn restore(store: &Store, mut body: Value) -> Result<Value, object_store::Error> {
    for reference in texts(&mut body, &|value| value.get(REFERENCE).is_some()) {
        let sha256 = reference[REFERENCE].as_str().unwrap_or_default();
        let content = store.bucket.get(&key(store, sha256)).await?.bytes().await?;
        if hex(&Sha256::digest(&content)) != sha256 {
            let what = format!("the stored text has another SHA-256 than {sha256}");
            return Err(object_store::Error::Generic {
                store: "media",
                source: what.into(),
            });
        }
        *reference = String::from_utf8_lossy(&content).into_owned().into();
    }
    Ok(body)
}

/// The outermost values at any depth for which `is_wanted` holds.
fn texts<'a>(value: &'a mut Value, is_wanted: &dyn Fn(&Value) -> bool) -> Vec<&'a mut Value> {
    if is_wanted(value) {
        return vec![value];
    }
    match value {
        Value::Object(map) => map
            .values_mut()
            .flat_map(|value| texts(value, is_wanted))
            .collect(),
        Value::Array(items) => items
            .iter_mut()
            .flat_map(|item| texts(item, is_wanted))
            .collect(),
        _ => Vec::new(),
    }
}

fn key(store: &Store, sha256: &str) -> Path {
    store.key("media", sha256)
}

/// The property that a reference has in place of a text.
const REFERENCE: &str = "$sha256";
