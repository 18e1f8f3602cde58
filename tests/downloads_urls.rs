//! The URLs of videos: which are requested, how the request is written, and the fresh URL after an expiry or a refusal.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, SystemTime},
};

use aimlapi_video::{Client, Error, ErrorKind, Generation, GenerationHandle, Route, Video};
use serde_json::json;
use support::{KEY, Request, Server, client, http};

const FILE: &[u8] = support::files::CLIP;

fn generation(url: &str) -> Generation {
    Generation::from_json(json!({ "id": "g", "status": "completed", "video": { "url": url } }))
}

/// The path and query that the host receives for `target`.
async fn received_target(target: &str) -> String {
    let server = Server::always(http(200, &[], FILE)).await;
    let url = format!("{}{target}", server.url());
    client(server.url())
        .download(&generation(&url))
        .to_bytes()
        .await
        .unwrap();
    // For an expired URL, the first request is to the service.
    server.requests().last().unwrap().target.clone()
}

/// Targets with escapes that a normalizing library would change.
const SIGNED: &[&str] = &[
    "/whale/inference_output%2Fvideo%2Foutput.mp4?Expires=1752005613&OSSAccessKeyId=A%2bb&Signature=x%2By%3D",
    "/a%2fB/%7Euser/%41.mp4?sig=%2F%2f+%20&e=",
    "/a//b///c.mp4?a=1&&b==&c",
    "/x.mp4?",
    "/x.mp4?X-Amz-Credential=k%2F20250708%2Fauto%2Fs3%2Faws4_request&X-Amz-SignedHeaders=host;x",
    "/a:b@c!$&()*+,;=~.mp4?a:b@c!$&()*+,;=~",
    "/x.mp4?q=a/b?c:d@e!$()*,;[]|\\^{}`~",
    "/%E2%98%83/%00%ff.mp4?p=%25%32%35",
    "/.well-known/a..b/.../c.mp4",
];

#[tokio::test]
async fn signed_url_reaches_the_host_unchanged() {
    for target in SIGNED {
        assert_eq!(received_target(target).await, *target);
    }
}

#[tokio::test]
async fn invalid_url_characters_are_normalized_as_in_a_browser() {
    for (given, sent) in [
        ("/a/./b/../c.mp4", "/a/c.mp4"),
        ("/a b.mp4?c d", "/a%20b.mp4?c%20d"),
        ("/é.mp4?é", "/%C3%A9.mp4?%C3%A9"),
        ("/x.mp4?name=UTF-8''x", "/x.mp4?name=UTF-8%27%27x"),
        ("/x.mp4#fragment", "/x.mp4"),
    ] {
        assert_eq!(received_target(given).await, sent);
    }
}

#[tokio::test]
async fn url_of_a_redirect_reaches_the_host_unchanged() {
    for target in SIGNED {
        for absolute in [true, false] {
            let target = (*target).to_owned();
            let location = target.clone();
            let server = Server::start(move |number, request| {
                let host = request.header("host").unwrap();
                let location = if absolute {
                    format!("http://{host}{location}")
                } else {
                    location.clone()
                };
                match number {
                    0 => http(302, &[("location", &location)], ""),
                    _ => http(200, &[], FILE),
                }
            })
            .await;
            let url = format!("{}/first?token=secret", server.url());
            let bytes = client(server.url())
                .download(&generation(&url))
                .to_bytes()
                .await
                .unwrap();
            assert_eq!(bytes, FILE);
            let requests = server.requests();
            assert_eq!(requests[1].target, target);
            for name in ["referer", "authorization", "x-client-request-id", "cookie"] {
                assert_eq!(requests[1].header(name), None);
            }
        }
    }
}

/// A client whose API is on another machine, so that this machine counts as a private host.
fn remote_client(allow: bool) -> Client {
    Client::builder()
        .base_url("http://api.example.com")
        .allow_insecure_http()
        .allow_private_hosts(allow)
        .api_key(KEY)
        .build()
        .unwrap()
}

#[tokio::test]
async fn hosts_that_are_not_public_receive_no_request() {
    let server = Server::always(http(200, &[], FILE)).await;
    let port = server.url().rsplit_once(':').unwrap().1.to_owned();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "[::ffff:127.0.0.1]",
        "localhost",
        "0.0.0.0",
        "x.localhost.",
    ] {
        let url = format!("http://{host}:{port}/x.mp4?sig=secret");
        let error = remote_client(false)
            .download(&generation(&url))
            .retries(0)
            .to_bytes()
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Download, "{host}");
        assert!(
            error.to_string().contains("is not on the public internet"),
            "{error}"
        );
        assert!(error.to_string().contains("allow_private_hosts"), "{error}");
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
    assert!(server.requests().is_empty());
    let url = format!("http://localhost:{port}/x.mp4");
    let bytes = remote_client(true)
        .download(&generation(&url))
        .to_bytes()
        .await
        .unwrap();
    assert_eq!(bytes, FILE);
}

