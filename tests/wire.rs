//! Tests of the bytes of requests and of the reading of responses, with the typed mocks and with a plain socket.
#![cfg(feature = "mock")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use aimlapi_video::{
    Client, ErrorKind, Generation, GenerationHandle, GenerationRequest, Route, State, WaitOptions,
    mock::MockServerExt,
    types::{KlingaiV2MasterTextToVideo, LegacyKlingaiV2MasterTextToVideo},
};
use httpmock::MockServer;
use serde_json::json;
use support::{KEY, Server, builder, client, http};

fn request() -> KlingaiV2MasterTextToVideo {
    KlingaiV2MasterTextToVideo::builder()
        .prompt("A paper lantern rises")
        .duration(10)
        .build()
        .unwrap()
}

fn answer(id: &str, status: &str) -> Generation {
    Generation::from_json(json!({ "id": id, "status": status }))
}

#[tokio::test]
async fn create_sends_only_the_set_properties() {
    let server = MockServer::start_async().await;
    let mock = server.create_generation(|when, then| {
        when.body(&request().into()).into_inner().and(|when| {
            when.path("/v2/video/generations")
                .header("authorization", format!("Bearer {KEY}"))
                .header("content-type", "application/json")
                .header("accept", "application/json")
                .header_exists("x-client-request-id")
                .header_missing("api-version")
                .header_missing("accept-encoding")
                .json_body(json!({
                    "model": "klingai/v2-master-text-to-video",
                    "prompt": "A paper lantern rises",
                    "duration": 10,
                }))
        });
        then.success(200, &answer("g1", "queued"));
    });
    let handle = client(server.base_url()).create(request()).await.unwrap();
    mock.assert();
    assert_eq!((handle.id(), handle.route()), ("g1", Route::Universal));
    assert_eq!(handle.model(), Some("klingai/v2-master-text-to-video"));
    assert_eq!(handle.origin(), Some(server.base_url().as_str()));
    assert!(handle.created_at().is_some());
    assert_eq!(handle.answer().unwrap().state(), State::Queued);
}

#[tokio::test]
async fn legacy_route_has_its_own_operation() {
    let server = MockServer::start_async().await;
    let request = LegacyKlingaiV2MasterTextToVideo::builder()
        .prompt("A paper lantern rises")
        .build()
        .unwrap();
    let mock = server.create_legacy_kling_generation(|when, then| {
        when.into_inner()
            .path("/v2/generate/video/kling/generation");
        then.success(201, &answer("g1", "queued"));
    });
    let handle = client(server.base_url()).create(request).await.unwrap();
    mock.assert();
    assert_eq!((handle.id(), handle.route()), ("g1", Route::LegacyKling));
}

#[tokio::test]
async fn create_succeeds_with_200_and_201() {
    for status in [200, 201] {
        let server = MockServer::start_async().await;
        server.create_generation(|_, then| {
            then.success(status, &answer("g1", "queued"));
        });
        assert!(
            client(server.base_url()).create(request()).await.is_ok(),
            "{status}"
        );
    }
}

#[tokio::test]
async fn fetch_uses_the_route_of_the_handle_and_encodes_the_id() {
    let id = "5d0c/7:kling-video/v1.6/pro & a?b#c+d%2F";
    let server = Server::start(|_, request| {
        let known = request.target.contains("generation_id=");
        support::json(
            if known { 200 } else { 500 },
            json!({ "status": "generating" }),
        )
    })
    .await;
    let client = client(server.url());
    client.fetch(id).await.unwrap();
    client
        .fetch(GenerationHandle::new(id).with_route(Route::LegacyKling))
        .await
        .unwrap();
    let encoded = "5d0c%2F7%3Akling-video%2Fv1.6%2Fpro+%26+a%3Fb%23c%2Bd%252F";
    let targets: Vec<String> = server
        .requests()
        .into_iter()
        .map(|request| request.target)
        .collect();
    assert_eq!(
        targets,
        [
            format!("/v2/video/generations?generation_id={encoded}"),
            format!("/v2/generate/video/kling/generation?generation_id={encoded}"),
        ]
    );
    for request in server.requests() {
        assert_eq!(request.method, "GET");
        assert_eq!(
            request.header("authorization"),
            Some(&*format!("Bearer {KEY}"))
        );
        assert!(request.header("x-client-request-id").unwrap().len() <= 128);
        assert_eq!(request.header("api-version"), None);
    }
}

