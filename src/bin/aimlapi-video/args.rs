//! What the command line takes.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use aimlapi_video::simulator::Shape;
use clap::{Args, Parser, Subcommand};

/// Generate videos with AI/ML API: create, wait, download.
///
/// The key is read from AIML_API_KEY (else AIMLAPI_API_KEY), the base URL from AIML_API_BASE (else AIMLAPI_API_BASE).
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a generation, wait for it, and save its video
    Generate(Generate),
    /// Wait for a generation that exists, and save its video
    Wait(Wait),
    /// Create a generation for each line of a file, wait for all, and save their videos
    Batch(Batch),
    /// Finish what a batch has created, and create nothing
    Resume(Resume),
    /// Ask once for the state of a generation
    Status(Status),
    /// Hold requests to their documents without sending them
    Validate(Validate),
    /// List the models
    Models(Models),
    /// Show what a model's request takes
    Schema(Schema),
    /// Run a local server that behaves as the service does
    Simulate(Simulate),
    /// Check, compare and update the OpenAPI documents this crate is generated from
    #[cfg(feature = "specs")]
    Specs(Specs),
}

#[cfg(feature = "specs")]
#[derive(Debug, Args)]
pub(crate) struct Specs {
    #[command(subcommand)]
    pub(crate) command: SpecsCommand,
}

#[cfg(feature = "specs")]
#[derive(Debug, Subcommand)]
pub(crate) enum SpecsCommand {
    /// Tell of each document whether types can be made of it: as it is, repaired, refused, or left out
    Check(SpecsCheck),
    /// Tell what changed for callers, model by model, and which version number that takes
    Diff(SpecsDiff),
    /// Take over what the vendor has published into `openapi/`, and tell what changed
    Update(SpecsUpdate),
}

