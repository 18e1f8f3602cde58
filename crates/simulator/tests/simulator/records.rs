//! Tests of the recorded requests and tasks, and of the simulator's own OpenAPI document.

use serde_json::{Value, json};

use crate::{
    Caller, MODEL, manual_clock,
    support::{self, judge},
    text,
};

#[tokio::test]
async fn every_request_is_recorded_without_its_key() {
    let simulator = manual_clock().await;
    let caller = Caller::of(&simulator);
    let id = caller.create_one().await;
    caller.poll(&id).await;
    // The key is also removed from the query, the body and other headers.
    let stray = format!("/v2/video/generations?generation_id={}", support::KEY);
    caller
        .send("GET", &stray, Some(&json!({ "key": support::KEY })))
        .await;
    let request = caller.http.get(format!("{}/elsewhere", simulator.url()));
    let secrets = [
        ("cookie", support::KEY),
        ("x-api-key", support::KEY),
        ("x-other", "kept"),
    ];
    let request = secrets.into_iter().fold(request, |request, (name, value)| {
        request.header(name, value)
    });
    request.send().await.unwrap();

    let (_, overview) = caller.send("GET", "/_simulator/", None).await;
    assert!(!overview.to_string().contains(support::KEY), "{overview}");
    let recorded = overview["requests"].as_array().unwrap();
    let values = |field: &str| {
        recorded
            .iter()
            .map(|request| request[field].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(values("method"), ["POST", "GET", "GET", "GET"]);
    assert_eq!(values("status"), [200, 200, 404, 404]);
    assert_eq!(values("number"), [1, 2, 3, 4]);
    assert_eq!(recorded[0]["body"], text(json!({})));
    assert_eq!(recorded[0]["headers"]["authorization"], "Bearer …");
    assert_eq!(recorded[3]["target"], "/elsewhere");
    assert_eq!(
        [
            &recorded[3]["headers"]["cookie"],
            &recorded[3]["headers"]["x-other"]
        ],
        ["…", "kept"]
    );
    assert_eq!(overview["requests_seen"], 4);
    let (_, requests) = caller.send("GET", "/_simulator/requests", None).await;
    assert_eq!(requests, overview["requests"]);
    assert_eq!(simulator.requests().len(), 4);
}

#[tokio::test]
async fn tasks_are_listed_in_the_order_of_their_creates() {
    let simulator = manual_clock().await;
    let caller = Caller::of(&simulator);
    let ids = [
        caller.create_one().await,
        caller.create_one().await,
        caller.create_one().await,
    ];
    caller.poll(&ids[1]).await;
    let (_, tasks) = caller.send("GET", "/_simulator/tasks", None).await;
    let values = |field: &str| {
        tasks
            .as_array()
            .unwrap()
            .iter()
            .map(|task| task[field].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(values("id"), ids);
    assert_eq!(values("polls"), [0, 1, 0]);
    assert_eq!(values("model"), [MODEL; 3]);
    assert_eq!(values("state"), ["queued"; 3]);
    assert_eq!(values("credits"), [500_000.0; 3]);
    assert!(tasks[0]["seconds_left"].as_f64().unwrap() > 100.0);
    let (_, overview) = caller.send("GET", "/_simulator", None).await;
    assert_eq!(overview["tasks"], tasks);
}

#[tokio::test]
async fn body_that_is_not_json_is_recorded_by_its_first_bytes() {
    let simulator = manual_clock().await;
    let caller = Caller::of(&simulator);
    let url = format!("{}/v2/video/generations", simulator.url());
    let long = "é".repeat(20_000);
    caller.http.post(url).body(long).send().await.unwrap();
    let recorded = &simulator.requests()[0];
    assert_eq!(recorded.body_bytes, 40_000);
    assert_eq!(recorded.body, Some(json!("é".repeat(512))));
}

#[tokio::test]
async fn own_document_allows_the_smallest_request_of_every_model_and_describes_own_responses() {
    let simulator = manual_clock().await;
    let caller = Caller::of(&simulator);
    let (_, document) = caller.send("GET", "/_simulator/openapi.json", None).await;
    assert_eq!(document["openapi"], "3.1.0");
    for file in ["files/{id}", "replay/{course}"] {
        let path = format!("/_simulator/{file}/{{name}}");
        assert!(document["paths"][&path]["get"].is_object(), "{path}");
    }
    // The schema contains the document's components, so that references resolve.
    let validator = |schema: Value| {
        let mut schema = schema;
        schema["components"] = document["components"].clone();
        jsonschema::draft202012::new(&schema).unwrap()
    };
    let mut checked = 0;
    for judged_model in judge::judges() {
        let content = &document["paths"][&judged_model.path]["post"]["requestBody"]["content"];
        let request = validator(content["application/json"]["schema"].clone());
        let body = judge::minimal(&judged_model.schema);
        assert!(request.is_valid(&body), "{}", judged_model.model);
        assert!(!request.is_valid(&json!({ "model": judged_model.model, "prompt": 5 })));
        checked += 1;
    }
    assert!(checked > 60, "{checked}");
    let schema = |path: &str| {
        document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
            .clone()
    };
    caller.create_one().await;
    for path in [
        "/_simulator/",
        "/_simulator/tasks",
        "/_simulator/requests",
        "/_simulator/rules",
        "/_simulator/scenario",
        "/_simulator/clock",
    ] {
        let (_, body) = caller.send("GET", path, None).await;
        assert!(validator(schema(path)).is_valid(&body), "{path}: {body}");
    }
    let scenario = validator(document["components"]["schemas"]["Scenario"].clone());
    let every_field = json!({ "next": [{
        "times": "always", "model": MODEL, "name": "a", "seconds": 1, "queued_seconds": 0.5, "back_to_queued": true,
        "end": { "fail": null }, "video": { "after_polls": 1 }, "id": "wrong", "shape": "list",
        "create": { "created": true, "status": 500, "headers": { "Retry-After": "1" }, "html": "" },
        "polls": [{ "times": 2, "delay_seconds": 0, "json": null }, { "close": true }, { "text": "" }],
        "downloads": [{ "cut_after": 1 }],
        "when": {
            "model": MODEL, "key": "a", "every": 2,
            "body": { "/prompt": { "matches": "^a", "exists": true }, "/seed": { "exists": false } },
            "headers": { "x-a": { "equals": "b" } },
        },
    }] });
    assert!(scenario.is_valid(&every_field));
    assert_eq!(caller.play(every_field).await.0, 200);
    for list in ["", "tasks", "requests", "rules"] {
        let path = format!("/_simulator/{list}");
        for parameter in document["paths"][&path]["get"]["parameters"]
            .as_array()
            .unwrap()
        {
            let allowed = validator(parameter["schema"].clone());
            for value in ["1", "x", "2100-01-01T00:00:00Z", "0", ""] {
                let target = format!("{path}?{}={value}", parameter["name"].as_str().unwrap());
                let (status, body) = caller.send("GET", &target, None).await;
                let expected = if allowed.is_valid(&json!(value)) {
                    200
                } else {
                    400
                };
                assert_eq!(status, expected, "{target}: {body}");
            }
        }
    }
    let (_, rules) = caller.send("GET", "/_simulator/rules", None).await;
    assert!(
        validator(schema("/_simulator/rules")).is_valid(&rules),
        "{rules}"
    );
    for when in [
        json!({ "body": { "/a": {} } }),
        json!({ "body": { "/a": { "equals": 1, "exists": false } } }),
        json!({ "body": { "a": { "exists": true } } }),
        json!({ "headers": { "x-a": { "equals": 1 } } }),
    ] {
        let invalid = json!({ "next": [{ "when": when }] });
        assert!(!scenario.is_valid(&invalid), "{invalid}");
        assert_eq!(caller.play(invalid).await.0, 400);
    }
    let framing = json!({ "next": [{ "polls": [{ "headers": { "cOntent-length": "1" } }] }] });
    assert!(!scenario.is_valid(&framing));
    assert_eq!(caller.play(framing).await.0, 400);
}
