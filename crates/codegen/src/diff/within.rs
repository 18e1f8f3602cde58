//! Decides whether one schema allows all values of another. Where that cannot be decided, the answer is no.

use serde_json::{Number, Value};

use super::{
    arms::{self, Judged, disjoint, kind},
    bare::bare,
    limits::{Limit, Side, limit},
};
use aimlapi_video_contract::{Check, Formats, JsonType, Property, Schema};

/// Whether `new` accepts every value that `old` does; both are bare.
pub(super) fn allows(old: &Schema, new: &Schema) -> bool {
    if old == new || *new == Schema::Any {
        return true;
    }
    if let Some(values) = listed(old) {
        return values.iter().all(|value| {
            FORMATS
                .iter()
                .all(|formats| new.check(value, *formats).is_empty())
        });
    }
    match (old, new) {
        (Schema::OneOrMany(item), Schema::OneOrMany(other)) => allows(item, other),
        (Schema::OneOrMany(item), _) => allows(item, new) && allows(&list(item), new),
        (_, Schema::OneOrMany(item)) => allows(old, item) || allows(old, &list(item)),
        (
            Schema::Alternatives {
                arms: was,
                exactly_one: before,
            },
            Schema::Alternatives {
                arms: is,
                exactly_one: after,
            },
        ) => arms::judge((was, *before), (is, *after)) != Judged::Narrower,
        (Schema::Alternatives { arms, .. }, _) => arms.iter().all(|arm| allows(arm, new)),
        (_, Schema::Alternatives { arms, exactly_one }) => {
            (!exactly_one || disjoint(arms)) && arms.iter().any(|arm| allows(old, arm))
        }
        _ => {
            let ((typed, before), (other, after)) = (split(old), split(new));
            // A value that must match a part as well is one that this part allows.
            let is_within =
                |check: &Check| matches!(check, Check::AllOf(schema) if allows(schema, new));
            before.iter().any(is_within)
                || typed_allows((typed, before), other)
                    && after.iter().all(|check| implied(check, old))
        }
    }
}

/// All values of a schema, where they can be listed.
pub(super) fn listed(schema: &Schema) -> Option<Vec<Value>> {
    match schema.typed() {
        Schema::StringEnum(values) => {
            Some(values.iter().map(|value| value.as_str().into()).collect())
        }
        Schema::IntegerEnum(values) => Some(values.iter().map(|value| (*value).into()).collect()),
        Schema::Enum(values) => Some(values.clone()),
        Schema::Null => Some(vec![Value::Null]),
        _ => None,
    }
}

fn list(item: &Schema) -> Schema {
    Schema::array(item.clone(), 0, None)
}

fn split(schema: &Schema) -> (&Schema, &[Check]) {
    match schema {
        Schema::Checked { schema, checks } => (schema, checks),
        schema => (schema, &[]),
    }
}

/// Whether a schema without checks allows all that `old` does, with what is checked beside that one.
fn typed_allows(old: (&Schema, &[Check]), new: &Schema) -> bool {
    let (typed, before) = old;
    match (typed, new) {
        (_, Schema::Any) => true,
        (
            Schema::Integer { min, max },
            Schema::Integer {
                min: new_min,
                max: new_max,
            },
        ) => {
            new_min.is_none_or(|new_min| min.is_some_and(|min| min >= new_min))
                && new_max.is_none_or(|new_max| max.is_some_and(|max| max <= new_max))
        }
        (Schema::Integer { .. } | Schema::Number { .. }, Schema::Number { .. }) => {
            [Side::Lower, Side::Upper].into_iter().all(|side| {
                let own = limit(typed, before, side);
                limit(new, &[], side)
                    .is_none_or(|limit| own.is_some_and(|own| !limit.is_tighter_than(own)))
            })
        }
        (_, Schema::Media) | (_, Schema::String { min: 0, max: None }) => {
            kind(typed) == Some(JsonType::String)
        }
        (Schema::Uri, Schema::UriOrBase64) => true,
        (
            Schema::String { min, max },
            Schema::String {
                min: new_min,
                max: new_max,
            },
        ) => new_min <= min && new_max.is_none_or(|new_max| max.is_some_and(|max| max <= new_max)),
        (
            Schema::Array { items, min, max },
            Schema::Array {
                items: others,
                min: new_min,
                max: new_max,
            },
        ) => {
            new_min <= min
                && new_max.is_none_or(|new_max| max.is_some_and(|max| max <= new_max))
                && allows(items, others)
        }
        (Schema::Object(old), Schema::Object(new)) => object_allows((old, before), new),
        (typed, new) => typed == new,
    }
}

