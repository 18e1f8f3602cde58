//! Reduces schemas to the values that they allow: without prose, defaults and the order of enums.

use aimlapi_video_contract::{Check, Property, Schema};

/// A schema without prose and defaults; `keeps_unchecked` keeps the constraints that the service alone checks.
pub(super) fn bare(schema: &Schema, keeps_unchecked: bool) -> Schema {
    let mut schema = schema.clone();
    strip(&mut schema, keeps_unchecked);
    schema
}

fn strip(schema: &mut Schema, keeps_unchecked: bool) {
    match schema {
        Schema::StringEnum(values) => values.sort(),
        Schema::IntegerEnum(values) => values.sort_unstable(),
        Schema::Enum(values) => values.sort_by_cached_key(ToString::to_string),
        Schema::OneOrMany(item) => strip(item, keeps_unchecked),
        Schema::Array { items, .. } => strip(items, keeps_unchecked),
        Schema::Object(properties) => {
            for property in properties {
                let mut schema = std::mem::replace(&mut property.schema, Schema::Any);
                strip(&mut schema, keeps_unchecked);
                let mut stripped = Property::new(&property.name, schema);
                (stripped.required, stripped.nullable) = (property.required, property.nullable);
                *property = stripped;
            }
        }
        Schema::Alternatives { arms, .. } => {
            arms.iter_mut().for_each(|arm| strip(arm, keeps_unchecked));
        }
        Schema::Checked {
            schema: typed,
            checks,
        } => {
            strip(typed, keeps_unchecked);
            for check in &mut *checks {
                match check {
                    Check::AllOf(schema) => strip(schema, keeps_unchecked),
                    Check::Additional { known, schema } => {
                        known.sort();
                        strip(schema, keeps_unchecked);
                    }
                    Check::Closed(known) => known.sort(),
                    _ => {}
                }
            }
            checks.retain(|check| keeps_unchecked || !matches!(check, Check::Unchecked { .. }));
            if checks.is_empty() {
                *schema = std::mem::replace(typed, Schema::Any);
            }
        }
        _ => {}
    }
}
