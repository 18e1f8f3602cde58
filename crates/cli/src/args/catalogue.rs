//! The options of `models` and `schema`.

use clap::Args;

#[derive(Debug, Args)]
#[command(after_long_help = MODELS_EXAMPLES)]
pub(crate) struct Models {
    /// Only the models of this vendor, such as kling
    #[arg(long)]
    pub(crate) vendor: Option<String>,
    /// Print JSON, one array
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = SCHEMA_EXAMPLES)]
pub(crate) struct Schema {
    /// The model's id, as `aimlapi-video models` lists them
    #[arg(required_unless_present = "ledger")]
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
}

const MODELS_EXAMPLES: &str = "\
Examples:
  aimlapi-video models
  aimlapi-video models --vendor kling
  aimlapi-video models --json";

const SCHEMA_EXAMPLES: &str = "\
Examples:
  aimlapi-video schema klingai/v2-master-text-to-video
  aimlapi-video schema klingai/v2-master-text-to-video --json
  aimlapi-video schema --ledger";
