//! The faults, one for each second, drawn from a seed.

use std::{collections::BTreeMap, fmt};

use aimlapi_video_simulator::Simulator;
use fastrand::Rng;

use super::{WORKERS, cut::Cut, engine::Engine, fleet::Fleet};

/// Creates are refused for a while, and then polls.
const STORM: &str = r#"{ "next": [
    { "times": 8, "create": { "status": 429, "headers": { "retry-after": "1" } } },
    { "times": 4, "polls": [{ "status": 429, "headers": { "retry-after": "1" }, "times": 3 }] },
    { "times": 4, "polls": [{ "status": 502, "html": "<h1>Bad Gateway</h1>", "times": 2 }] }
] }"#;

/// Responses to creates that were accepted, to polls and to downloads are lost.
const LOSSES: &str = r#"{ "next": [
    { "create": { "close": true, "created": true } },
    { "create": { "status": 502, "created": true } },
    { "times": 2, "polls": [{ "close": true, "times": 2 }] },
    { "times": 2, "downloads": [{ "cut_after": 500, "times": 2 }] }
] }"#;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    WorkerKilled,
    WorkerFrozen,
    ServiceCut,
    EngineCut,
    EngineKilled,
    Storm,
    Losses,
}

pub struct Faults {
    rng: Rng,
    struck: BTreeMap<Fault, usize>,
}

impl Faults {
    pub fn new(seed: u64) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            struck: BTreeMap::new(),
        }
    }

    /// Draws a fault, and lets it happen.
    pub async fn strike(
        &mut self,
        fleet: &mut Fleet,
        engine: &mut Engine,
        simulator: &Simulator,
        service: &Cut,
        to_engine: &Cut,
    ) {
        // Kills are the most frequent, since they are the main subject.
        let fault = match self.rng.u8(0..20) {
            0..8 => Fault::WorkerKilled,
            8..10 => Fault::WorkerFrozen,
            10..12 => Fault::ServiceCut,
            12..14 => Fault::EngineCut,
            14 => Fault::EngineKilled,
            15..17 => Fault::Storm,
            _ => Fault::Losses,
        };
        let worker = self.rng.usize(0..WORKERS);
        let happened = match fault {
            Fault::WorkerKilled => fleet.kill(worker),
            Fault::WorkerFrozen => fleet.freeze(worker),
            Fault::ServiceCut => {
                service.cut();
                true
            }
            Fault::EngineCut => {
                to_engine.cut();
                true
            }
            Fault::EngineKilled => {
                engine.kill_and_restart();
                true
            }
            Fault::Storm => {
                simulator.play(STORM.parse().unwrap());
                true
            }
            Fault::Losses => {
                simulator.play(LOSSES.parse().unwrap());
                true
            }
        };
        *self.struck.entry(fault).or_default() += usize::from(happened);
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list: Vec<_> = self
            .struck
            .iter()
            .map(|(fault, times)| format!("{fault:?} {times}"))
            .collect();
        write!(f, "faults: {}", list.join(", "))
    }
}
