//! Compares two versions of the documents, and classifies each change by its effect on programs that use the library.

mod arms;
mod bare;
mod limits;
mod schema;
mod text;
mod within;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use aimlapi_video_contract::{Check, Property};

use crate::{
    Route,
    merge::{Merged, Request},
    strip,
};

/// One difference between two versions.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The model's id; empty for a change of a response.
    pub model: String,
    /// The URL of the operation.
    pub route: Route,
    /// The property: its path in the body, with `[]` for the items of an array; empty for the whole request.
    pub property: String,
    /// The kind of difference.
    pub kind: Kind,
    /// The old value, limit or type in words.
    pub old: Option<Value>,
    /// The new one.
    pub new: Option<Value>,
    /// The effect on programs.
    pub effect: Effect,
}

/// The kind of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A new model.
    ModelAdded,
    /// A model without a document.
    ModelRemoved,
    /// A model on another URL.
    PathMoved,
    /// A model in another vendor's feature.
    VendorChanged,
    /// A new property.
    PropertyAdded,
    /// A property that the new documents lack.
    PropertyRemoved,
    /// An optional property is required.
    BecameRequired,
    /// A required property is optional.
    BecameOptional,
    /// A property may be `null`.
    NullAllowed,
    /// A property may not be `null` any more.
    NullRefused,
    /// An enum has another value.
    ValueAdded,
    /// An enum lacks a value.
    ValueRemoved,
    /// A constraint allows less.
    BoundTightened,
    /// A constraint allows more.
    BoundWidened,
    /// A property has another type.
    TypeChanged,
    /// A documented default.
    DefaultChanged,
    /// A constraint that the service alone checks.
    UncheckedChanged,
    /// The schema of a response.
    AnswerChanged,
    /// Descriptions alone.
    ProseChanged,
}

/// The effect on a program that was written for the old documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// The program may fail to compile, or one of its requests may be refused.
    Breaking,
    /// The program compiles and runs as before; something new is available.
    Compatible,
    /// The generated types stay the same.
    None,
}

/// The part of the version that has to increase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Some change is breaking.
    Major,
    /// Some change is compatible, and none is breaking.
    Minor,
    /// No change has an effect on the types.
    Patch,
}

/// All differences, by model.
pub fn compare(old: &Merged, new: &Merged) -> Vec<Change> {
    let (olds, news) = (by_model(old), by_model(new));
    let mut changes = Vec::new();
    let keys: BTreeSet<&(&str, Route)> = olds.keys().chain(news.keys()).collect();
    for key in keys {
        let mut recorder = Recorder::new(key.0, key.1, &mut changes);
        // The URL that the model is on in `these` alone.
        let only_in = |these: &ByModel<'_>, those: &ByModel<'_>| {
            let is_in = |by_model: &ByModel<'_>, route| by_model.contains_key(&(key.0, route));
            let mut routes = Route::ALL.into_iter();
            routes.find(|route| is_in(these, *route) && !is_in(those, *route))
        };
        match (olds.get(key), news.get(key)) {
            (Some(old), Some(new)) => request(old, new, &mut recorder),
            // A model that moved is reported with its new URL.
            (Some(_), None) if only_in(&news, &olds).is_some() => {}
            (Some(_), None) => {
                recorder.record("", Kind::ModelRemoved, None, None, Effect::Breaking)
            }
            (None, Some(new)) => match only_in(&olds, &news) {
                None => recorder.record("", Kind::ModelAdded, None, None, Effect::Compatible),
                Some(from) => {
                    let (was, is) = (from.path().into(), key.1.path().into());
                    recorder.record("", Kind::PathMoved, Some(was), Some(is), Effect::Breaking);
                    if let Some(old) = olds.get(&(key.0, from)) {
                        request(old, new, &mut recorder);
                    }
                }
            },
            (None, None) => {}
        }
    }
    for route in Route::ALL {
        let [was, is] =
            [old, new].map(|merged| merged.fetched.get(&route).map(|fetched| &fetched.schema));
        if let (Some(was), Some(is)) = (was, is)
            && facts(was) != facts(is)
        {
            Recorder::new("", route, &mut changes).record(
                "",
                Kind::AnswerChanged,
                None,
                None,
                Effect::None,
            );
        }
    }
    changes
}

type ByModel<'a> = BTreeMap<(&'a str, Route), &'a Request>;

fn by_model(merged: &Merged) -> ByModel<'_> {
    let mut by_model = ByModel::new();
    for request in &merged.requests {
        by_model.insert((&request.create.model, request.create.route), request);
    }
    by_model
}

/// The part of the version that all changes together have to increase.
pub fn verdict(changes: &[Change]) -> Verdict {
    match changes.iter().map(|change| change.effect).min() {
        Some(Effect::Breaking) => Verdict::Major,
        Some(Effect::Compatible) => Verdict::Minor,
        Some(Effect::None) | None => Verdict::Patch,
    }
}

impl Verdict {
    /// The version after `version`. Before 1.0, a major change increases the second number, and a minor one the third.
    pub fn next(self, version: &str) -> Option<String> {
        let mut parts = version
            .split(['-', '+'])
            .next()?
            .split('.')
            .map(str::parse::<u64>);
        let mut part = || parts.next()?.ok();
        let (major, minor, patch) = (part()?, part()?, part()?);
        Some(match (self, major) {
            (Self::Major, 1..) => format!("{}.0.0", major + 1),
            (Self::Minor, 1..) => format!("{major}.{}.0", minor + 1),
            (Self::Major, 0) => format!("0.{}.0", minor + 1),
            _ => format!("{major}.{minor}.{}", patch + 1),
        })
    }
}