#[cfg(feature = "specs")]
#[derive(Debug, Args)]
pub(crate) struct SpecsCheck {
    /// Documents, or folders of documents
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Take every file by itself, not all together
    #[arg(long)]
    pub(crate) each: bool,
    /// Print one JSON object, and nothing else, on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(feature = "specs")]
#[derive(Debug, Args)]
pub(crate) struct SpecsDiff {
    /// A document or a folder of documents, as it was
    pub(crate) old: PathBuf,
    /// The same, as it is now
    pub(crate) new: PathBuf,
    /// Print one JSON object, and nothing else, on standard output
    #[arg(long, conflicts_with = "markdown")]
    pub(crate) json: bool,
    /// Print Markdown, to paste into CHANGELOG.md
    #[arg(long)]
    pub(crate) markdown: bool,
}

#[cfg(feature = "specs")]
#[derive(Debug, Args)]
pub(crate) struct SpecsUpdate {
    /// A folder of published documents, or a checkout of the vendor's documentation
    pub(crate) from: PathBuf,
    /// The folder of vendored documents
    #[arg(long, value_name = "FOLDER", default_value = "openapi")]
    pub(crate) into: PathBuf,
    /// Write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Validate {
    /// A file with one request per line (JSON Lines), or - for standard input
    #[arg(value_name = "FILE|-", default_value = "-")]
    pub(crate) file: String,
    /// Take numeric strings for numbers, as the service does
    #[arg(long)]
    pub(crate) coerce: bool,
    /// Hold the requests to the bodies of the older URL of the Kling models
    #[arg(long)]
    pub(crate) legacy: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Models {
    /// Only those of this vendor
    #[arg(long)]
    pub(crate) vendor: Option<String>,
    /// Print JSON, one array
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// The model's id
    #[arg(required_unless_present = "ledger")]
    pub(crate) model: Option<String>,
    /// Print the JSON Schema (2020-12) of the request
    #[arg(long, conflicts_with = "ledger")]
    pub(crate) json: bool,
    /// Print where each constraint is held, for one model or all
    #[arg(long)]
    pub(crate) ledger: bool,
    /// The body of the older URL of the Kling models
    #[arg(long)]
    pub(crate) legacy: bool,
}

#[derive(Debug, Args)]
#[command(after_help = GENERATE_EXAMPLES)]
pub(crate) struct Generate {
    /// The model's id; may come from --request instead
    pub(crate) model: Option<String>,
    /// What to show
    #[arg(long, value_name = "TEXT")]
    pub(crate) prompt: Option<String>,
    /// The picture the clip opens with: a link or a file
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) image: Option<String>,
    /// Set a parameter; NAME=@FILE sends a file where the parameter takes media, NAME+=VALUE adds to a list
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// Take the request's body from a JSON file, or from standard input
    #[arg(long, value_name = "FILE|-")]
    pub(crate) request: Option<String>,
    /// Files that are sent may have this many MiB at most
    #[arg(long, value_name = "MIB", default_value_t = 20)]
    pub(crate) max_media: u64,
    /// Create only, and print the handle that `wait` takes
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// Use the older URL of the Kling models
    #[arg(long)]
    pub(crate) legacy: bool,
    /// Run the job against an embedded simulator; needs no key
    #[arg(long)]
    pub(crate) simulate: bool,
    #[command(flatten)]
    pub(crate) waiting: Waiting,
}

#[derive(Debug, Args)]
pub(crate) struct Wait {
    /// The generation's id, or a file with its handle, or - for a handle on standard input
    #[arg(value_name = "ID|FILE|-")]
    pub(crate) generation: String,
    /// The generation was created on the older URL of the Kling models (a handle knows by itself)
    #[arg(long)]
    pub(crate) legacy: bool,
    #[command(flatten)]
    pub(crate) waiting: Waiting,
}

/// What `generate` and `wait` have in common.
#[derive(Clone, Debug, Args)]
pub(crate) struct Waiting {
    /// Where to save the video; a second one is saved as NAME-2.EXT, and so on [default: named after model and id]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Replace files that are already there
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Give up waiting after this time; the generation goes on
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = humantime::parse_duration)]
    pub(crate) deadline: Duration,
    /// Divide every interval of the wait by N, for a simulator whose time runs faster [default: 60 with --simulate, else 1]
    #[arg(long, value_name = "N", value_parser = speed)]
    pub(crate) speed: Option<f64>,
    /// Print one JSON object, and nothing else, on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = BATCH_NOTES)]
pub(crate) struct Batch {
    /// A file with one request per line (JSON Lines)
    pub(crate) file: PathBuf,
    /// Where to save the videos, each under the number of its line
    #[arg(short, long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// The record of what was created [default: journal.jsonl in DIR]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
    /// How many creates may be on their way at once
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub(crate) creates: usize,
    /// Create again what may have been created already, as the account's log says that it was not
    #[arg(long)]
    pub(crate) repeat_unclear: bool,
    /// Use the older URL of the Kling models
    #[arg(long)]
    pub(crate) legacy: bool,
    /// Run the jobs against an embedded simulator; needs no key
    #[arg(long)]
    pub(crate) simulate: bool,
    #[command(flatten)]
    pub(crate) jobs: Jobs,
}

#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// The journal of the batch
    pub(crate) journal: PathBuf,
    /// Where to save the videos [default: the folder of the journal]
    #[arg(short, long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) jobs: Jobs,
}

/// What `batch` and `resume` have in common.
#[derive(Clone, Debug, Args)]
pub(crate) struct Jobs {
    /// Give up waiting for a generation after this time; it goes on
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = humantime::parse_duration)]
    pub(crate) deadline: Duration,
    /// Divide every interval of the waits by N, for a simulator whose time runs faster [default: 60 with --simulate, else 1]
    #[arg(long, value_name = "N", value_parser = speed)]
    pub(crate) speed: Option<f64>,
    /// Print one JSON object per job, and nothing else, on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// The generation's id, or a file with its handle, or - for a handle on standard input
    #[arg(value_name = "ID|FILE|-")]
    pub(crate) generation: String,
    /// The generation was created on the older URL of the Kling models (a handle knows by itself)
    #[arg(long)]
    pub(crate) legacy: bool,
    /// Print the whole answer as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = SIMULATE_NOTES)]
