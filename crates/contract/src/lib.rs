#![doc = include_str!("../README.md")]
//!
//! # Where to start
//!
//! | type | holds |
//! |---|---|
//! | [`Model`] | a model on one [`Route`]: its [`Task`], properties, stated durations, and [rules](Rule) in prose |
//! | [`Property`] | name, [`Schema`], description, default, [`Role`], [`MediaKind`] |
//! | [`Schema`], [`Check`] | the allowed values: what a Rust type can hold, and what is checked beside it |
//! | [`Violation`], [`Warning`] | what is wrong with a JSON value, or probably a mistake, with its JSON pointer |
//! | [`Constraint`] | one constraint, and [what enforces it](EnforcedBy) |
//!
//! [`Model::check`] finds the violations of a request, and [`Schema::allowed`] is the text of every message about allowed values.

mod check;
mod enforcement;
mod json_schema;
mod media;
mod model;
mod number;
mod redaction;
mod route;
mod rule;
mod schema;
mod uri;
mod violation;
mod wording;

pub use check::Formats;
pub use enforcement::{Constraint, EnforcedBy};
pub use media::MediaKind;
pub use model::{Model, Property, Role, StatedDuration, Task, from_json, to_json};
pub use number::{as_integer, is_equal, is_multiple};
pub use redaction::{redacted, redacted_urls};
pub use route::Route;
pub use rule::{Rule, SourcedRule};
pub use schema::{Check, JsonType, Schema};
pub use uri::not_a_uri;
pub use violation::{Violation, Warning, pointer_step};
pub use wording::code_span;
