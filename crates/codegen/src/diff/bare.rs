//! Shapes without what a value does not show: their names, what is told of them, and the order of what they list.

use crate::constraints::{Check, Object, Shape};

/// A shape without names, prose and defaults; `keeps_told` keeps what the service alone judges.
pub(super) fn bare(shape: &Shape, keeps_told: bool) -> Shape {
    let mut shape = shape.clone();
    strip(&mut shape, keeps_told);
    shape
}

fn strip(shape: &mut Shape, keeps_told: bool) {
    match shape {
        Shape::TextChoice { name, values } => {
            name.clear();
            values.sort();
        }
        Shape::IntegerChoice { name, values } => {
            name.clear();
            values.sort_unstable();
        }
        Shape::Values { values } => values.sort_by_cached_key(ToString::to_string),
        Shape::MediaText { name } => name.clear(),
        Shape::OneOrMany { name, item } => {
            name.clear();
            strip(item, keeps_told);
        }
        Shape::List { items, .. } => strip(items, keeps_told),
        Shape::Object(object) => strip_object(object, keeps_told),
        Shape::Alternatives { arms, .. } => {
            arms.iter_mut().for_each(|arm| strip(arm, keeps_told));
        }
        Shape::Checked {
            shape: typed,
            checks,
        } => {
            strip(typed, keeps_told);
            checks
                .iter_mut()
                .for_each(|check| strip_check(check, keeps_told));
            checks.retain(|check| keeps_told || !matches!(check, Check::Told { .. }));
            if checks.is_empty() {
                *shape = std::mem::replace(typed, Shape::Any);
            }
        }
        _ => {}
    }
}

fn strip_object(object: &mut Object, keeps_told: bool) {
    object.name.clear();
    object
        .checks
        .iter_mut()
        .for_each(|check| strip_check(check, keeps_told));
    for field in &mut object.fields {
        (field.default, field.description, field.role) = (None, None, None);
        field.media = false;
        strip(&mut field.shape, keeps_told);
    }
}

fn strip_check(check: &mut Check, keeps_told: bool) {
    match check {
        Check::Also(shape) => strip(shape, keeps_told),
        Check::Closed(known) => known.sort(),
        _ => {}
    }
}
