//! The options of the command line, and their help.

use std::{ffi::OsString, fmt::Display, ops::RangeInclusive, str::FromStr, time::Duration};

use aimlapi_video::Route;
use clap::{Args, Parser, Subcommand, ValueHint};
use clap_complete::Shell;

use crate::{exec::Exec, style::Color};

mod batch;
mod catalogue;
mod gallery;
mod generate;
mod history;
mod proxy;
mod simulate;
mod specs;

pub(crate) use batch::{Batch, Format, Input, Jobs, Resume, Validate};
pub(crate) use catalogue::{Documents, Models, Schema};
pub(crate) use gallery::Gallery;
pub(crate) use generate::{Generate, Parameters, Status, Wait, Waiting};
pub(crate) use history::{GroupBy, History, HistoryCommand, HistoryOption};
pub(crate) use proxy::Proxy;
pub(crate) use simulate::{LocalServer, Simulate};
pub(crate) use specs::{
    Specs, SpecsCheck, SpecsCommand, SpecsDiff, SpecsDrift, SpecsUpdate, SpecsVendors,
};

/// Generate videos with AI/ML API: create, wait, download
///
/// A generation takes half a minute to a quarter of an hour and costs credits when it is created. This command creates it
/// once, waits with few requests, and saves the video whole or not at all. If the wait or the download fails, it prints the
/// command that resumes the generation.
#[derive(Debug, Parser)]
#[command(name = "aimlapi-video", version, after_long_help = NOTES, max_term_width = 100)]
pub(crate) struct Arguments {
    /// Show each request on standard error: method, URL without its query, status and time to the response's headers; no key, no body
    #[arg(short, long, global = true, display_order = 900)]
    pub(crate) verbose: bool,
    /// Show no progress, but results, notes and errors
    #[arg(short, long, global = true, display_order = 901)]
    pub(crate) quiet: bool,
    /// When to use colours
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        display_order = 902
    )]
    pub(crate) color: Color,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a generation, wait for it, and save its video
    ///
    /// The request is checked against the model's document before it is sent, so a wrong request costs nothing. If the wait
    /// ends early, the command that resumes it is printed. The key is read from AIML_API_KEY; --simulate needs none.
    Generate(Generate),
    /// Wait for an existing generation, and save its video
    ///
    /// It creates nothing, so it can be run as often as needed. The key is read from AIML_API_KEY.
    Wait(Wait),
    /// Create a generation for each request of a file, wait for all, and save their videos
    ///
    /// After an interrupt or a kill, run the same command again: it waits for the generations that were created, skips the
    /// videos that were saved, and reports a create that got no response instead of repeating it. The key is read from AIML_API_KEY; --simulate needs none.
    Batch(Batch),
    /// Finish the generations that are unfinished, and create nothing
    ///
    /// Without a journal, it finishes every generation that the history of this key and base URL lists as unfinished. With a
    /// journal, as `batch` has written it, it finishes those of that batch; to create the remaining ones, run `batch` again.
    /// The key is read from AIML_API_KEY.
    Resume(Resume),
    /// List what was created, with its state, cost and file
    ///
    /// Every create of `generate` and `batch` is recorded before it is sent, with the request but without the key and without
    /// media. It needs no key and no network.
    History(History),
    /// Write a page that shows the videos of a folder
    ///
    /// One file, index.html, that works without a network and a server: it plays, filters, sorts and compares the videos. What
    /// it shows of a request comes from --sidecar, else from the history. It needs no key.
    Gallery(Gallery),
    /// Fetch the state of a generation once
    ///
    /// Prints the state, the reason of a failure, and the URLs of the videos, a line each. The key is read from
    /// AIML_API_KEY.
    Status(Status),
    /// Check requests against their documents without sending them
    ///
    /// Prints one JSON object for each request: whether it is valid, and each violation with its JSON pointer and the allowed
    /// values. It needs no key and no network.
    Validate(Validate),
    /// List the models, or search them
    ///
    /// WAIT is how long a generation takes, from create to completed, as the vendor's pages state it, and TAKES the media
    /// that a request may have. It needs no key and no network.
    Models(Models),
    /// Show the parameters of a model's request
    ///
    /// Each parameter with its allowed values, its default at the service, and its meaning. It needs no key and no network.
    Schema(Schema),
    /// Run a local server that behaves as the service does
    ///
    /// For trials, and for tests of programs in any language: it accepts any key, costs nothing, and is faster than the
    /// service. Its videos are short clips that every player plays.
    Simulate(Simulate),
    /// Forward requests to the service, and check requests and responses against the documents
    ///
    /// Point a program at it in place of the service: each request is forwarded with the program's key, and each deviation from
    /// the documents is reported. Creates cost what they cost without it.
    Proxy(Proxy),
    /// Print the script that makes a shell complete this command: models, their flags and values
    Completions(Completions),
    /// Check, compare and update the OpenAPI documents this crate is generated from
    Specs(Specs),
    /// Generate the videos of submitted jobs, on one of many machines; needs aimlapi-video-worker
    Worker(External),
    /// Submit the requests of a file as jobs for workers; needs aimlapi-video-worker
    Submit(External),
    /// List submitted jobs, and decide about ambiguous ones; needs aimlapi-video-worker
    Jobs(External),
}

/// The arguments of a command that the program `aimlapi-video-worker` runs, `--help` among them. They are passed on as they are on
/// the command line.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct External {
    /// The arguments of the command in that program, which --help lists
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    _arguments: Vec<OsString>,
}

