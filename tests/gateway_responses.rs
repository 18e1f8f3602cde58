//! Tests of responses with several states, errors or URLs: which of them decides, and which belong to something else.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video::{Generation, State};
use serde_json::{Value, json};

fn read(answer: &Value) -> (State, Vec<String>) {
    let generation = Generation::from_json(answer.clone());
    let urls = generation.videos().iter().map(|video| video.url.clone());
    (generation.state(), urls.collect())
}

#[test]
fn running_or_failed_generation_is_not_completed_by_the_success_of_the_call() {
    let console = "https://console.example.com/tasks/1";
    for (answer, expected) in [
        (
            json!({ "status": "success", "data": { "task_status": "processing", "url": console } }),
            State::Generating,
        ),
        (
            json!({ "status": "success", "data": { "task_status": "processing", "video_url": console } }),
            State::Generating,
        ),
        (
            json!({ "status": "ok", "state": "success", "result": { "status": "queued", "url": console } }),
            State::Queued,
        ),
        (
            json!({ "status": "success", "data": { "status": "failed", "url": console, "fail_reason": "blocked" } }),
            State::Failed,
        ),
    ] {
        assert_eq!(read(&answer), (expected, Vec::new()), "{answer}");
    }
    let done = json!({ "status": "success", "data": { "task_status": "succeed", "result": { "video_url": "https://v/x" } } });
    assert_eq!(
        read(&done),
        (State::Completed, vec!["https://v/x".to_owned()])
    );
}

#[test]
fn generation_in_an_unknown_state_is_neither_failed_by_counts_nor_completed_by_parts() {
    for answer in [
        json!({ "status": "upscaling", "progress": { "failed": 1, "total": 8 } }),
        json!({ "status": "retrying", "last_error": "upstream timeout" }),
        json!({ "status": "pass 2", "steps": [{ "error": "retried once" }] }),
        json!({ "status": "phase 3", "failed": 2 }),
        json!({ "status": "stitching", "output": { "partial_video": "https://v/part.mp4" } }),
        json!({ "status": "stitching", "output": { "video_segments": ["https://v/1.mp4"] } }),
        json!({ "status": "stitching", "generated_clips": ["https://v/1.mp4"] }),
    ] {
        assert_eq!(read(&answer), (State::Unknown, Vec::new()), "{answer}");
    }
    let failed = json!({ "status": "weird", "error": { "message": "blocked" } });
    assert_eq!(read(&failed).0, State::Failed);
}

#[test]
fn status_is_read_from_the_property_that_states_one() {
    let url = "https://v/x.mp4";
    for (answer, expected) in [
        (
            json!({ "status": 200, "state": "completed", "video_url": url }),
            State::Completed,
        ),
        (
            json!({ "status": 1, "task_status": "failed", "message": "blocked" }),
            State::Failed,
        ),
        (
            json!({ "status": { "code": "FAILED", "message": "blocked" } }),
            State::Failed,
        ),
        (json!({ "status": "error: no GPU left" }), State::Failed),
        (json!({ "status": "note: half done" }), State::Unknown),
    ] {
        assert_eq!(read(&answer).0, expected, "{answer}");
    }
}

#[test]
fn urls_of_other_generations_and_of_api_resources_are_not_videos() {
    let video = "https://v/new.mp4";
    for answer in [
        json!({ "status": "completed", "video_url": video, "history": [{ "video_url": "https://v/1.mp4" }, { "video_url": "https://v/2.mp4" }] }),
        json!({ "status": "completed", "videos": [video], "previous_videos": ["https://v/1.mp4", "https://v/2.mp4"] }),
        json!({ "status": "completed", "output": { "video": video, "extra": { "video": "https://v/other.mp4" } } }),
        json!({ "status": "COMPLETED", "response_url": "https://queue.example.com/requests/1", "video_url": video }),
        json!({ "status": "completed", "generation_url": "https://api.example.com/g/1", "video_url": video }),
        json!({ "status": "completed", "task_url": "https://api.example.com/t/1", "file": video }),
    ] {
        assert_eq!(
            read(&answer),
            (State::Completed, vec![video.to_owned()]),
            "{answer}"
        );
    }
    let none =
        json!({ "status": "COMPLETED", "response_url": "https://queue.example.com/requests/1" });
    assert_eq!(read(&none), (State::Completed, Vec::new()));
}

#[test]
fn video_of_the_request_is_not_the_result_of_a_failed_generation() {
    let answer = json!({
        "status": "completed", "video": null, "error": { "message": "the output was blocked" },
        "video_url": "https://v/input.mp4",
    });
    assert_eq!(read(&answer), (State::Completed, Vec::new()));
}

#[test]
fn text_of_the_caller_is_not_the_reason() {
    let reason = |answer: Value| {
        let generation = Generation::from_json(answer);
        generation
            .failure()
            .map(ToString::to_string)
            .unwrap_or_default()
    };
    let prompt = "A cat on a roof";
    for answer in [
        json!({ "status": "failed", "task_description": prompt }),
        json!({ "status": "failed", "job_title": prompt }),
        json!({ "status": "failed", "metadata": { "note": prompt } }),
        json!({ "status": "failed", "prompt": prompt, "feedback": prompt }),
        json!({ "status": "failed", "error": { "input": { "prompt": prompt }, "status": 500 } }),
        json!({ "status": "failed", "billing": { "message": "charged" }, "prompt": prompt }),
    ] {
        let reason = reason(answer.clone());
        assert!(
            !reason.contains(prompt) && !reason.contains("charged"),
            "{answer}: {reason}"
        );
    }
    let hidden = json!({ "message": "Query successful", "data": { "status": "failed", "msg": "face not found" } });
    assert_eq!(reason(hidden), "face not found");
}

#[test]
fn id_in_a_wrapped_success_identifies_the_generation() {
    for code in [json!(0), json!(200), json!("success")] {
        let answer = json!({ "code": code, "message": "ok", "data": { "task_id": "g1" } });
        assert_eq!(Generation::from_json(answer).id(), Some("g1"));
    }
    for answer in [
        json!({ "task_id": "g1" }),
        json!({ "code": 1001, "data": { "task_id": "g1" } }),
    ] {
        assert_eq!(Generation::from_json(answer).id(), None);
    }
}
