//! Tests of the clips that requests get: colours and title, and the MP4 around them.

use std::{collections::HashSet, time::Duration};

use aimlapi_video_simulator::Simulator;
use serde_json::{Value, json};

use crate::{Caller, manual_clock, text};

/// The clip of a request, with its ETag.
async fn clip(simulator: &Simulator, body: &Value) -> (Vec<u8>, String) {
    let caller = Caller::of(simulator);
    let (_, created) = caller.create(body).await;
    simulator.advance(Duration::from_secs(24 * 3600));
    let (_, completed) = caller.poll(created["id"].as_str().unwrap()).await;
    let url = completed["video"]["url"].as_str().unwrap();
    let response = caller.response("GET", url, None).await.unwrap();
    let tag = response.headers()["etag"].to_str().unwrap().to_owned();
    (response.bytes().await.unwrap().to_vec(), tag)
}

/// A box of an MP4 (ISO/IEC 14496-12), without its size and name.
fn content<'a>(file: &'a [u8], path: &[&[u8; 4]]) -> &'a [u8] {
    let Some((name, inner)) = path.split_first() else {
        return file;
    };
    let mut rest = file;
    loop {
        let (found, after) = rest.split_at(word(rest, 0));
        if found[4..8] == **name {
            // `meta` has a version and flags before its boxes.
            let begin = if *name == b"meta" { 12 } else { 8 };
            return content(&found[begin..], inner);
        }
        rest = after;
    }
}

fn word(bytes: &[u8], at: usize) -> usize {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

fn title(file: &[u8]) -> &str {
    let path = [b"moov", b"udta", b"meta", b"ilst", b"\xa9nam", b"data"];
    std::str::from_utf8(&content(file, &path)[8..]).unwrap()
}

fn frames(file: &[u8]) -> &[u8] {
    content(file, &[b"mdat"])
}

#[tokio::test]
async fn different_requests_have_clips_of_different_colours_and_equal_ones_the_same_clip() {
    let simulator = manual_clock().await;
    let mut colours = HashSet::new();
    let mut tags = HashSet::new();
    for number in 0..20 {
        let body = text(json!({ "prompt": format!("Boat {number}") }));
        let (file, tag) = clip(&simulator, &body).await;
        assert_eq!(clip(&simulator, &body).await, (file.clone(), tag.clone()));
        colours.insert(frames(&file).to_vec());
        tags.insert(tag);
    }
    assert!(colours.len() >= 18, "{}", colours.len());
    assert_eq!(tags.len(), 20);
}

#[tokio::test]
async fn title_has_prompt_and_model_and_is_truncated_between_characters() {
    let simulator = manual_clock().await;
    let (file, _) = clip(&simulator, &text(json!({ "prompt": "Übers Meer" }))).await;
    assert_eq!(title(&file), "Übers Meer (klingai/v2-master-text-to-video)");
    let (file, _) = clip(
        &simulator,
        &text(json!({ "prompt": format!("a{}", "é".repeat(500)) })),
    )
    .await;
    let begin = format!("a{}… (klingai", "é".repeat(99));
    assert!(title(&file).starts_with(&begin), "{}", title(&file));
}

#[tokio::test]
async fn title_has_no_key() {
    let simulator = manual_clock().await;
    let prompt = format!("A boat for {}", crate::support::KEY);
    let (file, _) = clip(&simulator, &text(json!({ "prompt": prompt }))).await;
    assert!(
        title(&file).starts_with("A boat for … ("),
        "{}",
        title(&file)
    );
}

#[tokio::test]
async fn index_states_where_the_frames_are() {
    let simulator = manual_clock().await;
    for ratio in ["16:9", "9:16", "1:1"] {
        for duration in [5, 10] {
            let body = text(json!({ "aspect_ratio": ratio, "duration": duration }));
            let (file, _) = clip(&simulator, &body).await;
            let table = [b"moov", b"trak", b"mdia", b"minf", b"stbl"];
            let of = |name| content(&file, &[&table[..], &[name]].concat());
            let (sizes, chunks) = (of(b"stsz"), of(b"stco"));
            let count = word(sizes, 8);
            assert_eq!(count, duration * 12);
            let total: usize = (0..count).map(|frame| word(sizes, 12 + 4 * frame)).sum();
            assert_eq!(total, frames(&file).len());
            assert_eq!(word(chunks, 4), 1);
            assert_eq!(file[word(chunks, 8)..], *frames(&file));
            // The first frame consists of two slices, each after its length.
            let first = &frames(&file)[..word(sizes, 12)];
            let (upper, lower) = first.split_at(4 + word(first, 0));
            assert_eq!(lower.len(), 4 + word(lower, 0));
            assert_eq!([upper[4] & 31, lower[4] & 31], [5, 5]);
        }
    }
}
