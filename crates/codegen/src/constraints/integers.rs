//! Reads the limits of integers, which may be any number.

use serde_json::{Map, Value};

use aimlapi_video_contract::Schema;

use super::read::Reader;

impl Reader<'_> {
    pub(super) fn integer(&mut self, map: &Map<String, Value>, pointer: &str) -> Schema {
        let is_set = |keyword: &str| map.get(keyword) == Some(&Value::Bool(true));
        let mut limit = |keyword: &str| {
            let float = self.bound(map, keyword, pointer, Value::as_f64)?;
            Some((float, map.get(keyword).and_then(Value::as_i64)))
        };
        // A fractional limit is rounded inwards.
        let (above, below) = (is_set("exclusiveMinimum"), is_set("exclusiveMaximum"));
        let min = limit("minimum").map(|(float, exact)| match exact {
            Some(exact) => i128::from(exact) + i128::from(above),
            None if above => whole(float.floor(), 1),
            None => whole(float.ceil(), 0),
        });
        let max = limit("maximum").map(|(float, exact)| match exact {
            Some(exact) => i128::from(exact) - i128::from(below),
            None if below => whole(float.ceil(), -1),
            None => whole(float.floor(), 0),
        });
        let (lowest, highest) = (i128::from(i64::MIN), i128::from(i64::MAX));
        let (low, high) = (min.unwrap_or(lowest), max.unwrap_or(highest));
        if low > high.min(highest) || high < lowest {
            let what = "no integer is within its limits";
            self.error(pointer, what, "correct one of them by an overlay action");
        }
        // A limit beyond 64 bits allows every integer of 64 bits.
        let within = |limit: i128| i64::try_from(limit).ok();
        Schema::integer(min.and_then(within), max.and_then(within))
    }
}

/// The limit moved `by` steps; it saturates.
fn whole(limit: f64, by: i128) -> i128 {
    (limit as i128).saturating_add(by)
}
