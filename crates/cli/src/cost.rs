//! The cost of a generation, from the bodies and headers of the service's responses.

use aimlapi_video::{Generation, GenerationHandle};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// US dollars and credits; both are unknown if the service stated neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cost {
    #[serde(rename = "usd_spent", skip_serializing_if = "Option::is_none")]
    pub(crate) usd: Option<f64>,
    #[serde(rename = "credits_used", skip_serializing_if = "Option::is_none")]
    pub(crate) credits: Option<f64>,
}

/// The service's rate, by which one unit follows from the other.
const CREDITS_PER_USD: f64 = 2_000_000.0;

impl Cost {
    /// The cost that the last response states, else the response to the create.
    ///
    /// A zero counts only if no response states more, since the headers of a poll may state the cost of the poll.
    pub(crate) fn of(last: Option<&Generation>, handle: Option<&GenerationHandle>) -> Self {
        let created = handle.and_then(GenerationHandle::answer);
        let stated = [last, created].into_iter().flatten().flat_map(|response| {
            let (usage, headers) = (response.usage(), response.metadata());
            [
                Self::new(usage.usd, usage.credits),
                Self::new(headers.usd_spent, headers.credits_used),
            ]
        });
        let stated: Vec<Self> = stated.filter(Self::is_known).collect();
        let positive = stated.iter().find(|cost| cost.usd > Some(0.0));
        positive.or(stated.first()).copied().unwrap_or_default()
    }

    fn new(usd: Option<f64>, credits: Option<f64>) -> Self {
        let is_amount = |amount: &f64| amount.is_finite() && *amount >= 0.0;
        let (usd, credits) = (usd.filter(is_amount), credits.filter(is_amount));
        Self {
            usd: usd.or(credits.map(|credits| credits / CREDITS_PER_USD)),
            credits: credits.or(usd.map(|usd| usd * CREDITS_PER_USD)),
        }
    }

    /// The higher cost of two responses that are about the same generation.
    pub(crate) fn max(self, other: Self) -> Self {
        match other.usd > self.usd {
            true => other,
            false => self,
        }
    }

    pub(crate) fn is_known(&self) -> bool {
        self.usd.is_some()
    }

    /// The sum; an unknown cost adds nothing.
    pub(crate) fn plus(self, other: Self) -> Self {
        let sum = |one: Option<f64>, other: Option<f64>| match (one, other) {
            (Some(one), Some(other)) => Some(one + other),
            (one, other) => one.or(other),
        };
        Self {
            usd: sum(self.usd, other.usd),
            credits: sum(self.credits, other.credits),
        }
    }

    /// `0.25 USD (500000 credits)`; `None` if the cost is unknown.
    pub(crate) fn text(&self) -> Option<String> {
        let usd = usd_text(self.usd?);
        Some(match self.credits {
            Some(credits) => format!("{usd} ({credits:.0} credits)"),
            None => usd,
        })
    }

    /// Adds `usd_spent` and `credits_used` to a JSON object.
    pub(crate) fn add_to(&self, object: &mut Value) {
        for (name, amount) in [("usd_spent", self.usd), ("credits_used", self.credits)] {
            if let Some(amount) = amount {
                object[name] = amount.into();
            }
        }
    }
}

/// An amount with two to four decimals.
pub(crate) fn usd_text(usd: f64) -> String {
    let text = format!("{usd:.4}");
    let text = text.strip_suffix('0').unwrap_or(&text);
    format!("{} USD", text.strip_suffix('0').unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn cost_is_read_from_the_body_and_completed_by_the_rate() {
        let usage = json!({ "id": "g", "meta": { "usage": { "credits_used": 500_000 } } });
        let cost = Cost::of(Some(&Generation::from_json(usage)), None);
        assert_eq!(cost.text().as_deref(), Some("0.25 USD (500000 credits)"));
        let unknown = Cost::of(Some(&Generation::from_json(json!({ "id": "g" }))), None);
        assert_eq!((unknown.text(), unknown.plus(cost)), (None, cost));
    }

    #[test]
    fn amount_has_two_to_four_decimals() {
        let amounts = [
            (0.0, "0.00"),
            (1.5, "1.50"),
            (0.125, "0.125"),
            (2.00004, "2.00"),
        ];
        for (usd, text) in amounts {
            assert_eq!(usd_text(usd), format!("{text} USD"));
        }
    }
}
