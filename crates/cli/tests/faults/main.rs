//! Every fault that a network or a service can have, in every place where it can strike, and how each ends: a request is
//! bought once, an id that is known is kept, the requests are few, and no secret shows.
#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test may fail, and nobody else uses it"
)]

use aimlapi_video_test_support as support;

mod cells;
mod command;
mod creates;
mod journals;
mod secrets;
mod table;

use std::{collections::BTreeSet, sync::Arc};

use cells::{Place, Slot};
use futures_util::future::join_all;
use table::Row;

/// How many cells run at once.
const AT_ONCE: usize = 12;

/// Does something with each row, a few at once.
async fn each<T>(rows: &[Arc<Row>], run: impl AsyncFn(&Slot, &Arc<Row>) -> T) -> Vec<T> {
    let run = &run;
    // All at first: a client that is set up holds up what is under way.
    let slots: Vec<Slot> = (0..AT_ONCE).map(|_| Slot::new()).collect();
    let lanes = slots.iter().enumerate().map(|(lane, slot)| async move {
        let mut ended = Vec::new();
        for row in rows.iter().skip(lane).step_by(AT_ONCE) {
            ended.push(run(slot, row).await);
        }
        ended
    });
    join_all(lanes).await.into_iter().flatten().collect()
}

/// Runs one column of the table, all rows of it.
async fn column(place: Place) {
    secrets::listen();
    let rows = table::rows();
    let names: BTreeSet<&str> = rows.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), rows.len(), "each fault has a name of its own");
    assert_eq!(rows.len(), table::ROWS, "no row is forgotten");
    let ended = each(&rows, async |slot, row| {
        let wrong = cells::run(slot, row, place).await.err();
        wrong.map(|wrong| format!("{} at {place:?}: {wrong}", row.name))
    })
    .await;
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
