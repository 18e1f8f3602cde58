//! The options of `models` and `schema`, and the one of all commands that read models.

use std::{path::PathBuf, sync::OnceLock, time::Duration};

use aimlapi_video::contract::{MediaKind, Task};
use clap::{Args, ValueHint, builder::PossibleValuesParser};

use super::time;
use crate::documents::Catalogue;

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Documents {
    /// Use the OpenAPI documents in DIR, as the vendor publishes them, in place of those of this build
    ///
    /// They are read at start, by the code that the build uses, so a model that was published after the release of this command
    /// needs no other release.
    #[arg(long = "documents", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) folder: Option<PathBuf>,
    /// The models of the documents, once they have been read.
    #[arg(skip)]
    pub(crate) catalogue: OnceLock<Catalogue>,
}

#[derive(Debug, Args)]
#[command(after_long_help = MODELS_EXAMPLES)]
pub(crate) struct Models {
    /// Only models whose id, task or vendor contains each of these words
    #[arg(value_name = "WORD")]
    pub(crate) words: Vec<String>,
    /// Only models of this task
    #[arg(long, ignore_case = true, value_parser = PossibleValuesParser::new(Task::ALL.iter().map(|task| task.as_str())))]
    pub(crate) task: Option<String>,
    /// Only the models of this vendor, such as kling
    #[arg(long)]
    pub(crate) vendor: Option<String>,
    /// Only models that take media of this kind, required or not; may be given several times
    #[arg(long, ignore_case = true, value_parser = PossibleValuesParser::new(MediaKind::ALL.iter().map(|kind| kind.as_str())))]
    pub(crate) takes: Vec<String>,
    /// Only models whose generations take at most this time, such as 90s or 5m, as the vendor's pages state it
    ///
    /// Models without a stated duration are left out.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) max_duration: Option<Duration>,
    /// Print JSON, one array
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) documents: Documents,
}

#[derive(Debug, Args)]
#[command(after_long_help = SCHEMA_EXAMPLES)]
pub(crate) struct Schema {
    /// The model's id, as `aimlapi-video models` lists them
    pub(crate) model: Option<String>,
    /// Print the JSON Schema (2020-12) of the request
    #[arg(long, conflicts_with = "ledger")]
    pub(crate) json: bool,
    /// Print where each constraint is enforced, for one model or all
    #[arg(long)]
    pub(crate) ledger: bool,
    /// Show the body of the older URL of the Kling models
    #[arg(long)]
    pub(crate) legacy: bool,
    #[command(flatten)]
    pub(crate) documents: Documents,
}

const MODELS_EXAMPLES: &str = "\
Examples:
  aimlapi-video models
  aimlapi-video models kling pro --takes image
  aimlapi-video models --task text-to-video --max-duration 2m
  aimlapi-video models --documents published --json";

const SCHEMA_EXAMPLES: &str = "\
Examples:
  aimlapi-video schema klingai/v2-master-text-to-video
  aimlapi-video schema klingai/v2-master-text-to-video --json
  aimlapi-video schema --ledger";
