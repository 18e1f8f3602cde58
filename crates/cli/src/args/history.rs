//! The options of `history`, and the one of all commands that record in the history.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::time;

#[derive(Clone, Debug, Args)]
pub(crate) struct HistoryOption {
    /// Neither read the history of creates nor record in it
    ///
    /// Without a history, a generation whose command is killed can be found by its id in the account's log alone.
    #[arg(long)]
    pub(crate) no_history: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = HISTORY_EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct History {
    #[command(subcommand)]
    pub(crate) command: Option<HistoryCommand>,
    /// Only creates of this last time, such as 90m, 12h or 7d
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<Duration>,
    /// One line for each model, with sums
    #[arg(long, value_name = "BY")]
    pub(crate) group_by: Option<GroupBy>,
    /// Print JSON, one array
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum GroupBy {
    Model,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HistoryCommand {
    /// Show one create: its request, state, cost and files
    Show {
        /// The generation's id, or what `history` prints in its place; a beginning is enough if no other id has it
        id: String,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Remove old creates from the history
    ///
    /// Videos and journals of batches are not touched. What a running command records stays.
    Prune {
        /// The minimum age, such as 90d
        #[arg(long, value_name = "TIME", value_parser = time)]
        older_than: Duration,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

const HISTORY_EXAMPLES: &str = "\
Examples:
  aimlapi-video history --since 7d
  aimlapi-video history --group-by model
  aimlapi-video history show ID    (as the list prints it)
  aimlapi-video history prune --older-than 90d";
