//! Compares alternatives. No type represents them, so only the values that they allow count.

use super::{
    bare::bare,
    limits,
    within::{allows, listed},
};
use aimlapi_video_contract::{Check, JsonType, Property, Schema};

/// The result of a comparison of alternatives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    Same,
    /// They allow the same values, but constraints that the service alone checks differ.
    UncheckedDiffers,
    Wider,
    Narrower,
}

/// Arms, and whether a value must fit exactly one of them.
pub(super) type Arms<'a> = (&'a [Schema], bool);

/// Compares alternatives as documents have them.
pub(super) fn compare(old: Arms<'_>, new: Arms<'_>) -> Judged {
    let [was, is] = [old.0, new.0].map(|arms| each(arms, false));
    match judge((&was, old.1), (&is, new.1)) {
        // Properties may be new although the same values are allowed.
        Judged::Same if !are_alike(&was, is) => Judged::Wider,
        Judged::Same => {
            let [was, is] = [old.0, new.0].map(|arms| each(arms, true));
            if are_alike(&was, is) {
                Judged::Same
            } else {
                Judged::UncheckedDiffers
            }
        }
        judged => judged,
    }
}

/// Whether the arms are the same but for their order.
fn are_alike(was: &[Schema], mut is: Vec<Schema>) -> bool {
    let found = |arm: &Schema| {
        let at = is.iter().position(|new| new == arm);
        at.map(|at| is.remove(at)).is_some()
    };
    was.iter().all(found) && is.is_empty()
}

fn each(arms: &[Schema], keeps_unchecked: bool) -> Vec<Schema> {
    arms.iter().map(|arm| bare(arm, keeps_unchecked)).collect()
}

/// Compares alternatives that are bare already.
pub(super) fn judge(old: Arms<'_>, new: Arms<'_>) -> Judged {
    // Where no value matches two arms, `oneOf` means the same as `anyOf`.
    let one_of = |(arms, exactly_one): Arms<'_>| exactly_one && !disjoint(arms);
    let ((was, is), (before, after)) = ((old.0, new.0), (one_of(old), one_of(new)));
    if after {
        return if before {
            exactly_one(was, is)
        } else {
            Judged::Narrower
        };
    }
    let all = |these: &[Schema], those: &[Schema]| {
        let fits = |this: &Schema| those.iter().any(|that| allows(this, that));
        these.iter().all(fits)
    };
    match all(was, is) {
        false => Judged::Narrower,
        true if !before && all(is, was) => Judged::Same,
        true => Judged::Wider,
    }
}

/// Compares arms of which a value must match exactly one. Each old arm needs a new one that allows its values, and these must
/// not match another new arm as well.
fn exactly_one(was: &[Schema], is: &[Schema]) -> Judged {
    let mut free: Vec<usize> = (0..is.len()).collect();
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    let same = |old: &Schema, new: &Schema| old == new;
    for fits in [same as fn(&Schema, &Schema) -> bool, allows] {
        for (old, arm) in was.iter().enumerate() {
            let is_open = pairs.iter().all(|(paired, _)| *paired != old);
            let fit = free.iter().position(|new| fits(arm, &is[*new]));
            if let Some(at) = fit.filter(|_| is_open) {
                pairs.push((old, free.remove(at)));
            }
        }
    }
    if pairs.len() < was.len() {
        return Judged::Narrower;
    }
    let mut is_wider = !free.is_empty();
    for (new, arm) in is.iter().enumerate() {
        let own = pairs.iter().find(|(_, paired)| *paired == new);
        let own = own.map(|(old, _)| &was[*old]);
        if own.is_some_and(|own| allows(arm, own)) {
            continue;
        }
        is_wider = true;
        let mut others = pairs.iter().filter(|(_, paired)| *paired != new);
        let is_kept = |other: &Schema| {
            apart(other, arm, false) || own.is_some_and(|own| widened_beside(own, arm, other))
        };
        if !others.all(|(old, _)| is_kept(&was[*old])) {
            return Judged::Narrower;
        }
    }
    if is_wider {
        Judged::Wider
    } else {
        Judged::Same
    }
}

/// Whether an object became wider only in properties that did not distinguish it from another arm: all that the other arm
/// allows there, the object allowed before.
fn widened_beside(old: &Schema, new: &Schema, other: &Schema) -> bool {
    let (Some((old, before)), Some((new, after)), Some((other, _))) =
        (object(old), object(new), object(other))
    else {
        return false;
    };
    before == after
        && old.iter().all(|was| {
            let is = field(new, &was.name);
            let kept = is.is_some_and(|is| {
                is.required >= was.required
                    && allows(&is.schema_with_null(), &was.schema_with_null())
            });
            kept || field(other, &was.name).is_some_and(|beside| {
                beside.required >= was.required
                    && allows(&beside.schema_with_null(), &was.schema_with_null())
            })
        })
}

/// Whether no value fits two of the arms.
pub(super) fn disjoint(arms: &[Schema]) -> bool {
    arms.iter()
        .enumerate()
        .all(|(index, arm)| arms[..index].iter().all(|other| apart(arm, other, true)))
}

/// Whether no value fits both. Unless it must be `strict`, two objects each of which requires what the other one does not
/// know are apart, since no request has both.
fn apart(one: &Schema, other: &Schema, strict: bool) -> bool {
    if let (Schema::Alternatives { arms, .. }, whole) | (whole, Schema::Alternatives { arms, .. }) =
        (one, other)
    {
        return arms.iter().all(|arm| apart(arm, whole, strict));
    }
    if let (Some(these), Some(those)) = (listed(one), listed(other)) {
        return these.iter().all(|value| !those.contains(value));
    }
    let (Some(kind), Some(beside)) = (kind(one), kind(other)) else {
        return false;
    };
    if kind != beside {
        return true;
    }
    if kind == JsonType::Number {
        return limits::apart(one, other);
    }
    match (object(one), object(other)) {
        (Some((one, checks)), Some((other, others))) => {
            let tagged = one.iter().any(|mine| {
                let theirs = field(other, &mine.name);
                theirs.is_some_and(|theirs| {
                    let required = mine.required && theirs.required;
                    required && apart(&mine.schema_with_null(), &theirs.schema_with_null(), true)
                })
            });
            let unknown = |one: &[Property], other: &[Property]| {
                let mut required = one.iter().filter(|field| field.required);
                required.any(|mine| field(other, &mine.name).is_none())
            };
            let refused = |one: &[Property], checks: &[Check]| {
                checks.iter().any(|check| {
                    let mut required = one.iter().filter(|field| field.required);
                    matches!(check, Check::Closed(known)
                        if required.any(|mine| !known.contains(&mine.name)))
                })
            };
            tagged
                || refused(one, others)
                || refused(other, checks)
                || !strict && unknown(one, other) && unknown(other, one)
        }
        _ => false,
    }
}

fn field<'a>(object: &'a [Property], name: &str) -> Option<&'a Property> {
    object.iter().find(|property| property.name == name)
}

/// An object and what is checked beside it.
fn object(schema: &Schema) -> Option<(&[Property], &[Check])> {
    match schema {
        Schema::Object(properties) => Some((properties, &[])),
        Schema::Checked { schema, checks } => match &**schema {
            Schema::Object(properties) => Some((properties, checks)),
            _ => None,
        },
        _ => None,
    }
}

/// The JSON type of a schema's values, where it has one; integers are numbers.
pub(super) fn kind(schema: &Schema) -> Option<JsonType> {
    match schema.json_type() {
        JsonType::Any => None,
        JsonType::Integer => Some(JsonType::Number),
        other => Some(other),
    }
}
