//! What the simulator tells of what it saw, and its own document.

use serde_json::{Value, json};

use crate::{
    Caller, MODEL, standing,
    support::{self, judge},
    text,
};

#[tokio::test]
async fn every_request_is_listed_with_what_a_test_may_ask_and_without_its_key() {
    let simulator = standing().await;
    let caller = Caller::of(&simulator);
    let id = caller.made().await;
    caller.poll(&id).await;
    // A key where it does not belong is kept no more than one where it does.
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
    let seen = overview["requests"].as_array().unwrap();
    let told = |field: &str| {
        seen.iter()
            .map(|request| request[field].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(told("method"), ["POST", "GET", "GET", "GET"]);
    assert_eq!(told("status"), [200, 200, 404, 404]);
    assert_eq!(told("number"), [1, 2, 3, 4]);
    assert_eq!(seen[0]["body"], text(json!({})));
    assert_eq!(seen[0]["headers"]["authorization"], "Bearer …");
    assert_eq!(seen[3]["target"], "/elsewhere");
    assert_eq!(
        [
            &seen[3]["headers"]["cookie"],
            &seen[3]["headers"]["x-other"]
        ],
        ["…", "kept"]
    );
    assert_eq!(overview["requests_seen"], 4);
    let (_, requests) = caller.send("GET", "/_simulator/requests", None).await;
    assert_eq!(requests, overview["requests"]);
    assert_eq!(simulator.requests().len(), 4);
}

#[tokio::test]
async fn the_tasks_are_listed_in_the_order_of_their_creates() {
    let simulator = standing().await;
    let caller = Caller::of(&simulator);
    let ids = [
        caller.made().await,
        caller.made().await,
        caller.made().await,
    ];
    caller.poll(&ids[1]).await;
    let (_, tasks) = caller.send("GET", "/_simulator/tasks", None).await;
    let told = |field: &str| {
        tasks
            .as_array()
            .unwrap()
            .iter()
            .map(|task| task[field].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(told("id"), ids);
    assert_eq!(told("polls"), [0, 1, 0]);
    assert_eq!(told("model"), [MODEL; 3]);
    assert_eq!(told("state"), ["queued"; 3]);
    assert_eq!(told("credits"), [500_000.0; 3]);
    assert!(tasks[0]["seconds_left"].as_f64().unwrap() > 100.0);
    let (_, overview) = caller.send("GET", "/_simulator", None).await;
    assert_eq!(overview["tasks"], tasks);
}

#[tokio::test]
async fn bodies_that_are_no_json_are_kept_by_their_beginning() {
    let simulator = standing().await;
    let caller = Caller::of(&simulator);
    let url = format!("{}/v2/video/generations", simulator.url());
    let long = "é".repeat(20_000);
    caller.http.post(url).body(long).send().await.unwrap();
    let seen = &simulator.requests()[0];
    assert_eq!(seen.body_bytes, 40_000);
    assert_eq!(seen.body, Some(json!("é".repeat(512))));
}

#[tokio::test]
async fn its_own_document_takes_the_smallest_request_of_every_model_and_describes_its_own_answers()
{
    let simulator = standing().await;
    let caller = Caller::of(&simulator);
    let (_, document) = caller.send("GET", "/_simulator/openapi.json", None).await;
    assert_eq!(document["openapi"], "3.1.0");
    // A reference within the document is one within this schema, too.
    let validator = |schema: Value| {
        let mut schema = schema;
        schema["components"] = document["components"].clone();
        jsonschema::draft202012::new(&schema).unwrap()
    };
    let mut judged = 0;
    for judged_model in judge::judges() {
        let content = &document["paths"][&judged_model.path]["post"]["requestBody"]["content"];
        let request = validator(content["application/json"]["schema"].clone());
        let body = judge::minimal(&judged_model.schema);
        assert!(request.is_valid(&body), "{}", judged_model.model);
        assert!(!request.is_valid(&json!({ "model": judged_model.model, "prompt": 5 })));
        judged += 1;
    }
    assert!(judged > 60, "{judged}");
    let answer = |path: &str| {
        document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
            .clone()
    };
    caller.made().await;
    for path in [
        "/_simulator/",
        "/_simulator/tasks",
        "/_simulator/requests",
        "/_simulator/scenario",
        "/_simulator/clock",
    ] {
        let (_, told) = caller.send("GET", path, None).await;
        assert!(validator(answer(path)).is_valid(&told), "{path}: {told}");
    }
    let scenario = validator(document["components"]["schemas"]["Scenario"].clone());
    let every_field = json!({ "next": [{
        "times": "always", "model": MODEL, "seconds": 1, "queued_seconds": 0.5, "back_to_queued": true,
        "end": { "fail": null }, "video": { "after_polls": 1 }, "id": "wrong", "shape": "list",
        "create": { "created": true, "status": 500, "headers": { "Retry-After": "1" }, "html": "" },
        "polls": [{ "times": 2, "delay_seconds": 0, "json": null }, { "close": true }, { "text": "" }],
        "downloads": [{ "cut_after": 1 }],
    }] });
    assert!(scenario.is_valid(&every_field));
    assert_eq!(caller.play(every_field).await.0, 200);
    let framing = json!({ "next": [{ "polls": [{ "headers": { "cOntent-length": "1" } }] }] });
    assert!(!scenario.is_valid(&framing));
    assert_eq!(caller.play(framing).await.0, 400);
}
