//! The options of the command line, and their help.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use aimlapi_video_worker::temporal::protocol::JobState;
use clap::{Args, Parser, Subcommand, ValueHint, builder::NonEmptyStringValueParser};
use serde_json::Value;

/// Generate videos on many machines: jobs that survive every crash, on Temporal
///
/// A job is one request. Its generation is bought at most once unless a person decides otherwise, and its videos go to an object
/// store.
#[derive(Debug, Parser)]
#[command(name = "aimlapi-video-worker", version, after_long_help = NOTES, max_term_width = 100)]
pub(crate) struct Arguments {
    /// The engine and its namespace: temporal://HOST[:PORT]/NAMESPACE
    ///
    /// The port is 7233 by default. `?queue=NAME` behind the namespace names other task queues than aimlapi-video: use one name for
    /// each account, since all workers of a name share its budget. TLS and API key are those of Temporal's own environment variables.
    #[arg(
        long,
        value_name = "URL",
        global = true,
        env = "AIMLAPI_VIDEO_QUEUE",
        hide_env_values = true
    )]
    pub(crate) queue: Option<String>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the steps of jobs: create, poll and save
    ///
    /// Start as many workers as needed, on any machines. The key is read from AIML_API_KEY and goes nowhere else. Ctrl-C and SIGTERM
    /// stop gracefully: creates in flight finish, and other steps go back to the queue. A second signal stops at once.
    Worker(Worker),
    /// Submit the requests of a file as jobs
    ///
    /// All requests are checked against their documents before the first one is submitted. The same file again submits nothing new.
    Submit(Submit),
    /// List jobs, show one, or decide about an ambiguous one
    #[command(args_conflicts_with_subcommands = true)]
    Jobs(Jobs),
}

#[derive(Debug, Args)]
pub(crate) struct Worker {
    /// Where the videos go: s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX or file:///FOLDER
    ///
    /// A folder is created, a bucket has to exist. Credentials and settings of a cloud are those of its own environment variables.
    /// All workers of a queue use the same store.
    #[arg(long, value_name = "URL")]
    pub(crate) store: String,
    /// The folder for the records of this machine's creates; on a local disk that outlives the process
    ///
    /// Workers on one machine may share it. The next worker that starts with it reports what a killed one could not.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) spool: PathBuf,
    /// How many polls a minute all workers of the queue together send at most; give each the same
    #[arg(long, value_name = "N", default_value_t = 120.0, value_parser = rate, allow_negative_numbers = true)]
    pub(crate) budget: f64,
    /// How many steps of each kind this worker runs at once
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = count, allow_negative_numbers = true)]
    pub(crate) concurrency: usize,
    /// The base URL of the service or of a simulator [default: AIML_API_BASE, else the service]
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) base_url: Option<String>,
    /// How many times as fast as the service's time a simulator's time runs; 1 for the service
    #[arg(long, value_name = "N", default_value_t = 1.0, env = "AIML_API_SPEED", value_parser = rate, allow_negative_numbers = true)]
    pub(crate) speed: f64,
    /// How long a graceful stop waits for polls and saves, such as 30s or 2m; for creates it always waits
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time, allow_hyphen_values = true)]
    pub(crate) grace: Duration,
    /// Serve metrics for Prometheus at http://ADDRESS/metrics, such as 127.0.0.1:9464
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub(crate) metrics: Option<SocketAddr>,
}

