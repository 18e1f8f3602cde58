//! The options of `batch`, `resume` and `validate`.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, ValueEnum, ValueHint};

use super::{Documents, Ending, HistoryOption, Parameters, Spend, speed, time, whole_number};

#[derive(Debug, Args)]
#[command(after_long_help = BATCH_NOTES)]
pub(crate) struct Batch {
    #[command(flatten)]
    pub(crate) input: Input,
    /// Where to save the videos, each under the number of its line: 0001.mp4, 0002.mp4, ...
    ///
    /// The folder is created if needed. A second video of line 1 is 0001-2.mp4, and so on. A second run recognises its videos
    /// by these names.
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: PathBuf,
    // clap replaces {n} by a line break, so the help describes it in words.
    /// Name the videos after their requests, such as {date}-{prompt}-{seed}.mp4
    ///
    /// {prompt} is the beginning of the prompt, {date} the date in UTC, {model} the model, {NAME} any parameter, and n in braces
    /// the number of the request. A value becomes letters and digits with hyphens, and one that is not set `none`.
    /// `resume` names videos by their numbers.
    #[arg(long, value_name = "TEMPLATE")]
    pub(crate) name: Option<String>,
    /// The record of what was created [default: journal.jsonl in DIR]
    ///
    /// It is written before anything is sent, so that no request is created twice, whatever happens. It holds no key and no
    /// prompt. With --simulate the default is journal.simulated.jsonl.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) journal: Option<PathBuf>,
    /// How many creates may be in flight at once, 1 to 1000
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = whole_number(1..=1000_u16))]
    pub(crate) creates: u16,
    /// Repeat creates that got no response; use it once the account's log shows that they were not accepted
    #[arg(long)]
    pub(crate) repeat_unclear: bool,
    /// Create requests again whose generations failed; a failed line may be corrected in the file before
    ///
    /// It says how many there are and what they may cost, and asks before it creates anything.
    #[arg(long)]
    pub(crate) retry_failed: bool,
    /// Create the requests of --retry-failed without asking
    #[arg(long, requires = "retry_failed")]
    pub(crate) yes: bool,
    /// Create nothing; make all checks, and print what would be created, the warnings, and what it may cost
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Write a JSON file beside each video: NAME.json with the request, cost and SHA-256
    ///
    /// The request is written without media and without the queries of URLs. A request without a video has such a file with the
    /// reason.
    #[arg(long)]
    pub(crate) sidecar: bool,
    /// Write index.html into DIR, a page that shows the videos, and rewrite it while the batch runs; implies --sidecar
    #[arg(long)]
    pub(crate) gallery: bool,
    #[command(flatten)]
    pub(crate) spend: Spend,
    /// Use the older URL of the Kling models
    #[arg(long)]
    pub(crate) legacy: bool,
    #[command(flatten)]
    pub(crate) documents: Documents,
    /// Run against an embedded simulator: needs no key, costs nothing, and saves sample clips
    #[arg(long)]
    pub(crate) simulate: bool,
    #[command(flatten)]
    pub(crate) jobs: Jobs,
}

/// Where the requests of a batch come from.
#[derive(Debug, Args)]
pub(crate) struct Input {
    /// A file with requests, or - for standard input: JSON Lines, a JSON array, or a CSV table with a header
    ///
    /// UTF-8, or UTF-16 with a byte order mark, as Windows PowerShell writes it. The format is that of the extension (.jsonl,
    /// .ndjson, .csv, .tsv), else an array if the file begins with [, else JSON Lines; blank lines are skipped.
    #[arg(value_name = "FILE|-", value_hint = ValueHint::FilePath, required_unless_present = "prompts")]
    file: Option<PathBuf>,
    /// A file with one prompt per line, for --model, or - for standard input
    ///
    /// Blank lines and lines that begin with # are skipped; a prompt that begins with # is written with \#. All else is the
    /// prompt, also an @ at its beginning.
    #[arg(long, value_name = "FILE|-", value_hint = ValueHint::FilePath, conflicts_with_all = ["file", "format"])]
    prompts: Option<PathBuf>,
    /// The format of the file, if its name and its beginning do not show it
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// The model of the requests that name none
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// Set a parameter of every request, as in `generate`; may be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// Repeat every request with each of these values, such as seed=1..4 or aspect_ratio=16:9,9:16
    ///
    /// A range includes its ends. Several options make every combination of their values, the last one varying fastest. The
    /// combinations of line L are numbered in this order: with 4 of them, those of line 1 are 0001.mp4 to 0004.mp4.
    #[arg(long, value_name = "NAME=VALUES")]
    pub(crate) each: Vec<String>,
}

/// The format of a batch's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One JSON object per line
    Jsonl,
    /// An array of JSON objects
    Json,
    /// A table whose first line names the parameters: camera_control.type for a part of an object; an empty cell sets nothing
    Csv,
    /// One prompt per line
    Prompts,
}

