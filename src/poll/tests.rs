//! The schedule of a wait, in paused time: the exact instants of polls, and how each wait ends.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::*;
use crate::{PollBudget, Route, ServiceError, budget::Bucket, handle::Created, schedule::Fixed};

/// What a scripted service does with one poll.
#[derive(Clone)]
enum Turn {
    Answer(Value),
    AskedToWait(Value, Duration),
    Fails(u16),
    FailsAskingToWait(u16, Duration),
    Hangs,
}

/// Answers by a script; its last turn repeats.
struct Script {
    began: Instant,
    turns: Vec<Turn>,
    asked: Mutex<Vec<(u64, u64)>>,
    budget: Option<Arc<Bucket>>,
}

impl Ask for &Script {
    fn check(&self, _: &GenerationHandle) -> Result<(), Error> {
        Ok(())
    }

    fn budget(&self) -> Option<&Arc<Bucket>> {
        self.budget.as_ref()
    }

    async fn poll(
        &self,
        _: &GenerationHandle,
        timeout: Duration,
    ) -> Result<(Generation, Option<Duration>), PollError> {
        let turn = {
            let mut asked = self.asked.lock().expect("no panic while held");
            let at = self.began.elapsed().as_millis() as u64;
            asked.push((at, timeout.min(Duration::from_secs(30)).as_millis() as u64));
            self.turns[(asked.len() - 1).min(self.turns.len() - 1)].clone()
        };
        let failed = |status, retry_after| {
            let service = ServiceError::read(status, b"");
            let error = Error::new(ErrorKind::PollingLost, "failed").with_service(service);
            Err(PollError {
                error,
                transient: status >= 429,
                answered: true,
                retry_after,
            })
        };
        match turn {
            Turn::Answer(answer) => Ok((Generation::from_json(answer), None)),
            Turn::AskedToWait(answer, time) => Ok((Generation::from_json(answer), Some(time))),
            Turn::Fails(status) => failed(status, None),
            Turn::FailsAskingToWait(status, time) => failed(status, Some(time)),
            Turn::Hangs => {
                tokio::time::sleep(timeout.min(Duration::from_secs(30))).await;
                failed(504, None)
            }
        }
    }
}

/// How a scripted wait went.
struct Run {
    /// When each poll was sent, in milliseconds.
    polls: Vec<u64>,
    /// The time each poll was given.
    timeouts: Vec<u64>,
    states: Vec<State>,
    end: Result<Generation, Error>,
}

async fn run(turns: &[Turn], handle: GenerationHandle, options: WaitOptions) -> Run {
    run_within(None, turns, handle, options).await
}

async fn run_within(
    budget: impl Into<Option<PollBudget>>,
    turns: &[Turn],
    handle: GenerationHandle,
    options: WaitOptions,
) -> Run {
    let script = Script {
        began: Instant::now(),
        turns: turns.to_vec(),
        asked: Mutex::default(),
        budget: budget.into().map(|budget| Arc::new(Bucket::new(budget))),
    };
    let mut machine = Machine::new(&script, handle, options);
    let mut states = Vec::new();
    let end = loop {
        match machine.step().await {
            Ok(Update::Completed(generation)) => break Ok(*generation),
            Ok(Update::Progress(progress)) => states.push(progress.state),
            Ok(Update::Hiccup(_)) => {}
            Err(error) => break Err(error),
        }
    };
    let (polls, timeouts) = script
        .asked
        .into_inner()
        .expect("no panic while held")
        .into_iter()
        .unzip();
    Run {
        polls,
        timeouts,
        states,
        end,
    }
}

