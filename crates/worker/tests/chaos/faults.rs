//! The faults, one for each second, drawn from a seed.

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

use aimlapi_video_simulator::Scenario;
use fastrand::Rng;
use tokio::time::{MissedTickBehavior, interval};

use super::{WORKERS, World, fleet::Fleet, setting};

/// Creates are refused for a while, and then polls.
const STORM: &str = r#"{ "next": [
    { "times": 8, "create": { "status": 429, "headers": { "retry-after": "1" } } },
    { "times": 4, "polls": [{ "status": 429, "headers": { "retry-after": "1" }, "times": 3 }] },
    { "times": 4, "polls": [{ "status": 502, "html": "<h1>Bad Gateway</h1>", "times": 2 }] }
] }"#;

/// Each create takes half a second after the service has accepted it.
const SLOW_CREATES: &str =
    r#"{ "next": [{ "times": "always", "create": { "delay_seconds": 0.5 } }] }"#;

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
    only_kills: bool,
    struck: BTreeMap<Fault, usize>,
}

impl Faults {
    pub fn new(seed: u64, only_kills: bool) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            only_kills,
            struck: BTreeMap::new(),
        }
    }

    /// The behaviour of the service from the start.
    pub fn scenario(&self) -> Scenario {
        match self.only_kills {
            true => read(SLOW_CREATES),
            false => Scenario::default(),
        }
    }

    /// Lets a fault happen at each interval, until the time has passed. Workers that were killed or frozen run again later.
    pub async fn strike_for(&mut self, time: Duration, fleet: &mut Fleet, world: &mut World) {
        let begin = Instant::now();
        let mut tick = interval(Duration::from_secs_f64(setting("CHAOS_INTERVAL", 1.0)));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while begin.elapsed() < time {
            tick.tick().await;
            fleet.tick();
            self.strike(fleet, world);
        }
    }

    /// Draws a fault, and lets it happen.
    fn strike(&mut self, fleet: &mut Fleet, world: &mut World) {
        // Kills are the most frequent, since they are the main subject.
        let fault = match self.rng.u8(0..20) {
            _ if self.only_kills => Fault::WorkerKilled,
            0..8 => Fault::WorkerKilled,
            8..10 => Fault::WorkerFrozen,
            10..12 => Fault::ServiceCut,
            12..14 => Fault::EngineCut,
            14 => Fault::EngineKilled,
            15..17 => Fault::Storm,
            _ => Fault::Losses,
        };
        let worker = self.rng.usize(0..WORKERS);
        let mut happened = true;
        match fault {
            Fault::WorkerKilled => happened = fleet.kill(worker),
            Fault::WorkerFrozen => happened = fleet.freeze(worker),
            Fault::ServiceCut => world.service.cut(),
            Fault::EngineCut => world.to_engine.cut(),
            Fault::EngineKilled => world.engine.kill_and_restart(),
            Fault::Storm => world.simulator.play(read(STORM)),
            Fault::Losses => world.simulator.play(read(LOSSES)),
        }
        *self.struck.entry(fault).or_default() += usize::from(happened);
    }
}

fn read(scenario: &str) -> Scenario {
    scenario.parse().expect("a scenario")
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
