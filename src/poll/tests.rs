//! The schedule of a wait, in paused time: the exact instants of polls, and how each wait ends.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    ErrorKind, PollBudget, Route, ServiceError,
    budget::Bucket,
    client::PollError,
    handle::Created,
    schedule::{Durations, Fixed, Learned},
};

/// What a scripted service does with one poll.
#[derive(Clone)]
enum Turn {
    Answer(Value),
    /// Generating until so long after the start, completed then.
    EndsAt(Duration),
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
    durations: Mutex<Durations>,
}

impl Ask for &Script {
    fn check(&self, _: &GenerationHandle) -> Result<(), Error> {
        Ok(())
    }

    fn budget(&self) -> Option<&Arc<Bucket>> {
        self.budget.as_ref()
    }

    fn learned(&self, model: &str, length: Option<u64>) -> Option<Learned> {
        self.durations
            .lock()
            .expect("no panic while held")
            .learned(model, length)
    }

    fn learn(&self, model: &str, length: Option<u64>, ended: RangeInclusive<Duration>) {
        self.durations
            .lock()
            .expect("no panic while held")
            .observe(model, length, ended);
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
            Turn::EndsAt(end) if self.began.elapsed() < end => {
                Ok((Generation::from_json(status("generating")), None))
            }
            Turn::EndsAt(_) => Ok((Generation::from_json(video()), None)),
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
    let budget = budget.into().map(|budget| Arc::new(Bucket::new(budget)));
    let script = Script {
        budget,
        ..script(turns)
    };
    follow(script, handle, options).await.0
}

fn script(turns: &[Turn]) -> Script {
    Script {
        began: Instant::now(),
        turns: turns.to_vec(),
        asked: Mutex::default(),
        budget: None,
        durations: Mutex::default(),
    }
}

async fn follow(
    script: Script,
    handle: GenerationHandle,
    options: WaitOptions,
) -> (Run, Durations) {
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
    let run = Run {
        polls,
        timeouts,
        states,
        end,
    };
    (
        run,
        script.durations.into_inner().expect("no panic while held"),
    )
}

/// When the default schedule polls `g`, in milliseconds.
const POLLS_OF_G: &[u64] = &[
    132220, 170246, 206512, 230593, 248229, 262443, 273031, 282767, 290958, 298082, 304250, 310414,
    315525, 321031, 325838, 330192, 334729, 338879, 343169, 347149, 351669, 355716, 360031, 364178,
    368463, 372905, 377576, 381901, 386657, 391073, 395419, 399869, 400000,
];

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

fn video() -> Value {
    json!({ "id": "g", "status": "completed", "video": { "url": "https://cdn.example.com/g.mp4" } })
}

fn completed() -> Turn {
    Turn::Answer(video())
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
async fn the_default_schedule_asks_rarely_until_the_end_is_near_and_then_often() {
    // The page of this model states 5 to 6 minutes for 5 s of video.
    let run = run(
        &[generating()],
        handle(),
        WaitOptions::default().deadline(seconds(400)),
    )
    .await;
    assert_eq!(run.polls, POLLS_OF_G);
}

#[tokio::test(start_paused = true)]
async fn every_id_is_polled_at_times_of_its_own_and_always_at_the_same_ones() {
    let options = || WaitOptions::default().deadline(seconds(600));
    let of = async |id: &str| {
        let mut handle = handle();
        handle = GenerationHandle::of(
            id.into(),
            "klingai/v2-master-text-to-video",
            Route::Universal,
            "https://a",
            handle.created().unwrap().clone(),
        );
        run(&[queued()], handle, options()).await.polls
    };
    assert_eq!(of("a").await, of("a").await);
    assert_ne!(of("a").await, of("b").await);
}

#[tokio::test(start_paused = true)]
async fn a_wait_learns_when_it_ended_and_the_next_one_asks_less() {
    let mut durations = Durations::default();
    let mut counts = Vec::new();
    for _ in 0..20 {
        let mut script = script(&[Turn::EndsAt(seconds(400))]);
        script.durations = Mutex::new(durations);
        let (run, seen) = follow(script, handle(), WaitOptions::default()).await;
        assert!(run.end.is_ok());
        counts.push(run.polls.len());
        durations = seen;
    }
    let learned = durations
        .learned("klingai/v2-master-text-to-video", Some(5))
        .unwrap();
    assert_eq!(learned.count, 20.0);
    let typical = learned.typical().as_secs();
    assert!((390..=410).contains(&typical), "{typical}");
    assert!(counts[19] * 2 < counts[0], "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_learned_of_what_ended_before_it_was_waited_for() {
    let mut resumed = handle();
    resumed = serde_json::from_str(&serde_json::to_string(&resumed).unwrap()).unwrap();
    for handle in [resumed, GenerationHandle::new("g")] {
        let (run, seen) = follow(script(&[completed()]), handle, WaitOptions::default()).await;
        assert!(run.end.is_ok());
        assert_eq!(seen, Durations::default());
    }
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

/// The first planned poll of this model comes later than the tolerance lasts.
#[tokio::test(start_paused = true)]
async fn a_failure_after_a_planned_pause_is_ridden_out_and_soon_made_up_for() {
    let options = WaitOptions::default();
    let short = run(&[Turn::Fails(502), completed()], handle(), options.clone()).await;
    assert!(short.end.is_ok());
    assert_eq!(short.polls, [132_220, 134_220]);
    let lost = run(&[Turn::Fails(502)], handle(), options).await;
    assert_eq!(lost.end.unwrap_err().kind(), ErrorKind::PollingLost);
    assert_eq!(lost.polls.first(), Some(&132_220));
    let asked = lost.polls.last().unwrap() - 132_220;
    assert!((90_000..=120_000).contains(&asked), "{:?}", lost.polls);
}

#[tokio::test(start_paused = true)]
async fn time_in_line_for_the_budget_is_no_silence_of_the_service() {
    // A token comes every 100 s, and the first is there at once.
    let run = run_within(
        PollBudget::per_minute(0.6).burst(1),
        &[
            Turn::Fails(502),
            Turn::Fails(502),
            Turn::Fails(502),
            completed(),
        ],
        handle(),
        every(10),
    )
    .await;
    assert!(run.end.is_ok(), "{:?} {:?}", run.end, run.polls);
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

/// A simulated generation is seen as soon after its end, in its own time, as a real one.
#[tokio::test(start_paused = true)]
async fn at_another_speed_the_planned_polls_are_the_same_ones_but_for_the_timer() {
    for speed in [10, 60] {
        let options = WaitOptions::default().deadline(seconds(500));
        let run = run(&[generating()], handle(), options.speed(speed as f64)).await;
        assert!(run.polls.len() > POLLS_OF_G.len());
        // The last one at speed 1 is that of the deadline.
        let (_, planned) = POLLS_OF_G.split_last().unwrap();
        let steps = |polls: &[u64], factor: u64| -> Vec<u64> {
            let steps = polls.windows(2).map(|pair| (pair[1] - pair[0]) * factor);
            [polls[0] * factor].into_iter().chain(steps).collect()
        };
        for (step, at_one) in steps(&run.polls, speed).iter().zip(steps(planned, 1)) {
            // A timer counts in whole milliseconds, and the schedule plans on from where they lead.
            let away = step.abs_diff(at_one);
            assert!(away <= 3 * speed, "{away} ms at {speed}: {:?}", run.polls);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_never_asks_is_polled_at_the_deadline_alone() {
    let never = WaitOptions::default().schedule(Fixed::every(Duration::MAX));
    let run = run(&[queued()], handle(), never.deadline(seconds(600))).await;
    assert_eq!(run.polls, [600_000]);
}

#[tokio::test(start_paused = true)]
async fn a_generation_said_to_be_a_day_old_is_asked_for_as_if_its_clock_were_wrong() {
    let mut old = serde_json::to_value(handle()).unwrap();
    old["created_at"] = "2020-01-01T00:00:00Z".into();
    let old: GenerationHandle = serde_json::from_value(old).unwrap();
    let run = run(
        &[generating()],
        old,
        WaitOptions::default().deadline(seconds(120)),
    )
    .await;
    let longest = run
        .polls
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .max()
        .unwrap();
    assert!(
        run.polls[0] <= 15_000 && longest <= 45_000,
        "{:?}",
        run.polls
    );
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
async fn a_failed_poll_at_the_queue_deadline_decides_nothing() {
    let run = run(
        &[
            queued(),
            queued(),
            Turn::Fails(502),
            generating(),
            completed(),
        ],
        handle(),
        every(25).queue_deadline(seconds(60)),
    )
    .await;
    assert!(run.end.is_ok(), "{:?}", run.end);
    assert_eq!(run.polls, [25_000, 50_000, 60_000, 85_000, 110_000]);
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
    let script = script(&turns);
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

/// What a schedule of nobody in particular says.
#[derive(Clone, Debug)]
struct Any(Vec<u64>);

impl crate::schedule::Schedule for Any {
    fn next(&self, state: &PollState<'_>) -> Decision {
        let step = self.0.get(state.polls as usize % self.0.len().max(1));
        Decision::After(Duration::from_millis(step.copied().unwrap_or(1)))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_schedule_no_poll_is_late_and_the_last_is_at_the_deadline(
        steps in proptest::collection::vec(0_u64..40_000, 1..6),
        deadline in 1_u64..400,
        retry_after in proptest::option::of(0_u64..90),
    ) {
        let turn = match retry_after {
            Some(time) => Turn::AskedToWait(status("queued"), seconds(time)),
            None => queued(),
        };
        let options = WaitOptions::default()
            .schedule(Any(steps))
            .deadline(seconds(deadline));
        let run = paused(run(&[turn], handle(), options));
        prop_assert_eq!(run.polls.last(), Some(&(deadline * 1000)));
        let floor = retry_after.unwrap_or_default().min(60) * 1000;
        let before_last = run.polls.len() - 1;
        for pair in run.polls[..before_last].windows(2) {
            prop_assert!(pair[1] - pair[0] >= floor.max(100));
            prop_assert!(pair[1] - pair[0] <= floor.max(40_001));
        }
        prop_assert_eq!(run.end.unwrap_err().kind(), ErrorKind::DeadlineExceeded);
    }

    #[test]
    fn the_default_schedule_keeps_to_its_limits_and_to_the_deadline(
        id in ".{0,20}",
        ends in 1_u64..4_000,
        least in 1_u64..10,
        most in 10_u64..200,
        deadline in 1_u64..4_000,
        finishes in 0_u64..40,
    ) {
        let planned = crate::schedule::Planned::default()
            .at_least(seconds(least))
            .at_most(seconds(most));
        let mut script = paused(async { script(&[Turn::EndsAt(seconds(ends))]) });
        let mut seen = Durations::default();
        for finish in 0..finishes {
            let took = seconds(ends + finish)..=seconds(ends + finish + 3);
            seen.observe("klingai/v2-master-text-to-video", Some(5), took);
        }
        script.durations = Mutex::new(seen);
        let created = handle().created().unwrap().clone();
        let model = "klingai/v2-master-text-to-video";
        let handle = GenerationHandle::of(id, model, Route::Universal, "https://a", created);
        let options = WaitOptions::default().schedule(planned).deadline(seconds(deadline));
        let (run, _) = paused(async move {
            script.began = Instant::now();
            follow(script, handle, options).await
        });
        let last = run.polls.last().copied().unwrap_or_default();
        prop_assert!(last <= deadline * 1000);
        prop_assert_eq!(run.end.is_ok(), ends <= deadline);
        if run.end.is_err() {
            prop_assert_eq!(last, deadline * 1000);
        }
        let all = std::iter::once(0).chain(run.polls.iter().copied());
        let all: Vec<u64> = all.collect();
        for pair in all.windows(2) {
            let step = pair[1] - pair[0];
            // The paused clock counts in milliseconds and rounds up.
            prop_assert!(step <= most * 1000 + 1, "{step}");
            prop_assert!(step >= least * 1000 || pair[1] == deadline * 1000, "{step}");
        }
    }
}

fn paused<T>(wait: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(wait)
}
