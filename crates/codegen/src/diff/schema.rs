//! Compares the schemas of a property.
//!
//! The bounds in a type's arguments (`Int<2, 8>`, `BoundedVec<_, 1, 3>`, `Text<0, 512>`) and the names of the range types of
//! numbers are the documents', as this crate's documentation says; a program takes the values out by methods that all of
//! them have. So wider bounds are compatible as long as the kind of type stays.

use std::{borrow::Cow, collections::HashMap, mem};

use aimlapi_video_contract::{Check, JsonType, Schema};
use serde_json::{Value, json};

use super::{
    Effect, Kind, Recorder,
    arms::{self, Judged},
    limits,
    within::is_multiple,
};
use crate::names;

pub(super) fn compare(path: &str, old: &Schema, new: &Schema, recorder: &mut Recorder<'_>) {
    let is_checked = |schema: &Schema| {
        matches!(
            schema,
            Schema::Checked { .. } | Schema::Alternatives { .. } | Schema::Enum(_)
        ) && schema.tagged().is_none()
    };
    match (old, new) {
        (old, new) if is_checked(old) || is_checked(new) => {
            let ((old, before), (new, after)) = (parts(old), parts(new));
            let (mut before, mut after) = (flat(old, &before), flat(new, &after));
            if let (Schema::Number { .. }, Schema::Number { .. }) = (old, new) {
                limits::compare(path, (old, &before), (new, &after), recorder);
                before.retain(|check| !limits::is_limit(check));
                after.retain(|check| !limits::is_limit(check));
            } else if let (Schema::Object(old), Schema::Object(new)) = (old, new)
                && old.is_empty() == new.is_empty()
            {
                super::object(path, (old, &before), new, recorder);
            } else {
                compare(path, old, new, recorder);
            }
            super::checks(path, &before, &after, recorder);
        }
        (
            Schema::Integer { min, max },
            Schema::Integer {
                min: new_min,
                max: new_max,
            },
        ) => {
            let number = |bound: &Option<i64>| bound.map(Value::from);
            bound(
                path,
                "minimum",
                number(min),
                number(new_min),
                Effect::Compatible,
                recorder,
            );
            bound(
                path,
                "maximum",
                number(max),
                number(new_max),
                Effect::Compatible,
                recorder,
            );
        }
        (Schema::Number { .. }, Schema::Number { .. }) => {
            limits::compare(path, (old, &[]), (new, &[]), recorder);
        }
        (Schema::String { .. }, Schema::String { .. }) => {
            let ((min, max), (new_min, new_max)) = (lengths(old), lengths(new));
            bound(
                path,
                "minLength",
                min,
                new_min,
                Effect::Compatible,
                recorder,
            );
            bound(
                path,
                "maxLength",
                max,
                new_max,
                Effect::Compatible,
                recorder,
            );
        }
        (
            Schema::Array { items, min, max },
            Schema::Array {
                items: new_items,
                min: new_min,
                max: new_max,
            },
        ) => {
            let size = |bound: &usize| (*bound > 0).then(|| json!(bound));
            bound(
                path,
                "minItems",
                size(min),
                size(new_min),
                Effect::Compatible,
                recorder,
            );
            let size = |bound: &Option<usize>| bound.map(|bound| json!(bound));
            bound(
                path,
                "maxItems",
                size(max),
                size(new_max),
                Effect::Compatible,
                recorder,
            );
            compare(&format!("{path}[]"), items, new_items, recorder);
        }
        (Schema::StringEnum(old), Schema::StringEnum(new)) => {
            string_values(path, old, new, recorder);
        }
        (Schema::IntegerEnum(old), Schema::IntegerEnum(new)) => {
            values(path, &json(old), &json(new), false, recorder);
        }
        (Schema::Object(old), Schema::Object(new)) if old.is_empty() == new.is_empty() => {
            super::object(path, (old, &[]), new, recorder);
        }
        (Schema::OneOrMany(old), Schema::OneOrMany(new)) => {
            compare(path, old, new, recorder);
        }
        (old, new) if is_tagged_alike(old, new) => tagged(path, old, new, recorder),
        (old, new)
            if old == new || unnamed(old) && mem::discriminant(old) == mem::discriminant(new) => {}
        (old, new) => {
            let (was, is) = (Some(summary(old)), Some(summary(new)));
            recorder.record(path, Kind::TypeChanged, was, is, Effect::Breaking);
        }
    }
}

