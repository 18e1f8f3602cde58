//! Every fault that a network or a service can have, in every place where it can strike, and how each ends: a request is
//! bought once, an id that is known is kept, the requests are few, and no secret shows.
#![cfg(all(feature = "journal", feature = "kling"))]
#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test may fail, and nobody else uses it"
)]

#[path = "../support/mod.rs"]
mod support;

mod cells;
#[cfg(feature = "cli")]
mod command;
mod creates;
mod journals;
mod secrets;
mod table;

use std::collections::BTreeSet;

use cells::Place;
use futures_util::{StreamExt, stream};

/// Runs one column of the table, all rows of it.
async fn column(place: Place) {
    secrets::listen();
    let rows = table::rows();
    let names: BTreeSet<&str> = rows.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), rows.len(), "each fault has a name of its own");
    assert_eq!(rows.len(), table::ROWS, "no row is forgotten");
    let cells = rows.iter().map(|row| async move {
        let wrong = cells::run(row, place).await.err();
        wrong.map(|wrong| format!("{} at {place:?}: {wrong}", row.name))
    });
    let ended: Vec<Option<String>> = stream::iter(cells).buffer_unordered(12).collect().await;
    assert_eq!(ended.len(), table::ROWS, "every cell was run");
    let wrong: Vec<String> = ended.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    secrets::assert_none_traced();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_buys_once_whatever_happens() {
    column(Place::Create).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_ends_as_it_should_when_a_fault_lasts() {
    column(Place::Poll).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_survives_a_fault_that_passes() {
    column(Place::PollOnce).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_is_whole_or_not_there() {
    column(Place::Download).await;
}
