//! Tests of the library and the command line under every network and service fault, at every point where a fault can occur.
//!
//! `table` lists the faults and the expected outcome of each at each point; `cells` runs one fault at one point over real
//! sockets. Every run asserts that a create is charged at most once, a known id is kept, the number of requests is limited, and
//! no secret appears in errors, traces, journals or output.
#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test may fail, and no other crate uses it"
)]

use aimlapi_video_test_support as support;

mod cells;
mod command;
mod creates;
mod journals;
mod secrets;
mod table;

use std::{collections::BTreeSet, sync::Arc};

use cells::{FaultPoint, Slot};
use futures_util::future::join_all;
use table::Row;

/// How many cells run at once.
const AT_ONCE: usize = 12;

/// Runs a function on each row, a few rows at once.
async fn each<T>(rows: &[Arc<Row>], run: impl AsyncFn(&Slot, &Arc<Row>) -> T) -> Vec<T> {
    let run = &run;
    // All slots are set up first, since the set-up of a client delays runs in progress.
    let slots: Vec<Slot> = (0..AT_ONCE).map(|_| Slot::new()).collect();
    let lanes = slots.iter().enumerate().map(|(lane, slot)| async move {
        let mut results = Vec::new();
        for row in rows.iter().skip(lane).step_by(AT_ONCE) {
            results.push(run(slot, row).await);
        }
        results
    });
    join_all(lanes).await.into_iter().flatten().collect()
}

/// Runs all rows of one column of the table.
async fn column(point: FaultPoint) {
    secrets::record_traces();
    let rows = table::rows();
    let names: BTreeSet<&str> = rows.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), rows.len(), "the name of each fault is unique");
    assert_eq!(rows.len(), table::ROWS, "the table has all rows");
    let results = each(&rows, async |slot, row| {
        let failure = cells::run(slot, row, point).await.err();
        failure.map(|failure| format!("{} at {point:?}: {failure}", row.name))
    })
    .await;
    assert_eq!(results.len(), table::ROWS, "every cell was run");
    let failures: Vec<String> = results.into_iter().flatten().collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    secrets::assert_none_traced();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn create_is_charged_at_most_once_under_every_fault() {
    column(FaultPoint::Create).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wait_ends_as_expected_under_a_lasting_fault() {
    column(FaultPoint::Poll).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wait_continues_after_a_transient_fault() {
    column(FaultPoint::PollOnce).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn download_is_complete_or_absent_under_every_fault() {
    column(FaultPoint::Download).await;
}
