//! The schedules of other clients, transcribed from their source code.

use std::time::Duration;

use aimlapi_video::schedule::{PollState, Schedule};

use super::Random;

/// The schedule of another client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    pub(super) name: &'static str,
    first: f64,
    initial: f64,
    factor: f64,
    most: f64,
    jitter: Jitter,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Jitter {
    None,
    /// Up to this many seconds more or less.
    Seconds(f64),
    /// Whole seconds between the first step and this one.
    Down,
}

pub(super) const PEERS: [Peer; 14] = [
    peer("google-cloud-rust", 1.0, 1.0, 2.0, 60.0, Jitter::None),
    peer("smithy-rs", 0.0, 2.0, 2.0, 120.0, Jitter::Down),
    peer("azure-sdk", 0.0, 30.0, 1.0, 30.0, Jitter::None),
    peer("openai-python", 0.0, 1.0, 1.0, 1.0, Jitter::None),
    peer("fal-js, replicate", 0.0, 0.5, 1.0, 0.5, Jitter::None),
    peer("fal (Python)", 0.0, 0.1, 1.0, 0.1, Jitter::None),
    peer("runway", 6.0, 6.0, 1.0, 6.0, Jitter::Seconds(1.5)),
    peer("genai README", 20.0, 20.0, 1.0, 20.0, Jitter::None),
    peer("genai private", 0.0, 1.0, 1.5, 20.0, Jitter::None),
    peer("vercel/ai", 5.0, 5.0, 1.0, 5.0, Jitter::None),
    peer("ComfyUI", 0.0, 5.0, 1.0, 5.0, Jitter::None),
    peer("aimlapi-sdk-python", 0.0, 10.0, 1.0, 10.0, Jitter::None),
    peer("aimlapi docs loop", 0.0, 15.0, 1.0, 15.0, Jitter::None),
    peer("n8n-nodes-aimlapi", 0.0, 2.0, 1.0, 2.0, Jitter::None),
];

const fn peer(
    name: &'static str,
    first: f64,
    initial: f64,
    factor: f64,
    most: f64,
    jitter: Jitter,
) -> Peer {
    Peer {
        name,
        first,
        initial,
        factor,
        most,
        jitter,
    }
}

impl Schedule for Peer {
    fn next(&self, state: &PollState<'_>) -> Duration {
        let mut random = Random(
            state
                .id
                .bytes()
                .fold(state.polls.into(), |sum, byte| sum * 31 + u64::from(byte)),
        );
        let plain = match state.polls.checked_sub(1) {
            None => self.first,
            Some(poll) => (self.initial * self.factor.powi(poll.min(60) as i32)).min(self.most),
        };
        let step = match self.jitter {
            Jitter::Seconds(width) => plain + width * (2.0 * random.uniform() - 1.0),
            Jitter::Down if plain > self.initial => (self.initial
                + random.uniform() * (plain - self.initial + 1.0))
                .floor()
                .min(plain),
            _ => plain,
        };
        Duration::from_secs_f64(step)
    }
}
