//! Whether one shape allows all that another one does. What cannot be told is answered with no.

use serde_json::Value;

use super::{
    arms::{self, Judged, disjoint, kind},
    limits::{Limit, Side, limit},
};
use crate::constraints::{Check, Field, Object, Shape};

/// Whether `new` accepts every value that `old` does; both are bare.
pub(super) fn allows(old: &Shape, new: &Shape) -> bool {
    if old == new || *new == Shape::Any {
        return true;
    }
    if let Some(values) = listed(old) {
        return values.iter().all(|value| accepts(new, value));
    }
    match (old, new) {
        (Shape::OneOrMany { item, .. }, Shape::OneOrMany { item: other, .. }) => {
            allows(item, other)
        }
        (Shape::OneOrMany { item, .. }, _) => allows(item, new) && allows(&list(item), new),
        (_, Shape::OneOrMany { item, .. }) => allows(old, item) || allows(old, &list(item)),
        (
            Shape::Alternatives {
                arms: was,
                exactly_one: before,
            },
            Shape::Alternatives {
                arms: is,
                exactly_one: after,
            },
        ) => arms::judge((was, *before), (is, *after)) != Judged::Narrower,
        (Shape::Alternatives { arms, .. }, _) => arms.iter().all(|arm| allows(arm, new)),
        (_, Shape::Alternatives { arms, exactly_one }) => {
            (!exactly_one || disjoint(arms)) && arms.iter().any(|arm| allows(old, arm))
        }
        _ => {
            let ((typed, before), (other, after)) = (split(old), split(new));
            // What has to fit another shape as well is no more than that one allows.
            let is_within =
                |check: &Check| matches!(check, Check::Also(shape) if allows(shape, new));
            before.iter().any(is_within)
                || typed_allows((typed, before), other)
                    && after.iter().all(|check| implied(check, old))
        }
    }
}

/// A property's values, `null` among them where it is allowed.
pub(super) fn whole_field(field: &Field) -> Shape {
    if !field.nullable {
        return field.shape.clone();
    }
    Shape::Alternatives {
        arms: vec![field.shape.clone(), Shape::Null],
        exactly_one: false,
    }
}

/// All values of a shape, where they can be listed.
pub(super) fn listed(shape: &Shape) -> Option<Vec<Value>> {
    match shape.typed() {
        Shape::TextChoice { values, .. } => {
            Some(values.iter().map(|value| value.as_str().into()).collect())
        }
        Shape::IntegerChoice { values, .. } => {
            Some(values.iter().map(|value| (*value).into()).collect())
        }
        Shape::Values { values } => Some(values.clone()),
        Shape::Null => Some(vec![Value::Null]),
        _ => None,
    }
}

fn list(item: &Shape) -> Shape {
    Shape::List {
        items: Box::new(item.clone()),
        min: 0,
        max: None,
    }
}

fn split(shape: &Shape) -> (&Shape, &[Check]) {
    match shape {
        Shape::Checked { shape, checks } => (shape, checks),
        shape => (shape, &[]),
    }
}

/// Whether a shape without checks allows all that `old` does, with what is checked beside that one.
fn typed_allows(old: (&Shape, &[Check]), new: &Shape) -> bool {
    let (typed, before) = old;
    match (typed, new) {
        (_, Shape::Any) => true,
        (
            Shape::Integer { min, max },
            Shape::Integer {
                min: least,
                max: most,
            },
        ) => {
            least.is_none_or(|least| min.is_some_and(|min| min >= least))
                && most.is_none_or(|most| max.is_some_and(|max| max <= most))
        }
        (Shape::Integer { .. } | Shape::Number { .. }, Shape::Number { .. }) => {
            [Side::Lower, Side::Upper].into_iter().all(|side| {
                let own = limit(typed, before, side);
                limit(new, &[], side)
                    .is_none_or(|limit| own.is_some_and(|own| !limit.is_tighter_than(own)))
            })
        }
        (_, Shape::Text | Shape::MediaText { .. }) => kind(typed) == Some("string"),
        (Shape::Uri, Shape::UriOrBase64) => true,
        (
            Shape::BoundedText { min, max },
            Shape::BoundedText {
                min: least,
                max: most,
            },
        ) => least <= min && most.is_none_or(|most| max.is_some_and(|max| max <= most)),
        (
            Shape::List { items, min, max },
            Shape::List {
                items: others,
                min: least,
                max: most,
            },
        ) => {
            least <= min
                && most.is_none_or(|most| max.is_some_and(|max| max <= most))
                && allows(items, others)
        }
        (Shape::Object(old), Shape::Object(new)) => object_allows(old, new),
        (typed, new) => typed == new,
    }
}