impl Input {
    pub(crate) fn path(&self) -> &Path {
        let path = self.prompts.as_deref().or(self.file.as_deref());
        path.unwrap_or(Path::new(""))
    }

    pub(crate) fn stated_format(&self) -> Option<Format> {
        self.format
            .or(self.prompts.as_ref().map(|_| Format::Prompts))
    }
}

#[derive(Debug, Args)]
#[command(after_long_help = RESUME_EXAMPLES)]
pub(crate) struct Resume {
    /// The journal of a batch; without it, all that is unfinished, each saved where its command would have saved it
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) journal: Option<PathBuf>,
    /// Where to save the videos [default: the folder of the journal]
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath, requires = "journal")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) jobs: Jobs,
}

/// The options that `batch` and `resume` share.
#[derive(Clone, Debug, Args)]
pub(crate) struct Jobs {
    /// Stop waiting for a generation after this time, such as 90s or 1h; the generation itself goes on
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = time)]
    pub(crate) deadline: Duration,
    /// Divide every interval of the waits by N [default: 60 with --simulate, else AIML_API_SPEED or 1]
    ///
    /// For a simulator whose time runs faster. More than 0; with the service itself, leave it off.
    #[arg(long, value_name = "N", value_parser = speed)]
    pub(crate) speed: Option<f64>,
    /// Save videos that are truncated at their host as they are
    ///
    /// By default each is downloaded once more; if it is truncated again, it stays in NAME.part.
    #[arg(long)]
    pub(crate) allow_truncated: bool,
    /// Print one JSON object per job, and nothing else, on standard output
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) ending: Ending,
    #[command(flatten)]
    pub(crate) history: HistoryOption,
}

#[derive(Debug, Args)]
#[command(after_long_help = VALIDATE_EXAMPLES)]
pub(crate) struct Validate {
    /// A file with requests, as `batch` reads it, or - for standard input, or a model's id for one request of flags
    ///
    /// After a model's id, the options of a request are those of `generate`, the model's own flags included. With a file, --set
    /// sets a parameter of every request.
    #[arg(value_name = "FILE|MODEL|-", default_value = "-", value_hint = ValueHint::FilePath)]
    pub(crate) input: String,
    /// A file with one prompt per line, for --model, or - for standard input
    #[arg(long, value_name = "FILE|-", value_hint = ValueHint::FilePath, conflicts_with_all = ["input", "format"])]
    pub(crate) prompts: Option<String>,
    /// The format of the file, if its name and its beginning do not show it
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<Format>,
    /// The model of the requests that name none
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// Check every request of a file with each of these values, as `batch` repeats them
    #[arg(long, value_name = "NAME=VALUES")]
    pub(crate) each: Vec<String>,
    /// Accept numeric strings as numbers, as the service does
    #[arg(long)]
    pub(crate) coerce: bool,
    #[command(flatten)]
    pub(crate) parameters: Parameters,
}

const BATCH_NOTES: &str = "\
The exit code is that of the worst outcome: 6, then 4, 7, 3, 5, 2, 8, 0.

Examples:
  A file of two requests, tried without a key:
  model=klingai/v2-master-text-to-video
  echo '{\"model\": \"'$model'\", \"prompt\": \"A kite climbs\"}' > kites.jsonl
  echo '{\"model\": \"'$model'\", \"prompt\": \"A kite falls\"}' >> kites.jsonl
  aimlapi-video batch kites.jsonl --out try --simulate

  With the service, and again after an interrupt or a failure:
  aimlapi-video batch kites.jsonl --out videos

  A prompt per line, all with the same parameters:
  printf 'A kite climbs\\nA kite falls\\n' > kites.txt
  aimlapi-video batch --prompts kites.txt --model $model --set duration=10 --out kites --simulate

  Each of them in two shapes with four seeds, counted before anything is paid:
  aimlapi-video batch --prompts kites.txt --model alibaba/wan2.1-t2v-plus \\
      --each aspect_ratio=16:9,9:16 --each seed=1..4 --out shapes --dry-run

  Only what was created, nothing new:
  aimlapi-video resume videos/journal.jsonl";

const RESUME_EXAMPLES: &str = "\
Examples:
  aimlapi-video resume
  aimlapi-video resume videos/journal.jsonl
  aimlapi-video resume journal.jsonl --out videos --json";

const VALIDATE_EXAMPLES: &str = "\
Examples:
  aimlapi-video validate kites.jsonl
  aimlapi-video validate kites.jsonl --coerce
  aimlapi-video validate --prompts kites.txt --model klingai/v2-master-text-to-video --each duration=5,10
  aimlapi-video validate klingai/v2-master-text-to-video --prompt Rain --duration 10
  echo '{\"model\": \"klingai/v2-master-text-to-video\"}' | aimlapi-video validate";
