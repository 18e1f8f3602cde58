//! What `simulate` takes.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use aimlapi_video_simulator::Shape;
use clap::Args;

use super::{speed, time, whole_number};

#[derive(Debug, Args)]
#[command(after_long_help = NOTES)]
pub(crate) struct Simulate {
    /// The address to listen on; other machines reach it only if this is one of the network's
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", value_parser = address)]
    pub(crate) listen: SocketAddr,
    /// How many times faster than the service its time runs, more than 0
    #[arg(long, value_name = "N", default_value_t = 60.0, value_parser = speed, help_heading = "Time")]
    pub(crate) speed: f64,
    /// Let its time stand until POST /_simulator/clock moves it
    #[arg(long, conflicts_with = "speed", help_heading = "Time")]
    pub(crate) manual_clock: bool,
    /// Take this key alone [default: any]
    #[arg(long, value_name = "KEY", help_heading = "Who is served, and how much")]
    pub(crate) key: Option<String>,
    /// Judge requests by the documents alone: numeric strings are no numbers
    #[arg(long, help_heading = "What is answered")]
    pub(crate) strict: bool,
    /// What durations are drawn by; the same seed and requests give the same ones
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = whole_number(0..=u64::MAX), help_heading = "Time")]
    pub(crate) seed: u64,
    /// How far durations spread around the stated ones, 0 to 2
    ///
    /// It is the standard deviation of ln seconds: 0 takes the stated ones as they are, 0.15 is what services do.
    #[arg(long, value_name = "N", default_value_t = 0.15, value_parser = spread, help_heading = "Time")]
    pub(crate) spread: f64,
    /// How many generations are made at once; the others queue [default: no limit]
    #[arg(long, value_name = "N", value_parser = whole_number(1..=u32::MAX), help_heading = "Who is served, and how much")]
    pub(crate) slots: Option<u32>,
    /// How many requests are taken in a minute of real time; the next is answered with 429 [default: no limit]
    #[arg(long, value_name = "N", value_parser = whole_number(1..=u32::MAX), help_heading = "Who is served, and how much")]
    pub(crate) rate_limit: Option<u32>,
    /// How many credits there are, 100,000 to a second of video; then creates are answered with 403 [default: no limit]
    #[arg(long, value_name = "N", value_parser = whole_number(0..=u64::MAX), help_heading = "Who is served, and how much")]
    pub(crate) credits: Option<u64>,
    /// How long, in real time, the link of a video is good
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = time, help_heading = "What is answered")]
    pub(crate) url_lifetime: Duration,
    /// The shapes of answers, in turn, with commas between; or all
    ///
    /// The service is known to answer in more shapes than its documents say: documented, bare, file, list, links, tokens,
    /// succeeded, older-words, generation-id, filled-error, detail.
    #[arg(long, value_name = "SHAPES", default_value = "documented", value_parser = shapes, help_heading = "What is answered")]
    pub(crate) shapes: Shapes,
    /// What the next generations do: a file of JSON, as POST /_simulator/scenario takes it
    #[arg(long, value_name = "FILE", help_heading = "What is answered")]
    pub(crate) scenario: Option<PathBuf>,
    /// How many videos a finished generation holds
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = whole_number(0..=usize::MAX),
        help_heading = "What is answered"
    )]
    pub(crate) videos: usize,
    /// How many generations it holds; beyond that, the one that ended first is forgotten
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = whole_number(1..=u32::MAX), help_heading = "Memory")]
    pub(crate) max_tasks: u32,
    /// How many requests /_simulator/requests lists, the newest
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = whole_number(1..=u32::MAX), help_heading = "Memory")]
    pub(crate) max_requests: u32,
}

/// One value of the command line, though it names several.
#[derive(Clone, Debug)]
pub(crate) struct Shapes(pub(crate) Vec<Shape>);

fn shapes(text: &str) -> Result<Shapes, String> {
    if text == "all" {
        return Ok(Shapes(Shape::ALL.to_vec()));
    }
    let shapes = text.split(',').map(|shape| shape.trim().parse());
    shapes.collect::<Result<_, _>>().map(Shapes)
}

fn address(text: &str) -> Result<SocketAddr, String> {
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
Below /_simulator/ it answers, without a key, what a test wants to know and to set:
  GET  /_simulator/              the tasks and every request seen (also apart: tasks, requests)
  POST /_simulator/scenario      what the next generations do
  POST /_simulator/clock         {\"advance_seconds\": 90}
  POST /_simulator/reset         begin as at the start
  GET  /_simulator/openapi.json  its own OpenAPI document

Examples:
  aimlapi-video simulate
  aimlapi-video simulate --slots 2 --rate-limit 60 --credits 5000000
  echo '{\"next\": [{\"polls\": [{\"status\": 502, \"html\": \"<h1>Bad Gateway</h1>\", \"times\": 3}]}, {\"end\": {\"fail\": {\"message\": \"refused\"}}}]}' > scenario.json
  aimlapi-video simulate --scenario scenario.json";
