//! Compares the limits of numbers, inclusive and exclusive ones.

use super::{Effect, Kind, Recorder, schema::summary};
use aimlapi_video_contract::{Check, Schema};

/// A lower limit; an upper one is the lower limit of the negated numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Limit {
    at: f64,
    is_excluded: bool,
}

/// Which side of the numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Side {
    Lower,
    Upper,
}

impl Limit {
    pub(super) fn new(at: f64, is_excluded: bool, side: Side) -> Self {
        let at = match side {
            Side::Lower => at,
            Side::Upper => -at,
        };
        Self { at, is_excluded }
    }

    pub(super) fn is_tighter_than(self, other: Self) -> bool {
        self.at > other.at || self.at == other.at && self.is_excluded && !other.is_excluded
    }

    fn words(self, side: Side) -> String {
        match (side, self.is_excluded) {
            (Side::Lower, false) => format!("minimum {}", self.at),
            (Side::Lower, true) => format!("more than {}", self.at),
            (Side::Upper, false) => format!("maximum {}", -self.at),
            (Side::Upper, true) => format!("less than {}", -self.at),
        }
    }
}

/// The tightest limit of a schema and what is checked beside it.
pub(super) fn limit(schema: &Schema, checks: &[Check], side: Side) -> Option<Limit> {
    let of_type = match (schema, side) {
        (Schema::Integer { min, .. }, Side::Lower) => min.map(|min| min as f64),
        (Schema::Integer { max, .. }, Side::Upper) => max.map(|max| max as f64),
        (Schema::Number { min, .. }, Side::Lower) => *min,
        (Schema::Number { max, .. }, Side::Upper) => *max,
        _ => None,
    };
    let beside = checks.iter().filter_map(|check| match (check, side) {
        (Check::Above(at), Side::Lower) | (Check::Below(at), Side::Upper) => {
            Some(Limit::new(*at, true, side))
        }
        _ => None,
    });
    let of_type = of_type.map(|at| Limit::new(at, false, side));
    of_type.into_iter().chain(beside).reduce(|one, other| {
        if other.is_tighter_than(one) {
            other
        } else {
            one
        }
    })
}

/// Whether a check is a limit that [`limit`] counts in.
pub(super) fn is_limit(check: &Check) -> bool {
    matches!(check, Check::Above(_) | Check::Below(_))
}

/// The limits of two numbers, each with what is checked beside it.
pub(super) fn compare(
    path: &str,
    old: (&Schema, &[Check]),
    new: (&Schema, &[Check]),
    recorder: &mut Recorder<'_>,
) {
    // Without any bound the type is a plain `f64`, which lacks the range types' `value()`.
    let is_retyped = has_bound(old.0) != has_bound(new.0);
    let wider = if is_retyped {
        Effect::Breaking
    } else {
        Effect::Compatible
    };
    let mut is_recorded = false;
    for side in [Side::Lower, Side::Upper] {
        let [was, is] = [old, new].map(|(schema, checks)| limit(schema, checks, side));
        if was == is {
            continue;
        }
        let is_tightened = match (was, is) {
            (Some(was), Some(is)) => is.is_tighter_than(was),
            (was, _) => was.is_none(),
        };
        let (kind, effect) = if is_tightened {
            (Kind::BoundTightened, Effect::Breaking)
        } else {
            (Kind::BoundWidened, wider)
        };
        let named = |limit: Option<Limit>| limit.map(|limit| limit.words(side).into());
        recorder.record(path, kind, named(was), named(is), effect);
        is_recorded = true;
    }
    if is_retyped && !is_recorded {
        let (was, is) = (Some(summary(old.0)), Some(summary(new.0)));
        recorder.record(path, Kind::TypeChanged, was, is, Effect::Breaking);
    }
}

fn has_bound(schema: &Schema) -> bool {
    matches!(schema, Schema::Number { min, max } if min.is_some() || max.is_some())
}

/// Whether no number lies within both schemas.
pub(super) fn apart(one: &Schema, other: &Schema) -> bool {
    let limits = |schema: &Schema| {
        let (typed, checks) = match schema {
            Schema::Checked { schema, checks } => (&**schema, checks.as_slice()),
            schema => (schema, [].as_slice()),
        };
        [Side::Lower, Side::Upper].map(|side| limit(typed, checks, side))
    };
    let is_below = |[_, max]: [Option<Limit>; 2], [min, _]: [Option<Limit>; 2]| {
        let pair = max.zip(min);
        pair.is_some_and(|(max, min)| {
            let gap = min.at + max.at;
            gap > 0.0 || gap == 0.0 && (min.is_excluded || max.is_excluded)
        })
    };
    let (one, other) = (limits(one), limits(other));
    is_below(one, other) || is_below(other, one)
}