#[tokio::test]
async fn redirect_to_a_host_that_is_not_public_is_refused() {
    for target in [
        "http://10.0.0.1/x.mp4",
        "http://169.254.169.254/latest/meta-data?sig=secret",
        "http://[fd00::1]/x.mp4",
        "http://192.168.0.1:8080/x.mp4",
        "//172.16.0.1/x.mp4",
    ] {
        let server = Server::always(http(307, &[("location", target)], "")).await;
        // An API on this machine allows only this machine.
        let error = client(server.url())
            .download(&generation(&server.url()))
            .to_bytes()
            .await
            .unwrap_err();
        assert!(
            error.to_string().contains("is not on the public internet"),
            "{target}: {error}"
        );
        assert!(!format!("{error} {error:?}").contains("secret"));
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn redirect_from_https_to_http_is_refused_unless_http_is_allowed() {
    let error = Client::builder()
        .api_key(KEY)
        .build()
        .unwrap()
        .download(&generation("http://cdn.example.com/x.mp4?sig=secret"))
        .to_bytes()
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the video's URL is not an https URL: http://cdn.example.com/x.mp4?…"
    );
}

#[test]
fn proxy_resolves_names_and_addresses_in_urls_are_checked() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let proxy = Server::always(http(200, &[], FILE)).await;
        let status = tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "download_with_a_proxy_in_the_environment"])
            .env("http_proxy", proxy.url())
            .env("no_proxy", "unproxied.example.com")
            .env("THROUGH_A_PROXY", "1")
            .output()
            .await
            .unwrap();
        assert!(status.status.success(), "{status:?}");
        let targets: Vec<String> = proxy
            .requests()
            .into_iter()
            .map(|request| request.target)
            .collect();
        assert_eq!(targets, ["http://no-such-host.invalid/x%2Fy.mp4?s=%2B"]);
    });
}

#[tokio::test]
// The test above runs this test with a proxy in its environment; without a proxy, the test passes at once.
async fn download_with_a_proxy_in_the_environment() {
    if std::env::var_os("THROUGH_A_PROXY").is_none() {
        return;
    }
    let url = "http://no-such-host.invalid/x%2Fy.mp4?s=%2B";
    assert_eq!(
        remote_client(false)
            .download(&generation(url))
            .to_bytes()
            .await
            .unwrap(),
        FILE
    );
    for refused in [
        "http://10.0.0.1/x.mp4",
        "http://localhost/x.mp4",
        "http://[::1]/x.mp4",
    ] {
        let error = remote_client(false)
            .download(&generation(refused))
            .to_bytes()
            .await
            .unwrap_err();
        assert!(
            error.to_string().contains("is not on the public internet"),
            "{error}"
        );
    }
}

/// A service whose generations have the URL `fresh`, and a host that sends `response` for every other URL.
async fn service(
    fresh: &'static str,
    response: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static,
) -> Server {
    Server::start(move |_, request| {
        let host = request.header("host").unwrap();
        if request.target.starts_with("/v") {
            assert_eq!(
                request.header("authorization"),
                Some(format!("Bearer {KEY}").as_str())
            );
            let url = format!("http://{host}{fresh}");
            return support::json(
                200,
                json!({ "id": "g", "status": "completed", "video": { "url": url } }),
            );
        }
        assert_eq!(request.header("authorization"), None);
        match request.target.as_str() {
            "/fresh?sig=new" => http(200, &[], FILE),
            _ => response(request),
        }
    })
    .await
}

fn targets(server: &Server) -> Vec<String> {
    server
        .requests()
        .into_iter()
        .map(|request| request.target)
        .collect()
}

async fn bytes(server: &Server, target: &str) -> Result<Vec<u8>, Error> {
    let generation = generation(&format!("{}{target}", server.url()));
    client(server.url()).download(&generation).to_bytes().await
}

/// A download at normal speed, so that a file may be missing for the full 30 s.
async fn at_normal_speed(server: &Server, retries: u32) -> Result<Vec<u8>, Error> {
    let generation = generation(&format!("{}/old?sig=secret", server.url()));
    let client = support::builder(server.url())
        .wait_options(aimlapi_video::WaitOptions::default())
        .build()
        .unwrap();
    let download = client.download(&generation).retries(retries);
    download.backoff(Duration::from_millis(1)).to_bytes().await
}

const POLL: &str = "/v2/video/generations?generation_id=g";

