//! Alternatives, before and after. No type holds them, so only what they allow counts.

use super::{Effect, Route, Seen, shape};
use crate::spec::constraints::{Check, Object, Shape};

/// Whether the new arms allow all that the old ones did; `None` where they allow the same. Each comes with whether a value
/// must fit exactly one of them.
pub(super) fn compare(old: (&[Shape], bool), new: (&[Shape], bool)) -> Option<bool> {
    let [was, is] = [old.0, new.0].map(|arms| -> Vec<Shape> { arms.iter().map(bare).collect() });
    let same = was.len() == is.len() && was.iter().all(|arm| is.contains(arm));
    // Of arms that no value fits two of, one is as good as any.
    let one_of = |arms: &[Shape], exactly_one: bool| exactly_one && !disjoint(arms);
    let (before, after) = (one_of(&was, old.1), one_of(&is, new.1));
    if same && before == after {
        return None;
    }
    let allows_all = was.iter().all(|arm| is.iter().any(|new| allows(arm, new)));
    Some(allows_all && !after)
}

/// Whether `new` allows all that `old` does.
fn allows(old: &Shape, new: &Shape) -> bool {
    let mut changes = Vec::new();
    let mut seen = Seen::new("", Route::Universal, &mut changes);
    shape::compare("", old, new, &mut seen);
    changes
        .iter()
        .all(|change| change.effect != Effect::Breaking)
}

/// Whether no value fits two of the arms, as far as their JSON types tell.
fn disjoint(arms: &[Shape]) -> bool {
    let kinds: Vec<Option<&str>> = arms.iter().map(kind).collect();
    let clash =
        |(index, kind): (usize, &Option<&str>)| kind.is_none() || kinds[..index].contains(kind);
    !kinds.iter().enumerate().any(clash)
}

fn kind(shape: &Shape) -> Option<&'static str> {
    match shape.typed() {
        Shape::Boolean => Some("boolean"),
        Shape::Integer { .. } | Shape::Number { .. } | Shape::IntegerChoice { .. } => {
            Some("number")
        }
        Shape::Text
        | Shape::BoundedText { .. }
        | Shape::Uri
        | Shape::UriOrBase64
        | Shape::MediaText { .. }
        | Shape::TextChoice { .. } => Some("string"),
        Shape::List { .. } => Some("array"),
        Shape::Object(_) => Some("object"),
        Shape::Null => Some("null"),
        _ => None,
    }
}

/// A shape without its name and without what is only told of it, neither of which a value shows.
fn bare(shape: &Shape) -> Shape {
    let mut shape = shape.clone();
    strip(&mut shape);
    shape
}

fn strip(shape: &mut Shape) {
    match shape {
        Shape::TextChoice { name, .. }
        | Shape::IntegerChoice { name, .. }
        | Shape::MediaText { name } => name.clear(),
        Shape::OneOrMany { name, item } => {
            name.clear();
            strip(item);
        }
        Shape::List { items, .. } => strip(items),
        Shape::Object(object) => strip_object(object),
        Shape::Alternatives { arms, .. } => arms.iter_mut().for_each(strip),
        Shape::Checked {
            shape: typed,
            checks,
        } => {
            strip(typed);
            checks.iter_mut().for_each(strip_check);
            checks.retain(|check| !matches!(check, Check::Told { .. }));
            if checks.is_empty() {
                *shape = std::mem::replace(typed, Shape::Any);
            }
        }
        _ => {}
    }
}

fn strip_object(object: &mut Object) {
    object.name.clear();
    object.checks.iter_mut().for_each(strip_check);
    for field in &mut object.fields {
        (field.default, field.description, field.role) = (None, None, None);
        field.media = false;
        strip(&mut field.shape);
    }
}

fn strip_check(check: &mut Check) {
    if let Check::Also(shape) = check {
        strip(shape);
    }
}
