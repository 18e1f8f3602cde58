//! Tests of `Checker`: the deviations of requests and responses from their documents.

use aimlapi_video::{Route, contract::model, documents::Document};
use aimlapi_video_simulator::{Checker, Deviation, Part, Shape, Simulator, Subject, http};
use serde_json::{Value, json};

use crate::{Caller, MODEL, support::KEY, text};

fn create(body: &Value) -> http::Request<String> {
    http::Request::post("/v2/video/generations")
        .header("authorization", format!("Bearer {KEY}"))
        .header("content-type", "application/json; charset=utf-8")
        .body(body.to_string())
        .unwrap()
}

fn fetch(target: &str) -> http::Request<String> {
    http::Request::get(target)
        .header("authorization", "bearer any")
        .body(String::new())
        .unwrap()
}

fn response(status: u16, body: &Value) -> http::Response<String> {
    http::Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(body.to_string())
        .unwrap()
}

fn lines(deviations: &[Deviation]) -> Vec<String> {
    deviations.iter().map(ToString::to_string).collect()
}

#[test]
fn valid_request_and_response_have_no_deviation() {
    let checker = Checker::new().unwrap();
    let request = create(&text(json!({ "duration": 5 })));
    assert_eq!(lines(&checker.request(&request)), [""; 0]);
    let created = response(200, &json!({ "id": "1", "status": "queued" }));
    assert_eq!(lines(&checker.response(&request, &created)), [""; 0]);
    for query in [
        "generation_id=1%3Aa",
        "generation%5Fid=1",
        "generation_id=1&generation_id=2",
    ] {
        let request = fetch(&format!("/v2/video/generations?{query}"));
        assert_eq!(lines(&checker.request(&request)), [""; 0]);
    }
    let request = fetch("/v2/video/generations?generation_id=1%3Aa");
    let video = json!({ "url": "https://a.test/v.mp4" });
    for video in [video.clone(), json!([video]), Value::Null] {
        let fetched = json!({ "id": "1", "status": "completed", "video": video, "error": null });
        let found = checker.response(&request, &response(200, &fetched));
        // The fetch document declares a single video, although some documents of creates declare a list.
        assert_eq!(found.len(), usize::from(video.is_array()), "{found:?}");
    }
}

#[test]
fn every_part_of_a_request_is_judged() {
    let checker = Checker::new().unwrap();
    let mut request = create(&json!({ "model": MODEL, "duration": "5", "cfg_scale": 2 }));
    request.headers_mut().remove("content-type");
    request.headers_mut().remove("authorization");
    let document = "(kling/v2-master-text-to-video.json)";
    let mut found = lines(&checker.request(&request));
    found.sort();
    assert_eq!(
        found,
        [
            format!("request body /cfg_scale: expected at most 1; received 2 {document}"),
            format!("request body /duration: expected integer; received \"5\" {document}"),
            format!("request body /duration: expected one of 5, 10; received \"5\" {document}"),
            format!("request body /prompt: expected a value; received nothing {document}"),
            "request header /authorization: expected Bearer KEY; received nothing".into(),
            "request header /content-type: expected application/json; received nothing".into(),
        ]
    );
    for (method, target, body, part, pointer) in [
        ("POST", "/v2/video/generation", "{}", Part::Path, ""),
        ("DELETE", "/v2/video/generations", "", Part::Method, ""),
        (
            "GET",
            "/v2/video/generations?generation_id=",
            "",
            Part::Query,
            "/generation_id",
        ),
        ("POST", "/v2/video/generations", "{", Part::Body, ""),
        ("POST", "/v2/video/generations", "{}", Part::Body, "/model"),
    ] {
        let (mut parts, _) = create(&json!({})).into_parts();
        parts.method = method.parse().unwrap();
        parts.uri = target.parse().unwrap();
        let found = checker.request(&http::Request::from_parts(parts, body));
        let found: Vec<_> = found.iter().map(|one| (one.part, &*one.pointer)).collect();
        assert_eq!(found, [(part, pointer)], "{method} {target}");
    }
}

