//! Compares what the library reads in a response with what the response states in the documented properties.

use aimlapi_video::{Generation, Route, State};
use aimlapi_video_simulator::{Deviation, http};
use serde_json::Value;

/// Returns what the library reads otherwise.
pub(super) fn reading(
    request: &http::Request<Vec<u8>>,
    response: &http::Response<Vec<u8>>,
) -> Vec<Deviation> {
    let is_read = response.status().is_success()
        && Route::from_path(request.uri().path()).is_some()
        && [http::Method::GET, http::Method::POST].contains(request.method());
    let body = serde_json::from_slice(response.body()).ok();
    match body.filter(|body: &Value| is_read && body.is_object()) {
        Some(body) => differences(&body),
        None => Vec::new(),
    }
}

fn differences(body: &Value) -> Vec<Deviation> {
    let read = Generation::from_json(body.clone());
    let mut found = Vec::new();
    let mut differs = |pointer: &str, read: String| {
        let given = body.pointer(pointer).cloned();
        found.push(Deviation::of_reading(pointer, given, read));
    };
    if read.id().is_none() {
        differs("/id", "an id, which the library finds nowhere".into());
    }
    let stated = match body["status"].as_str() {
        Some("queued") => State::Queued,
        Some("generating") => State::Generating,
        Some("completed") => State::Completed,
        Some("error") => State::Failed,
        _ => State::Unknown,
    };
    let state = read.state();
    if state == State::Unknown {
        differs("/status", "a state that the library knows".into());
    } else if stated != State::Unknown && state != stated {
        differs(
            "/status",
            format!("the state {state:?}, as the library reads it"),
        );
    }
    if state == State::Completed && read.videos().is_empty() {
        differs("/video", "a video, which the library finds nowhere".into());
    }
    let stated = match &body["video"] {
        Value::Array(videos) => videos.as_slice(),
        video => std::slice::from_ref(video),
    };
    for url in stated.iter().filter_map(|video| video["url"].as_str()) {
        if !read.videos().iter().any(|video| video.url == url) {
            differs("/video", "a URL that the library reads".into());
        }
    }
    if state == State::Failed && read.failure().is_none() {
        differs("/error", "a reason, which the library finds nowhere".into());
    }
    for name in ["credits_used", "tokens_used"] {
        let pointer = format!("/meta/usage/{name}");
        let stated = body.pointer(&pointer).and_then(Value::as_f64);
        if stated.is_some() && read.usage().credits != stated {
            differs(
                &pointer,
                format!("{:?}, as the library reads it", read.usage().credits),
            );
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pointers(body: &Value) -> Vec<String> {
        let found = differences(body).into_iter();
        found.map(|one| one.pointer).collect()
    }

    #[test]
    fn documented_response_is_read_as_it_states() {
        let video = json!({ "url": "https://a.test/1.mp4" });
        for body in [
            json!({ "id": "1", "status": "queued" }),
            json!({ "id": "1", "status": "generating", "video": null }),
            json!({ "id": "1", "status": "completed", "video": video,
                "meta": { "usage": { "credits_used": 5, "usd_spent": 0.1 } } }),
            json!({ "id": "1", "status": "completed", "video": [video, video] }),
            json!({ "id": "1", "status": "error", "error": { "name": "n", "message": "m" } }),
        ] {
            assert_eq!(pointers(&body), [""; 0], "{body}");
        }
    }

    #[test]
    fn response_that_the_library_cannot_read_is_a_deviation() {
        for (body, expected) in [
            (json!({ "status": "queued" }), "/id"),
            (json!({ "id": "1", "status": "stuck" }), "/status"),
            (json!({ "id": "1", "status": "completed" }), "/video"),
        ] {
            assert_eq!(pointers(&body), [expected], "{body}");
        }
    }
}
