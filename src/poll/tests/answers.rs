//! Tests of how a wait reacts to responses and failures, and of how it ends.

use super::*;

#[tokio::test(start_paused = true)]
async fn transient_errors_are_tolerated_for_two_minutes() {
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
async fn poll_that_failed_after_a_planned_pause_is_repeated_soon() {
    let options = WaitOptions::default();
    let short = run(&[Turn::Fails(502), completed()], handle(), options.clone()).await;
    assert!(short.end.is_ok());
    assert_eq!(short.polls, [125_115, 127_115]);
    let lost = run(&[Turn::Fails(502)], handle(), options).await;
    assert_eq!(lost.end.unwrap_err().kind(), ErrorKind::PollingLost);
    assert_eq!(lost.polls.first(), Some(&125_115));
    let polled = lost.polls.last().unwrap() - 125_115;
    assert!((90_000..=120_000).contains(&polled), "{:?}", lost.polls);
}

#[tokio::test(start_paused = true)]
async fn time_of_the_caller_after_a_failure_does_not_count_as_silence() {
    let script = script(&[Turn::Fails(502)]);
    let mut machine = Machine::start(&script, handle(), every(10).tolerance(seconds(25)));
    assert!(matches!(machine.step().await, Ok(Update::Progress(_))));
    for _ in 0..2 {
        assert!(matches!(machine.step().await, Ok(Update::PollFailed(_))));
        tokio::time::sleep(seconds(600)).await;
    }
    // Without pauses of the caller, the tolerance counts.
    let lost = loop {
        if let Err(error) = machine.step().await {
            break error;
        }
    };
    assert_eq!(lost.kind(), ErrorKind::PollingLost);
    assert!(
        lost.to_string().contains("no valid response for 25s"),
        "{lost}"
    );
}

#[tokio::test(start_paused = true)]
async fn time_in_the_budget_queue_does_not_count_as_silence() {
    // A token is available every 100 s, and the first one at once.
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
async fn valid_response_restarts_the_tolerance() {
    let mut turns = vec![Turn::Fails(503); 11];
    turns.push(queued());
    turns.extend(vec![Turn::Fails(503); 11]);
    turns.push(completed());
    assert!(run(&turns, handle(), every(10)).await.end.is_ok());
}

#[tokio::test(start_paused = true)]
async fn refusal_ends_the_wait_at_once() {
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
async fn not_found_is_tolerated_for_a_new_generation() {
    let run = run(
        &[Turn::Fails(404), Turn::Fails(404), completed()],
        handle(),
        every(1),
    )
    .await;
    assert!(run.end.is_ok());
}

#[tokio::test(start_paused = true)]
async fn bare_id_is_polled_at_once_and_an_unknown_one_refused() {
    let run = run(&[Turn::Fails(404)], "g".into(), every(10)).await;
    assert_eq!(run.polls, [0]);
    assert_eq!(run.end.unwrap_err().kind(), ErrorKind::PollingLost);
}

#[tokio::test(start_paused = true)]
async fn create_that_returned_the_video_is_not_polled() {
    let Turn::Answer(answer) = completed() else {
        unreachable!()
    };
    let run = run(&[queued()], created(answer), every(10)).await;
    assert_eq!((run.polls.len(), run.end.unwrap().videos().len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn create_that_returned_a_failure_is_not_polled() {
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
async fn video_that_follows_a_completed_state_is_returned() {
    let turns = [
        Turn::Answer(status("completed")),
        Turn::Answer(status("completed")),
        completed(),
    ];
    assert!(run(&turns, handle(), every(10)).await.end.is_ok());
}

#[tokio::test(start_paused = true)]
async fn unknown_state_is_tolerated_and_named_at_the_deadline() {
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
async fn return_to_queued_is_a_change() {
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
async fn wait_for_a_queued_generation_ends_at_the_queue_deadline() {
    let options = every(10).queue_deadline(seconds(25));
    let queued_run = run(&[queued()], handle(), options.clone()).await;
    assert_eq!(queued_run.polls, [10_000, 20_000, 25_000]);
    let error = queued_run.end.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    assert!(error.to_string().contains("still queued"), "{error}");
    assert!(error.is_resumable());
    // A generation that has left the queue by the poll at the queue deadline is not limited by it.
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
async fn failed_poll_at_the_queue_deadline_does_not_end_the_wait() {
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
async fn queue_deadline_does_not_delay_the_last_poll() {
    let options = every(10).queue_deadline(seconds(40)).deadline(seconds(35));
    let run = run(&[queued()], handle(), options).await;
    assert_eq!(run.polls, [10_000, 20_000, 30_000, 35_000]);
    assert!(run.end.is_err());
}

#[tokio::test(start_paused = true)]
async fn model_that_the_response_names_gives_a_bare_id_the_times_of_its_model() {
    let model = "klingai/v2-master-text-to-video";
    for (answer, is_known) in [
        (
            json!({ "id": "g", "status": "queued", "model": model }),
            true,
        ),
        (status("queued"), false),
    ] {
        let script = script(&[Turn::Answer(answer)]);
        let mut machine = Machine::start(&script, GenerationHandle::new("g"), every(10));
        let mut update = machine.step().await;
        machine.add_remaining(&mut update);
        let Ok(Update::Progress(progress)) = update else {
            panic!("{update:?}");
        };
        assert_eq!(progress.times.expected.is_some(), is_known);
        assert_eq!(progress.times.remaining.is_some(), is_known);
    }
}

#[tokio::test(start_paused = true)]
async fn queued_and_generating_time_are_separate() {
    let turns = [queued(), generating(), Turn::Fails(500), completed()];
    let script = script(&turns);
    let mut machine = Machine::start(&script, handle(), every(10));
    let mut observed = Vec::new();
    loop {
        let mut update = machine.step().await;
        machine.add_remaining(&mut update);
        let Ok(update) = update else { break };
        let times = match update {
            Update::Progress(progress) => progress.times,
            Update::PollFailed(failed) => failed.times,
            Update::Completed(_) => break,
        };
        let whole = |time: Duration| time.as_secs();
        observed.push((whole(times.queued), times.generating.map(whole)));
        assert_eq!(
            times.age,
            times.queued + times.generating.unwrap_or_default()
        );
        assert!(times.remaining.is_some());
    }
    assert_eq!(observed, [(0, None), (20, Some(0)), (20, Some(10))]);
}