pub(crate) struct Simulate {
    /// The address to listen on; other machines reach it only if this is one of the network's
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// How many times faster than the service its time runs
    #[arg(long, value_name = "N", default_value_t = 60.0, value_parser = speed)]
    pub(crate) speed: f64,
    /// Let its time stand until POST /_simulator/clock moves it
    #[arg(long, conflicts_with = "speed")]
    pub(crate) manual_clock: bool,
    /// Take this key alone [default: any]
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Judge requests by the documents alone: numeric strings are no numbers
    #[arg(long)]
    pub(crate) strict: bool,
    /// What durations are drawn by; the same seed and requests give the same ones
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// How far durations spread around the stated ones: the standard deviation of ln seconds, 0 to 2
    #[arg(long, value_name = "N", default_value_t = 0.15, value_parser = spread)]
    pub(crate) spread: f64,
    /// How many generations are made at once; the others queue [default: no limit]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) slots: Option<u32>,
    /// How many requests are taken in a minute of real time; the next is answered with 429 [default: no limit]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate_limit: Option<u32>,
    /// How many credits there are, 100,000 to a second of video; then creates are answered with 403 [default: no limit]
    #[arg(long, value_name = "N")]
    pub(crate) credits: Option<u64>,
    /// How long, in real time, the link of a video is good
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = humantime::parse_duration)]
    pub(crate) url_lifetime: Duration,
    /// The shapes of answers, in turn, with commas between: documented, bare, file, list, links, tokens, succeeded, older-words,
    /// generation-id, filled-error, detail; or all
    #[arg(long, value_name = "SHAPES", default_value = "documented", value_parser = shapes)]
    pub(crate) shapes: Shapes,
    /// What the next generations do: a file of JSON, as POST /_simulator/scenario takes it
    #[arg(long, value_name = "FILE")]
    pub(crate) scenario: Option<PathBuf>,
    /// How many videos a finished generation holds
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) videos: usize,
    /// How many generations it holds; beyond that, the one that ended first is forgotten
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_tasks: u32,
    /// How many requests /_simulator/requests lists, the newest
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
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

fn spread(text: &str) -> Result<f64, String> {
    let spread: f64 = text.parse().map_err(|_| format!("{text} is no number"))?;
    if (0.0..=2.0).contains(&spread) {
        Ok(spread)
    } else {
        Err("must be 0 to 2".into())
    }
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| format!("{text} is no number"))?;
    if speed.is_finite() && speed > 0.0 {
        Ok(speed)
    } else {
        Err("must be more than 0".into())
    }
}

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  2    bad request or usage; nothing was created
  3    the generation failed
  4    the generation exists, but its end was not seen; resumable
  5    service or network, and this command created nothing
  6    unknown whether the create was accepted; do not repeat it blindly
  7    finished, but the video could not be saved, or there was none; resumable
  130  interrupted";

const BATCH_NOTES: &str = "\
A batch that was interrupted, or killed, is run again by the same command: what was created is waited for, what was saved is
left alone, and what may have been created without an answer is reported, never silently created again. The exit code is
that of the worst end: 6, then 4, 7, 3, 5, 2, 0.";

const SIMULATE_NOTES: &str = "\
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

const GENERATE_EXAMPLES: &str = "\
Examples:
  aimlapi-video generate klingai/v2-master-text-to-video --prompt \"Rain on a tin roof\" --simulate -o rain.mp4
  aimlapi-video generate kling-video/v2.1/standard/image-to-video --image cat.png --set duration=10 -o cat.mp4
  aimlapi-video generate --request body.json --no-wait > handle.json";