fn every(seconds: u64) -> WaitOptions {
    WaitOptions::default().schedule(Fixed::every(Duration::from_secs(seconds)))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn status(status: &str) -> Value {
    json!({ "id": "g", "status": status })
}

fn queued() -> Turn {
    Turn::Answer(status("queued"))
}

fn completed() -> Turn {
    Turn::Answer(
        json!({ "id": "g", "status": "completed", "video": { "url": "https://cdn.example.com/g.mp4" } }),
    )
}

fn created(answer: Value) -> GenerationHandle {
    let answer = Generation::from_json(answer);
    let created = Created {
        answer,
        retry_after: None,
        length: Some(5),
    };
    GenerationHandle::of(
        "g".into(),
        "klingai/v2-master-text-to-video",
        Route::Universal,
        "https://a",
        created,
    )
}

fn handle() -> GenerationHandle {
    created(status("queued"))
}

#[tokio::test(start_paused = true)]
// The paused clock counts in milliseconds and rounds up.
async fn the_default_schedule_polls_every_two_seconds_then_at_8_percent_of_the_age() {
    let run = run(
        &[queued()],
        handle(),
        WaitOptions::default().deadline(seconds(33)),
    )
    .await;
    assert_eq!(
        run.polls,
        [
            2000, 4000, 6000, 8000, 10000, 12000, 14000, 16000, 18000, 20000, 22000, 24000, 26000,
            28080, 30327, 32754, 33000
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_default_schedule_never_waits_longer_than_15_seconds() {
    let run = run(&[queued()], handle(), WaitOptions::default()).await;
    let steps: Vec<u64> = run.polls.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(steps.iter().max(), Some(&15_000));
    assert_eq!(run.polls.last(), Some(&1_800_000));
}

#[tokio::test(start_paused = true)]
async fn a_last_poll_is_sent_at_the_deadline() {
    let run = run(&[queued()], handle(), every(10).deadline(seconds(25))).await;
    assert_eq!(run.polls, [10_000, 20_000, 25_000]);
    assert_eq!(run.timeouts, [15_000, 5_000, 10_000]);
    let error = run.end.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    assert_eq!(
        (error.polls(), error.elapsed()),
        (Some(3), Some(seconds(25)))
    );
    assert_eq!(error.handle().map(GenerationHandle::id), Some("g"));
    assert_eq!(
        error.last_answer().map(Generation::state),
        Some(State::Queued)
    );
    assert!(error.is_resumable());
}

#[tokio::test(start_paused = true)]
async fn a_result_that_is_there_at_the_deadline_is_delivered() {
    let run = run(
        &[queued(), queued(), completed()],
        handle(),
        every(10).deadline(seconds(25)),
    )
    .await;
    assert_eq!(run.end.unwrap().videos().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_hangs_ends_by_the_deadline_and_only_the_last_runs_past_it() {
    let run = run(
        &[queued(), Turn::Hangs],
        handle(),
        every(10).deadline(seconds(25)),
    )
    .await;
    assert_eq!(run.polls, [10_000, 20_000, 25_000]);
    let error = run.end.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    assert_eq!(error.elapsed(), Some(seconds(35)));
}

#[tokio::test(start_paused = true)]
async fn without_a_deadline_the_wait_goes_on() {
    let mut turns = vec![queued(); 400];
    turns.push(completed());
    let run = run(&turns, handle(), every(10).no_deadline()).await;
    assert_eq!(run.polls.last(), Some(&4_010_000));
    assert!(run.end.is_ok());
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_a_floor_for_the_next_poll_alone() {
    let turns = [
        Turn::AskedToWait(status("queued"), seconds(25)),
        queued(),
        completed(),
    ];
    let run = run(&turns, handle(), every(10)).await;
    assert_eq!(run.polls, [10_000, 35_000, 45_000]);
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_obeyed_on_errors_and_capped_at_a_minute() {
    let turns = [Turn::FailsAskingToWait(429, seconds(3600)), completed()];
    let run = run(&turns, handle(), every(10)).await;
    assert_eq!(run.polls, [10_000, 70_000]);
}

#[tokio::test(start_paused = true)]
async fn retry_after_of_the_create_is_a_floor_for_the_first_poll() {
    let answer = Generation::from_json(status("queued"));
    let created = Created {
        answer,
        retry_after: Some(seconds(25)),
        length: None,
    };
    let handle = GenerationHandle::of("g".into(), "m", Route::Universal, "https://a", created);
    assert_eq!(run(&[completed()], handle, every(10)).await.polls, [25_000]);
}

#[tokio::test(start_paused = true)]
async fn passing_errors_are_ridden_out_for_two_minutes() {
    let mut turns = vec![Turn::Fails(502); 11];
    turns.push(completed());
    assert!(run(&turns, handle(), every(10)).await.end.is_ok());

    let lost = run(&[Turn::Fails(502)], handle(), every(10)).await;
    assert_eq!(lost.polls.last(), Some(&120_000));
    let error = lost.end.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PollingLost);
    assert_eq!(error.service().map(|service| service.status), Some(502));
    assert!(error.is_resumable());
}

#[tokio::test(start_paused = true)]
async fn a_good_answer_starts_the_tolerance_anew() {
    let mut turns = vec![Turn::Fails(503); 11];
    turns.push(queued());
    turns.extend(vec![Turn::Fails(503); 11]);
    turns.push(completed());
    assert!(run(&turns, handle(), every(10)).await.end.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_ends_the_wait_at_once() {
    for refusal in [400, 401, 403, 410] {
        let run = run(&[Turn::Fails(refusal)], handle(), every(10)).await;
        let error = run.end.unwrap_err();
        assert_eq!(
            (error.kind(), error.polls()),
            (ErrorKind::PollingLost, Some(1)),
            "{refusal}"
        );
        assert_eq!(
            error.is_resumable(),
            matches!(refusal, 401 | 403),
            "{refusal}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_generation_may_be_unknown_at_first() {
    let run = run(
        &[Turn::Fails(404), Turn::Fails(404), completed()],
        handle(),
        every(1),
    )
    .await;
    assert!(run.end.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_bare_id_is_asked_for_at_once_and_an_unknown_one_refused() {
    let run = run(&[Turn::Fails(404)], "g".into(), every(10)).await;
    assert_eq!(run.polls, [0]);
    assert_eq!(run.end.unwrap_err().kind(), ErrorKind::PollingLost);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_answered_with_the_video_is_not_polled() {
    let Turn::Answer(answer) = completed() else {
        unreachable!()
    };
    let run = run(&[queued()], created(answer), every(10)).await;
    assert_eq!((run.polls.len(), run.end.unwrap().videos().len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_create_that_answered_with_a_failure_is_not_polled() {
    let answer =
        json!({ "id": "g", "status": "error", "error": { "name": "Moderation", "message": "no" } });
    let run = run(&[queued()], created(answer), every(10)).await;
    let error = run.end.unwrap_err();
    assert_eq!(
        (run.polls.len(), error.kind()),
        (0, ErrorKind::GenerationFailed)
    );
    assert_eq!(
        error.failure().map(ToString::to_string).as_deref(),
        Some("Moderation: no")
    );
    assert!(!error.is_resumable());
}

#[tokio::test(start_paused = true)]
async fn completed_without_a_video_gets_three_more_polls() {
    let run = run(
        &[queued(), Turn::Answer(status("completed"))],
        handle(),
        every(10),
    )
    .await;
    assert_eq!(run.polls, [10_000, 20_000, 23_334, 26_668, 30_002]);
    let error = run.end.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MissingVideo);
    assert!(error.is_resumable());
}

#[tokio::test(start_paused = true)]
async fn a_video_that_follows_within_the_grace_is_delivered() {
    let turns = [
        Turn::Answer(status("completed")),
        Turn::Answer(status("completed")),
        completed(),
    ];
    assert!(run(&turns, handle(), every(10)).await.end.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_unknown_state_is_waited_through_and_named_at_the_deadline() {
    let turns = [Turn::Answer(status("mulling"))];
    let run = run(&turns, handle(), every(10).deadline(seconds(30))).await;
    assert_eq!(run.states, [State::Queued, State::Unknown]);
    let error = run.end.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    assert!(
        error.to_string().contains("unknown state `mulling`"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn going_back_to_queued_is_a_change_like_any_other() {
    let generating = Turn::Answer(status("generating"));
    let turns = [
        queued(),
        generating.clone(),
        generating,
        queued(),
        completed(),
    ];
    let run = run(&turns, handle(), every(10)).await;
    assert_eq!(
        run.states,
        [State::Queued, State::Generating, State::Queued]
    );
}

#[tokio::test(start_paused = true)]
async fn speed_divides_steps_and_deadline_but_not_the_tolerance() {
    let waited = run(
        &[queued()],
        handle(),
        every(10).deadline(seconds(60)).speed(10.0),
    )
    .await;
    assert_eq!(waited.polls, [1000, 2000, 3000, 4000, 5000, 6000]);
    let lost = run(&[Turn::Fails(502)], handle(), every(10).speed(10.0)).await;
    assert_eq!(lost.polls.last(), Some(&120_000));
}

#[tokio::test(start_paused = true)]
async fn odd_settings_do_no_harm() {
    let far = every(10)
        .deadline(Duration::MAX)
        .tolerance(Duration::MAX)
        .speed(1e-300);
    assert!(
        run(&[completed()], "g".into(), far.clone())
            .await
            .end
            .is_ok()
    );
    assert!(
        run(&[completed()], "g".into(), far.speed(f64::NAN))
            .await
            .end
            .is_ok()
    );
    let at_once = run(&[queued()], handle(), every(10).deadline(Duration::ZERO)).await;
    assert_eq!(at_once.polls, [0]);
}

fn generating() -> Turn {
    Turn::Answer(status("generating"))
}

#[tokio::test(start_paused = true)]
async fn a_generation_that_stays_queued_is_given_up_at_the_queue_deadline() {
    let options = every(10).queue_deadline(seconds(25));
    let queued_run = run(&[queued()], handle(), options.clone()).await;
    assert_eq!(queued_run.polls, [10_000, 20_000, 25_000]);
    let error = queued_run.end.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    assert!(error.to_string().contains("still queued"), "{error}");
    assert!(error.is_resumable());
    // Out of the queue in time, even if only the poll at the deadline sees it, it may take as long as it likes.
    for late in [
        vec![queued(), generating()],
        vec![queued(), queued(), generating()],
    ] {
        let turns = [late, vec![generating(); 9], vec![completed()]].concat();
        let run = run(&turns, handle(), options.clone()).await;
        assert!(run.end.is_ok());
        assert!(run.polls.len() > 10);
    }
}

#[tokio::test(start_paused = true)]
async fn the_queue_deadline_never_moves_the_last_poll_past_the_deadline() {
    let options = every(10).queue_deadline(seconds(40)).deadline(seconds(35));
    let run = run(&[queued()], handle(), options).await;
    assert_eq!(run.polls, [10_000, 20_000, 30_000, 35_000]);
    assert!(run.end.is_err());
}

#[tokio::test(start_paused = true)]
async fn polls_beyond_the_budget_wait_and_the_last_one_does_not() {
    // One poll a minute: the second waits for its token, and the deadline comes first.
    let budget = PollBudget::per_minute(1.0).burst(1);
    let run = run_within(
        budget,
        &[queued()],
        handle(),
        every(10).deadline(seconds(100)),
    )
    .await;
    assert_eq!(run.polls, [10_000, 70_000, 100_000]);
    let error = run.end.unwrap_err();
    assert_eq!(
        error.budget_delay().map(|delay| delay.as_secs()),
        Some(50 + 20)
    );
    assert!(error.to_string().contains("poll budget"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_no_budget_holds_up_says_nothing_of_it() {
    let run = run(&[queued()], handle(), every(10).deadline(seconds(25))).await;
    let error = run.end.unwrap_err();
    assert_eq!(error.budget_delay(), Some(Duration::ZERO));
    assert!(!error.to_string().contains("budget"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn queued_and_generating_time_are_told_apart() {
    let turns = [queued(), generating(), Turn::Fails(500), completed()];
    let script = Script {
        began: Instant::now(),
        turns: turns.to_vec(),
        asked: Mutex::default(),
        budget: None,
    };
    let mut machine = Machine::new(&script, handle(), every(10));
    let mut seen = Vec::new();
    while let Ok(update) = machine.step().await {
        let times = match update {
            Update::Progress(progress) => progress.times,
            Update::Hiccup(hiccup) => hiccup.times,
            Update::Completed(_) => break,
        };
        let whole = |time: Duration| time.as_secs();
        seen.push((whole(times.queued), times.generating.map(whole)));
        assert_eq!(
            times.age,
            times.queued + times.generating.unwrap_or_default()
        );
        assert!(times.remaining.is_some());
    }
    assert_eq!(seen, [(0, None), (20, Some(0)), (20, Some(10))]);
}
