//! The task of a model, and the kinds of media that its requests take.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{create, documents, merged, read};
use aimlapi_video_contract::MediaKind::{self, Audio, Image, Video};

#[test]
fn the_task_of_every_model_is_the_one_of_the_table() {
    let table = include_str!("../fixtures/tasks.txt");
    let mut expected: BTreeMap<&str, &str> = table
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .collect();
    let requests = read(documents()).0.requests;
    let tasks: BTreeMap<&str, &str> = requests
        .iter()
        .map(|request| (&*request.model.id, request.model.task.as_str()))
        .collect();
    for (id, task) in tasks {
        match expected.remove(id) {
            Some(expected) => assert_eq!(task, expected, "{id}"),
            // An update adds models, and must not fail the tests.
            None => println!("add to fixtures/tasks.txt, if the task is right: {id} {task}"),
        }
    }
    assert_eq!(expected, BTreeMap::new(), "no document describes these");
}

/// The task and the media of a request with these properties; those with a name that ends in `!` are required.
fn of(properties: Value) -> (&'static str, Vec<(MediaKind, bool)>) {
    let mut schema = json!({
        "type": "object",
        "properties": { "model": { "type": "string", "enum": ["a/image-to-video"] } },
        "required": ["model"],
    });
    for (name, property) in properties.as_object().unwrap() {
        let bare = name.trim_end_matches('!');
        schema["properties"][bare] = property.clone();
        if bare != name {
            schema["required"].as_array_mut().unwrap().push(bare.into());
        }
    }
    let model = merged(create(schema)).requests.remove(0).model;
    (model.task.as_str(), model.media().into_iter().collect())
}

#[test]
fn the_task_follows_the_media_that_a_request_requires_and_not_the_id() {
    let uri = || json!({ "type": "string", "format": "uri" });
    let of_kind = |kind: &str| {
        json!({
            "type": "object",
            "properties": { "type": { "type": "string", "enum": [kind] }, "url": uri() },
            "required": ["type", "url"],
        })
    };
    for (properties, task, media) in [
        (
            json!({ "prompt!": { "type": "string" } }),
            "text-to-video",
            vec![],
        ),
        (
            json!({ "image_url": uri() }),
            "text-to-video",
            vec![(Image, false)],
        ),
        (
            json!({ "image_url!": uri() }),
            "image-to-video",
            vec![(Image, true)],
        ),
        (
            json!({ "video_url!": uri() }),
            "video-to-video",
            vec![(Video, true)],
        ),
        (
            json!({ "voice!": uri() }),
            "audio-to-video",
            vec![(Audio, true)],
        ),
        (
            json!({ "picture!": uri(), "audio_url!": uri() }),
            "avatar",
            vec![(Image, true), (Audio, true)],
        ),
        (
            json!({ "clip!": uri(), "audio_url!": uri(), "mask": uri() }),
            "lip-sync",
            vec![(Image, false), (Video, true), (Audio, true)],
        ),
        (
            json!({ "image_url!": uri(), "video_url!": uri() }),
            "motion-control",
            vec![(Image, true), (Video, true)],
        ),
        (
            json!({ "videos!": { "type": "array", "items": uri() } }),
            "video-to-video",
            vec![(Video, true)],
        ),
        (
            json!({ "image!": { "anyOf": [uri(), { "type": "array", "items": uri() }] } }),
            "image-to-video",
            vec![(Image, true)],
        ),
        (
            json!({ "reference!": of_kind("video") }),
            "video-to-video",
            vec![(Video, true)],
        ),
        (
            json!({ "reference": of_kind("video") }),
            "text-to-video",
            vec![(Video, false)],
        ),
        (
            json!({ "shots!": { "type": "array", "items": of_kind("image") } }),
            "image-to-video",
            vec![(Image, true)],
        ),
        (
            json!({ "subject!": { "oneOf": [of_kind("image"), of_kind("video")] } }),
            "text-to-video",
            vec![(Image, false), (Video, false)],
        ),
        // A frame is known by its name, and a URL without a kind counts as none.
        (
            json!({ "last_frame!": uri(), "source!": uri() }),
            "image-to-video",
            vec![(Image, true)],
        ),
    ] {
        assert_eq!(of(properties.clone()), (task, media), "{properties}");
    }
}

#[test]
fn the_overlay_states_a_task_and_the_kind_of_media_that_no_name_shows() {
    let mut documents = create(json!({
        "type": "object",
        "properties": {
            "model": { "type": "string", "enum": ["a/b"] },
            "source": { "type": "string", "x-media": "video" },
        },
        "required": ["source"],
    }));
    let model = |documents| merged(documents).requests.remove(0).model;
    assert_eq!(model(documents.clone()).task.as_str(), "video-to-video");
    let schema =
        "/paths/~1v2~1video~1generations/post/requestBody/content/application~1json/schema";
    let schema = documents[0].value.pointer_mut(schema).unwrap();
    schema["x-task"] = "extend".into();
    assert_eq!(model(documents.clone()).task.as_str(), "extend");
    let schema =
        "/paths/~1v2~1video~1generations/post/requestBody/content/application~1json/schema";
    let schema = documents[0].value.pointer_mut(schema).unwrap();
    schema["x-task"] = "cook".into();
    let (_, diagnostics) = read(documents);
    let what = &diagnostics.errors[0].what;
    assert!(
        what.starts_with("`x-task` is \"cook\"; expected one of text-to-video, "),
        "{what}"
    );
}