#[derive(Debug, Args)]
#[command(after_long_help = COMPLETIONS_EXAMPLES)]
pub(crate) struct Completions {
    /// Which shell
    pub(crate) shell: Shell,
}

/// A parser of whole numbers in a range.
fn whole_number<T>(
    range: RangeInclusive<T>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync
where
    T: FromStr + PartialOrd + Display + Clone + Send + Sync,
{
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        let (min, max) = (range.start(), range.end());
        number.ok_or_else(|| format!("expected a whole number from {min} to {max}"))
    }
}

/// The options that limit what a command pays for.
#[derive(Debug, Args)]
pub(crate) struct Spend {
    /// Create nothing more once what is spent and in flight may exceed N US dollars
    ///
    /// A generation is expected to cost what those of the same model and length cost before, in this run or in the history; one
    /// of another length counts in proportion. The first one of a model runs alone, and so does the first one with a length
    /// where only the cost of clips without one is known; it is refused if that cost exceeds N.
    #[arg(long, value_name = "N", value_parser = amount, allow_negative_numbers = true)]
    pub(crate) max_usd: Option<f64>,
    /// Refuse requests with warnings, instead of sending them as they stand
    #[arg(long)]
    pub(crate) deny_warnings: bool,
}

/// What happens after a video is saved, and at the end.
#[derive(Clone, Debug, Args)]
pub(crate) struct Ending {
    /// Run a program after each video is saved, such as 'cp {} backup/'
    ///
    /// The text is split into words as a shell does, without a shell: {} is the path of the video, also within a word; without
    /// it, the path is the last word. What the program prints goes to standard error. If it fails, the video stays, and the
    /// exit code is 8. In a batch one program runs at a time.
    #[arg(long, value_name = "COMMAND", value_hint = ValueHint::CommandString)]
    pub(crate) exec: Option<Exec>,
    /// Ring the bell of the terminal at the end, whatever the outcome
    #[arg(long)]
    pub(crate) bell: bool,
}

fn amount(text: &str) -> Result<f64, String> {
    let amount = text.parse().ok();
    let amount = amount.filter(|amount: &f64| amount.is_finite() && *amount >= 0.0);
    amount.ok_or_else(|| "expected an amount such as 5 or 2.50".into())
}

fn time(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| "expected a time such as 90s, 30m, 1h30m or 7d".into())
}

/// The URL that `--legacy` selects.
pub(crate) fn route_of(legacy: bool) -> Route {
    match legacy {
        true => Route::LegacyKling,
        false => Route::Universal,
    }
}

/// The value of `--speed`, or its default. A wrong value in the environment is an error of the client's builder.
pub(crate) fn speed_of(given: Option<f64>, simulate: bool) -> f64 {
    let environment = || std::env::var("AIML_API_SPEED").ok();
    match (given, simulate) {
        (Some(given), _) => given,
        (None, true) => 60.0,
        (None, false) => environment()
            .and_then(|text| speed(text.trim()).ok())
            .unwrap_or(1.0),
    }
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| "expected a number such as 60")?;
    if speed.is_finite() && speed > 0.0 {
        Ok(speed)
    } else {
        Err("expected a number above 0".into())
    }
}

const NOTES: &str = "\
Examples:
  aimlapi-video models
  aimlapi-video schema klingai/v2-master-text-to-video
  aimlapi-video generate klingai/v2-master-text-to-video --simulate \\
      --prompt \"Rain on a tin roof\" -o rain.mp4

  The same for real:
  export AIML_API_KEY=...
  aimlapi-video generate klingai/v2-master-text-to-video \\
      --prompt \"Rain on a tin roof\" -o rain.mp4

Environment (there is no configuration file):
  AIML_API_KEY   the key; else AIMLAPI_API_KEY
  AIML_API_BASE  the base URL; else AIMLAPI_API_BASE [default: https://api.aimlapi.com]
  AIML_API_SPEED the default of --speed, for a simulator only, which prints the value to use
  AIMLAPI_VIDEO_HOME  the folder of the history [default: aimlapi-video in the user's state folder]
  HTTPS_PROXY    a proxy, as the system's settings would name one
  NO_COLOR       if set, no colours, unless --color always; CLICOLOR=0 and CLICOLOR_FORCE=1 likewise
  TERM=dumb      no colours, and progress is printed as plain lines

Exit codes:
  0    done
  2    bad request or usage; nothing was created
  3    the generation failed
  4    the generation exists and may still complete; resumable
  5    service or network failure; this command created nothing
  6    the create may have been accepted; look at the account's log before you repeat it
  7    completed, but the video is missing or could not be saved; resumable
  8    the video is saved, but the program of --exec failed
  130  interrupted";

const COMPLETIONS_EXAMPLES: &str = "\
The script asks this program for each word, so it suits the version that has printed it: let the shell read it at each start.

Examples:
  bash        echo 'source <(aimlapi-video completions bash)' >> ~/.bashrc
  zsh         echo 'source <(aimlapi-video completions zsh)' >> ~/.zshrc    (below compinit)
  fish        echo 'aimlapi-video completions fish | source' >> ~/.config/fish/config.fish
  PowerShell  aimlapi-video completions powershell | Out-String | Invoke-Expression    (in $PROFILE)";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn definitions_of_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn whole_number_outside_its_range_is_an_error_with_the_range() {
        let parse = whole_number(1..=1000_u16);
        assert_eq!(parse("1000"), Ok(1000));
        for text in ["0", "1001", "99999", "-1", "many", ""] {
            let expected = Err("expected a whole number from 1 to 1000".to_owned());
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
