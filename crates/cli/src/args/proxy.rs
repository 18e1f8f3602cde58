//! The options of `proxy`.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use aimlapi_video::Client;
use clap::{Args, ValueHint};

use super::{
    Documents,
    simulate::{LocalServer, address},
    time,
};

#[derive(Debug, Args)]
#[command(after_long_help = NOTES)]
pub(crate) struct Proxy {
    #[command(flatten)]
    pub(crate) server: LocalServer,
    /// The address to listen on; other machines reach it only at an address of the network
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8081", value_parser = address)]
    pub(crate) listen: SocketAddr,
    /// The base URL that requests are forwarded to
    #[arg(long, value_name = "URL", default_value = Client::BASE_URL, value_hint = ValueHint::Url)]
    pub(crate) upstream: String,
    /// Write each deviation to FILE, a JSON object a line; an existing file is replaced
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) report: Option<PathBuf>,
    /// Append each exchange to FILE, a JSON object a line, for simulate --replay
    ///
    /// Prompts are in it; keys, cookies, the queries of URLs and the videos are not, and media only as their SHA-256 hash.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) record: Option<PathBuf>,
    /// Exit with 2 if there was a deviation since the start, else with 5 if the upstream failed
    #[arg(long)]
    pub(crate) fail: bool,
    /// Refuse requests that deviate instead of forwarding them, so that they cost nothing
    ///
    /// Each request is then received completely before it is forwarded.
    #[arg(long)]
    pub(crate) guard: bool,
    /// After which time without a response, or without its next part, the upstream is reported as late
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time)]
    pub(crate) late_after: Duration,
    #[command(flatten)]
    pub(crate) documents: Documents,
}

const NOTES: &str = "\
A deviation is a part of a request or a response that the documents do not allow, or that the library reads otherwise. Each is
a line on standard error. Without a key, programs read them:
  GET  /_simulator/            a page in a browser; else the counts and the deviations
  GET  /_simulator/deviations  the deviations
  POST /_simulator/reset       forget them; the exit code still counts them

The caller's key is forwarded, and is in no line, report or recording. Stop it with ctrl-c or SIGTERM: it
waits up to 5 seconds for responses.

Examples:
  aimlapi-video proxy
  aimlapi-video proxy --guard --fail --report deviations.jsonl
  aimlapi-video proxy --record recording.jsonl
  aimlapi-video proxy --upstream http://127.0.0.1:8080";
