//! The facts that follow from the library's outcomes, with a local server, and the schedule that continues in other processes.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    time::Duration,
};

use aimlapi_video::{
    Client, CreateRetries, Error, ErrorKind, Generation, GenerationHandle, GenerationRequest,
    Route,
    schedule::{Fixed, Planned},
};
use aimlapi_video_worker::job::{Fact, Plan, ScheduleState, Timestamp};
use serde_json::json;

const PAUSE: Duration = Duration::from_secs(4);
const STEP: Fixed = Fixed::every(Duration::from_secs(10));

#[test]
fn create_that_bought_nothing_is_released_after_the_longer_pause() {
    let fact = of_create(&create("429 Too Many Requests\r\nRetry-After: 30", "{}"));
    assert_eq!(
        fact,
        Fact::not_bought("claim".into(), at(130), "Refused 429")
    );
    let fact = of_create(&create("429 Too Many Requests\r\nRetry-After: 1", "{}"));
    assert_eq!(
        fact,
        Fact::not_bought("claim".into(), at(104), "Refused 429")
    );
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let fact = of_create(&create_at(&format!("http://{closed}")));
    assert_eq!(
        fact,
        Fact::not_bought("claim".into(), at(104), "Unreachable")
    );
}

#[test]
fn refused_create_ends_the_job() {
    for status in [400, 401, 402, 422] {
        let fact = of_create(&create(&format!("{status} Refused"), "{}"));
        let reason = format!("Refused {status}");
        assert_eq!(
            fact,
            Fact::Refused {
                claim: "claim".into(),
                reason
            }
        );
    }
}

#[test]
fn create_that_may_have_been_accepted_is_unclear() {
    let fact = of_create(&create("502 Bad Gateway", "{}"));
    assert_eq!(fact, Fact::unclear("claim".into(), "AmbiguousCreate 502"));
    let fact = of_create(&create("200 OK", "not JSON"));
    assert_eq!(fact, Fact::unclear("claim".into(), "AmbiguousCreate 200"));
}

