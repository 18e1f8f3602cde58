#![doc = include_str!("../README.md")]

mod check;
mod enforcement;
mod json_schema;
mod model;
mod route;
mod rule;
mod schema;
mod uri;
mod violation;
mod wording;

pub use check::Formats;
pub use enforcement::{Constraint, EnforcedBy};
pub use model::{Model, Property, Role, StatedDuration, Task};
pub use route::Route;
pub use rule::{Rule, SourcedRule};
pub use schema::{Check, JsonType, Schema};
pub use uri::{not_a_uri, redacted};
pub use violation::{Violation, Warning, pointer_step};
