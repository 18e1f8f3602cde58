//! The options of `specs`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::speed;

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Specs {
    #[command(subcommand)]
    pub(crate) command: SpecsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SpecsCommand {
    /// Report for each document whether types can be generated from it: as it is, repaired, refused, or left out
    Check(SpecsCheck),
    /// Report the changes for callers, model by model, and the version number that they require
    Diff(SpecsDiff),
    /// Compare recordings of the service with the documents, and draft the corrections of the documents
    ///
    /// A recording is what `proxy --record` writes. For each model it reports the statuses, headers, properties, types and enum
    /// values that no document declares, those that are declared and were never received, and how long generations took. The
    /// drafts are actions for `overlay.json` and entries for `durations.json`. Values are not copied into the report, except
    /// those of enums.
    Drift(SpecsDrift),
    /// Copy the vendor's published documents into `openapi/`, and report the changes
    ///
    /// Each model gets a document of its own, and files whose models are in others are removed. Nothing is written if a
    /// document is refused. Files that are not documents of video models are left out. Drafts for new properties are added to
    /// `glossary.json`, and the lists of vendors in the files beside the folder are written as `specs vendors` does.
    Update(SpecsUpdate),
    /// Write the lists of vendors and the numbers of models into `Cargo.toml` and `README.md`, from the documents in `openapi/`
    Vendors(SpecsVendors),
}

#[derive(Debug, Args)]
#[command(after_long_help = CHECK_EXAMPLES)]
pub(crate) struct SpecsCheck {
    /// Documents, or folders of documents
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Check every file by itself, not all together
    #[arg(long)]
    pub(crate) each: bool,
    /// Print one JSON object, and nothing else, on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = DIFF_EXAMPLES)]
pub(crate) struct SpecsDiff {
    /// The old document, or folder of documents
    pub(crate) old: PathBuf,
    /// The new document, or folder of documents
    pub(crate) new: PathBuf,
    /// Print one JSON object, and nothing else, on standard output
    #[arg(long, conflicts_with = "markdown")]
    pub(crate) json: bool,
    /// Print Markdown, to paste into CHANGELOG.md
    #[arg(long)]
    pub(crate) markdown: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = DRIFT_EXAMPLES)]
pub(crate) struct SpecsDrift {
    /// Recordings, as `proxy --record` writes them
    #[arg(required = true, value_name = "RECORD")]
    pub(crate) recordings: Vec<PathBuf>,
    /// The folder of the documents
    #[arg(long, value_name = "FOLDER", default_value = "openapi")]
    pub(crate) documents: PathBuf,
    /// How many times faster than at the service time ran, as for a simulator with this `--speed`
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = speed)]
    pub(crate) speed: f64,
    /// Exit with 2 if the documents differ from the recordings
    #[arg(long)]
    pub(crate) fail: bool,
    /// Print one JSON object, and nothing else, on standard output
    #[arg(long, conflicts_with = "markdown")]
    pub(crate) json: bool,
    /// Print Markdown, for a pull request
    #[arg(long)]
    pub(crate) markdown: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = UPDATE_EXAMPLES)]
pub(crate) struct SpecsUpdate {
    /// A folder of published documents, or a checkout of the vendor's documentation
    pub(crate) from: PathBuf,
    /// The folder of vendored documents
    #[arg(long, value_name = "FOLDER", default_value = "openapi")]
    pub(crate) into: PathBuf,
    /// Write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print one JSON object, and nothing else, on standard output
    #[arg(long, conflicts_with = "markdown")]
    pub(crate) json: bool,
    /// Print Markdown, for a pull request
    #[arg(long)]
    pub(crate) markdown: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SpecsVendors {
    /// The folder of vendored documents; the files are beside it
    #[arg(default_value = "openapi")]
    pub(crate) folder: PathBuf,
    /// Write nothing, and print the lines that would change
    #[arg(long)]
    pub(crate) dry_run: bool,
}

const EXAMPLES: &str = "\
Examples:
  aimlapi-video specs check openapi
  aimlapi-video specs diff openapi published
  aimlapi-video specs drift recording.jsonl
  aimlapi-video specs update published --dry-run
  aimlapi-video specs vendors --dry-run";

const CHECK_EXAMPLES: &str = "\
Examples:
  aimlapi-video specs check openapi
  aimlapi-video specs check --each published/a.json published/b.json";

const DIFF_EXAMPLES: &str = "\
Examples:
  aimlapi-video specs diff openapi published
  aimlapi-video specs diff openapi published --markdown";

const DRIFT_EXAMPLES: &str = "\
Examples:
  aimlapi-video specs drift monday.jsonl tuesday.jsonl
  aimlapi-video specs drift recording.jsonl --documents published --markdown > drift.md
  aimlapi-video specs drift recording.jsonl --json | jq .draft.actions";

const UPDATE_EXAMPLES: &str = "\
Examples:
  aimlapi-video specs update published --dry-run
  aimlapi-video specs update published --markdown > changes.md";