#[test]
fn created_generation_is_first_polled_as_planned() {
    let created = create("201 Created", r#"{"id": "g", "status": "queued"}"#);
    let handle = created.as_ref().unwrap().clone();
    let began = Timestamp::from(handle.created_at().unwrap());
    let first_poll = began + Duration::from_secs(10);
    assert_eq!(
        of_create(&created),
        Fact::Created {
            claim: "claim".into(),
            handle,
            first_poll
        }
    );
}

#[test]
fn unfinished_generation_is_polled_again_as_planned() {
    let Fact::Polled { schedule, .. } = of_poll(5, &state(json!({ "status": "generating" })))
    else {
        panic!("the generation goes on")
    };
    assert_eq!(
        (schedule.polls, schedule.unfinished, schedule.next_poll),
        (1, at(4), at(15))
    );
}

#[test]
fn failed_poll_is_repeated_soon_and_after_the_time_that_the_service_requests() {
    let next = |outcome| match of_poll(1000, &outcome) {
        Fact::Polled { schedule, .. } => {
            assert!(schedule.failing);
            schedule.next_poll
        }
        fact => panic!("{fact:?}"),
    };
    assert_eq!(next(poll("503 Service Unavailable")), at(1010));
    assert_eq!(
        next(poll("429 Too Many Requests\r\nRetry-After: 60")),
        at(1060)
    );
    // The key may be replaced.
    assert_eq!(next(poll("401 Unauthorized")), at(1010));
}

#[test]
fn unknown_generation_is_lost_only_after_several_polls_in_a_row() {
    let unknown = poll("404 Not Found");
    let generating = state(json!({ "status": "generating" }));
    let unavailable = poll("503 Service Unavailable");
    let lost = Fact::Lost {
        handle: "g".into(),
        reason: "PollingLost 404".to_owned(),
    };
    // The polls of the first 30 s do not count.
    let (_, new) = polls(at(0), &[&unknown; 4]);
    assert!(matches!(new, Fact::Polled { .. }), "{new:?}");
    let (_, known) = polls(
        at(100),
        &[&unknown, &unknown, &unknown, &generating, &unknown],
    );
    assert!(matches!(known, Fact::Polled { .. }), "{known:?}");
    let (ended, fact) = polls(at(100), &[&unknown; 4]);
    assert_eq!((ended, fact), (at(190), lost.clone()));
    let (_, fact) = polls(
        at(100),
        &[&unknown, &unavailable, &unknown, &unknown, &unknown],
    );
    assert_eq!(fact, lost);
}

#[test]
fn failed_generation_states_its_reason() {
    let failed =
        json!({ "status": "error", "error": { "name": "Moderated", "message": "a face" } });
    let reason = "error: Moderated: a face".to_owned();
    assert_eq!(
        of_poll(5, &state(failed)),
        Fact::GenerationFailed {
            handle: "g".into(),
            reason
        }
    );
}

#[test]
fn completed_generation_is_lost_only_if_its_video_does_not_appear_for_minutes() {
    let completed = json!({ "id": "g", "status": "completed", "video": { "url": "https://cdn.example/g.mp4" } });
    let completed = state(completed);
    assert_eq!(
        of_poll(5, &completed),
        Fact::Completed { handle: "g".into() }
    );
    let missing = state(json!({ "id": "g", "status": "completed" }));
    let (ended, fact) = polls(at(100), &[&missing, &missing, &missing]);
    assert_eq!(ended, at(106));
    assert!(matches!(fact, Fact::Polled { .. }), "{fact:?}");
    let mut outcomes = vec![&missing; 10];
    outcomes.push(&completed);
    let (_, fact) = polls(at(100), &outcomes);
    assert_eq!(fact, Fact::Completed { handle: "g".into() });
    let (ended, fact) = polls(at(100), &[&missing; 11]);
    let reason = "completed without a video".to_owned();
    let handle = "g".into();
    assert_eq!((ended, fact), (at(179), Fact::Lost { handle, reason }));
}

#[test]
fn completed_generation_with_a_failure_may_have_no_video_for_three_polls() {
    let failed = state(json!({ "id": "g", "status": "completed", "error": "no face" }));
    let (_, fact) = polls(at(100), &[&failed; 3]);
    assert!(matches!(fact, Fact::Polled { .. }), "{fact:?}");
    let (ended, fact) = polls(at(100), &[&failed; 4]);
    let reason = "completed: no face".to_owned();
    let handle = "g".into();
    assert_eq!(
        (ended, fact),
        (at(109), Fact::GenerationFailed { handle, reason })
    );
}

/// A generation of 330 s is polled about as often as the documentation of the default schedule states, and the speed divides the
/// times.
#[test]
fn schedule_continues_in_other_processes_and_at_the_speed_of_a_simulator() {
    let handle = json!({ "id": "g", "model": "klingai/v2-master-text-to-video", "created_at": "1970-01-01T00:00:00Z" });
    let handle: GenerationHandle = serde_json::from_value(handle).unwrap();
    let planned = Planned::default();
    let polls = |speed: u32| {
        let mut plan = Plan::new(&planned);
        plan.speed = speed.into();
        plan.length = Some(5);
        let mut schedule = ScheduleState::new(&handle, at(0));
        schedule.plan(&handle, &plan, None);
        let mut polls = Vec::new();
        while schedule.next_poll < at(0) + Duration::from_secs(330) / speed {
            let now = schedule.next_poll;
            polls.push(speed * now.since(at(0)));
            let outcome = state(json!({ "status": "generating" }));
            let Fact::Polled { schedule: next, .. } =
                Fact::of_poll(handle.clone(), schedule, (now, now), &outcome, &plan)
            else {
                panic!("the generation goes on")
            };
            // Another process reads the state.
            schedule = serde_json::from_str(&serde_json::to_string(&next).unwrap()).unwrap();
        }
        polls
    };
    let real = polls(1);
    assert!((10..25).contains(&real.len()), "{real:?}");
    let fast = polls(10);
    assert_eq!(fast.len(), real.len());
    for (fast, real) in fast.iter().zip(&real) {
        assert!(
            fast.abs_diff(*real) < Duration::from_secs(1),
            "{fast:?} {real:?}"
        );
    }
}

#[test]
fn state_of_a_newer_version_is_read_as_unknown() {
    let schedule: ScheduleState =
        serde_json::from_value(json!({ "polls": 3, "last": "paused" })).unwrap();
    assert_eq!(
        (schedule.polls, schedule.last),
        (3, Some(aimlapi_video::State::Unknown))
    );
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1000 * seconds)
}

