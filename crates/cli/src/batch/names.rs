//! The names of a batch's videos by `--name`.

use std::collections::BTreeMap;

use super::requests::Requests;
use crate::{args::Batch, documents::Catalogue, failure::Failure, naming::Naming};

/// File systems allow 255 bytes; a partial download and a further video have longer names.
const MAX_BYTES: usize = 220;

/// The name of each request's video by its number; empty without `--name`.
pub(super) fn of(
    batch: &Batch,
    requests: &Requests,
    catalogue: &Catalogue,
) -> Result<BTreeMap<usize, String>, Failure> {
    let Some(template) = &batch.name else {
        return Ok(BTreeMap::new());
    };
    let refused = |error: String| Failure::usage(format!("--name {template}: {error}"));
    let mut names = BTreeMap::new();
    let mut lines = BTreeMap::new();
    for (line, request) in requests.lines.iter().zip(&requests.requests) {
        let model = catalogue.model(request.route(), request.model());
        let naming = Naming { request, model };
        let name = naming.in_batch(template, *line).map_err(refused)?;
        if name.len() > MAX_BYTES {
            let length = name.len();
            return Err(refused(format!(
                "the name of {} has {length} bytes, and the maximum is {MAX_BYTES}; use fewer placeholders",
                requests.places.label(*line)
            )));
        }
        // Some file systems do not distinguish upper and lower case.
        if let Some(other) = lines.insert(name.to_lowercase(), *line) {
            let [other, line] = [other, *line].map(|number| requests.places.label(number));
            return Err(refused(format!(
                "{other} and {line} have the same name, {name}; add {{n}}, the number of the request"
            )));
        }
        names.insert(*line, name);
    }
    Ok(names)
}