#[tokio::test]
async fn expired_url_is_not_requested() {
    let server = service("/fresh?sig=new", |_| http(200, &[], "never")).await;
    assert_eq!(
        bytes(&server, "/old?Expires=1752005613").await.unwrap(),
        FILE
    );
    assert_eq!(targets(&server), [POLL, "/fresh?sig=new"]);
}

#[tokio::test]
async fn expired_url_is_requested_if_the_service_has_no_other() {
    // The service has no other URL, and the host accepts the URL that seems to have expired.
    let server = service("/old?Expires=1752005613", |_| http(200, &[], FILE)).await;
    assert_eq!(
        bytes(&server, "/old?Expires=1752005613").await.unwrap(),
        FILE
    );
    let server = Server::start(|_, request| match request.target.starts_with("/v") {
        true => http(500, &[], ""),
        false => http(200, &[], FILE),
    })
    .await;
    assert_eq!(
        bytes(&server, "/old?Expires=1752005613").await.unwrap(),
        FILE
    );
}

#[tokio::test]
async fn refusal_that_is_not_transient_is_followed_by_one_fresh_url() {
    for status in [
        400, 401, 402, 403, 404, 405, 406, 409, 410, 412, 418, 422, 451, 499,
    ] {
        let server = service("/fresh?sig=new", move |_| http(status, &[], "expired")).await;
        assert_eq!(bytes(&server, "/old?sig=secret").await.unwrap(), FILE);
        assert_eq!(
            targets(&server),
            ["/old?sig=secret", POLL, "/fresh?sig=new"],
            "{status}"
        );
    }
    for status in [408, 425, 429, 500, 503] {
        let server = service("/fresh?sig=new", move |_| http(status, &[], "busy")).await;
        bytes(&server, "/old?sig=secret").await.unwrap_err();
        assert!(!targets(&server).contains(&POLL.to_owned()), "{status}");
    }
    let server = service("/fresh?sig=new", |_| http(416, &[], "")).await;
    bytes(&server, "/old?sig=secret").await.unwrap_err();
    assert_eq!(targets(&server), ["/old?sig=secret"]);
}

#[tokio::test]
async fn file_that_is_missing_after_completion_is_retried() {
    let requests = AtomicUsize::new(0);
    let server = service("/old?sig=secret", move |_| {
        match requests.fetch_add(1, Ordering::SeqCst) {
            0..4 => http(404, &[], ""),
            _ => http(200, &[], FILE),
        }
    })
    .await;
    assert_eq!(at_normal_speed(&server, 5).await.unwrap(), FILE);
    let targets = targets(&server);
    assert_eq!(targets.len(), 6, "{targets:?}");
    assert_eq!(targets.iter().filter(|target| *target == POLL).count(), 1);
}

#[tokio::test]
async fn file_that_stays_missing_is_an_error() {
    let server = service("/old?sig=secret", |_| http(404, &[], "")).await;
    let error = bytes(&server, "/old?sig=secret").await.unwrap_err();
    assert!(error.to_string().contains("responded with 404"), "{error}");
    let server = service("/old?Expires=1752005613", |_| http(404, &[], "")).await;
    let error = bytes(&server, "/old?Expires=1752005613").await.unwrap_err();
    assert_eq!(targets(&server)[..2], [POLL, "/old?Expires=1752005613"]);
    assert!(
        error
            .to_string()
            .contains("which expired at 2025-07-08T20:13:33Z"),
        "{error}"
    );
    // Without retries, a missing file is not waited for.
    let server = service("/old?sig=secret", |_| http(404, &[], "")).await;
    let generation = generation(&format!("{}/old?sig=secret", server.url()));
    let client = client(server.url());
    let download = client.download(&generation).retries(0);
    download.to_bytes().await.unwrap_err();
    assert_eq!(targets(&server), ["/old?sig=secret", POLL]);
}

#[tokio::test]
async fn missing_file_does_not_use_up_the_retries() {
    let requests = AtomicUsize::new(0);
    let server = service("/old?sig=secret", move |_| {
        match requests.fetch_add(1, Ordering::SeqCst) {
            0..5 => http(404, &[], ""),
            5..7 => http(503, &[], ""),
            _ => http(200, &[], FILE),
        }
    })
    .await;
    assert_eq!(at_normal_speed(&server, 2).await.unwrap(), FILE);
}

