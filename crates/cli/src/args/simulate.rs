//! The options of `simulate`.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use aimlapi_video_simulator::Shape;
use clap::{Args, ValueHint};

use super::{Documents, speed, time, whole_number};

/// The options of each command that runs a local server.
#[derive(Debug, Args)]
pub(crate) struct LocalServer {
    /// Print the line on standard output as JSON: url, address, port, pid, version
    #[arg(long)]
    pub(crate) json: bool,
    /// Exit when the parent process exits (on Windows: when standard input ends)
    #[arg(long)]
    pub(crate) exit_with_parent: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = NOTES)]
pub(crate) struct Simulate {
    #[command(flatten)]
    pub(crate) server: LocalServer,
    /// The address to listen on; other machines reach it only at an address of the network
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", value_parser = address)]
    pub(crate) listen: SocketAddr,
    /// How many times faster than at the service time runs, above 0
    #[arg(long, value_name = "N", default_value_t = 60.0, value_parser = speed, help_heading = "Time")]
    pub(crate) speed: f64,
    /// Stop time until POST /_simulator/clock moves it
    #[arg(long, conflicts_with = "speed", help_heading = "Time")]
    pub(crate) manual_clock: bool,
    /// Accept only this key [default: any]
    #[arg(long, value_name = "KEY", help_heading = "Limits")]
    pub(crate) key: Option<String>,
    /// Let web pages of any origin send requests and read responses
    #[arg(long, help_heading = "Responses")]
    pub(crate) cors: bool,
    /// Check requests by the documents alone: numeric strings are not numbers
    #[arg(long, help_heading = "Responses")]
    pub(crate) strict: bool,
    #[command(flatten, next_help_heading = "Responses")]
    pub(crate) documents: Documents,
    /// The seed of ids and durations; the same seed and requests of a key give the same ones [default: random ids]
    ///
    /// With --manual-clock, times in responses are the same, too: the clock starts at 2100-01-01T00:00:00Z.
    #[arg(long, value_name = "N", value_parser = whole_number(0..=u64::MAX), help_heading = "Time")]
    pub(crate) seed: Option<u64>,
    /// The spread of durations around the stated ones, 0 to 2
    ///
    /// The standard deviation of ln seconds: 0 is the stated duration itself, 0.15 is typical of services.
    #[arg(long, value_name = "N", default_value_t = 0.15, value_parser = spread, help_heading = "Time")]
    pub(crate) spread: f64,
    /// How many generations of a key run at once; the others are queued [default: no limit]
    #[arg(long, value_name = "N", value_parser = whole_number(1..=u32::MAX), help_heading = "Limits")]
    pub(crate) slots: Option<u32>,
    /// How many requests of a key are accepted in a minute of real time; the next get 429 [default: no limit]
    #[arg(long, value_name = "N", value_parser = whole_number(1..=u32::MAX), help_heading = "Limits")]
    pub(crate) rate_limit: Option<u32>,
    /// How many credits each key has, 100,000 for a second of video; without credits creates get 403 [default: no limit]
    #[arg(long, value_name = "N", value_parser = whole_number(0..=u64::MAX), help_heading = "Limits")]
    pub(crate) credits: Option<u64>,
    /// How long, in real time, the URL of a video is valid
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = time, help_heading = "Responses")]
    pub(crate) url_lifetime: Duration,
    /// The shapes of responses, used in turn, separated by commas; or all
    ///
    /// The service responds in more shapes than its documents state: documented, bare, file, list, links, tokens,
    /// succeeded, older-words, generation-id, filled-error, detail.
    #[arg(long, value_name = "SHAPES", default_value = "documented", value_parser = shapes, help_heading = "Responses")]
    pub(crate) shapes: Shapes,
    /// A JSON file with the behaviour of the next generations, as POST /_simulator/scenario reads it
    #[arg(long, value_name = "FILE", help_heading = "Responses")]
    pub(crate) scenario: Option<PathBuf>,
    /// Replay a recording of `proxy --record`: the same request gets the recorded course of a generation
    ///
    /// Creates with the same body get the recorded courses in their order, at the recorded times on the simulator's clock. The
    /// videos are the simulator's clips, under the recorded names. Other requests are simulated.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Responses")]
    pub(crate) replay: Option<PathBuf>,
    /// Refuse creates that the recording does not have, with 404
    #[arg(long, requires = "replay", help_heading = "Responses")]
    pub(crate) replay_only: bool,
    /// How many videos a completed generation has
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = whole_number(0..=usize::MAX),
        help_heading = "Responses"
    )]
    pub(crate) videos: usize,
    /// How many generations of a key are kept; beyond that, the one that ended first is removed
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = whole_number(1..=u32::MAX), help_heading = "Memory")]
    pub(crate) max_tasks: u32,
    /// How many requests, the newest, /_simulator/requests lists
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = whole_number(1..=u32::MAX), help_heading = "Memory")]
    pub(crate) max_requests: u32,
}

/// The shapes of one option's value.
#[derive(Clone, Debug)]
pub(crate) struct Shapes(pub(crate) Vec<Shape>);

fn shapes(text: &str) -> Result<Shapes, String> {
    if text == "all" {
        return Ok(Shapes(Shape::ALL.to_vec()));
    }
    let shapes = text.split(',').map(|shape| shape.trim().parse());
    shapes.collect::<Result<_, _>>().map(Shapes)
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let address = text.parse();
    address.map_err(|_| "expected an address and a port such as 127.0.0.1:8080".into())
}

fn spread(text: &str) -> Result<f64, String> {
    let spread = text.parse().ok();
    spread
        .filter(|spread| (0.0..=2.0).contains(spread))
        .ok_or_else(|| "expected a number from 0 to 2".into())
}

const NOTES: &str = "\
Below /_simulator/, without a key, tests read and control the simulator:
  GET  /_simulator/              a page in a browser; else the tasks and all requests (also separate: tasks, requests)
  POST /_simulator/scenario      the behaviour of the next generations
  GET  /_simulator/rules         the rules, and how many creates each applied to
  POST /_simulator/clock         {\"advance_seconds\": 90}
  POST /_simulator/reset         return to the initial state
  GET  /_simulator/openapi.json  its own OpenAPI document

The state is kept for each API key. Scenario, clock and reset concern the key of their Authorization header, or else all keys.

Standard output has one line, when the server listens: \"listening on URL\", or with --json an object with its url.

Examples:
  aimlapi-video simulate
  aimlapi-video simulate --listen 127.0.0.1:0 --json --exit-with-parent
  aimlapi-video simulate --slots 2 --rate-limit 60 --credits 5000000
  echo '{\"next\": [{\"polls\": [{\"status\": 502, \"html\": \"<h1>Bad Gateway</h1>\", \"times\": 3}]}, {\"end\": {\"fail\": {\"message\": \"refused\"}}}]}' > scenario.json
  aimlapi-video simulate --scenario scenario.json";
