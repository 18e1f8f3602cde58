//! `--max-usd`: whether the next create may exceed the limit, by what earlier generations of the same kind cost.

use std::collections::BTreeMap;

use aimlapi_video::{GenerationRequest, Model};

use crate::{
    cost::{Cost, usd_text},
    history::{self, Entry},
};

/// What a price depends on: the model and the clip's length in seconds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kind {
    pub(crate) model: String,
    pub(crate) length: Option<u64>,
}

impl Kind {
    pub(crate) fn of(request: &GenerationRequest, model: Option<&Model>) -> Self {
        Self {
            model: request.model().to_owned(),
            length: history::length(request, model),
        }
    }
}

/// The highest cost of a completed generation of each kind.
#[derive(Clone, Default)]
pub(crate) struct Prices(BTreeMap<Kind, f64>);

impl Prices {
    pub(crate) fn of(entries: &[Entry]) -> Self {
        let mut prices = Self::default();
        for entry in entries.iter().filter(|entry| entry.is_completed()) {
            let kind = Kind {
                model: entry.intent.model.clone(),
                length: entry.intent.length,
            };
            prices.learn(kind, entry.cost);
        }
        prices
    }

    fn learn(&mut self, kind: Kind, cost: Cost) {
        // Zero may be the cost of a poll alone, where the create's response is not known.
        if let Some(usd) = cost.usd.filter(|usd| *usd > 0.0) {
            let highest = self.0.entry(kind).or_default();
            *highest = highest.max(usd);
        }
    }

    /// The cost of the same kind, else that of the same model in proportion to the length, else the highest cost of the model:
    /// that of a clip whose length is not known may be too low for a longer one.
    pub(crate) fn estimate(&self, kind: &Kind) -> Option<f64> {
        self.reliable(kind).or_else(|| self.highest(kind))
    }

    /// The estimate, unless it may be too low.
    fn reliable(&self, kind: &Kind) -> Option<f64> {
        let same = self.0.get(kind).copied();
        let Some(length) = kind.length else {
            return same.or_else(|| self.highest(kind));
        };
        let in_proportion = self.same_model(kind).filter_map(|(known, usd)| {
            Some(usd / known.length.filter(|known| *known > 0)? as f64 * length as f64)
        });
        same.or(in_proportion.reduce(f64::max))
    }

    fn highest(&self, kind: &Kind) -> Option<f64> {
        self.same_model(kind).map(|(_, usd)| *usd).reduce(f64::max)
    }

    fn same_model(&self, kind: &Kind) -> impl Iterator<Item = (&Kind, &f64)> {
        self.0.iter().filter(|(known, _)| known.model == kind.model)
    }
}

/// Whether a request may be sent.
#[derive(Debug, PartialEq)]
pub(crate) enum Decision {
    Send,
    /// Once a generation in flight has ended.
    Wait,
    /// Never, for this reason.
    Stop(String),
}

/// How a generation ended, as far as its cost is concerned.
pub(crate) enum End {
    Completed,
    /// It was not created, or it failed: it costs what the service states.
    Failed,
    /// It may exist and cost what such a generation costs.
    Open,
}

/// What this command has spent and may yet spend.
pub(crate) struct Spending {
    limit: Option<f64>,
    prices: Prices,
    spent: f64,
    in_flight: BTreeMap<usize, Kind>,
    /// Whether the cost of a generation is neither stated nor estimated.
    is_unknown: bool,
}

impl Spending {
    pub(crate) fn new(limit: Option<f64>, prices: Prices) -> Self {
        Self {
            limit,
            prices,
            spent: 0.0,
            in_flight: BTreeMap::new(),
            is_unknown: false,
        }
    }

    pub(crate) fn decide(&self, kind: &Kind) -> Decision {
        let Some(limit) = self.limit else {
            return Decision::Send;
        };
        let in_flight = self
            .in_flight
            .values()
            .map(|kind| self.prices.reliable(kind));
        let in_flight: Option<f64> = in_flight.sum();
        let next = self.prices.estimate(kind);
        let is_alone = self.in_flight.is_empty();
        let leaves_room = |next: f64| self.spent + next <= limit + ROUNDING;
        let fits = match (self.prices.reliable(kind), in_flight) {
            (Some(next), Some(in_flight)) => leaves_room(in_flight + next),
            // The first generation of its kind runs alone, and shows what the next one costs.
            (None, _) => is_alone && self.spent < limit && next.is_none_or(leaves_room),
            (Some(_), None) => false,
        };
        let (limit, spent) = (usd_text(limit), usd_text(self.spent));
        match (fits && !self.is_unknown, next) {
            (true, _) => Decision::Send,
            (false, _) if !is_alone => Decision::Wait,
            (false, _) if self.is_unknown => Decision::Stop(format!(
                "the limit of {limit} cannot be kept, since the service stated no cost of an earlier generation"
            )),
            (false, Some(next)) => Decision::Stop(format!(
                "the limit of {limit} may be exceeded: {spent} are spent, and the next generation may cost {}",
                usd_text(next)
            )),
            (false, None) => Decision::Stop(format!(
                "the limit of {limit} is reached: {spent} are spent"
            )),
        }
    }