#[tokio::test]
async fn typed_mock_responds_to_a_fetch() {
    let server = MockServer::start_async().await;
    let mock = server.fetch_generation(|when, then| {
        when.generation_id("a:b/c");
        then.success(200, &answer("a:b/c", "generating"));
    });
    let generation = client(server.base_url()).fetch("a:b/c").await.unwrap();
    mock.assert();
    assert_eq!(generation.state(), State::Generating);
}

#[tokio::test]
async fn metadata_holds_the_values_of_the_headers() {
    let server = Server::start(|_, request| {
        let sent = request
            .header("x-client-request-id")
            .unwrap_or_default()
            .to_owned();
        let headers = [
            ("x-inference-id", "inf-1"),
            ("x-client-request-id", sent.as_str()),
            ("x-aimlapi-credits-used", "120000"),
            ("x-aimlapi-usd-spent", "0.06"),
        ];
        http(200, &headers, r#"{"id":"g","status":"completed"}"#)
    })
    .await;
    let generation = client(server.url()).fetch("g").await.unwrap();
    let metadata = generation.metadata();
    assert_eq!(metadata.inference_id.as_deref(), Some("inf-1"));
    assert_eq!(
        metadata.client_request_id.as_deref(),
        server.requests()[0].header("x-client-request-id")
    );
    assert_eq!(
        (metadata.credits_used, metadata.usd_spent),
        (Some(120000.0), Some(0.06))
    );
}

#[tokio::test]
async fn base_url_with_a_version_or_a_slash_is_accepted() {
    for suffix in ["", "/", "/v1", "/v2", "/v2/"] {
        let server =
            Server::always(support::json(200, json!({ "id": "g", "status": "queued" }))).await;
        client(format!("{}{suffix}", server.url()))
            .fetch("g")
            .await
            .unwrap();
        assert_eq!(
            server.requests()[0].target,
            "/v2/video/generations?generation_id=g",
            "{suffix:?}"
        );
    }
}

#[tokio::test]
async fn create_response_that_is_final_ends_the_wait() {
    let server = Server::always(support::json(
        201,
        json!({ "id": "g", "status": "completed", "video": { "url": "https://cdn.example.com/g.mp4" } }),
    ))
    .await;
    let generation = client(server.url()).generate(request()).await.unwrap();
    assert_eq!(generation.videos().len(), 1);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn service_errors_are_read_leniently() {
    let cases = [
        (
            r#"{"message":"no","path":"/p","requestId":"r","statusCode":"429","timestamp":"t"}"#,
            Some("no"),
            Some("r"),
        ),
        (r#"{"message":"no","statusCode":400}"#, Some("no"), None),
        (r#"{"message":["one","two"]}"#, Some("one; two"), None),
        (r#"{"error":{"message":"inner"}}"#, Some("inner"), None),
        (r#"{"detail":"why"}"#, Some("why"), None),
        ("<html>no</html>", None, None),
        ("", None, None),
    ];
    for (body, message, request_id) in cases {
        let server = Server::always(http(401, &[], body)).await;
        let error = client(server.url()).create(request()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{body}");
        assert!(error.is_auth(), "{body}");
        let service = error.service().unwrap();
        assert_eq!(service.message.as_deref(), message, "{body}");
        assert_eq!(service.request_id.as_deref(), request_id, "{body}");
        assert_eq!(service.body, body);
    }
}

#[tokio::test]
async fn create_is_sent_once_after_every_response() {
    let html = [("content-type", "text/html")];
    let cases: Vec<(Vec<u8>, ErrorKind)> = vec![
        (http(500, &[], "{}"), ErrorKind::AmbiguousCreate),
        (http(502, &html, "<html>"), ErrorKind::AmbiguousCreate),
        (http(504, &[], ""), ErrorKind::AmbiguousCreate),
        (http(200, &html, "<html>"), ErrorKind::AmbiguousCreate),
        (http(200, &[], ""), ErrorKind::AmbiguousCreate),
        (
            http(201, &[], r#"{"status":"queued"}"#),
            ErrorKind::AmbiguousCreate,
        ),
        (
            http(201, &[("content-length", "99")], r#"{"id":"g"#),
            ErrorKind::AmbiguousCreate,
        ),
        (Vec::new(), ErrorKind::AmbiguousCreate),
        (http(400, &[], "{}"), ErrorKind::Refused),
        (http(403, &[], "{}"), ErrorKind::Refused),
        (
            http(307, &[("location", "https://evil.example/?key=1")], ""),
            ErrorKind::Refused,
        ),
    ];
    for (answer, kind) in cases {
        let shown = String::from_utf8_lossy(&answer).into_owned();
        let server = Server::always(answer).await;
        let error = client(server.url()).create(request()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{shown}");
        assert_eq!(server.requests().len(), 1, "{shown}");
        assert!(!format!("{error} {error:?}").contains("key=1"), "{error:?}");
    }
}

#[tokio::test]
async fn error_of_a_lost_response_names_the_request_id() {
    for answer in [Vec::new(), http(200, &[], "<html>"), http(502, &[], "")] {
        let server = Server::always(answer).await;
        let error = client(server.url()).create(request()).await.unwrap_err();
        let sent = server.requests()[0]
            .header("x-client-request-id")
            .unwrap()
            .to_owned();
        assert!(error.to_string().contains(&sent), "{error}");
    }
}

#[tokio::test]
async fn create_succeeds_with_an_id_in_a_truncated_response() {
    let body = r#"{"id":"g","status":"queued"}"#;
    let server = Server::always(http(201, &[("content-length", "999")], body)).await;
    let handle = client(server.url()).create(request()).await.unwrap();
    assert_eq!(handle.id(), "g");
}

#[tokio::test]
async fn response_with_the_id_under_either_key_is_accepted() {
    let body = json!({ "id": "internal", "generation_id": "mine", "status": "queued" });
    let server = Server::always(support::json(200, body)).await;
    let client = client(server.url());
    assert!(client.fetch("mine").await.is_ok());
    assert!(client.fetch("internal").await.is_ok());
    assert!(client.fetch("other").await.is_err());
}

#[tokio::test]
async fn refused_poll_is_not_a_refused_create() {
    let server = Server::always(http(403, &[], r#"{"message":"no credits"}"#)).await;
    let client = client(server.url());
    for error in [
        client.fetch("g").await.unwrap_err(),
        client.wait("g").await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::PollingLost);
        assert!(error.is_out_of_credits() && error.is_resumable());
        assert_eq!((error.polls(), error.answered()), (Some(1), Some(1)));
    }
}

#[tokio::test]
async fn service_that_does_not_listen_is_unreachable() {
    let server = Server::always(Vec::new()).await;
    let url = server.url();
    drop(server);
    tokio::task::yield_now().await;
    let error = client(url).create(request()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
}

#[tokio::test]
async fn response_larger_than_the_limit_is_an_error() {
    let server = Server::always(http(200, &[], vec![b' '; 100_000])).await;
    let client = builder(server.url())
        .max_answer_bytes(1000)
        .build()
        .unwrap();
    let error = client.fetch("g").await.unwrap_err();
    assert!(
        error.to_string().contains("larger than 1000 bytes"),
        "{error}"
    );
}

#[tokio::test]
async fn response_for_another_generation_is_refused() {
    let server = Server::always(support::json(
        200,
        json!({ "id": "other", "status": "completed" }),
    ))
    .await;
    let error = client(server.url()).fetch("mine").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PollingLost);
    assert_eq!(error.handle().map(GenerationHandle::id), Some("mine"));
}

#[tokio::test]
async fn generation_has_the_handle_of_its_wait() {
    let video = json!({ "url": "https://cdn.example.com/g.mp4" });
    for created in ["queued", "completed"] {
        let video = video.clone();
        let server = Server::start(move |number, _| {
            let status = if number == 0 { created } else { "completed" };
            let answer = json!({ "id": "g", "status": status, "video": video });
            support::json(200, answer)
        })
        .await;
        let client = client(server.url());
        let created = client.create(request()).await.unwrap();
        let elsewhere = created.with_route(Route::LegacyKling);
        let options = WaitOptions::default().speed(1e3);
        let generation = client.wait(&elsewhere).options(options).await.unwrap();
        assert_eq!(generation.handle(), Some(&elsewhere));
    }
}

#[tokio::test]
async fn handle_of_another_service_is_refused_before_a_byte_is_sent() {
    let server = Server::always(http(200, &[], "{}")).await;
    let handle: GenerationHandle =
        serde_json::from_value(json!({ "id": "g", "origin": "https://api.aimlapi.com" })).unwrap();
    let client = client(server.url());
    assert_eq!(
        client.fetch(&handle).await.unwrap_err().kind(),
        ErrorKind::Configuration
    );
    let error = client.wait(&handle).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert_eq!(error.handle(), Some(&handle));
    assert!(server.requests().is_empty());
}

#[test]
fn invalid_settings_are_refused_at_construction() {
    let build_error = |key: &str, base: &str| {
        let error = Client::builder()
            .api_key(key)
            .base_url(base)
            .build()
            .unwrap_err();
        assert!(
            !format!("{error} {error:?}").contains("secret"),
            "{error:?}"
        );
        (error.kind(), error.to_string())
    };
    let good = "https://api.aimlapi.com";
    assert_eq!(build_error("", good).0, ErrorKind::MissingKey);
    assert_eq!(
        Client::builder().build().unwrap_err().kind(),
        ErrorKind::MissingKey
    );
    for key in ["secret\n", "secret key", "secrét"] {
        assert_eq!(
            build_error(key, good).0,
            ErrorKind::Configuration,
            "{key:?}"
        );
    }
    for base in [
        "",
        "nonsense",
        "ftp://a.example",
        "https://user:secret@a.example",
        "https://a.example/?q=secret",
        "file:///etc",
    ] {
        assert_eq!(
            build_error("key", base).0,
            ErrorKind::Configuration,
            "{base:?}"
        );
    }
    let (kind, message) = build_error("key", "http://a.example");
    assert_eq!(kind, ErrorKind::Configuration);
    assert!(message.contains("plain http"), "{message}");
    assert!(
        Client::builder()
            .api_key("key")
            .base_url("http://a.example")
            .allow_insecure_http()
            .build()
            .is_ok()
    );
    assert!(
        Client::builder()
            .api_key("key")
            .base_url("http://[::1]:1")
            .build()
            .is_ok()
    );
}

#[tokio::test]
async fn key_is_neither_in_debug_output_nor_in_a_handle() {
    let server = Server::always(support::json(200, json!({ "id": "g", "status": "queued" }))).await;
    let builder = builder(server.url());
    let client = builder.clone().build().unwrap();
    let handle = client.create(request()).await.unwrap();
    let wait = client.wait(&handle);
    let shown = format!(
        "{builder:?} {client:?} {handle:?} {wait:?} {}",
        serde_json::to_string(&handle).unwrap()
    );
    assert!(!shown.contains(KEY), "{shown}");
}

#[test]
fn errors_are_one_word_large_send_and_sync() {
    fn crosses<T: Send + Sync + 'static>() {}
    crosses::<aimlapi_video::Error>();
    crosses::<Client>();
    assert_eq!(size_of::<aimlapi_video::Error>(), size_of::<usize>());
}

#[test]
fn debug_and_errors_show_neither_signatures_nor_inline_data() {
    let signed = "https://cdn.example.com/a.png?sig=sesame";
    let broken = "https://cdn.example.com/a b.png?sig=sesame";
    let inline = "data:image/png;base64,sesame==";
    let image = "klingai/v2-master-image-to-video";
    let read = |route, link| {
        GenerationRequest::from_json(route, json!({ "model": image, "image_url": link }))
    };
    let universal = |link| read(Route::Universal, link);
    let legacy = |link| read(Route::LegacyKling, link);
    let typed =
        |link: &str| aimlapi_video::types::KlingaiV2MasterImageToVideo::builder().image_url(link);
    let older = |link: &str| {
        aimlapi_video::types::LegacyKlingaiV2MasterImageToVideo::builder().image_url(link)
    };
    let mut shown = vec![
        format!("{:?}", universal(broken)),
        format!("{:?}", typed(broken)),
        format!("{:?}", typed(broken).build()),
        format!("{}", typed(broken).build().unwrap_err()),
        format!(
            "{:?}",
            Client::builder().base_url("https://user:sesame@a.example/?sesame")
        ),
    ];
    for link in [signed, inline] {
        shown.extend([
            format!("{:?} {:?}", universal(link), legacy(link)),
            format!("{:?} {:?}", typed(link), typed(link).build()),
            format!("{:?} {:?}", older(link), older(link).build()),
        ]);
    }
    for text in shown {
        assert!(!text.contains("sesame"), "{text}");
    }
}

#[tokio::test]
async fn predicates_classify_refusals_by_status() {
    for (status, expected) in [
        (401, [true, false, false, false, false]),
        (402, [false, true, false, false, false]),
        (403, [false, true, false, false, false]),
        (429, [false, false, true, false, true]),
        (400, [false, false, false, true, false]),
        (422, [false, false, false, true, false]),
        (425, [false, false, false, false, true]),
        // The generation may have been created and billed, so no predicate suggests another create.
        (503, [false; 5]),
    ] {
        let server = Server::always(http(status, &[("retry-after", "3600")], "{}")).await;
        let error = client(server.url()).create(request()).await.unwrap_err();
        let found = [
            error.is_auth(),
            error.is_out_of_credits(),
            error.is_rate_limited(),
            error.is_invalid_request(),
            error.is_transient(),
        ];
        assert_eq!(found, expected, "{status}");
        let retry_after = error.service().unwrap().retry_after;
        assert_eq!(retry_after, Some(std::time::Duration::from_secs(3600)));
        let polled = client(server.url()).fetch("g").await.unwrap_err();
        assert_eq!(polled.is_transient(), matches!(status, 425 | 429 | 503));
    }
}

#[tokio::test]
async fn service_error_keeps_a_redacted_and_truncated_body() {
    let long = "x".repeat(20_000);
    let body = json!({
        "error": { "code": "key_limit_exceeded", "message": format!("{KEY} is at its limit") },
        "note": long,
    });
    let headers = [("x-inference-id", "inf-1")];
    let server = Server::always(http(403, &headers, body.to_string())).await;
    let error = client(server.url()).create(request()).await.unwrap_err();
    let service = error.service().unwrap();
    assert_eq!(service.code.as_deref(), Some("key_limit_exceeded"));
    assert_eq!(service.message.as_deref(), Some("[key] is at its limit"));
    assert_eq!(service.request_id.as_deref(), Some("inf-1"));
    assert_eq!(service.body.len(), 8 * 1024);
    assert!(
        service
            .body
            .starts_with(r#"{"error":{"code":"key_limit_exceeded""#)
    );
    assert_eq!(service.excerpt(10).chars().count(), 10);
}
