//! What a property allows, before and after.
//!
//! The bounds in a type's arguments (`Int<2, 8>`, `BoundedVec<_, 1, 3>`, `Text<0, 512>`) and the names of the range types of
//! numbers are the documents', as this crate's documentation says; a program takes the values out by methods that all of
//! them have. So wider bounds are compatible as long as the kind of type stays.

use std::{borrow::Cow, mem};

use serde_json::{Value, json};

use super::{
    Effect, Kind, Seen,
    arms::{self, Judged},
    limits,
    within::is_multiple,
};
use crate::{
    constraints::{Check, Shape},
    names,
};

pub(super) fn compare(path: &str, old: &Shape, new: &Shape, seen: &mut Seen<'_>) {
    let is_checked = |shape: &Shape| {
        matches!(
            shape,
            Shape::Checked { .. } | Shape::Alternatives { .. } | Shape::Values { .. }
        )
    };
    match (old, new) {
        (old, new) if is_checked(old) || is_checked(new) => {
            let ((old, before), (new, after)) = (parts(old), parts(new));
            let (mut before, mut after) = (flat(old, &before), flat(new, &after));
            if let (Shape::Number { .. }, Shape::Number { .. }) = (old, new) {
                limits::compare(path, (old, &before), (new, &after), seen);
                before.retain(|check| !limits::is_limit(check));
                after.retain(|check| !limits::is_limit(check));
            } else {
                compare(path, old, new, seen);
            }
            super::checks(path, &before, &after, seen);
        }
        (
            Shape::Integer { min, max },
            Shape::Integer {
                min: least,
                max: most,
            },
        ) => {
            let number = |bound: &Option<i64>| bound.map(Value::from);
            bound(
                path,
                "minimum",
                number(min),
                number(least),
                Effect::Compatible,
                seen,
            );
            bound(
                path,
                "maximum",
                number(max),
                number(most),
                Effect::Compatible,
                seen,
            );
        }
        (Shape::Number { .. }, Shape::Number { .. }) => {
            limits::compare(path, (old, &[]), (new, &[]), seen);
        }
        (Shape::Text | Shape::BoundedText { .. }, Shape::Text | Shape::BoundedText { .. }) => {
            let ((min, max), (least, most)) = (lengths(old), lengths(new));
            bound(path, "minLength", min, least, Effect::Compatible, seen);
            bound(path, "maxLength", max, most, Effect::Compatible, seen);
        }
        (
            Shape::List { items, min, max },
            Shape::List {
                items: new_items,
                min: least,
                max: most,
            },
        ) => {
            let size = |bound: &usize| (*bound > 0).then(|| json!(bound));
            bound(
                path,
                "minItems",
                size(min),
                size(least),
                Effect::Compatible,
                seen,
            );
            let size = |bound: &Option<usize>| bound.map(|bound| json!(bound));
            bound(
                path,
                "maxItems",
                size(max),
                size(most),
                Effect::Compatible,
                seen,
            );
            compare(&format!("{path}[]"), items, new_items, seen);
        }
        (Shape::TextChoice { values: old, .. }, Shape::TextChoice { values: new, .. }) => {
            let variants = |values: &[String]| names::variants(values).unwrap_or_default();
            // A new value may need another one's variant to be spelled otherwise.
            let renamed = old.iter().zip(variants(old)).any(|(value, variant)| {
                let mut kept = new.iter().zip(variants(new));
                kept.any(|(same, other)| same == value && other != variant)
            });
            values(path, &json(old), &json(new), renamed, seen);
        }
        (Shape::IntegerChoice { values: old, .. }, Shape::IntegerChoice { values: new, .. }) => {
            values(path, &json(old), &json(new), false, seen);
        }
        (Shape::Object(old), Shape::Object(new))
            if old.fields.is_empty() == new.fields.is_empty() =>
        {
            super::object(path, old, new, seen);
        }
        (Shape::OneOrMany { item: old, .. }, Shape::OneOrMany { item: new, .. }) => {
            compare(path, old, new, seen);
        }
        (old, new)
            if old == new || unnamed(old) && mem::discriminant(old) == mem::discriminant(new) => {}
        (old, new) => {
            let (was, is) = (Some(told(old)), Some(told(new)));
            seen.note(path, Kind::TypeChanged, was, is, Effect::Breaking);
        }
    }
}

/// Whether two checks say the same kind of thing: a limit on one side is none on the other.
pub(super) fn alike(old: &Check, new: &Check) -> bool {
    let same_side = match (old, new) {
        (
            Check::Also(Shape::BoundedText { max: old, .. }),
            Check::Also(Shape::BoundedText { max: new, .. }),
        ) => old.is_some() == new.is_some(),
        (
            Check::Also(Shape::Number { max: old, .. }),
            Check::Also(Shape::Number { max: new, .. }),
        ) => old.is_some() == new.is_some(),
        (Check::Also(old), Check::Also(new)) => mem::discriminant(old) == mem::discriminant(new),
        _ => true,
    };
    same_side && mem::discriminant(old) == mem::discriminant(new)
}