fn of_create(outcome: &Result<GenerationHandle, Error>) -> Fact {
    Fact::of_create("claim".into(), outcome, at(100), PAUSE, &Plan::new(&STEP))
}

/// The fact of a first poll that ended at `now` seconds and was sent a second earlier.
fn of_poll(now: u64, outcome: &Result<Generation, Error>) -> Fact {
    let schedule = ScheduleState::new(&"g".into(), at(0));
    Fact::of_poll(
        "g".into(),
        schedule,
        (at(now - 1), at(now)),
        outcome,
        &Plan::new(&STEP),
    )
}

/// The fact of the last of several polls, the first of which is at `begin`, and its time.
fn polls(begin: Timestamp, outcomes: &[&Result<Generation, Error>]) -> (Timestamp, Fact) {
    let mut schedule = ScheduleState::new(&"g".into(), at(0));
    schedule.next_poll = begin;
    let mut last = None;
    for outcome in outcomes {
        let now = schedule.next_poll;
        let fact = Fact::of_poll("g".into(), schedule, (now, now), outcome, &Plan::new(&STEP));
        schedule = match &fact {
            Fact::Polled { schedule, .. } => schedule.clone(),
            _ => ScheduleState::default(),
        };
        last = Some((now, fact));
    }
    last.unwrap()
}

fn state(body: serde_json::Value) -> Result<Generation, Error> {
    Ok(Generation::from_json(body))
}

fn create(head: &str, body: &str) -> Result<GenerationHandle, Error> {
    with_server(head, body, create_at)
}

fn poll(head: &str) -> Result<Generation, Error> {
    let outcome = with_server(head, "{}", |base| block_on(client(base).fetch("g")));
    assert_eq!(outcome.as_ref().unwrap_err().kind(), ErrorKind::PollingLost);
    outcome
}

fn create_at(base: &str) -> Result<GenerationHandle, Error> {
    let body = json!({ "prompt": "a boat" }).as_object().unwrap().clone();
    let request = GenerationRequest::unchecked(Route::Universal, "newer/model", body);
    block_on(client(base).create(request))
}

fn client(base: &str) -> Client {
    let builder = Client::builder().api_key("key").base_url(base);
    builder
        .create_retries(CreateRetries::none())
        .build()
        .unwrap()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(future)
}

/// Runs `call` with the base URL of a server that sends one response.
fn with_server<T>(head: &str, body: &str, call: impl FnOnce(&str) -> T) -> T {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let length = body.len();
    let response =
        format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    std::thread::scope(|scope| {
        scope.spawn(move || respond(listener.accept().unwrap().0, &response));
        call(&base)
    })
}

/// Reads a whole request, and responds.
fn respond(mut connection: TcpStream, response: &str) {
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    while !is_whole(&request) {
        let read = connection.read(&mut buffer).unwrap();
        request.extend_from_slice(&buffer[..read]);
    }
    connection.write_all(response.as_bytes()).unwrap();
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    length.is_none_or(|length| body.len() >= length.parse().unwrap())
}
