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

/// A runtime of its own, in a time of its own.
fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
}

/// When each of `count` takers, all due at the start, had its token; in milliseconds.
async fn served(bucket: &Arc<Bucket>, count: usize) -> Vec<u128> {
    let began = Instant::now();
    let takers = (0..count).map(|_| async {
        bucket.take(began, 1.0).await;
        began.elapsed().as_millis()
    });
    join_all(takers).await
}

#[tokio::test(start_paused = true)]
async fn a_burst_passes_at_once_and_the_rest_at_the_rate() {
    let bucket = bucket(PollBudget::per_minute(60.0).burst(3));
    assert_eq!(
        served(&bucket, 6).await,
        [0, 0, 0, 1000, 2000, 3000],
        "one a second after three"
    );
}

#[tokio::test(start_paused = true)]
async fn the_most_overdue_is_served_first() {
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
async fn whoever_leaves_the_line_holds_nobody_up() {
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
async fn a_last_poll_takes_its_token_from_those_to_come() {
    let bucket = bucket(PollBudget::per_minute(60.0).burst(1));
    bucket.take_now(1.0);
    bucket.take_now(1.0);
    assert_eq!(served(&bucket, 2).await, [2000, 3000]);
}

#[tokio::test(start_paused = true)]
async fn a_429_pauses_all_halves_the_rate_and_opens_again_slowly() {
    let bucket = bucket(PollBudget::per_minute(60.0).burst(5));
    bucket.slow(Some(seconds(10.0)));
    // Those that were on their way with it do not halve it again.
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
async fn a_pause_is_neither_endless_nor_none() {
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
async fn a_pause_that_begins_while_a_wait_is_first_in_line_holds_it() {
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
async fn a_wait_that_nobody_polls_holds_nobody_up() {
    let bucket = bucket(PollBudget::per_minute(60.0).burst(1));
    let began = Instant::now();
    bucket.take(began, 1.0).await;
    let mut forgotten = Box::pin(bucket.take(began, 1.0));
    assert!(futures_util::poll!(&mut forgotten).is_pending());
    bucket.take(began + seconds(0.1), 1.0).await;
    assert_eq!(began.elapsed().as_millis(), 2000);
    // Its token came long ago; left unused, it goes back.
    drop(forgotten);
    bucket.take(began, 1.0).await;
    assert_eq!(began.elapsed().as_millis(), 2000);
}

#[test]
fn a_bucket_survives_the_runtime_that_it_was_served_on() {
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
async fn a_poll_that_counts_for_more_than_the_burst_counts_as_one() {
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
async fn a_small_budget_opens_again_as_fast_as_a_large_one() {
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
async fn a_quiet_time_after_a_429_fills_the_bucket_at_the_rates_of_that_time() {
    let bucket = bucket(PollBudget::per_minute(60.0).burst(100));
    bucket.slow(None);
    tokio::time::sleep(seconds(1.0 + 30.0 + 40.0)).await;
    let there = (0..100).take_while(|_| bucket.try_take(1.0)).count();
    assert_eq!(there, 15 + 40);
}

/// A bucket without a token, the line of which is served by the runtime given.
fn bucket_served_by(runtime: &Runtime) -> Arc<Bucket> {
    runtime.block_on(async {
        let bucket = bucket(PollBudget::per_minute(600.0).burst(1));
        bucket.take(Instant::now(), 1.0).await;
        let left = tokio::time::timeout(Duration::ZERO, bucket.take(Instant::now(), 1.0));
        assert!(left.await.is_err());
        bucket
    })
}

/// What came of it on a thread of its own, or nothing if it hangs.
fn unless_it_hangs<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (done, result) = mpsc::channel();
    thread::spawn(move || {
        // Nobody listens any more if it hung.
        _ = done.send(act());
    });
    result.recv_timeout(seconds(20.0)).ok()
}

#[test]
fn a_wait_in_line_is_served_after_the_end_of_the_runtime_that_served_it() {
    let (ends, stays) = (runtime(), runtime());
    let bucket = bucket_served_by(&ends);
    let mut wait = Box::pin(bucket.take(Instant::now(), 1.0));
    stays.block_on(async { assert!(futures_util::poll!(&mut wait).is_pending()) });
    drop(ends);
    let served = stays.block_on(async { tokio::time::timeout(seconds(3.0), wait).await });
    served.expect("it is served soon");
}

#[test]
fn waits_are_served_while_the_runtime_that_served_them_is_idle() {
    let (idle, busy) = (runtime(), runtime());
    let bucket = bucket_served_by(&idle);
    let waits = async {
        for _ in 0..10 {
            bucket.take(Instant::now(), 1.0).await;
        }
    };
    let served = busy.block_on(async { tokio::time::timeout(seconds(4.0), waits).await });
    served.expect("one begins to serve after a second, and goes on at the rate");
    // The first task finds that it is served.
    idle.block_on(async {
        tokio::time::sleep(seconds(5.0)).await;
        let wait = bucket.take(Instant::now(), 1.0);
        tokio::time::timeout(seconds(3.0), wait).await
    })
    .expect("and the other way round");
}

#[test]
fn a_wait_on_a_runtime_that_has_ended_locks_nobody_out() {
    let ended = runtime();
    let handle = ended.handle().clone();
    let bucket = ended.block_on(async { bucket(PollBudget::per_minute(60.0).burst(1)) });
    assert!(bucket.try_take(1.0));
    drop(ended);
    let taken = {
        let bucket = Arc::clone(&bucket);
        unless_it_hangs(move || {
            let _entered = handle.enter();
            let take = AssertUnwindSafe(|| bucket.take(Instant::now(), 1.0).now_or_never());
            // A runtime without a clock may say so by a panic.
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
fn a_wait_without_a_runtime_panics_and_locks_nobody_out() {
    let bucket = bucket(PollBudget::per_minute(60.0).burst(1));
    assert!(bucket.try_take(1.0));
    let panics = {
        let bucket = Arc::clone(&bucket);
        unless_it_hangs(move || {
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
fn runtimes_with_many_waits_in_line_end() {
    let ended = unless_it_hangs(|| {
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
async fn a_token_given_back_goes_to_the_next_in_line_at_once() {
    let bucket = bucket(PollBudget::per_minute(1.0).burst(1));
    let began = Instant::now();
    bucket.take(began, 1.0).await;
    let mut first = Box::pin(bucket.take(began, 1.0));
    assert!(futures_util::poll!(&mut first).is_pending());
    let mut second = pin!(bucket.take(began + seconds(0.1), 1.0));
    assert!(futures_util::poll!(&mut second).is_pending());
    // The first has its token and does not get to see it.
    tokio::time::sleep(seconds(60.5)).await;
    drop(first);
    second.await;
    assert_eq!(began.elapsed().as_millis(), 60_500);
}

#[tokio::test(start_paused = true)]
async fn one_that_counts_for_less_does_not_wait_as_long_as_the_one_before_it_would_have() {
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

/// How many of the waits have their tokens now.
fn ready(waits: &mut FuturesUnordered<impl Future<Output = ()>>) -> usize {
    std::iter::from_fn(|| waits.next().now_or_never().flatten()).count()
}

#[tokio::test(start_paused = true)]
async fn tokens_that_were_not_fetched_do_not_come_out_as_a_burst() {
    let bucket = bucket(PollBudget::per_minute(120.0));
    let began = Instant::now();
    let mut waits: FuturesUnordered<_> = (0..200).map(|_| bucket.take(began, 1.0)).collect();
    assert_eq!(ready(&mut waits), 10);
    // Whoever owns them does something else for so long.
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
async fn a_wait_keeps_its_place_when_it_comes_late_for_its_token() {
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
    // Three came too late, of which one may go; the token that they left is for the next one.
    assert_eq!(
        order,
        [(0, 35), (1, 35), (2, 45), (3, 55), (4, 65), (5, 75)]
    );
}

#[tokio::test(start_paused = true)]
async fn waits_that_are_always_polled_late_are_served_in_the_end() {
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