fn request(old: &Request, new: &Request, recorder: &mut Recorder<'_>) {
    let before = recorder.changes.len();
    if old.model.vendor != new.model.vendor {
        let (was, is) = (
            old.model.vendor.as_str().into(),
            new.model.vendor.as_str().into(),
        );
        recorder.record(
            "",
            Kind::VendorChanged,
            Some(was),
            Some(is),
            Effect::Breaking,
        );
    }
    let was = (&*old.model.properties, &*old.model.checks);
    object("", was, &new.model.properties, recorder);
    checks("", &old.model.checks, &new.model.checks, recorder);
    let [was, is] = [old, new].map(|request| request.create.answer.as_ref().map(facts));
    if was != is {
        recorder.record("", Kind::AnswerChanged, None, None, Effect::None);
    }
    // A vendored document has no prose to compare.
    let [was, is] = [old, new].map(|request| strip::prose(&request.create.schema));
    if recorder.changes.len() == before && !was.is_empty() && !is.is_empty() && was != is {
        recorder.record("", Kind::ProseChanged, None, None, Effect::None);
    }
}

/// The properties of an object; the old ones with what was checked beside them.
fn object(
    path: &str,
    (old, checks): (&[Property], &[Check]),
    new: &[Property],
    recorder: &mut Recorder<'_>,
) {
    let mut names: Vec<&str> = old
        .iter()
        .chain(new)
        .map(|property| &*property.name)
        .collect();
    names.sort_unstable();
    names.dedup();
    let is_body = path.is_empty();
    for name in names
        .into_iter()
        .filter(|name| !is_body || *name != "model")
    {
        let at = if is_body {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        };
        let find = |properties: &[Property]| properties.iter().position(|one| one.name == name);
        let (was, is) = (find(old).map(|at| &old[at]), find(new).map(|at| &new[at]));
        match (was, is) {
            (Some(was), Some(is)) => field(&at, was, is, recorder),
            (Some(was), None) => {
                recorder.record(
                    &at,
                    Kind::PropertyRemoved,
                    Some(schema::summary(&was.schema)),
                    None,
                    Effect::Breaking,
                );
            }
            (None, Some(is)) => {
                let effect = if is.required || !within::fits_map(checks, is) {
                    Effect::Breaking
                } else {
                    Effect::Compatible
                };
                let mut summary = schema::summary(&is.schema);
                if is.required {
                    summary = format!("required: {}", summary.as_str().unwrap_or_default()).into();
                }
                recorder.record(&at, Kind::PropertyAdded, None, Some(summary), effect);
            }
            (None, None) => {}
        }
    }
}

fn field(path: &str, old: &Property, new: &Property, recorder: &mut Recorder<'_>) {
    match (old.required, new.required) {
        (false, true) => recorder.record(path, Kind::BecameRequired, None, None, Effect::Breaking),
        // The struct's field becomes an `Option`.
        (true, false) => recorder.record(path, Kind::BecameOptional, None, None, Effect::Breaking),
        _ => {}
    }
    match (old.nullable, new.nullable) {
        (false, true) => {
            // The field of a property that every request has becomes a `Nullable`; an `Option` stays one.
            let effect = if old.required {
                Effect::Breaking
            } else {
                Effect::Compatible
            };
            recorder.record(path, Kind::NullAllowed, None, None, effect);
        }
        (true, false) => recorder.record(path, Kind::NullRefused, None, None, Effect::Breaking),
        _ => {}
    }
    if old.default != new.default {
        let (was, is) = (old.default.clone(), new.default.clone());
        recorder.record(path, Kind::DefaultChanged, was, is, Effect::None);
    }
    schema::compare(path, &old.schema, &new.schema, recorder);
}

fn checks(path: &str, old: &[Check], new: &[Check], recorder: &mut Recorder<'_>) {
    // A check that only one version has is compared with one of the same kind that only the other version has.
    let removed = old.iter().filter(|check| !new.contains(check));
    let mut added: Vec<&Check> = new.iter().filter(|check| !old.contains(check)).collect();
    for was in removed {
        match added.iter().position(|is| schema::alike(was, is)) {
            Some(index) => schema::compare_checks(path, was, added.remove(index), recorder),
            None => {
                let (kind, effect) = match was {
                    Check::Unchecked { .. } => (Kind::UncheckedChanged, Effect::None),
                    _ => (Kind::BoundWidened, Effect::Compatible),
                };
                recorder.record(path, kind, Some(schema::check(was)), None, effect);
            }
        }
    }
    for is in added {
        let (kind, effect) = match is {
            Check::Unchecked { .. } => (Kind::UncheckedChanged, Effect::None),
            _ => (Kind::BoundTightened, Effect::Breaking),
        };
        recorder.record(path, kind, None, Some(schema::check(is)), effect);
    }
}

fn facts(answer: &Value) -> Value {
    let mut answer = answer.clone();
    strip::without_prose(&mut answer);
    answer
}

/// Records the differences of one request.
struct Recorder<'a> {
    model: &'a str,
    route: Route,
    changes: &'a mut Vec<Change>,
}

impl<'a> Recorder<'a> {
    fn new(model: &'a str, route: Route, changes: &'a mut Vec<Change>) -> Self {
        Self {
            model,
            route,
            changes,
        }
    }

    fn record(
        &mut self,
        property: &str,
        kind: Kind,
        old: Option<Value>,
        new: Option<Value>,
        effect: Effect,
    ) {
        self.changes.push(Change {
            model: self.model.to_owned(),
            route: self.route,
            property: property.to_owned(),
            kind,
            old,
            new,
            effect,
        });
    }
}
