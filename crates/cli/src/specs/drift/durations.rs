//! The recorded durations of generations beside the stated ones.

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use aimlapi_video::{
    Route,
    contract::{Model, Role},
};
use aimlapi_video_codegen::Merged;
use serde_json::{Value, json};

use super::generations::RecordedGeneration;

/// The durations of the generations of a model with clips of one length.
pub(super) struct Durations {
    pub(super) model: String,
    pub(super) route: Route,
    /// The length of the clips in seconds, if the request or its document states one.
    pub(super) length: Option<u64>,
    pub(super) generations: usize,
    /// The range of the recorded durations, in seconds.
    pub(super) recorded: RangeInclusive<f64>,
    pub(super) stated: Option<RangeInclusive<f64>>,
    /// The range of the durations that are certainly not in the stated range.
    outside: Option<RangeInclusive<f64>>,
}

/// Returns the durations of completed generations of documented models, by model and length. Time ran `speed` times faster
/// than at the service.
pub(super) fn durations(
    generations: &[RecordedGeneration<'_>],
    merged: &Merged,
    speed: f64,
) -> Vec<Durations> {
    let mut groups: BTreeMap<(&str, Route, Option<u64>), Durations> = BTreeMap::new();
    for generation in generations {
        let mut models = merged.requests.iter().map(|request| &request.model);
        let is_own =
            |model: &&Model| model.id == generation.model && model.route == generation.route;
        let (Some((min, max)), Some(model)) = (generation.took(), models.find(is_own)) else {
            continue;
        };
        let (min, max) = (min * speed, max * speed);
        let length = length(model, generation.request);
        let stated = model.expected(length);
        let stated = stated.map(|range| range.start().as_secs_f64()..=range.end().as_secs_f64());
        let group = groups.entry((generation.model, generation.route, length));
        let group = group.or_insert_with(|| Durations {
            model: model.id.clone(),
            route: model.route,
            length,
            generations: 0,
            recorded: min..=max,
            stated,
            outside: None,
        });
        group.generations += 1;
        group.recorded = joined(&group.recorded, min, max);
        let stated = group.stated.as_ref();
        if stated.is_none_or(|stated| max < *stated.start() || *stated.end() < min) {
            let outside = group.outside.take().unwrap_or(min..=max);
            group.outside = Some(joined(&outside, min, max));
        }
    }
    groups.into_values().collect()
}

impl Durations {
    /// Whether the stated range has to change.
    pub(super) fn is_different(&self) -> bool {
        self.outside.is_some()
    }

    pub(super) fn verdict(&self) -> &'static str {
        match (&self.outside, &self.stated) {
            (None, _) => "within",
            (Some(_), None) => "not_stated",
            (Some(_), Some(_)) => "outside",
        }
    }

    /// Returns the entry for `durations.json` that extends the stated range.
    pub(super) fn draft(&self) -> Option<Value> {
        let outside = self.outside.as_ref()?;
        let whole = |seconds| {
            Duration::try_from_secs_f64(seconds)
                .unwrap_or_default()
                .as_secs()
        };
        let (min, max) = (whole(outside.start().floor()), whole(outside.end().ceil()));
        let mut entry = json!({ "model": self.model, "min": min, "max": max, "kind": "recorded" });
        if let Some(length) = self.length {
            entry["length"] = length.into();
        }
        Some(entry)
    }
}

fn joined(range: &RangeInclusive<f64>, min: f64, max: f64) -> RangeInclusive<f64> {
    range.start().min(min)..=range.end().max(max)
}

/// The length of the clip in seconds, if the request or else the document states one.
fn length(model: &Model, request: &Value) -> Option<u64> {
    let property = model.property(Role::Duration)?;
    let length = request.get(&property.name).or(property.default.as_ref());
    length?.as_u64()
}
