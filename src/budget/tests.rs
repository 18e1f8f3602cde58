use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::mpsc,
    thread,
};

use futures_util::{FutureExt, StreamExt, future::join_all, stream::FuturesUnordered};
use tokio::runtime::{Builder, Runtime};

use super::*;

fn bucket(budget: PollBudget) -> Arc<Bucket> {
    Arc::new(Bucket::new(budget))
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// A runtime with a paused clock.
fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
}

/// When each of `count` takers, all due at the start, received its token; in milliseconds.
async fn served(bucket: &Arc<Bucket>, count: usize) -> Vec<u128> {
    let began = Instant::now();
    let takers = (0..count).map(|_| async {
        bucket.take(began, 1.0).await;
        began.elapsed().as_millis()
    });
    join_all(takers).await
}

#[tokio::test(start_paused = true)]
async fn burst_passes_at_once_and_the_rest_at_the_rate() {
    let bucket = bucket(PollBudget::per_minute(60.0).burst(3));
    assert_eq!(
        served(&bucket, 6).await,
        [0, 0, 0, 1000, 2000, 3000],
        "one a second after three"
    );
}

#[tokio::test(start_paused = true)]
async fn most_overdue_poll_is_served_first() {
    let bucket = bucket(PollBudget::per_minute(60.0).burst(1));
    let began = Instant::now();
    bucket.take(began, 1.0).await;
    let order = Mutex::new(Vec::new());
    let takers = [3, 1, 2].map(|due| {
        let (bucket, order) = (&bucket, &order);
        async move {
            bucket.take(began + Duration::from_millis(due), 1.0).await;
            order
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(due);
        }
    });
    join_all(takers).await;
    let order = order.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(order, [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn dropped_wait_does_not_delay_the_queue() {
    let bucket = bucket(PollBudget::per_minute(60.0).burst(1));
    let began = Instant::now();
    bucket.take(began, 1.0).await;
    let first = tokio::time::timeout(seconds(0.5), bucket.take(began, 1.0));
    let second = bucket.take(began + seconds(0.1), 1.0);
    let (left, ()) = futures_util::future::join(first, second).await;
    assert!(left.is_err());
    assert_eq!(began.elapsed().as_millis(), 1000);
}

#[tokio::test(start_paused = true)]
async fn last_poll_delays_the_polls_after_it() {
    let bucket = bucket(PollBudget::per_minute(60.0).burst(1));
    bucket.take_now(1.0);
    bucket.take_now(1.0);
    assert_eq!(served(&bucket, 2).await, [2000, 3000]);
}

#[tokio::test(start_paused = true)]
async fn rate_is_halved_after_a_429_and_recovers_slowly() {
    let bucket = bucket(PollBudget::per_minute(60.0).burst(5));
    bucket.slow(Some(seconds(10.0)));
    // A poll that was in flight at the same time does not halve the rate again.
    bucket.slow(None);
    let served = served(&bucket, 60).await;
    assert_eq!(served[0], 12_000, "10 s of pause, then a token in 2 s");
    let steps: Vec<u128> = served.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(
        steps.iter().all(|step| (900..=2100).contains(step)),
        "{steps:?}"
    );
    assert!(
        steps.windows(2).all(|pair| pair[1] <= pair[0] + 1),
        "{steps:?}"
    );
    assert_eq!(steps.last(), Some(&1000));
}

#[tokio::test(start_paused = true)]
async fn pause_is_between_a_second_and_a_minute() {
    for (asked, pause) in [(None, 1), (Some(0.0), 1), (Some(3600.0), 60)] {
        let bucket = bucket(PollBudget::per_minute(6000.0).burst(5));
        bucket.slow(asked.map(seconds));
        let first = served(&bucket, 1).await[0];
        assert!(
            (pause * 1000..pause * 1000 + 50).contains(&first),
            "{first}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn pause_holds_a_wait_that_is_first_in_the_queue() {
    let bucket = bucket(PollBudget::per_minute(60.0).burst(1));
    let began = Instant::now();
    bucket.take(began, 1.0).await;
    let slowed = async {
        tokio::time::sleep(seconds(0.5)).await;
        bucket.slow(Some(seconds(20.0)));
    };
    futures_util::future::join(bucket.take(began, 1.0), slowed).await;
    assert!(began.elapsed() >= seconds(20.5), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn wait_that_is_not_polled_does_not_delay_the_queue() {
    let bucket = bucket(PollBudget::per_minute(60.0).burst(1));
    let began = Instant::now();
    bucket.take(began, 1.0).await;
    let mut unpolled = Box::pin(bucket.take(began, 1.0));
    assert!(futures_util::poll!(&mut unpolled).is_pending());
    bucket.take(began + seconds(0.1), 1.0).await;
    assert_eq!(began.elapsed().as_millis(), 2000);
    // Its token was handed out long ago; unused, it is returned.
    drop(unpolled);
    bucket.take(began, 1.0).await;
    assert_eq!(began.elapsed().as_millis(), 2000);
}

#[test]
fn bucket_works_after_the_end_of_the_runtime_of_its_task() {
    let bucket = runtime().block_on(async {
        let bucket = bucket(PollBudget::per_minute(60_000.0).burst(1));
        bucket.take(Instant::now(), 1.0).await;
        let left = tokio::time::timeout(Duration::ZERO, bucket.take(Instant::now(), 1.0));
        assert!(left.await.is_err());
        bucket
    });
    runtime().block_on(async {
        for _ in 0..3 {
            let taken = bucket.take(Instant::now(), 1.0);
            tokio::time::timeout(seconds(9999.0), taken)
                .await
                .expect("it is served");
        }
    });
}

#[tokio::test(start_paused = true)]
async fn poll_with_a_cost_above_the_burst_costs_one_token() {
    let bucket = bucket(PollBudget::per_minute(60.0).burst(1));
    let began = Instant::now();
    assert!(bucket.try_take(20.0));
    let slow = bucket.take(began, 20.0);
    let other = bucket.take(began + seconds(0.1), 1.0);
    let both = futures_util::future::join(slow, other);
    tokio::time::timeout(seconds(9999.0), both)
        .await
        .expect("both are served");
    assert_eq!(began.elapsed().as_millis(), 2000);
    assert!(!bucket.try_take(20.0));
    bucket.take_now(20.0);
    bucket.take(began, 1.0).await;
    assert_eq!(began.elapsed().as_millis(), 4000);
}

#[tokio::test(start_paused = true)]
async fn small_budget_recovers_as_fast_as_a_large_one() {
    let bucket = bucket(PollBudget::per_minute(6.0).burst(1));
    for _ in 0..5 {
        bucket.slow(None);
        tokio::time::sleep(seconds(1.0)).await;
    }
    // 10 s at the full rate for a token: 30 s at each of 1/32, 1/16 and 1/8, and the rest of it at 1/4.
    let tenths: Vec<u128> = served(&bucket, 3).await.iter().map(|ms| ms / 100).collect();
    assert_eq!(tenths, [1037, 1318, 1509]);
}

#[tokio::test(start_paused = true)]
async fn bucket_refills_at_the_reduced_rates_after_a_429() {
    let bucket = bucket(PollBudget::per_minute(60.0).burst(100));
    bucket.slow(None);
    tokio::time::sleep(seconds(1.0 + 30.0 + 40.0)).await;
    let there = (0..100).take_while(|_| bucket.try_take(1.0)).count();
    assert_eq!(there, 15 + 40);
}

/// A bucket without a token, whose task runs on the given runtime.
fn bucket_with_task_on(runtime: &Runtime) -> Arc<Bucket> {
    runtime.block_on(async {
        let bucket = bucket(PollBudget::per_minute(600.0).burst(1));
        bucket.take(Instant::now(), 1.0).await;
        let left = tokio::time::timeout(Duration::ZERO, bucket.take(Instant::now(), 1.0));
        assert!(left.await.is_err());
        bucket
    })
}

/// Runs `act` on another thread; `None` if it hangs.
fn unless_hanging<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (done, result) = mpsc::channel();
    thread::spawn(move || {
        // The receiver is gone after the timeout.
        _ = done.send(act());
    });
    result.recv_timeout(seconds(20.0)).ok()
}

#[test]
fn queued_wait_is_served_after_the_end_of_the_runtime_of_the_task() {
    let (ends, stays) = (runtime(), runtime());
    let bucket = bucket_with_task_on(&ends);
    let mut wait = Box::pin(bucket.take(Instant::now(), 1.0));
    stays.block_on(async { assert!(futures_util::poll!(&mut wait).is_pending()) });
    drop(ends);
    let served = stays.block_on(async { tokio::time::timeout(seconds(3.0), wait).await });
    served.expect("it is served soon");
}

#[test]
fn queued_waits_are_served_while_the_runtime_of_the_task_is_idle() {
    let (idle, busy) = (runtime(), runtime());
    let bucket = bucket_with_task_on(&idle);
    let waits = async {
        for _ in 0..10 {
            bucket.take(Instant::now(), 1.0).await;
        }
    };
    let served = busy.block_on(async { tokio::time::timeout(seconds(4.0), waits).await });
    served.expect("another task starts after a second and continues at the rate");
    // The first task finds that another one has taken over.
    idle.block_on(async {
        tokio::time::sleep(seconds(5.0)).await;
        let wait = bucket.take(Instant::now(), 1.0);
        tokio::time::timeout(seconds(3.0), wait).await
    })
    .expect("and the other way round");
}

#[test]
fn wait_on_a_runtime_that_has_ended_does_not_block_others() {
    let ended = runtime();
    let handle = ended.handle().clone();
    let bucket = ended.block_on(async { bucket(PollBudget::per_minute(60.0).burst(1)) });
    assert!(bucket.try_take(1.0));
    drop(ended);
    let taken = {
        let bucket = Arc::clone(&bucket);
        unless_hanging(move || {
            let _entered = handle.enter();
            let take = AssertUnwindSafe(|| bucket.take(Instant::now(), 1.0).now_or_never());
            // A runtime without a clock may panic.
            catch_unwind(take).is_ok_and(|taken| taken.is_some())
        })
    };
    assert_eq!(taken, Some(false));
    let wait = runtime().block_on(async {
        let wait = bucket.take(Instant::now(), 1.0);
        tokio::time::timeout(seconds(9.0), wait).await
    });
    wait.expect("others are served");
}

#[test]
fn wait_without_a_runtime_panics_and_does_not_block_others() {
    let bucket = bucket(PollBudget::per_minute(60.0).burst(1));
    assert!(bucket.try_take(1.0));
    let panics = {
        let bucket = Arc::clone(&bucket);
        unless_hanging(move || {
            let take = AssertUnwindSafe(|| bucket.take(Instant::now(), 1.0).now_or_never());
            catch_unwind(take).is_err()
        })
    };
    assert_eq!(panics, Some(true));
    let wait = runtime().block_on(async {
        let wait = bucket.take(Instant::now(), 1.0);
        tokio::time::timeout(seconds(9.0), wait).await
    });
    wait.expect("others are served");
}

#[test]
fn runtimes_with_many_queued_waits_end() {
    let ended = unless_hanging(|| {
        for _ in 0..30 {
            let runtime = Builder::new_multi_thread()
                .worker_threads(2)
                .enable_time()
                .build()
                .expect("a runtime");
            let bucket = bucket(PollBudget::per_minute(60.0).burst(1));
            for _ in 0..1000 {
                let bucket = Arc::clone(&bucket);
                runtime.spawn(async move { bucket.take(Instant::now(), 1.0).await });
            }
        }
    });
    assert!(ended.is_some(), "it hangs");
}

#[tokio::test(start_paused = true)]
async fn returned_token_goes_to_the_next_in_the_queue_at_once() {
    let bucket = bucket(PollBudget::per_minute(1.0).burst(1));
    let began = Instant::now();
    bucket.take(began, 1.0).await;
    let mut first = Box::pin(bucket.take(began, 1.0));
    assert!(futures_util::poll!(&mut first).is_pending());
    let mut second = pin!(bucket.take(began + seconds(0.1), 1.0));
    assert!(futures_util::poll!(&mut second).is_pending());
    // The first token is handed out and not fetched.
    tokio::time::sleep(seconds(60.5)).await;
    drop(first);
    second.await;
    assert_eq!(began.elapsed().as_millis(), 60_500);
}

#[tokio::test(start_paused = true)]
async fn cheaper_poll_is_served_earlier_when_the_one_before_it_leaves() {
    let bucket = bucket(PollBudget::per_minute(1.0).burst(1));
    let began = Instant::now();
    bucket.take(began, 1.0).await;
    let mut leaves = Box::pin(bucket.take(began, 1.0));
    assert!(futures_util::poll!(&mut leaves).is_pending());
    let mut stays = pin!(bucket.take(began + seconds(0.2), 0.5));
    assert!(futures_util::poll!(&mut stays).is_pending());
    let mut comes = pin!(bucket.take(began, 0.25));
    tokio::time::sleep(seconds(1.0)).await;
    drop(leaves);
    stays.await;
    assert_eq!(began.elapsed().as_millis(), 30_000);
    assert!(futures_util::poll!(&mut comes).is_pending());
    comes.await;
    assert_eq!(began.elapsed().as_millis(), 45_000);
}

/// How many of the waits have received their tokens.
fn ready(waits: &mut FuturesUnordered<impl Future<Output = ()>>) -> usize {
    std::iter::from_fn(|| waits.next().now_or_never().flatten()).count()
}

#[tokio::test(start_paused = true)]
async fn tokens_that_were_not_fetched_do_not_become_a_burst() {
    let bucket = bucket(PollBudget::per_minute(120.0));
    let began = Instant::now();
    let mut waits: FuturesUnordered<_> = (0..200).map(|_| bucket.take(began, 1.0)).collect();
    assert_eq!(ready(&mut waits), 10);
    // The owner of the waits does not poll them for so long.
    tokio::time::sleep(seconds(60.0)).await;
    let (mut polls, back) = (ready(&mut waits), Instant::now());
    assert!((1..=5).contains(&polls), "{polls} at once");
    while waits.next().await.is_some() {
        polls += 1;
        let allowed = 10.0 + 5.0 + 2.0 * back.elapsed().as_secs_f64();
        assert!(
            polls as f64 <= allowed,
            "{polls} after {:?}",
            back.elapsed()
        );
    }
    assert_eq!(polls, 190);
    assert!(back.elapsed() < seconds(95.0), "{:?}", back.elapsed());
}

#[tokio::test(start_paused = true)]
async fn wait_that_fetches_its_token_late_keeps_its_place() {
    let bucket = bucket(PollBudget::per_minute(6.0).burst(1));
    let began = Instant::now();
    bucket.take(began, 1.0).await;
    let take = async |number: u64| {
        bucket.take(began, 1.0).await;
        (number, began.elapsed().as_secs())
    };
    let mut waits: FuturesUnordered<_> = (0..6).map(take).collect();
    assert!(futures_util::poll!(waits.next()).is_pending());
    tokio::time::sleep(seconds(35.0)).await;
    let order: Vec<(u64, u64)> = waits.collect().await;
    // Three waits are late, of which one may continue; the returned token is for the next one.
    assert_eq!(
        order,
        [(0, 35), (1, 35), (2, 45), (3, 55), (4, 65), (5, 75)]
    );
}

#[tokio::test(start_paused = true)]
async fn waits_that_are_always_polled_late_are_served_eventually() {
    let bucket = bucket(PollBudget::per_minute(6.0).burst(1));
    let began = Instant::now();
    let mut waits: FuturesUnordered<_> = (0..10).map(|_| bucket.take(began, 1.0)).collect();
    let mut rounds = 0;
    while !waits.is_empty() {
        let polls = ready(&mut waits);
        assert!(polls <= 2, "{polls} at once");
        tokio::time::sleep(seconds(35.0)).await;
        rounds += 1;
        assert!(rounds <= 10, "{} are left", waits.len());
    }
}
