//! Links to videos: signed, good for a time, and given anew by every poll.

use std::time::Duration;

use aimlapi_video_simulator::Simulator;
use serde_json::json;

use crate::{Caller, standing, support};

/// The link of a generation that has ended.
async fn link(caller: &Caller, id: &str) -> String {
    let (_, answer) = caller.poll(id).await;
    answer["video"]["url"].as_str().unwrap().to_owned()
}

async fn ended(simulator: &Simulator, caller: &Caller) -> String {
    let id = caller.made().await;
    simulator.advance(Duration::from_secs(24 * 3600));
    id
}

#[tokio::test]
async fn an_expired_link_is_refused_and_the_next_poll_gives_a_good_one() {
    let lifetime = Duration::from_secs(600);
    let builder = Simulator::builder().manual_clock().url_lifetime(lifetime);
    let simulator = builder.start().await.unwrap();
    let caller = Caller::of(&simulator);
    let id = ended(&simulator, &caller).await;
    let first = link(&caller, &id).await;
    simulator.advance(Duration::from_secs(599));
    assert_eq!(caller.send("GET", &first, None).await.0, 200);
    simulator.advance(Duration::from_secs(2));
    let answer = caller.answer("GET", &first, None).await.unwrap();
    assert_eq!(answer.status(), 403);
    assert!(answer.text().await.unwrap().contains("expired"));
    let second = link(&caller, &id).await;
    assert_ne!(first, second);
    assert_eq!(caller.send("GET", &second, None).await.0, 200);
    assert_eq!(simulator.tasks()[0].downloads, 2);
}

#[tokio::test]
async fn a_link_that_was_changed_is_refused() {
    let simulator = standing().await;
    let caller = Caller::of(&simulator);
    let id = ended(&simulator, &caller).await;
    let good = link(&caller, &id).await;
    assert!(good.contains("%3A") && good.contains("%2F"), "{good}");
    let (path, query) = good.split_once('?').unwrap();
    let (expires, signature) = query.split_once('&').unwrap();
    let later = expires.replace("Expires=", "Expires=9");
    for wrong in [
        path.to_owned(),
        format!("{path}?{expires}"),
        format!("{path}?{signature}"),
        format!("{path}?{later}&{signature}"),
        format!("{path}?{expires}&{signature}0"),
        format!("{path}?Expires=soon&{signature}"),
        good.replace("1.mp4", "2.mp4"),
    ] {
        assert_eq!(caller.send("GET", &wrong, None).await.0, 403, "{wrong}");
    }
    assert_eq!(caller.send("GET", &good, None).await.0, 200);
    simulator.reset();
    assert_eq!(caller.send("GET", &good, None).await.0, 404);
}

#[tokio::test]
async fn a_part_of_a_file_is_given_where_the_asker_has_the_same_file() {
    let simulator = standing().await;
    let caller = Caller::of(&simulator);
    let id = ended(&simulator, &caller).await;
    let link = link(&caller, &id).await;
    let whole = caller.http.get(&link).send().await.unwrap();
    assert_eq!(whole.headers()["accept-ranges"], "bytes");
    let tag = whole.headers()["etag"].clone();
    let whole = whole.bytes().await.unwrap();
    let ask = |range: &str| caller.http.get(&link).header("range", range);
    let part = ask("bytes=100-")
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
    let other = ask("bytes=100-")
        .header("if-range", "\"other\"")
        .send()
        .await
        .unwrap();
    assert_eq!(other.status(), 200);
    assert_eq!(other.bytes().await.unwrap(), whole);
    let beyond = format!("bytes={}-", whole.len());
    assert_eq!(ask(&beyond).send().await.unwrap().status(), 416);
}

#[tokio::test]
async fn no_two_clips_are_of_one_length_so_that_a_tag_by_length_tells_them_apart() {
    let clips = concat!(env!("CARGO_MANIFEST_DIR"), "/src/clips");
    let mut lengths: Vec<u64> = std::fs::read_dir(clips)
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .collect();
    let count = lengths.len();
    lengths.sort_unstable();
    lengths.dedup();
    assert_eq!(lengths.len(), count);
}

#[tokio::test]
async fn a_cut_download_begins_and_does_not_end() {
    let simulator = standing().await;
    let caller = Caller::of(&simulator);
    caller
        .play(json!({ "next": [{ "downloads": [{ "cut_after": 1000 }, { "status": 503 }, { "close": true }] }] }))
        .await;
    let id = ended(&simulator, &caller).await;
    let link = link(&caller, &id).await;
    let mut cut = caller.http.get(&link).send().await.unwrap();
    assert!(cut.content_length().unwrap() > 1000);
    let mut came = 0;
    let error = loop {
        match cut.chunk().await {
            Ok(Some(chunk)) => came += chunk.len(),
            Ok(None) => panic!("it came whole"),
            Err(error) => break error,
        }
    };
    assert_eq!(came, 1000, "{error}");
    assert_eq!(caller.send("GET", &link, None).await.0, 503);
    assert!(caller.http.get(&link).send().await.is_err());
    assert_eq!(caller.send("GET", &link, None).await.0, 200);
}

#[tokio::test]
async fn our_client_saves_from_a_signed_link() {
    let simulator = standing().await;
    let client = support::client(simulator.url());
    let caller = Caller::of(&simulator);
    let id = ended(&simulator, &caller).await;
    let folder = tempfile::tempdir().unwrap();
    let generation = client.fetch(&*id).await.unwrap();
    let saved = client
        .save(&generation, folder.path().join("a.mp4"))
        .await
        .unwrap();
    assert!(saved[0].bytes > 1000);
    let seen = simulator.requests();
    let download = seen.last().unwrap();
    assert!(download.target.starts_with("/_simulator/files/"));
    assert!(!download.headers.contains_key("authorization"));
}
