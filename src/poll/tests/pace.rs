//! The exact instants of polls.

use super::*;

/// When the default schedule polls `g`, in milliseconds.
const POLLS_OF_G: &[u64] = &[
    125247, 167468, 212928, 238302, 254033, 266813, 276048, 284818, 292719, 299597, 305700, 311804,
    316958, 322404, 327292, 331967, 336532, 340769, 345114, 349408, 353733, 357823, 362125, 366282,
    370535, 374906, 379451, 383609, 388024, 392095, 396060, 400000,
];

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
        length: None,
    };
    let handle = GenerationHandle::of("g".into(), "m", Route::Universal, "https://a", created);
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
async fn a_generation_said_to_be_a_day_old_is_polled_for_as_if_its_clock_were_wrong() {
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
