//! Where the requests of a batch are in their file: what messages name, in place of the numbers of their videos.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::history::Entry;

/// The place of one request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// What a request is in the file: a line or an item.
    noun: String,
    /// The number of the line or the item, counted from 1.
    row: usize,
    /// The settings of `--each`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    each: Vec<(String, String)>,
}

/// The places of the requests of a batch, by the numbers by which the journal and the videos know them.
#[derive(Clone)]
pub(crate) struct Places {
    noun: &'static str,
    /// The places of requests whose numbers are not those of their lines.
    places: BTreeMap<usize, Place>,
}

/// More places would hide the rest of a message.
const MAX_LISTED: usize = 10;

/// The number of a request whose place is not known.
const NUMBER: &str = "request";

impl Place {
    pub(crate) fn new(noun: &str, row: usize, each: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            noun: noun.to_owned(),
            row,
            each: each.iter().map(owned).collect(),
        }
    }

    /// `line 3`, or `line 3 with seed=2`.
    pub(crate) fn label(&self) -> String {
        let Self { noun, row, each } = self;
        match each.is_empty() {
            true => format!("{noun} {row}"),
            false => format!("{noun} {row} with {}", settings(each)),
        }
    }

    /// Adds `line` to a JSON object and, with `--each`, `number` and `each`.
    pub(crate) fn add_to(&self, number: usize, object: &mut Value) {
        object["line"] = self.row.into();
        if !self.each.is_empty() {
            let each = self.each.iter().cloned();
            let each: Map<String, Value> = each.map(|(name, value)| (name, value.into())).collect();
            object["number"] = number.into();
            object["each"] = each.into();
        }
    }
}

/// `seed=2, aspect_ratio=9:16`
pub(crate) fn settings<N: AsRef<str>, V: AsRef<str>>(each: &[(N, V)]) -> String {
    let each = each.iter();
    let each = each.map(|(name, value)| format!("{}={}", name.as_ref(), value.as_ref()));
    each.collect::<Vec<_>>().join(", ")
}

impl Places {
    /// The places of requests without `--each`, whose numbers are those of their lines.
    pub(crate) fn by_line(noun: &'static str) -> Self {
        Self {
            noun,
            places: BTreeMap::new(),
        }
    }

    /// The places of requests with `--each`.
    pub(crate) fn by_number(places: BTreeMap<usize, Place>) -> Self {
        Self {
            noun: NUMBER,
            places,
        }
    }

    /// The places that the history has of a batch, since the journal has none.
    pub(crate) fn recorded(known: &[Entry], journal: &Path) -> Self {
        let of_journal = known.iter().filter_map(|entry| {
            let batch = entry.intent.batch.as_ref()?;
            let place = batch.place.clone().filter(|_| batch.journal == *journal)?;
            Some((batch.line, place))
        });
        Self::by_number(of_journal.collect())
    }

    pub(crate) fn of(&self, number: usize) -> Place {
        let known = self.places.get(&number).cloned();
        known.unwrap_or_else(|| Place::new(self.noun, number, &[]))
    }

    pub(crate) fn label(&self, number: usize) -> String {
        self.of(number).label()
    }

    /// `these lines: 2, 4`, or `these requests: line 2 with seed=1; line 2 with seed=2`.
    pub(crate) fn listed(&self, numbers: impl IntoIterator<Item = usize>) -> String {
        let places = numbers.into_iter().map(|number| self.of(number));
        let places: Vec<Place> = places.collect();
        let noun = places.first().map_or(self.noun, |first| &first.noun);
        let is_plain = |place: &Place| place.each.is_empty() && place.noun == noun;
        if places.iter().all(is_plain) {
            let rows: Vec<String> = places.iter().map(|place| place.row.to_string()).collect();
            return format!("these {noun}s: {}", rows.join(", "));
        }
        let shown = places.iter().take(MAX_LISTED).map(Place::label);
        let shown = shown.collect::<Vec<_>>().join("; ");
        match places.len().saturating_sub(MAX_LISTED) {
            0 => format!("these requests: {shown}"),
            more => format!("these requests: {shown}; and {more} more"),
        }
    }

    /// `1 line`, or `2 lines`.
    pub(crate) fn counted(&self, count: usize) -> String {
        match count {
            1 => format!("1 {}", self.noun),
            _ => format!("{count} {}s", self.noun),
        }
    }

    /// A JSON object about a request.
    pub(crate) fn object(&self, number: usize, state: &str) -> Value {
        let mut object = serde_json::json!({ "state": state });
        self.of(number).add_to(number, &mut object);
        object
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_is_named_by_its_line_and_settings_or_by_its_number() {
        let lines = Places::by_line("line");
        assert_eq!(lines.label(3), "line 3");
        assert_eq!(lines.listed([2, 4]), "these lines: 2, 4");
        assert_eq!(
            (lines.counted(1), lines.counted(2)),
            ("1 line".into(), "2 lines".into())
        );
        let place = |seed| Place::new("line", 2, &[("seed", seed), ("ratio", "16:9")]);
        let places = (3..=14).map(|number| (number, place("7")));
        let each = Places::by_number(places.collect());
        assert_eq!(each.label(3), "line 2 with seed=7, ratio=16:9");
        assert_eq!(each.label(99), "request 99");
        assert_eq!(each.counted(2), "2 requests");
        let listed = each.listed(3..=14);
        assert!(listed.starts_with("these requests: line 2 with seed=7, ratio=16:9; line 2 "));
        assert!(listed.ends_with("; and 2 more"), "{listed}");
        let object = each.object(3, "saved");
        let expected = serde_json::json!({
            "state": "saved", "line": 2, "number": 3, "each": { "seed": "7", "ratio": "16:9" },
        });
        assert_eq!(object, expected);
        assert_eq!(
            lines.object(3, "saved"),
            serde_json::json!({ "state": "saved", "line": 3 })
        );
    }
}