/// Two checks of one kind.
pub(super) fn compare_checks(path: &str, old: &Check, new: &Check, seen: &mut Seen<'_>) {
    let wider = match (old, new) {
        (old, new) if old == new => return,
        // What is closed knows the properties there are; which these are is told of each.
        (Check::Closed(_), Check::Closed(_)) => return,
        (
            Check::Also(Shape::Values { values: old }),
            Check::Also(Shape::Values { values: new }),
        ) => return values(path, old, new, false, seen),
        (
            Check::Also(Shape::Alternatives {
                arms: before,
                exactly_one: was,
            }),
            Check::Also(Shape::Alternatives {
                arms: after,
                exactly_one: is,
            }),
        ) => match arms::compare((before, *was), (after, *is)) {
            Judged::Same => return,
            Judged::ToldOtherwise => {
                let (was, is) = (Some(check(old)), Some(check(new)));
                return seen.note(path, Kind::ToldChanged, was, is, Effect::None);
            }
            judged => judged == Judged::Wider,
        },
        (Check::Also(old), Check::Also(new)) => return compare(path, old, new, seen),
        (Check::Told { .. }, _) => {
            let (was, is) = (Some(check(old)), Some(check(new)));
            return seen.note(path, Kind::ToldChanged, was, is, Effect::None);
        }
        (Check::Above(old), Check::Above(new)) => new < old,
        (Check::Below(old), Check::Below(new)) => new > old,
        (Check::MultipleOf(old), Check::MultipleOf(new)) => is_multiple(*old, *new),
        (
            Check::Properties { min, max },
            Check::Properties {
                min: least,
                max: most,
            },
        ) => least <= min && most.is_none_or(|most| max.is_some_and(|max| max <= most)),
        _ => false,
    };
    let (kind, effect) = if wider {
        (Kind::BoundWidened, Effect::Compatible)
    } else {
        (Kind::BoundTightened, Effect::Breaking)
    };
    seen.note(path, kind, Some(check(old)), Some(check(new)), effect);
}

/// A shape in words.
pub(super) fn told(shape: &Shape) -> Value {
    shape.told().into()
}

pub(super) fn check(check: &Check) -> Value {
    check.allowed().unwrap_or_default().into()
}

/// What the type holds, and what is checked beside it.
fn parts(shape: &Shape) -> (&Shape, Cow<'_, [Check]>) {
    match shape {
        Shape::Checked { shape, checks } => {
            let (typed, mut all) = parts(shape);
            all.to_mut().extend_from_slice(checks);
            (typed, all)
        }
        Shape::Alternatives { .. } | Shape::Values { .. } => {
            (&Shape::Any, vec![Check::Also(shape.clone())].into())
        }
        shape => (shape, Cow::Borrowed(&[])),
    }
}

/// Checks of which those that stand in parts beside are written among the others, so that their order says nothing.
fn flat(typed: &Shape, checks: &[Check]) -> Vec<Check> {
    let says_nothing = |part: &Shape| match part {
        Shape::Any => true,
        Shape::Number {
            min: None,
            max: None,
        } => arms::kind(typed) == Some("number"),
        Shape::Text => arms::kind(typed) == Some("string"),
        _ => false,
    };
    let mut all = Vec::new();
    for check in checks {
        match check {
            Check::Also(Shape::Checked { shape, checks }) if says_nothing(shape) => {
                all.extend(flat(typed, checks));
            }
            Check::Also(part) if says_nothing(part) => {}
            check => all.push(check.clone()),
        }
    }
    all
}

/// The shapes whose type is one for all models, not one named after its property.
fn unnamed(shape: &Shape) -> bool {
    matches!(
        shape,
        Shape::Any
            | Shape::Boolean
            | Shape::Uri
            | Shape::UriOrBase64
            | Shape::MediaText { .. }
            | Shape::Null
    )
}

fn lengths(shape: &Shape) -> (Option<Value>, Option<Value>) {
    match shape {
        Shape::BoundedText { min, max } => {
            ((*min > 0).then(|| json!(min)), max.map(|max| json!(max)))
        }
        _ => (None, None),
    }
}

fn json<T: Clone + Into<Value>>(values: &[T]) -> Vec<Value> {
    values.iter().cloned().map(Into::into).collect()
}

/// A lower or upper bound; `wider` is what it means that more is allowed.
fn bound(
    path: &str,
    keyword: &str,
    old: Option<Value>,
    new: Option<Value>,
    wider: Effect,
    seen: &mut Seen<'_>,
) {
    if old == new {
        return;
    }
    let is_lower = keyword.starts_with("min");
    let number = |bound: &Option<Value>| bound.as_ref().and_then(Value::as_f64);
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
    seen.note(path, kind, named(old), named(new), effect);
}

fn values(path: &str, old: &[Value], new: &[Value], renamed: bool, seen: &mut Seen<'_>) {
    for gone in old.iter().filter(|value| !new.contains(value)) {
        seen.note(
            path,
            Kind::ValueRemoved,
            Some(gone.clone()),
            None,
            Effect::Breaking,
        );
    }
    let effect = if renamed {
        Effect::Breaking
    } else {
        Effect::Compatible
    };
    for come in new.iter().filter(|value| !old.contains(value)) {
        seen.note(path, Kind::ValueAdded, None, Some(come.clone()), effect);
    }
}