#[derive(Debug, Args)]
pub(crate) struct Submit {
    /// A file with requests: a JSON object on each line, or a JSON array; - is standard input
    ///
    /// The property `job` of a request is the job's key, such as kites-0001; without it, the key is derived from the request.
    #[arg(value_hint = ValueHint::FilePath, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) file: String,
    /// The store of the workers; needed for requests above 256 KB, whose media go there; see `worker --help`
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
    /// Print one JSON object for each job
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Jobs {
    #[command(flatten)]
    pub(crate) list: List,
    #[command(subcommand)]
    pub(crate) command: Option<JobsCommand>,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only the jobs in this state
    ///
    /// One of planned, claimed, waiting, saving, saved, refused, failed, ambiguous and lost. Jobs in the last two wait for a decision.
    /// A job is listed as saving once that takes more than five seconds, and as waiting before.
    #[arg(long, value_parser = state)]
    pub(crate) state: Option<JobState>,
    /// At most this many jobs, the newest first
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = count, allow_negative_numbers = true)]
    pub(crate) limit: usize,
    /// Print one JSON object for each job
    #[arg(long)]
    pub(crate) json: bool,
    /// Follow the jobs until each has ended or waits for a person; the exit code is then that of the worst
    #[arg(long)]
    pub(crate) watch: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JobsCommand {
    /// Show a job: its state, claims, generations, decisions, and the events that the engine recorded
    Show(Show),
    /// Decide about a job that is ambiguous or lost
    ///
    /// A create was sent and its response is not known. Look at the account's log first: if it lists the generation, adopt it; if it
    /// does not, repeat the create.
    Resolve(Resolve),
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The key of the job
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub(crate) id: String,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Resolve {
    /// The key of the job
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) verdict: Verdict,
    /// Who decides
    #[arg(long, value_name = "NAME", value_parser = text, required_if_eq("repeat", "true"))]
    pub(crate) by: Option<String>,
    /// The reason
    #[arg(long, value_name = "TEXT", value_parser = text, required_if_eq("repeat", "true"))]
    pub(crate) why: Option<String>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Verdict {
    /// Wait for this generation: an id, or a handle as JSON or in a .json file
    #[arg(long, value_name = "HANDLE", allow_hyphen_values = true)]
    pub(crate) adopt: Option<String>,
    /// Send the create again, which may buy a second generation; needs --by and --why
    #[arg(long)]
    pub(crate) repeat: bool,
    /// End the job
    #[arg(long)]
    pub(crate) give_up: bool,
}

fn state(text: &str) -> Result<JobState, String> {
    let read = serde_json::from_value(Value::from(text)).ok();
    let known = read.filter(|state| *state != JobState::Unknown);
    known.ok_or_else(|| format!("expected one of {STATES}"))
}

fn rate(text: &str) -> Result<f64, String> {
    let number = text.parse().ok();
    let number = number.filter(|number: &f64| (MIN_RATE..=MAX_RATE).contains(number));
    number.ok_or_else(|| format!("expected a number from {MIN_RATE} to {MAX_RATE}"))
}

fn count(text: &str) -> Result<usize, String> {
    let number = text.parse().ok();
    let number = number.filter(|number| (1..=100_000).contains(number));
    number.ok_or_else(|| "expected a whole number from 1 to 100000".into())
}

fn time(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "expected a time such as 30s or 2m".into())
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let address = text.parse();
    address.map_err(|_| "expected an IP address and a port, such as 127.0.0.1:9464".into())
}

fn text(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("expected a text that is not blank".into()),
        text => Ok(text.to_owned()),
    }
}

const MIN_RATE: f64 = 0.001;

const MAX_RATE: f64 = 1_000_000.0;

const STATES: &str = "planned, claimed, waiting, saving, saved, refused, failed, ambiguous, lost";

// Lines of at most 80 characters, since a terminal of this width breaks longer ones.
const NOTES: &str = "\
Examples:
  export AIMLAPI_VIDEO_QUEUE=temporal://localhost/default
  export AIML_API_KEY=...
  aimlapi-video-worker worker --store s3://bucket/videos --spool /var/lib/kites
  aimlapi-video-worker submit kites.jsonl
  aimlapi-video-worker jobs --watch
  aimlapi-video-worker jobs --state ambiguous
  aimlapi-video-worker jobs resolve kites-0001 --adopt ID
  aimlapi-video-worker jobs resolve kites-0001 \\
    --repeat --by Ann --why \"not in the log\"

Environment:
  AIMLAPI_VIDEO_QUEUE  the default of --queue
  AIML_API_KEY         the key, for workers alone; else AIMLAPI_API_KEY
  AIML_API_BASE        the base URL, for workers alone
  AIML_API_SPEED       the default of --speed
  TRACEPARENT          the W3C trace context that submit keeps with its jobs
  RUST_LOG             what a worker logs on standard error [default: warn]
  AWS_*, GOOGLE_*, AZURE_*
                       the settings of a store in a cloud
  TEMPORAL_TLS         true for a connection to the engine with TLS, which each
                       of the following turns on, too
  TEMPORAL_API_KEY     the engine's API key
  TEMPORAL_TLS_SERVER_CA_CERT_PATH
                       the engine's CA as a PEM file [default: the system's]
  TEMPORAL_TLS_SERVER_NAME
                       the host in the engine's certificate
  TEMPORAL_TLS_CLIENT_CERT_PATH, TEMPORAL_TLS_CLIENT_KEY_PATH
                       a client certificate and its key as PEM files
  TEMPORAL_CONFIG_FILE, TEMPORAL_PROFILE
                       the same settings in a file

Exit codes:
  0    done
  2    bad request or usage, and nothing was submitted or changed
       jobs --watch: a request was refused
  3    jobs --watch: a generation failed, or the engine ended a job
  5    the engine or the store cannot be reached, or refuses the credentials; or
       no worker answers
  6    jobs --watch: a job waits for a decision, since its create may have been
       accepted
  7    jobs --watch: a generation or its video is lost, and the job waits for a
       decision
  130  interrupted, or a worker that was stopped before its creates had finished";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn definitions_of_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_listed_state_is_a_state_and_no_other_text_is() {
        for name in STATES.split(", ") {
            let read = state(name).expect(name);
            assert_eq!(serde_json::to_value(read).expect("JSON"), name);
        }
        for text in ["unknown", "Saved", "", "other"] {
            assert!(state(text).is_err(), "{text}");
        }
    }
}
