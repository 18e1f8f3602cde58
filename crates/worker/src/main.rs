//! The program `aimlapi-video-worker`: submits jobs, runs them, and shows them.

mod cli;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    cli::run().await
}
