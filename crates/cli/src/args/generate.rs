//! The options of `generate`, `wait` and `status`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueHint};

use super::{Documents, Ending, HistoryOption, Spend, speed, time, whole_number};
use crate::flags::Given;

#[derive(Debug, Args)]
#[command(after_long_help = GENERATE_EXAMPLES)]
pub(crate) struct Generate {
    /// The model's id, as `aimlapi-video models` lists them; may come from --request instead
    ///
    /// `aimlapi-video generate MODEL --help` lists the model's own flags, one for each parameter.
    pub(crate) model: Option<String>,
    #[command(flatten)]
    pub(crate) parameters: Parameters,
    /// Read the request's body from a JSON file, or from standard input; other options override it
    ///
    /// UTF-8, or UTF-16 with a byte order mark, as Windows PowerShell writes it.
    #[arg(long, value_name = "FILE|-", help_heading = REQUEST, value_hint = ValueHint::FilePath)]
    pub(crate) request: Option<String>,
    /// Send a request for a model without a document as it stands; only the service checks it
    #[arg(long, help_heading = REQUEST)]
    pub(crate) unchecked: bool,
    /// Run against an embedded simulator: needs no key, costs nothing, and saves a sample clip
    #[arg(long)]
    pub(crate) simulate: bool,
    /// Write a JSON file beside the video: NAME.json with the request, cost and SHA-256
    ///
    /// The request is written without media and without the queries of URLs. A generation without a video has such a file with the
    /// reason. `gallery` reads these files.
    #[arg(long, conflicts_with = "no_wait")]
    pub(crate) sidecar: bool,
    /// Open the video in the program that plays it
    #[arg(long, conflicts_with = "no_wait")]
    pub(crate) open: bool,
    /// Only create the generation, and print the handle that `wait` reads
    #[arg(long, conflicts_with = "exec")]
    pub(crate) no_wait: bool,
    #[command(flatten)]
    pub(crate) spend: Spend,
    #[command(flatten)]
    pub(crate) history: HistoryOption,
    #[command(flatten)]
    pub(crate) waiting: Waiting,
}

/// The options that set the parameters of a request.
#[derive(Debug, Args)]
pub(crate) struct Parameters {
    /// The prompt: a text, @FILE for the text of a file, or - for standard input
    ///
    /// Line breaks at the end of a file are removed. For a text that begins with @, write @@. The values of the model's own flags
    /// are read in the same way.
    #[arg(long, value_name = "TEXT|@FILE|-", help_heading = REQUEST)]
    pub(crate) prompt: Option<String>,
    /// An image, a URL or a file: the one the clip opens with, or one of the model's only list of images
    ///
    /// May be given several times for a list. A file is sent within the request; see --max-media. Its type is detected by its
    /// content, or stated as in FILE;type=image/png.
    #[arg(long, value_name = "FILE|URL", help_heading = REQUEST, value_hint = ValueHint::AnyPath)]
    pub(crate) image: Vec<String>,
    /// Set a parameter, as `aimlapi-video schema MODEL` lists them; may be given several times
    ///
    /// NAME=@FILE sends a file if the parameter takes media, NAME+=VALUE adds to a list, and objects are written as JSON. The
    /// type of a file is detected by its content, or stated as in NAME=@clip.bin;type=video/mp4 (in quotes, since ; ends a
    /// command of the shell), unless a file has that whole name.
    #[arg(long, value_name = "NAME=VALUE", help_heading = REQUEST)]
    pub(crate) set: Vec<String>,
    /// The values of the model's own flags, which are defined once the model is known.
    #[arg(skip)]
    pub(crate) flags: Vec<Given>,
    /// The maximum size of each file that is sent, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 20, value_parser = whole_number(0..=u64::MAX), help_heading = REQUEST)]
    pub(crate) max_media: u64,
    /// Use the older URL of the Kling models
    #[arg(long, help_heading = REQUEST)]
    pub(crate) legacy: bool,
    #[command(flatten, next_help_heading = REQUEST)]
    pub(crate) documents: Documents,
}