#[tokio::test]
async fn fresh_url_is_requested_again_if_the_service_was_not_reached() {
    let polls = AtomicUsize::new(0);
    let server = Server::start(move |_, request| match request.target.as_str() {
        "/fresh" => http(200, &[], FILE),
        old if old.starts_with("/old") => http(403, &[], ""),
        _ if polls.fetch_add(1, Ordering::SeqCst) == 0 => http(502, &[], ""),
        _ => {
            let url = format!("http://{}/fresh", request.header("host").unwrap());
            support::json(
                200,
                json!({ "id": "g", "status": "completed", "video": { "url": url } }),
            )
        }
    })
    .await;
    // The URL has expired, so the first request is for a fresh URL.
    let expired = generation(&format!("{}/old?Expires=1752005613", server.url()));
    let client = client(server.url());
    assert_eq!(client.download(&expired).to_bytes().await.unwrap(), FILE);
}

#[tokio::test]
async fn redirect_with_unescaped_bytes_is_followed() {
    for (location, target) in [
        ("/f/视频.mp4".as_bytes(), "/f/%E8%A7%86%E9%A2%91.mp4"),
        (b"/f/d\xe9j\xe0.mp4?a=\xff", "/f/d%E9j%E0.mp4?a=%FF"),
        ("/f/a%2Fb é.mp4".as_bytes(), "/f/a%2Fb%20%C3%A9.mp4"),
    ] {
        let server = Server::start(move |number, _| match number {
            0 => [
                b"HTTP/1.1 302 Found\r\nconnection: close\r\ncontent-length: 0\r\nlocation: ",
                location,
                b"\r\n\r\n",
            ]
            .concat(),
            _ => http(200, &[], FILE),
        })
        .await;
        assert_eq!(bytes(&server, "/first").await.unwrap(), FILE);
        assert_eq!(targets(&server), ["/first", target]);
    }
}

#[tokio::test]
async fn persistent_refusal_reports_what_was_tried_and_advice() {
    for (fresh, expected) in [
        (
            "/old?sig=secret",
            "the service has no other URL, so try again later",
        ),
        (
            "/fresh?sig=secret",
            "the URL is already fresh, so try again later",
        ),
    ] {
        let server = service(fresh, |_| http(403, &[], "denied")).await;
        let error = bytes(&server, "/old?sig=secret").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Download);
        assert!(error.to_string().contains("responded with 403"), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!format!("{error} {error:?}").contains("secret"));
        assert_eq!(error.handle().map(GenerationHandle::id), Some("g"));
        assert!(error.is_resumable() && !error.is_out_of_credits());
        let polls = targets(&server)
            .iter()
            .filter(|target| target.starts_with("/v"))
            .count();
        assert_eq!(polls, 1);
    }
    let server = Server::start(|_, request| match request.target.starts_with("/v") {
        true => http(502, &[], "<html>"),
        false => http(403, &[], ""),
    })
    .await;
    let error = bytes(&server, "/old?sig=secret").await.unwrap_err();
    assert!(
        error.to_string().contains("no fresh URL could be obtained"),
        "{error}"
    );
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("502"), "{cause}");
}

#[tokio::test]
async fn fresh_url_is_requested_on_the_route_of_the_create() {
    let polls = AtomicUsize::new(0);
    let server = Server::start(move |_, request| match request.target.as_str() {
        "/fresh" => http(200, &[], FILE),
        "/old" => http(410, &[], ""),
        _ => {
            let host = request.header("host").unwrap();
            let path = ["/old", "/fresh"][polls.fetch_add(1, Ordering::SeqCst)];
            // A response that does not repeat the id.
            support::json(
                200,
                json!({ "status": "completed", "video": format!("http://{host}{path}") }),
            )
        }
    })
    .await;
    let client = client(server.url());
    let handle = GenerationHandle::new("g").with_route(Route::LegacyKling);
    let generation = client.wait(&handle).await.unwrap();
    assert_eq!(client.download(&generation).to_bytes().await.unwrap(), FILE);
    let targets = targets(&server);
    assert!(targets[0].contains("kling"), "{targets:?}");
    assert_eq!(targets[1..], ["/old", &*targets[0], "/fresh"]);
}

#[tokio::test]
async fn generation_without_an_id_gets_no_fresh_url() {
    let server = service("/fresh?sig=new", |_| http(403, &[], "")).await;
    let url = format!("{}/old", server.url());
    let generation = Generation::from_json(json!({ "status": "completed", "video": url }));
    let error = client(server.url())
        .download(&generation)
        .to_bytes()
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("no fresh URL could be obtained"),
        "{error}"
    );
    assert_eq!(targets(&server), ["/old"]);
}

#[test]
fn video_reports_when_its_url_expires() {
    let at = |url: &str| Video::at(url).expires_at();
    let known = SystemTime::UNIX_EPOCH + Duration::from_secs(1_752_005_613);
    assert_eq!(
        at("https://cdn.aimlapi.com/a%2Fb.mp4?Expires=1752005613&Signature=x"),
        Some(known)
    );
    assert_eq!(at("https://cdn.aimlapi.com/a%2Fb.mp4"), None);
}
