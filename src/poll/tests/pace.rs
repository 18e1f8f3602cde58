//! Tests of the exact times of polls.

use super::*;

/// When the default schedule polls `g`, in milliseconds.
const POLLS_OF_G: &[u64] = &[
    125115, 167420, 212893, 238282, 254011, 266813, 276055, 284812, 292699, 299575, 305678, 311781,
    316936, 322381, 327269, 332062, 336629, 340867, 345212, 349508, 353837, 357927, 362231, 366389,
    370642, 375015, 379560, 383717, 388134, 392205, 396168, 400000,
];

#[tokio::test(start_paused = true)]
async fn default_schedule_polls_rarely_until_the_end_is_near_and_then_often() {
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
async fn polls_of_an_id_are_reproducible_and_differ_from_those_of_another() {
    let options = || WaitOptions::default().deadline(seconds(600));
    let of = async |id: &str| {
        let mut handle = handle();
        handle = GenerationHandle::of(
            id.into(),
            "klingai/v2-master-text-to-video",
            Route::Universal,
            "https://a",
            handle.length(),
            handle.created().unwrap().clone(),
        );
        run(&[queued()], handle, options()).await.polls
    };
    assert_eq!(of("a").await, of("a").await);
    assert_ne!(of("a").await, of("b").await);
}

#[tokio::test(start_paused = true)]
async fn recorded_durations_reduce_the_polls_of_later_waits() {
    let mut durations = Durations::default();
    let mut counts = Vec::new();
    for _ in 0..20 {
        let mut script = script(&[Turn::EndsAt(seconds(400))]);
        script.durations = Mutex::new(durations);
        let (run, observed) = follow(script, handle(), WaitOptions::default()).await;
        assert!(run.end.is_ok());
        counts.push(run.polls.len());
        durations = observed;
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
async fn duration_is_not_recorded_if_the_generation_ended_before_the_wait() {
    let mut resumed = handle();
    resumed = serde_json::from_str(&serde_json::to_string(&resumed).unwrap()).unwrap();
    for handle in [resumed, GenerationHandle::new("g")] {
        let (run, observed) = follow(script(&[completed()]), handle, WaitOptions::default()).await;
        assert!(run.end.is_ok());
        assert_eq!(observed, Durations::default());
    }
}

#[tokio::test(start_paused = true)]
async fn last_poll_is_sent_at_the_deadline() {
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
async fn result_at_the_deadline_is_returned() {
    let run = run(
        &[queued(), queued(), completed()],
        handle(),
        every(10).deadline(seconds(25)),
    )
    .await;
    assert_eq!(run.end.unwrap().videos().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn hanging_poll_ends_by_the_deadline_and_only_the_last_runs_past_it() {
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
async fn wait_without_a_deadline_continues() {
    let mut turns = vec![queued(); 400];
    turns.push(completed());
    let run = run(&turns, handle(), every(10).no_deadline()).await;
    assert_eq!(run.polls.last(), Some(&4_010_000));
    assert!(run.end.is_ok());
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_a_floor_for_the_next_poll_alone() {
    let turns = [
        Turn::RetryAfter(status("queued"), seconds(25)),
        queued(),
        completed(),
    ];
    let run = run(&turns, handle(), every(10)).await;
    assert_eq!(run.polls, [10_000, 35_000, 45_000]);
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_obeyed_on_errors_and_capped_at_a_minute() {
    let turns = [Turn::FailsRetryAfter(429, seconds(3600)), completed()];
    let run = run(&turns, handle(), every(10)).await;
    assert_eq!(run.polls, [10_000, 70_000]);
}

#[tokio::test(start_paused = true)]
async fn retry_after_of_the_create_is_a_floor_for_the_first_poll() {
    let answer = Generation::from_json(status("queued"));
    let created = Created {
        answer,
        retry_after: Some(seconds(25)),
        expected: None,
    };
    let handle = GenerationHandle::of(
        "g".into(),
        "m",
        Route::Universal,
        "https://a",
        None,
        created,
    );
    assert_eq!(run(&[completed()], handle, every(10)).await.polls, [25_000]);
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

/// The end of a simulated generation is observed with the same lag, in the time of the simulator, as that of a real one.
#[tokio::test(start_paused = true)]
async fn planned_polls_are_the_same_at_another_speed() {
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
            // A timer counts whole milliseconds, and the schedule plans each step from the rounded time.
            let away = step.abs_diff(at_one);
            assert!(away <= 3 * speed, "{away} ms at {speed}: {:?}", run.polls);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn schedule_that_never_polls_is_polled_at_the_deadline_only() {
    let never = WaitOptions::default().schedule(Fixed::every(Duration::MAX));
    let run = run(&[queued()], handle(), never.deadline(seconds(600))).await;
    assert_eq!(run.polls, [600_000]);
}

#[tokio::test(start_paused = true)]
async fn generation_with_a_stated_age_of_a_day_is_polled_soon() {
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
async fn extreme_settings_do_not_panic() {
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

#[tokio::test(start_paused = true)]
async fn extreme_stated_duration_does_not_panic() {
    let mut created = handle().created().unwrap().clone();
    created.expected = Some(Duration::MAX..=Duration::MAX);
    let handle = GenerationHandle::of(
        "g".into(),
        "m",
        Route::Universal,
        "https://a",
        None,
        created,
    );
    let script = script(&[generating()]);
    let mut machine = Machine::start(&script, handle, every(10));
    let mut update = machine.step().await;
    machine.add_remaining(&mut update);
    let Ok(Update::Progress(progress)) = update else {
        panic!("{update:?}");
    };
    assert!(progress.times.remaining > Some(Duration::from_secs(u64::MAX / 2)));
}

#[tokio::test(start_paused = true)]
async fn polls_beyond_the_budget_are_queued_except_the_last() {
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
async fn error_without_a_budget_delay_does_not_mention_the_budget() {
    let run = run(&[queued()], handle(), every(10).deadline(seconds(25))).await;
    let error = run.end.unwrap_err();
    assert_eq!(error.budget_delay(), Some(Duration::ZERO));
    assert!(!error.to_string().contains("budget"), "{error}");
}