/// As for the types: a property that is new and may be left out was nothing that anybody sent.
fn object_allows(old: &Object, new: &Object) -> bool {
    new.fields.iter().all(|is| {
        let was = old.fields.iter().find(|was| was.name == is.name);
        match was {
            None => !is.required,
            Some(was) => was.required >= is.required && allows(&whole_field(was), &whole_field(is)),
        }
    })
}

/// Whether every value of `old` passes a check.
fn implied(check: &Check, old: &Shape) -> bool {
    let (typed, before) = split(old);
    // A check passes what it does not judge.
    let is_no = |judged: &str| kind(old).is_some_and(|kind| kind != judged);
    let within = |at: f64, side: Side| {
        let own = limit(typed, before, side);
        own.is_some_and(|own| !Limit::new(at, true, side).is_tighter_than(own))
    };
    before.contains(check)
        || match check {
            Check::Told { .. } => true,
            Check::Above(at) => is_no("number") || within(*at, Side::Lower),
            Check::Below(at) => is_no("number") || within(*at, Side::Upper),
            Check::MultipleOf(step) => {
                let multiple =
                    |own: &Check| matches!(own, Check::MultipleOf(own) if is_multiple(*own, *step));
                is_no("number")
                    || before.iter().any(multiple)
                    || matches!(typed, Shape::Integer { .. }) && is_multiple(1.0, *step)
            }
            Check::Unique => is_no("array"),
            Check::Properties { min, max } => {
                let narrower = |own: &Check| {
                    matches!(own, Check::Properties { min: least, max: most }
                        if least >= min && max.is_none_or(|max| most.is_some_and(|most| most <= max)))
                };
                is_no("object") || before.iter().any(narrower)
            }
            Check::Closed(known) => {
                let narrower = |own: &Check| matches!(own, Check::Closed(own) if own.iter().all(|name| known.contains(name)));
                is_no("object") || before.iter().any(narrower)
            }
            Check::Also(shape) => allows(old, shape),
        }
}

/// Whether every multiple of `whole` is one of `step`.
pub(super) fn is_multiple(whole: f64, step: f64) -> bool {
    // 0.3 is three times 0.1, though not in binary.
    let steps = whole / step;
    steps >= 1.0 && (steps - steps.round()).abs() < 1e-9
}

/// Whether a shape is sure to accept a value.
fn accepts(shape: &Shape, value: &Value) -> bool {
    match shape {
        Shape::Any => true,
        Shape::Null => value.is_null(),
        Shape::Boolean => value.is_boolean(),
        Shape::Integer { .. } | Shape::Number { .. } => {
            let is_whole = value.as_f64().is_some_and(|number| number.fract() == 0.0);
            let is_kind = is_whole || matches!(shape, Shape::Number { .. });
            value.as_f64().is_some_and(|number| {
                let own = |side| Limit::new(number, false, side);
                let within = |side| {
                    limit(shape, &[], side).is_none_or(|limit| !limit.is_tighter_than(own(side)))
                };
                is_kind && within(Side::Lower) && within(Side::Upper)
            })
        }
        Shape::Text | Shape::MediaText { .. } => value.is_string(),
        Shape::BoundedText { min, max } => value.as_str().is_some_and(|text| {
            let count = text.chars().count();
            count >= *min && max.is_none_or(|max| count <= max)
        }),
        Shape::TextChoice { .. } | Shape::IntegerChoice { .. } | Shape::Values { .. } => {
            listed(shape).is_some_and(|values| values.contains(value))
        }
        Shape::Alternatives { arms, exactly_one } => {
            (!exactly_one || disjoint(arms)) && arms.iter().any(|arm| accepts(arm, value))
        }
        Shape::OneOrMany { item, .. } => accepts(item, value),
        Shape::Checked { shape, checks } => {
            accepts(shape, value) && checks.iter().all(|check| passes(check, value))
        }
        Shape::Uri | Shape::UriOrBase64 | Shape::List { .. } | Shape::Object(_) => false,
    }
}

fn passes(check: &Check, value: &Value) -> bool {
    let number = value.as_f64();
    match check {
        Check::Told { .. } => true,
        Check::Above(at) => number.is_none_or(|number| number > *at),
        Check::Below(at) => number.is_none_or(|number| number < *at),
        Check::MultipleOf(step) => {
            let steps = number.map(|number| number / step);
            steps.is_none_or(|steps| (steps - steps.round()).abs() < 1e-9)
        }
        Check::Unique => !value.is_array(),
        Check::Properties { .. } | Check::Closed(_) => !value.is_object(),
        Check::Also(shape) => accepts(shape, value),
    }
}