fn is_tagged_alike(old: &Schema, new: &Schema) -> bool {
    let tag = |schema: &Schema| schema.tagged().map(|(tag, _)| tag.to_owned());
    tag(old).is_some() && tag(old) == tag(new)
}

/// Compares the variants of an enum of objects.
fn tagged(path: &str, old: &Schema, new: &Schema, recorder: &mut Recorder<'_>) {
    let (tag, arms) = old.tagged().unwrap_or_default();
    let (_, new_arms) = new.tagged().unwrap_or_default();
    string_values(
        &format!("{path}.{tag}"),
        &old.tag_values(),
        &new.tag_values(),
        recorder,
    );
    for (value, old) in arms {
        if let Some((_, new)) = new_arms.iter().find(|(other, _)| *other == value) {
            compare(path, old, new, recorder);
        }
    }
}

/// Compares the values of an enum of strings.
fn string_values(path: &str, old: &[String], new: &[String], recorder: &mut Recorder<'_>) {
    let variants = |values: &[String]| names::variants(values).unwrap_or_default();
    // A new value may need another one's variant to be spelled otherwise.
    let kept: HashMap<&String, String> = new.iter().zip(variants(new)).collect();
    let mut before = old.iter().zip(variants(old));
    let renamed = before.any(|(value, variant)| kept.get(value).is_some_and(|new| *new != variant));
    values(path, &json(old), &json(new), renamed, recorder);
}

/// Whether two checks are of the same kind; a lower and an upper limit are not.
pub(super) fn alike(old: &Check, new: &Check) -> bool {
    let same_side = match (old, new) {
        (
            Check::AllOf(Schema::String { max: old, .. }),
            Check::AllOf(Schema::String { max: new, .. }),
        ) => old.is_some() == new.is_some(),
        (
            Check::AllOf(Schema::Number { max: old, .. }),
            Check::AllOf(Schema::Number { max: new, .. }),
        ) => old.is_some() == new.is_some(),
        (Check::AllOf(old), Check::AllOf(new)) => mem::discriminant(old) == mem::discriminant(new),
        _ => true,
    };
    same_side && mem::discriminant(old) == mem::discriminant(new)
}

/// Two checks of one kind.
pub(super) fn compare_checks(path: &str, old: &Check, new: &Check, recorder: &mut Recorder<'_>) {
    let wider = match (old, new) {
        (old, new) if old == new => return,
        // The properties of a closed object are compared one by one.
        (Check::Closed(_), Check::Closed(_)) => return,
        (Check::Additional { schema: old, .. }, Check::Additional { schema: new, .. }) => {
            return compare(&format!("{path}.*"), old, new, recorder);
        }
        (Check::AllOf(Schema::Enum(old)), Check::AllOf(Schema::Enum(new))) => {
            return values(path, old, new, false, recorder);
        }
        (
            Check::AllOf(Schema::Alternatives {
                arms: before,
                exactly_one: was,
            }),
            Check::AllOf(Schema::Alternatives {
                arms: after,
                exactly_one: is,
            }),
        ) => match arms::compare((before, *was), (after, *is)) {
            Judged::Same => return,
            Judged::UncheckedDiffers => {
                let (was, is) = (Some(check(old)), Some(check(new)));
                return recorder.record(path, Kind::UncheckedChanged, was, is, Effect::None);
            }
            judged => judged == Judged::Wider,
        },
        (Check::AllOf(old), Check::AllOf(new)) => return compare(path, old, new, recorder),
        (Check::Unchecked { .. }, _) => {
            let (was, is) = (Some(check(old)), Some(check(new)));
            return recorder.record(path, Kind::UncheckedChanged, was, is, Effect::None);
        }
        (Check::Above(old), Check::Above(new)) => new < old,
        (Check::Below(old), Check::Below(new)) => new > old,
        (Check::MultipleOf(old), Check::MultipleOf(new)) => is_multiple(*old, *new),
        (
            Check::PropertyCount { min, max },
            Check::PropertyCount {
                min: new_min,
                max: new_max,
            },
        ) => new_min <= min && new_max.is_none_or(|new_max| max.is_some_and(|max| max <= new_max)),
        _ => false,
    };
    let (kind, effect) = if wider {
        (Kind::BoundWidened, Effect::Compatible)
    } else {
        (Kind::BoundTightened, Effect::Breaking)
    };
    recorder.record(path, kind, Some(check(old)), Some(check(new)), effect);
}