/// A new optional property narrows nothing, since no old request has it, unless the object was a map of other values.
fn object_allows((old, checks): (&[Property], &[Check]), new: &[Property]) -> bool {
    new.iter().all(|is| {
        let was = old.iter().find(|was| was.name == is.name);
        match was {
            None => !is.required && fits_map(checks, is),
            Some(was) => {
                was.required >= is.required
                    && allows(&was.schema_with_null(), &is.schema_with_null())
            }
        }
    })
}

/// Whether a new property allows the values that a map allowed under its name.
pub(super) fn fits_map(checks: &[Check], property: &Property) -> bool {
    let new = bare(&property.schema_with_null(), false);
    checks.iter().all(|check| match check {
        Check::Additional { schema, .. } => allows(&bare(schema, false), &new),
        _ => true,
    })
}

/// Whether every value of `old` passes a check.
fn implied(check: &Check, old: &Schema) -> bool {
    let (typed, before) = split(old);
    // A check accepts values of other types.
    let is_no = |judged: JsonType| kind(old).is_some_and(|kind| kind != judged);
    let within = |at: f64, side: Side| {
        let own = limit(typed, before, side);
        own.is_some_and(|own| !Limit::new(at, true, side).is_tighter_than(own))
    };
    before.contains(check)
        || match check {
            Check::Unchecked { .. } => true,
            Check::Above(at) => is_no(JsonType::Number) || within(*at, Side::Lower),
            Check::Below(at) => is_no(JsonType::Number) || within(*at, Side::Upper),
            Check::MultipleOf(step) => {
                let multiple =
                    |own: &Check| matches!(own, Check::MultipleOf(own) if is_multiple(*own, *step));
                is_no(JsonType::Number)
                    || before.iter().any(multiple)
                    || matches!(typed, Schema::Integer { .. }) && is_multiple(1.0, *step)
            }
            Check::UniqueItems => is_no(JsonType::Array),
            Check::PropertyCount { min, max } => {
                let narrower = |own: &Check| {
                    matches!(own, Check::PropertyCount { min: own_min, max: own_max }
                        if own_min >= min && max.is_none_or(|max| own_max.is_some_and(|own_max| own_max <= max)))
                };
                is_no(JsonType::Object) || before.iter().any(narrower)
            }
            Check::Closed(known) => {
                let narrower = |own: &Check| matches!(own, Check::Closed(own) if own.iter().all(|name| known.contains(name)));
                is_no(JsonType::Object) || before.iter().any(narrower)
            }
            Check::Additional { .. } => is_no(JsonType::Object),
            Check::AllOf(schema) => allows(old, schema),
        }
}

/// Whether every multiple of `whole` is one of `step`.
pub(super) fn is_multiple(whole: f64, step: f64) -> bool {
    Number::from_f64(whole).is_some_and(|whole| aimlapi_video_contract::is_multiple(&whole, step))
}

/// Whether a string of an enum is a URI is unknown here, so a value counts as allowed only if both outcomes allow it.
const FORMATS: [Formats; 2] = [
    Formats {
        is_uri: |_| false,
        is_base64_media: |_| false,
    },
    Formats {
        is_uri: |_| true,
        is_base64_media: |_| true,
    },
];