#[test]
fn every_part_of_a_response_is_judged() {
    let checker = Checker::new().unwrap();
    let request = create(&text(json!({})));
    let found = |response: &http::Response<String>| -> Vec<(Part, String)> {
        let found = checker.response(&request, response);
        assert!(found.iter().all(|one| one.subject == Subject::Response));
        found
            .into_iter()
            .map(|one| (one.part, one.pointer))
            .collect()
    };
    let body =
        json!({ "id": 1, "status": "done", "video": { "url": "v" }, "meta": { "usage": {} } });
    let mut bodies = found(&response(200, &body));
    bodies.sort_by(|a, b| a.1.cmp(&b.1));
    assert_eq!(
        bodies,
        ["/id", "/meta/usage/credits_used", "/status", "/video/url"]
            .map(|at| (Part::Body, at.into()))
    );
    let mut html = response(200, &Value::Null);
    *html.body_mut() = "<h1>Hello</h1>".into();
    html.headers_mut()
        .insert("content-type", "text/html".parse().unwrap());
    let parts = found(&html).into_iter().map(|(part, _)| part);
    assert_eq!(parts.collect::<Vec<_>>(), [Part::Header, Part::Body]);
    let valid = json!({ "id": "1", "status": "queued" });
    for (status, deviates) in [(202, true), (302, true), (400, true), (422, true)] {
        let found = found(&response(status, &valid));
        assert_eq!(
            found.iter().any(|(part, _)| *part == Part::Status),
            deviates,
            "{status}"
        );
    }
    for status in [401, 403, 429, 500, 503] {
        assert_eq!(found(&response(status, &json!("no"))), [], "{status}");
    }
    let refused = response(400, &json!({ "message": "no" }));
    assert_eq!(
        checker.response(&create(&json!({ "model": MODEL })), &refused),
        []
    );
}

#[test]
fn deviation_contains_neither_key_nor_signature_nor_media() {
    let checker = Checker::new().unwrap();
    let media = "QUJD".repeat(1000);
    let body = text(json!({
        "duration": KEY,
        "cfg_scale": format!("data:image/png;base64,{media}"),
        "aspect_ratio": "https://a.test/v.mp4?Signature=secret",
        "negative_prompt": [format!("long {}", "x".repeat(1000))],
    }));
    let found = serde_json::to_string(&checker.request(&create(&body))).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&found)
            .unwrap()
            .as_array()
            .unwrap()
            .len(),
        5
    );
    for secret in [KEY, "Signature", "QUJDQUJD"] {
        assert!(!found.contains(secret), "{found}");
    }
    assert!(found.len() < 2000, "{found}");
}

#[test]
fn other_documents_take_the_place_of_the_embedded_ones() {
    let mut acme = model(Route::Universal, MODEL).unwrap().clone();
    acme.id = "acme/newest".into();
    let schema =
        json!({ "type": "object", "properties": { "model": { "enum": ["acme/newest"] } } });
    let response_schema = json!({ "type": "object", "required": ["job"] });
    let path = Route::Universal.path();
    let document =
        Document::new("acme/newest", path, 201, schema).with_response(Some(response_schema));
    let checker = Checker::with_documents([(acme, document)], []).unwrap();
    let request = create(&json!({ "model": "acme/newest" }));
    assert_eq!(checker.request(&request), []);
    assert_eq!(
        lines(&checker.response(&request, &response(201, &json!({})))),
        [
            "response body /job: expected a value; received nothing (kling/v2-master-text-to-video.json)"
        ]
    );
    assert_eq!(checker.request(&create(&text(json!({})))).len(), 1);
}

#[tokio::test]
async fn simulator_deviates_from_the_documents_only_in_undocumented_shapes() {
    let checker = Checker::new().unwrap();
    for shape in Shape::ALL {
        let builder = Simulator::builder().manual_clock().shapes([*shape]);
        let simulator = builder.start().await.unwrap();
        let caller = Caller::of(&simulator);
        let request = create(&text(json!({})));
        let sent: Value = serde_json::from_str(request.body()).unwrap();
        let created = caller
            .response("POST", request.uri().path(), Some(&sent))
            .await
            .unwrap();
        let mut deviates = !checker
            .response(&request, &received(created).await)
            .is_empty();
        let id = &simulator.tasks()[0].id;
        let target = format!(
            "/v2/video/generations?generation_id={}",
            id.replace('/', "%2F")
        );
        for seconds in [0, 100_000] {
            simulator.advance(std::time::Duration::from_secs(seconds));
            let fetched = caller.response("GET", &target, None).await.unwrap();
            deviates |= !checker
                .response(&fetch(&target), &received(fetched).await)
                .is_empty();
        }
        let documented = [
            Shape::Documented,
            Shape::Bare,
            Shape::File,
            Shape::FilledError,
            Shape::Detail,
        ];
        assert_eq!(deviates, !documented.contains(shape), "{shape}");
    }
}

async fn received(response: reqwest::Response) -> http::Response<Vec<u8>> {
    let mut out = http::Response::builder().status(response.status());
    *out.headers_mut().unwrap() = response.headers().clone();
    out.body(response.bytes().await.unwrap().to_vec()).unwrap()
}
