#![doc = include_str!("../README.md")]
//!
//! # Where to start
//!
//! [`document::read`] and [`Facts::read`] read a folder. [`read`] then runs the steps on values in memory:
//!
//! 1. [`repair`] corrects defects of the documents, one function per class of defect.
//! 2. [`overlay`] corrects single facts.
//! 3. [`merge`] takes one create operation per URL and model, and reads its constraints and rules into a
//!    [`Model`](aimlapi_video_contract::Model).
//!
//! With the feature `rust`, `rust::generate` writes the source of all models. With the feature `diff`, the module `diff`
//! compares two versions of the documents, and the module `drift` compares them with responses of the service. Every step adds to [`Diagnostics`]; none panics.

#![allow(
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    reason = "plain data between the steps of this crate's own build and commands"
)]

mod constraints;
mod diagnostics;
#[cfg(feature = "diff")]
pub mod diff;
pub mod document;
#[cfg(feature = "diff")]
pub mod drift;
mod facts;
pub mod merge;
pub mod names;
pub mod overlay;
pub mod repair;
mod rules;
pub mod rust;
pub mod strip;
mod task;

use serde_json::Value;

pub use aimlapi_video_contract::pointer_step as step;
pub use aimlapi_video_contract::{Route, code_span};
pub use diagnostics::{Diagnostic, Diagnostics};
pub use document::Document;
pub use facts::{Facts, LEGACY_FOLDER, ModelDuration};
pub use merge::Merged;

/// Repairs, corrects and merges `documents`, keeping the models of the vendors that `wanted` accepts.
pub fn read(
    documents: &mut [Document],
    facts: &Facts,
    wanted: impl Fn(&str) -> bool,
    diagnostics: &mut Diagnostics,
) -> Merged {
    documents.iter_mut().for_each(repair::apply);
    overlay::apply(&facts.overlay, documents, diagnostics);
    let merged = merge::merge(documents, facts, wanted, diagnostics);
    diagnostics.dedup();
    merged
}

/// Whether `value` is of the JSON type `kind`; any value is without a `kind`.
fn is_of_type(value: &Value, kind: Option<&str>) -> bool {
    match kind {
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        Some("number") => value.is_number(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        Some("null") => value.is_null(),
        _ => true,
    }
}