/// A schema in words.
pub(super) fn summary(schema: &Schema) -> Value {
    schema.summary().into()
}

pub(super) fn check(check: &Check) -> Value {
    check.allowed().into()
}

/// The part that a type enforces, and the checks beside it.
fn parts(schema: &Schema) -> (&Schema, Cow<'_, [Check]>) {
    match schema {
        Schema::Checked { schema, checks } => {
            let (typed, mut all) = parts(schema);
            all.to_mut().extend_from_slice(checks);
            (typed, all)
        }
        Schema::Alternatives { .. } | Schema::Enum(_) if schema.tagged().is_none() => {
            (&Schema::Any, vec![Check::AllOf(schema.clone())].into())
        }
        schema => (schema, Cow::Borrowed(&[])),
    }
}

/// Moves the checks of parts that have no type of their own among the others, so that their nesting does not count.
fn flat(typed: &Schema, checks: &[Check]) -> Vec<Check> {
    let is_untyped = |part: &Schema| match part {
        Schema::Any => true,
        Schema::Number {
            min: None,
            max: None,
        } => arms::kind(typed) == Some(JsonType::Number),
        Schema::String { min: 0, max: None } => arms::kind(typed) == Some(JsonType::String),
        _ => false,
    };
    let mut all = Vec::new();
    for check in checks {
        match check {
            Check::AllOf(Schema::Checked { schema, checks }) if is_untyped(schema) => {
                all.extend(flat(typed, checks));
            }
            Check::AllOf(part) if is_untyped(part) => {}
            check => all.push(check.clone()),
        }
    }
    all
}

/// The schemas whose type is not named after its property.
fn unnamed(schema: &Schema) -> bool {
    matches!(
        schema,
        Schema::Any
            | Schema::Boolean
            | Schema::Uri
            | Schema::UriOrBase64
            | Schema::Media
            | Schema::Null
    )
}

fn lengths(schema: &Schema) -> (Option<Value>, Option<Value>) {
    match schema {
        Schema::String { min, max } => ((*min > 0).then(|| json!(min)), max.map(|max| json!(max))),
        _ => (None, None),
    }
}

fn json<T: Clone + Into<Value>>(values: &[T]) -> Vec<Value> {
    values.iter().cloned().map(Into::into).collect()
}

/// Compares a lower or upper bound; `wider` is the effect of a wider one.
fn bound(
    path: &str,
    keyword: &str,
    old: Option<Value>,
    new: Option<Value>,
    wider: Effect,
    recorder: &mut Recorder<'_>,
) {
    if old == new {
        return;
    }
    let is_lower = keyword.starts_with("min");
    let number = |bound: &Option<Value>| bound.as_ref()?.as_number()?.as_i128();
    let tightened = match (number(&old), number(&new)) {
        (Some(old), Some(new)) if is_lower => new > old,
        (Some(old), Some(new)) => new < old,
        (None, _) => true,
        (Some(_), None) => false,
    };
    let named = |bound: Option<Value>| bound.map(|bound| format!("{keyword} {bound}").into());
    let (kind, effect) = if tightened {
        (Kind::BoundTightened, Effect::Breaking)
    } else {
        (Kind::BoundWidened, wider)
    };
    recorder.record(path, kind, named(old), named(new), effect);
}

fn values(path: &str, old: &[Value], new: &[Value], renamed: bool, recorder: &mut Recorder<'_>) {
    for removed in old.iter().filter(|value| !new.contains(value)) {
        recorder.record(
            path,
            Kind::ValueRemoved,
            Some(removed.clone()),
            None,
            Effect::Breaking,
        );
    }
    let effect = if renamed {
        Effect::Breaking
    } else {
        Effect::Compatible
    };
    for added in new.iter().filter(|value| !old.contains(value)) {
        recorder.record(path, Kind::ValueAdded, None, Some(added.clone()), effect);
    }
}