#[derive(Debug, Args)]
#[command(after_long_help = WAIT_EXAMPLES)]
pub(crate) struct Wait {
    /// The generation's id, or a file with its handle, or - for a handle on standard input
    #[arg(value_name = "ID|FILE|-", value_hint = ValueHint::FilePath, required_unless_present = "last")]
    pub(crate) generation: Option<String>,
    /// Wait for the last generation that the history of this key and base URL has, and save it where its command would have
    #[arg(long, conflicts_with_all = ["generation", "legacy"])]
    pub(crate) last: bool,
    /// The ambiguous entry of the history whose create the service accepted as this generation
    ///
    /// Without -o, the video is saved where the command of the entry would have saved it; that of a `batch --name` under the
    /// number of its line.
    #[arg(long, value_name = "ENTRY", conflicts_with = "last")]
    pub(crate) entry: Option<String>,
    /// The generation was created on the older URL of the Kling models (a handle contains this already)
    #[arg(long)]
    pub(crate) legacy: bool,
    #[command(flatten)]
    pub(crate) history: HistoryOption,
    #[command(flatten)]
    pub(crate) waiting: Waiting,
}

/// The options that `generate` and `wait` share.
#[derive(Clone, Debug, Args)]
pub(crate) struct Waiting {
    /// Where to save the video, such as rain.mp4, out/ or out/{model}-{id}.mp4; - for standard output [default: {model}-{id}.mp4]
    ///
    /// Missing folders are created. In a folder, the file is named after model and id. {model} and {id} are allowed in the name
    /// of the file, and become characters that every system allows; {{ and }} are braces. `generate` also knows {prompt} (its
    /// beginning), {date} (in UTC), n in braces (the lowest number without a file) and {NAME} for any parameter, such as {seed}.
    /// A second video of the same generation is saved as NAME-2.EXT, and so on. Standard output receives the video once it is
    /// whole and checked.
    #[arg(short, long, value_name = "FILE", help_heading = RESULT)]
    pub(crate) output: Option<PathBuf>,
    /// Replace existing files
    #[arg(long, help_heading = RESULT)]
    pub(crate) overwrite: bool,
    /// Save a video that is truncated at its host as it is
    ///
    /// By default it is downloaded once more; if it is truncated again, it stays in NAME.part.
    #[arg(long, help_heading = RESULT)]
    pub(crate) allow_truncated: bool,
    /// Print one JSON object, and nothing else, on standard output
    #[arg(long, help_heading = RESULT)]
    pub(crate) json: bool,
    /// Stop waiting after this time, such as 90s or 1h; the generation itself goes on
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = time, help_heading = WAITING)]
    pub(crate) deadline: Duration,
    /// Divide every interval of the wait by N [default: 60 with --simulate, else AIML_API_SPEED or 1]
    ///
    /// For a simulator whose time runs faster. More than 0; with the service itself, leave it off.
    #[arg(long, value_name = "N", value_parser = speed, help_heading = WAITING)]
    pub(crate) speed: Option<f64>,
    #[command(flatten, next_help_heading = RESULT)]
    pub(crate) ending: Ending,
}

#[derive(Debug, Args)]
#[command(after_long_help = STATUS_EXAMPLES)]
pub(crate) struct Status {
    /// The generation's id, or a file with its handle, or - for a handle on standard input
    #[arg(value_name = "ID|FILE|-", value_hint = ValueHint::FilePath)]
    pub(crate) generation: String,
    /// The generation was created on the older URL of the Kling models (a handle contains this already)
    #[arg(long)]
    pub(crate) legacy: bool,
    /// Print the whole response as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) history: HistoryOption,
}

const REQUEST: &str = "Request";
const RESULT: &str = "Result";
const WAITING: &str = "Waiting";

const GENERATE_EXAMPLES: &str = "\
Examples:
  Try it without a key:
  aimlapi-video generate klingai/v2-master-text-to-video --simulate \\
      --prompt \"Rain on a tin roof\" -o rain.mp4

  Animate an image, ten seconds long:
  aimlapi-video generate kling-video/v2.1/standard/image-to-video \\
      --image-url cat.png --duration 10 -o cat.mp4

  Create now, and wait later or elsewhere:
  echo '{\"model\": \"klingai/v2-master-text-to-video\", \"prompt\": \"Rain\"}' > body.json
  aimlapi-video generate --request body.json --no-wait > handle.json
  aimlapi-video wait handle.json -o '{model}-{id}.mp4'";

const WAIT_EXAMPLES: &str = "\
Examples:
  aimlapi-video wait --last
  aimlapi-video wait handle.json -o video.mp4
  aimlapi-video wait ID --deadline 1h -o '{id}.mp4'    (ID as `generate` printed it)
  aimlapi-video generate --request body.json --no-wait | aimlapi-video wait -";

const STATUS_EXAMPLES: &str = "\
Examples:
  aimlapi-video status ID    (as `generate` printed it)
  aimlapi-video status handle.json --json";