    /// The request `index` is about to be sent, or was sent by an earlier run.
    pub(crate) fn begin(&mut self, index: usize, kind: Kind) {
        self.in_flight.insert(index, kind);
    }

    pub(crate) fn end(&mut self, index: usize, end: &End, cost: Cost) {
        let Some(kind) = self.in_flight.remove(&index) else {
            return;
        };
        let estimate = self.prices.estimate(&kind);
        let usd = match end {
            End::Failed => cost.usd.or(Some(0.0)),
            End::Completed | End::Open => cost.usd.or(estimate),
        };
        self.is_unknown |= usd.is_none();
        self.spent += usd.unwrap_or_default();
        if matches!(end, End::Completed) {
            self.prices.learn(kind, cost);
        }
    }
}

/// Sums of prices in binary fractions differ from those in decimals by less.
const ROUNDING: f64 = 1e-9;

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(model: &str) -> Kind {
        Kind {
            model: model.into(),
            length: Some(5),
        }
    }

    fn cost(usd: f64) -> Cost {
        Cost {
            usd: Some(usd),
            credits: None,
        }
    }

    #[test]
    fn first_generation_of_a_kind_runs_alone_and_prices_the_next() {
        let mut spending = Spending::new(Some(1.0), Prices::default());
        assert_eq!(spending.decide(&kind("a")), Decision::Send);
        spending.begin(0, kind("a"));
        assert_eq!(spending.decide(&kind("a")), Decision::Wait);
        assert_eq!(spending.decide(&kind("b")), Decision::Wait);
        spending.end(0, &End::Completed, cost(0.3));
        for index in 1..3 {
            assert_eq!(spending.decide(&kind("a")), Decision::Send);
            spending.begin(index, kind("a"));
        }
        assert_eq!(
            spending.decide(&kind("a")),
            Decision::Wait,
            "0.3 spent, 0.6 in flight"
        );
        spending.end(1, &End::Failed, Cost::default());
        assert_eq!(spending.decide(&kind("a")), Decision::Send);
        spending.end(2, &End::Open, Cost::default());
        spending.begin(3, kind("a"));
        spending.end(3, &End::Completed, cost(0.3));
        let Decision::Stop(why) = spending.decide(&kind("a")) else {
            panic!("the limit may be exceeded");
        };
        assert_eq!(
            why,
            "the limit of 1.00 USD may be exceeded: 0.90 USD are spent, and the next generation may cost 0.30 USD"
        );
    }

    #[test]
    fn generation_of_another_length_is_priced_in_proportion() {
        let mut prices = Prices::default();
        prices.learn(kind("a"), cost(0.25));
        let length = None;
        let model: String = "c".into();
        prices.learn(Kind { model, length }, cost(0.25));
        let of = |model: &str, length| {
            let model = model.into();
            prices.estimate(&Kind { model, length })
        };
        assert_eq!(of("a", Some(5)), Some(0.25));
        assert_eq!(of("a", Some(10)), Some(0.5));
        assert_eq!(of("a", None), Some(0.25));
        assert_eq!(of("b", Some(5)), None);
        assert_eq!(of("c", Some(10)), Some(0.25));
        assert_eq!(of("c", None), Some(0.25));
    }

    #[test]
    fn cost_of_a_clip_of_unknown_length_refuses_what_it_exceeds_and_else_allows_one_create() {
        let mut prices = Prices::default();
        let length = None;
        let model: String = "a".into();
        prices.learn(Kind { model, length }, cost(0.25));
        let low = Spending::new(Some(0.2), prices.clone());
        let Decision::Stop(why) = low.decide(&kind("a")) else {
            panic!("a generation of the model has cost more than the limit");
        };
        assert!(
            why.ends_with("the next generation may cost 0.25 USD"),
            "{why}"
        );
        let mut spending = Spending::new(Some(1.0), prices);
        assert_eq!(spending.decide(&kind("a")), Decision::Send);
        spending.begin(0, kind("a"));
        // A longer clip may cost more, so the first one shows it before the next is created.
        assert_eq!(spending.decide(&kind("a")), Decision::Wait);
        spending.end(0, &End::Completed, cost(0.5));
        assert_eq!(spending.decide(&kind("a")), Decision::Send);
    }

    #[test]
    fn completed_generation_without_a_cost_ends_all_creates() {
        let mut spending = Spending::new(Some(1.0), Prices::default());
        spending.begin(0, kind("a"));
        spending.end(0, &End::Completed, Cost::default());
        let Decision::Stop(why) = spending.decide(&kind("a")) else {
            panic!("the limit cannot be kept");
        };
        assert!(why.contains("stated no cost"), "{why}");
    }

    #[test]
    fn decimal_prices_may_reach_the_limit_exactly() {
        let mut spending = Spending::new(Some(0.3), Prices::default());
        for index in 0..3 {
            assert_eq!(spending.decide(&kind("a")), Decision::Send, "{index}");
            spending.begin(index, kind("a"));
            spending.end(index, &End::Completed, cost(0.1));
        }
        assert!(matches!(spending.decide(&kind("a")), Decision::Stop(_)));
    }
}
