//! The options of the command line, and their help.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr, time::Duration};

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

mod batch;
mod catalogue;
mod generate;
mod simulate;
mod specs;

pub(crate) use batch::{Batch, Jobs, Resume, Validate};
pub(crate) use catalogue::{Models, Schema};
pub(crate) use generate::{Generate, Status, Wait, Waiting};
pub(crate) use simulate::Simulate;
pub(crate) use specs::{Specs, SpecsCheck, SpecsCommand, SpecsDiff, SpecsUpdate};

/// Generate videos with AI/ML API: create, wait, download
///
/// A generation takes half a minute to a quarter of an hour and costs credits when it is created. This command creates it
/// once, waits with few requests, and saves the video whole or not at all. Whatever goes wrong in between, it prints the
/// command that comes back to what was bought.
#[derive(Debug, Parser)]
#[command(name = "aimlapi-video", version, after_long_help = NOTES, max_term_width = 100)]
pub(crate) struct Arguments {
    /// Show each request on standard error: method, URL without its query, status and time; no key, no body
    #[arg(short, long, global = true, display_order = 900)]
    pub(crate) verbose: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a generation, wait for it, and save its video
    ///
    /// The request is held to the model's document before it is sent: a wrong one costs nothing. If the wait is broken off,
    /// the command that goes on with it is printed. The key is read from AIML_API_KEY; --simulate needs none.
    Generate(Generate),
    /// Wait for a generation that exists, and save its video
    ///
    /// It creates nothing, so it can be run as often as needed. The key is read from AIML_API_KEY.
    Wait(Wait),
    /// Create a generation for each line of a file, wait for all, and save their videos
    ///
    /// A batch that was interrupted, or killed, is run again by the same command: what was created is waited for, what was
    /// saved is left alone, and what may have been created without an answer is reported, never silently created again.
    /// The key is read from AIML_API_KEY; --simulate needs none.
    Batch(Batch),
    /// Finish what a batch has created, and create nothing
    ///
    /// It takes the journal that `batch` has written. What was not created stays so; run `batch` again for that. The key is
    /// read from AIML_API_KEY.
    Resume(Resume),
    /// Ask once for the state of a generation
    ///
    /// Prints the state, why it failed where it did, and the links of its videos, a line each. The key is read from
    /// AIML_API_KEY.
    Status(Status),
    /// Hold requests to their documents without sending them
    ///
    /// Prints one JSON object a line: whether it is valid, and if not, what is wrong where, and what is allowed. It needs no
    /// key and no network.
    Validate(Validate),
    /// List the models
    ///
    /// TAKES is how long a generation takes, from create to completed, as the vendor's pages state it. It needs no key and no
    /// network.
    Models(Models),
    /// Show what a model's request takes
    ///
    /// Each parameter with what is allowed, what the service takes where it is left out, and what it means. It needs no key
    /// and no network.
    Schema(Schema),
    /// Run a local server that behaves as the service does
    ///
    /// To try things out, and to test one's own code in any language: it takes any key, costs nothing, and is faster than
    /// the service. Its videos are short films that every player shows.
    Simulate(Simulate),
    /// Print what makes a shell complete this command, models included
    Completions(Completions),
    /// Check, compare and update the OpenAPI documents this crate is generated from
    Specs(Specs),
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

fn time(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "expected a time such as 90s, 30m or 1h30m".into())
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
  HTTPS_PROXY    a proxy, as the system's settings would name one
  NO_COLOR       if set, help is without colours
  TERM=dumb      no line is drawn anew

Exit codes:
  0    done
  2    bad request or usage; nothing was created
  3    the generation failed
  4    the generation exists, but its end was not seen; resumable
  5    service or network, and this command created nothing
  6    unknown whether the create was accepted; do not repeat it blindly
  7    finished, but the video could not be saved, or there was none; resumable
  130  interrupted";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  source <(aimlapi-video completions bash)
  aimlapi-video completions zsh > ~/.zfunc/_aimlapi-video
  aimlapi-video completions fish > ~/.config/fish/completions/aimlapi-video.fish

The folders have to be there; zsh needs `fpath=(~/.zfunc $fpath)` before `compinit`.";

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
