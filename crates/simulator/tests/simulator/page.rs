//! Tests of the page: who gets it, what it may load, whose actions are refused, and what it shows.

use std::time::Duration;

use aimlapi_video_simulator::{Proxy, Simulator};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::{Caller, manual_clock, support::KEY, text};

const BROWSER: &str =
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";

async fn get(url: &str, path: &str, headers: &[(&str, &str)]) -> Response {
    send(url, "GET", path, headers, "").await
}

/// Sends a request without a key, with these headers alone.
async fn send(
    url: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Response {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = http.request(method.parse().unwrap(), format!("{url}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.to_owned()).send().await.unwrap()
}

async fn state(simulator: &Simulator, since: u64) -> Value {
    let path = format!("/_simulator/page/state?since={since}");
    let response = get(&simulator.url(), &path, &[]).await;
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

#[tokio::test]
async fn browsers_get_the_page_and_other_clients_json() {
    let simulator = manual_clock().await;
    let proxy = Proxy::builder(simulator.url()).start().await.unwrap();
    for url in [simulator.url(), proxy.url()] {
        for path in ["/_simulator", "/_simulator/"] {
            for (accept, kind) in [
                (BROWSER, "text/html; charset=utf-8"),
                ("*/*", "application/json"),
                ("application/json", "application/json"),
                ("application/json, text/html", "application/json"),
                (
                    "application/json;q=0.5, text/html",
                    "text/html; charset=utf-8",
                ),
            ] {
                let response = get(&url, path, &[("accept", accept)]).await;
                assert_eq!(response.status(), 200);
                assert_eq!(response.headers()["content-type"], kind, "{accept}");
                assert_eq!(response.headers()["vary"], "accept");
            }
        }
        let list = get(&url, "/_simulator/reset", &[("accept", BROWSER)]).await;
        assert_eq!(list.status(), 405);
    }
    let list = get(
        &simulator.url(),
        "/_simulator/tasks",
        &[("accept", BROWSER)],
    )
    .await;
    assert_eq!(list.headers()["content-type"], "application/json");
}

#[tokio::test]
async fn page_may_load_nothing_but_the_state_and_clips_of_its_server() {
    let simulator = manual_clock().await;
    let page = get(&simulator.url(), "/_simulator/", &[("accept", BROWSER)]).await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    let mut directives: Vec<&str> = policy.split("; ").collect();
    directives.retain(|directive| !directive.contains("'sha256-"));
    let expected = [
        "default-src 'none'",
        "connect-src 'self'",
        "media-src 'self'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ];
    assert_eq!(directives, expected);
    assert!(!policy.contains("unsafe"));
    let html = page.text().await.unwrap();
    for text in ["innerHTML", "insertAdjacentHTML", "document.write", "eval("] {
        assert!(!html.contains(text), "{text}");
    }
}

#[tokio::test]
async fn actions_of_pages_of_other_origins_are_refused() {
    let simulator = manual_clock().await;
    let proxy = Proxy::builder(simulator.url()).start().await.unwrap();
    let caller = Caller::of(&simulator);
    caller.create_one().await;
    let actions = [
        (
            simulator.url(),
            "POST",
            "/_simulator/scenario",
            r#"{"next": [{}]}"#,
        ),
        (simulator.url(), "DELETE", "/_simulator/scenario", ""),
        (
            simulator.url(),
            "POST",
            "/_simulator/clock",
            r#"{"advance_seconds": 5}"#,
        ),
        (simulator.url(), "POST", "/_simulator/reset", ""),
        (proxy.url(), "POST", "/_simulator/reset", ""),
    ];
    for (url, method, path, body) in &actions {
        let host = url.trim_start_matches("http://");
        let https = format!("https://{host}");
        for origin in ["https://app.example", "null", "http://127.0.0.1:1", &https] {
            let response = send(url, method, path, &[("origin", origin)], body).await;
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{path} {origin}");
            let error: Value = response.json().await.unwrap();
            let expected = format!(
                "origin: expected http://{host}, or no Origin header; received {origin} (a simulator with CORS allows any origin)"
            );
            assert_eq!(error["message"], expected);
            assert_eq!(
                (&error["statusCode"], &error["path"]),
                (&json!(403), &json!(path))
            );
        }
        // A name that its owner points at this machine makes a foreign page have the server's origin.
        let rebound = [
            ("host", "app.example:80"),
            ("origin", "http://app.example:80"),
        ];
        let response = send(url, method, path, &rebound, body).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        let error: Value = response.json().await.unwrap();
        let expected = "host: expected an IP address or localhost; received app.example:80 (a simulator with CORS allows any host)";
        assert_eq!(error["message"], expected);
    }
    assert_eq!(simulator.tasks().len(), 1);
    assert_eq!(simulator.rules(), []);
}

#[tokio::test]
async fn actions_of_the_page_and_of_programs_are_accepted() {
    let simulator = manual_clock().await;
    let url = simulator.url();
    let own = [("origin", url.as_str())];
    let named = [("host", "LOCALHOST:1"), ("origin", "http://localhost:1")];
    let sixth = [("host", "[::1]:80"), ("origin", "http://[::1]:80")];
    let advance = r#"{"advance_seconds": 5}"#;
    for headers in [&own[..], &named, &sixth, &[]] {
        let response = send(&url, "POST", "/_simulator/clock", headers, advance).await;
        assert_eq!(response.status(), 200, "{headers:?}");
    }
    let clock: Value = get(&url, "/_simulator/clock", &[("origin", "null")])
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(clock["now_seconds"], 20.0);
}

#[tokio::test]
async fn actions_of_any_origin_are_accepted_if_cors_is_on() {
    let simulator = Simulator::builder().cors(true).start().await.unwrap();
    let rebound = [("host", "app.example"), ("origin", "https://other.example")];
    let response = send(&simulator.url(), "POST", "/_simulator/reset", &rebound, "").await;
    assert_eq!(response.status(), 204);
}

#[tokio::test]
async fn names_other_than_localhost_are_refused_on_a_loopback_address_alone() {
    let simulator = manual_clock().await;
    let proxy = Proxy::builder(simulator.url()).start().await.unwrap();
    let any = "0.0.0.0:0".parse().unwrap();
    let open = Simulator::builder().listen(any).start().await.unwrap();
    let open_proxy = Proxy::builder(simulator.url()).listen(any);
    let open_proxy = open_proxy.start().await.unwrap();
    for (loopback, other) in [
        (simulator.url(), open.url()),
        (proxy.url(), open_proxy.url()),
    ] {
        for path in ["/_simulator/", "/_simulator/page/state"] {
            for (host, status) in [("app.example", 403), ("localhost:1", 200)] {
                let response = get(&loopback, path, &[("host", host)]).await;
                assert_eq!(response.status(), status, "{path} {host}");
            }
            let response = get(&other, path, &[("host", "simulator:8080")]).await;
            assert_eq!(response.status(), 200, "{path}");
        }
    }
    let response = get(&simulator.url(), "/v2/video", &[("host", "app.example")]).await;
    assert_eq!(response.status(), 404);
}

#[tokio::test]
async fn actions_concern_the_key_whose_hash_they_state() {
    let simulator = manual_clock().await;
    for key in ["first-key-1", "second-key-2"] {
        Caller::with_key(&simulator, key).create_one().await;
    }
    let hash = format!("Bearer {}", simulator.for_key("first-key-1").tasks()[0].key);
    let headers = [("authorization", hash.as_str())];
    let response = send(&simulator.url(), "POST", "/_simulator/reset", &headers, "").await;
    assert_eq!(response.status(), 204);
    assert_eq!(simulator.for_key("first-key-1").tasks(), []);
    assert_eq!(simulator.for_key("second-key-2").tasks().len(), 1);
    // The hash is no key of the service.
    let path = "/v2/video/generations?generation_id=1";
    let strict = Simulator::builder().api_key("first-key-1").start().await;
    let response = get(&strict.unwrap().url(), path, &headers).await;
    assert_eq!(response.status(), 401);
}

#[tokio::test]
async fn page_shows_generations_with_their_times_and_requests_with_responses_and_violations() {
    let simulator = manual_clock().await;
    let rule = json!({ "next": [{ "name": "slow", "seconds": 100, "queued_seconds": 40 }] });
    simulator.play(rule.to_string().parse().unwrap());
    let key = format!("Bearer {KEY}");
    let headers = [
        ("authorization", key.as_str()),
        ("content-type", "application/json"),
    ];
    for body in [text(json!({})), text(json!({ "duration": 7 }))] {
        let path = "/v2/video/generations";
        send(&simulator.url(), "POST", path, &headers, &body.to_string()).await;
    }
    let id = &simulator.tasks()[0].id;
    simulator.advance(Duration::from_secs(50));
    let state = state(&simulator, 0).await;
    let task = &state["tasks"][0];
    assert_eq!(
        (&task["id"], &task["state"]),
        (&json!(id), &json!("generating"))
    );
    let times = ["created_seconds", "starts_seconds", "ends_seconds"].map(|name| &task[name]);
    assert_eq!(times, [&json!(0.0), &json!(40.0), &json!(100.0)]);
    assert_eq!(state["now_seconds"], 50.0);
    assert_eq!(state["speed"], Value::Null);
    assert_eq!(state["rules"][0]["requests"], json!([1]));
    let [created, refused] = &state["requests"].as_array().unwrap()[..] else {
        panic!("{state}");
    };
    assert_eq!(created["deviations"], json!([]));
    assert_eq!(created["response"]["body"]["id"], json!(id));
    let deviation = &refused["deviations"][0];
    assert_eq!(deviation["pointer"], "/duration");
    assert_eq!(deviation["allowed"], "one of 5, 10");
    assert_eq!(refused["response"]["body"]["statusCode"], 400);
}

#[tokio::test]
async fn page_gets_only_what_has_changed_and_nothing_if_only_time_has_passed() {
    let simulator = Simulator::builder().speed(0.001).start().await.unwrap();
    let caller = Caller::of(&simulator);
    let id = caller.create_one().await;
    caller.create_one().await;
    let first = get(&simulator.url(), "/_simulator/page/state", &[]).await;
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    let first: Value = first.json().await.unwrap();
    assert_eq!(first["requests"].as_array().unwrap().len(), 2);
    let path = format!("/_simulator/page/state?since={}", first["revision"]);
    let known = [("if-none-match", tag.as_str())];
    let same = get(&simulator.url(), &path, &known).await;
    assert_eq!(same.status(), 304);

    caller.poll(&id).await;
    let changed: Value = get(&simulator.url(), &path, &known)
        .await
        .json()
        .await
        .unwrap();
    let numbers: Vec<_> = changed["requests"].as_array().unwrap().iter().collect();
    assert_eq!(numbers.len(), 1);
    assert_eq!(numbers[0]["number"], 3);
    assert_eq!(changed["epoch"], first["epoch"]);

    simulator.advance(Duration::from_secs(1));
    let advanced = get(&simulator.url(), &path, &known).await;
    assert_eq!(advanced.status(), 200);
    simulator.for_key(KEY).reset();
    assert_ne!(state(&simulator, 0).await["epoch"], first["epoch"]);
}

#[tokio::test]
async fn many_changes_are_sent_in_several_responses() {
    let simulator = manual_clock().await;
    let caller = Caller::of(&simulator);
    let id = caller.create_one().await;
    for _ in 0..600 {
        caller.poll(&id).await;
    }
    let first = state(&simulator, 0).await;
    let second = state(&simulator, first["revision"].as_u64().unwrap()).await;
    let count = |state: &Value| state["requests"].as_array().unwrap().len();
    assert_eq!((count(&first), &first["more"]), (500, &json!(true)));
    assert_eq!((count(&second), &second["more"]), (101, &json!(false)));
}

#[tokio::test]
async fn page_contains_no_key() {
    let simulator = manual_clock().await;
    let caller = Caller::of(&simulator);
    caller
        .create(&text(json!({ "prompt": KEY, "duration": KEY })))
        .await;
    caller.create(&text(json!({ "prompt": KEY }))).await;
    caller.poll(KEY).await;
    let state = state(&simulator, 0).await;
    assert_eq!(state["requests"].as_array().unwrap().len(), 3);
    assert!(!state.to_string().contains(KEY), "{state}");
}

#[tokio::test]
async fn clip_for_the_page_is_neither_a_request_nor_a_download() {
    let simulator = manual_clock().await;
    let caller = Caller::of(&simulator);
    let id = caller.create_one().await;
    let path = format!("/_simulator/page/clips/{}", id.replace('/', "%2F"));
    assert_eq!(get(&simulator.url(), &path, &[]).await.status(), 404);
    simulator.advance(Duration::from_secs(100_000));
    let clip = get(&simulator.url(), &path, &[("range", "bytes=4-7")]).await;
    assert_eq!(clip.status(), 206);
    assert_eq!(clip.headers()["content-type"], "video/mp4");
    assert_eq!(clip.bytes().await.unwrap(), "ftyp");
    assert_eq!(simulator.requests().len(), 1);
    assert_eq!(simulator.tasks()[0].downloads, 0);
}

#[tokio::test]
async fn page_of_a_proxy_gets_new_deviations_alone() {
    let simulator = manual_clock().await;
    let proxy = Proxy::builder(simulator.url()).start().await.unwrap();
    let caller = Caller {
        url: proxy.url(),
        ..Caller::of(&simulator)
    };
    let invalid = text(json!({ "duration": 7 }));
    let state = async |since: &Value| -> Value {
        let path = format!("/_simulator/page/state?since={since}");
        get(&proxy.url(), &path, &[]).await.json().await.unwrap()
    };
    caller.create(&invalid).await;
    let first = state(&json!(0)).await;
    let count = first["deviations"].as_array().unwrap().len();
    assert!(count > 0);
    assert_eq!(first["revision"], count);
    caller.create(&invalid).await;
    let second = state(&first["revision"]).await;
    let new = second["deviations"].as_array().unwrap();
    assert!(new.iter().all(|deviation| deviation["exchange"] == 2));
    assert_eq!(new.len(), count);
    assert_eq!(second["counts"]["exchanges"], 2);
    let reset = send(&proxy.url(), "POST", "/_simulator/reset", &[], "").await;
    assert_eq!(reset.status(), 204);
    assert_ne!(state(&json!(0)).await["epoch"], second["epoch"]);
}

#[tokio::test]
async fn epoch_of_each_start_of_a_proxy_is_another_one() {
    let mut epochs = Vec::new();
    for _ in 0..2 {
        let proxy = Proxy::builder("http://127.0.0.1:1").start().await.unwrap();
        let state = get(&proxy.url(), "/_simulator/page/state", &[]).await;
        epochs.push(state.json::<Value>().await.unwrap()["epoch"].clone());
    }
    assert_ne!(epochs[0], epochs[1]);
}
