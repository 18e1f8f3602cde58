//! Tests of video URLs: signatures, expiry, ranges, and new URLs in every poll.

use std::time::Duration;

use aimlapi_video_simulator::Simulator;
use serde_json::json;

use crate::{Caller, manual_clock, support};

/// Returns the video URL of a completed generation.
async fn video_url(caller: &Caller, id: &str) -> String {
    let (_, response) = caller.poll(id).await;
    response["video"]["url"].as_str().unwrap().to_owned()
}

/// Creates a generation and advances the clock past its end.
async fn completed(simulator: &Simulator, caller: &Caller) -> String {
    let id = caller.create_one().await;
    simulator.advance(Duration::from_secs(24 * 3600));
    id
}

#[tokio::test]
async fn expired_url_is_refused_and_the_next_poll_returns_a_valid_one() {
    let lifetime = Duration::from_secs(600);
    let builder = Simulator::builder().manual_clock().url_lifetime(lifetime);
    let simulator = builder.start().await.unwrap();
    let caller = Caller::of(&simulator);
    let id = completed(&simulator, &caller).await;
    let first = video_url(&caller, &id).await;
    simulator.advance(Duration::from_secs(599));
    assert_eq!(caller.send("GET", &first, None).await.0, 200);
    simulator.advance(Duration::from_secs(2));
    let response = caller.response("GET", &first, None).await.unwrap();
    assert_eq!(response.status(), 403);
    assert!(response.text().await.unwrap().contains("expired"));
    let second = video_url(&caller, &id).await;
    assert_ne!(first, second);
    assert_eq!(caller.send("GET", &second, None).await.0, 200);
    assert_eq!(simulator.tasks()[0].downloads, 2);
}

#[tokio::test]
async fn changed_url_is_refused() {
    let simulator = manual_clock().await;
    let caller = Caller::of(&simulator);
    let id = completed(&simulator, &caller).await;
    let valid = video_url(&caller, &id).await;
    assert!(valid.contains("%3A") && valid.contains("%2F"), "{valid}");
    let (path, query) = valid.split_once('?').unwrap();
    let (expires, signature) = query.split_once('&').unwrap();
    let later = expires.replace("Expires=", "Expires=9");
    for changed in [
        path.to_owned(),
        format!("{path}?{expires}"),
        format!("{path}?{signature}"),
        format!("{path}?{later}&{signature}"),
        format!("{path}?{expires}&{signature}0"),
        format!("{path}?Expires=soon&{signature}"),
        valid.replace("1.mp4", "2.mp4"),
    ] {
        assert_eq!(caller.send("GET", &changed, None).await.0, 403, "{changed}");
    }
    assert_eq!(caller.send("GET", &valid, None).await.0, 200);
    simulator.reset();
    assert_eq!(caller.send("GET", &valid, None).await.0, 404);
}

#[tokio::test]
async fn range_is_returned_if_the_etag_matches_and_the_whole_file_otherwise() {
    let simulator = manual_clock().await;
    let caller = Caller::of(&simulator);
    let id = completed(&simulator, &caller).await;
    let url = video_url(&caller, &id).await;
    let whole = caller.http.get(&url).send().await.unwrap();
    assert_eq!(whole.headers()["accept-ranges"], "bytes");
    let tag = whole.headers()["etag"].clone();
    let whole = whole.bytes().await.unwrap();
    let get = |range: &str| caller.http.get(&url).header("range", range);
    let part = get("bytes=100-")
        .header("if-range", tag)
        .send()
        .await
        .unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(
        part.headers()["content-range"],
        format!("bytes 100-{}/{}", whole.len() - 1, whole.len())
    );
    assert_eq!(part.bytes().await.unwrap(), whole[100..]);
    let other = get("bytes=100-")
        .header("if-range", "\"other\"")
        .send()
        .await
        .unwrap();
    assert_eq!(other.status(), 200);
    assert_eq!(other.bytes().await.unwrap(), whole);
    let beyond = format!("bytes={}-", whole.len());
    assert_eq!(get(&beyond).send().await.unwrap().status(), 416);
}

#[tokio::test]
async fn truncated_download_ends_in_an_error_after_the_given_bytes() {
    let simulator = manual_clock().await;
    let caller = Caller::of(&simulator);
    caller
        .play(json!({ "next": [{ "downloads": [{ "cut_after": 1000 }, { "status": 503 }, { "close": true }] }] }))
        .await;
    let id = completed(&simulator, &caller).await;
    let url = video_url(&caller, &id).await;
    let mut truncated = caller.http.get(&url).send().await.unwrap();
    assert!(truncated.content_length().unwrap() > 1000);
    let mut received = 0;
    let error = loop {
        match truncated.chunk().await {
            Ok(Some(chunk)) => received += chunk.len(),
            Ok(None) => panic!("the whole file was received"),
            Err(error) => break error,
        }
    };
    assert_eq!(received, 1000, "{error}");
    assert_eq!(caller.send("GET", &url, None).await.0, 503);
    assert!(caller.http.get(&url).send().await.is_err());
    assert_eq!(caller.send("GET", &url, None).await.0, 200);
}

#[tokio::test]
async fn client_saves_a_file_by_its_signed_url_without_the_key() {
    let simulator = manual_clock().await;
    let client = support::client(simulator.url());
    let caller = Caller::of(&simulator);
    let id = completed(&simulator, &caller).await;
    let folder = tempfile::tempdir().unwrap();
    let generation = client.fetch(&*id).await.unwrap();
    let saved = client
        .save(&generation, folder.path().join("a.mp4"))
        .await
        .unwrap();
    assert!(saved[0].bytes > 1000);
    let recorded = simulator.requests();
    let download = recorded.last().unwrap();
    assert!(download.target.starts_with("/_simulator/files/"));
    assert!(!download.headers.contains_key("authorization"));
}
