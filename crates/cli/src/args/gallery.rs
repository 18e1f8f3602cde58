//! The options of `gallery`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::HistoryOption;

#[derive(Debug, Args)]
#[command(after_long_help = GALLERY_EXAMPLES)]
pub(crate) struct Gallery {
    /// The folder with the videos; index.html is written into it
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,
    /// Open the page in the browser
    #[arg(long)]
    pub(crate) open: bool,
    #[command(flatten)]
    pub(crate) history: HistoryOption,
}

const GALLERY_EXAMPLES: &str = "\
Examples:
  aimlapi-video gallery videos --open
  aimlapi-video batch kites.jsonl --out try --simulate --gallery";
