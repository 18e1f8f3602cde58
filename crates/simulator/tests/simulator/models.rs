//! Tests with every model, from the request to the file.
//!
//! The client's types and the simulator's JSON Schemas are two independent interpretations of the documents; they must agree.

use aimlapi_video::{
    GenerationRequest, Media, Model, Route, State, Update,
    contract::{Property, Schema},
    documents::Document,
    models,
};
use aimlapi_video_simulator::{Scenario, Simulator};
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::{
    Caller, MODEL, simulator,
    support::{client, judge},
    text,
};

/// Returns the smallest body that the model's document allows.
fn body(judges: &[judge::Judged], model: &Model) -> Value {
    let found = judges
        .iter()
        .find(|judged| judged.path == model.route.path() && judged.model == model.id);
    judge::minimal(&found.unwrap().schema)
}

#[tokio::test]
async fn every_model_completes_on_every_route_with_a_playable_file() {
    let simulator = Simulator::builder().speed(20_000.0).start().await.unwrap();
    let client = client(simulator.url());
    let folder = tempfile::tempdir().unwrap();
    let mut routes = Vec::new();
    let judges = judge::judges();
    for (number, model) in models().iter().enumerate() {
        let request = GenerationRequest::from_json(model.route, body(&judges, model)).unwrap();
        let handle = client.create(request).await.unwrap();
        assert_eq!(handle.answer().unwrap().state(), State::Queued);
        let mut states = Vec::new();
        let mut updates = std::pin::pin!(client.wait(&handle).updates());
        let generation = loop {
            match updates.next().await.unwrap().unwrap() {
                Update::Progress(progress) => states.push(progress.state),
                Update::Completed(generation) => break generation,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(states.first(), Some(&State::Queued));
        assert!(updates.next().await.is_none());
        let path = folder.path().join(format!("{number}.mp4"));
        let saved = client.save(&generation, &path).await.unwrap();
        assert_eq!(saved.len(), 1);
        let file = std::fs::read(&path).unwrap();
        assert_eq!(&file[4..8], b"ftyp", "{}", model.id);
        assert_eq!(saved[0].bytes, file.len() as u64);
        assert_eq!(saved[0].content_type.as_deref(), Some("video/mp4"));
        assert!(generation.usage().credits.unwrap() > 0.0);
        assert!(generation.metadata().credits_used.unwrap() > 0.0);
        routes.push(model.route);
    }
    assert!(routes.contains(&Route::Universal) && routes.contains(&Route::LegacyKling));
}

#[tokio::test]
async fn simulator_and_client_types_agree_on_every_property() {
    let simulator = simulator().await;
    let values = [
        json!(null),
        json!(true),
        json!(0),
        json!(1),
        json!(5),
        json!(5.0),
        json!(7),
        json!(-10),
        json!(0.5),
        json!(1.5),
        json!(11),
        json!("16:9"),
        json!("simple"),
        json!("down_back"),
        json!("https://a.example/b"),
        json!("data:image/png;base64,AA=="),
        json!("not a URI"),
        json!(""),
        json!([]),
        json!([{}]),
        json!({}),
        json!({ "type": "simple" }),
        json!({ "type": "spin" }),
        json!({ "config": { "pan": 10.5 } }),
        json!({ "movement_type": "pan", "movement_value": 3 }),
        json!([{ "mask": "m", "trajectories": [{ "x": 1, "y": 2 }] }]),
        json!([{ "mask": "m", "trajectories": [{ "x": 1, "y": 2 }, { "x": 1.5, "y": 2 }] }]),
        json!([{ "mask": "m", "trajectories": [{ "x": 1, "y": 2 }, { "x": 3, "y": 4 }] }]),
    ];
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut checked = 0;
    let judges = judge::judges();
    // `exactness.rs` tests the constraints of every model; a sample of models suffices for the simulator's validation.
    for model in models().iter().step_by(8) {
        let base = body(&judges, model);
        for property in model
            .properties
            .iter()
            .filter(|property| property.name != "model")
        {
            for value in &values {
                let mut body = base.clone();
                body[&property.name] = value.clone();
                let is_valid = GenerationRequest::from_json(model.route, body.clone()).is_ok();
                let url = format!("{}{}", simulator.url(), model.route.path());
                let response = http
                    .post(url)
                    .bearer_auth("any")
                    .body(body.to_string())
                    .send()
                    .await
                    .unwrap();
                assert_eq!(
                    is_valid,
                    response.status().is_success(),
                    "{} {} = {value}",
                    model.id,
                    property.name
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 1000, "{checked}");
}

#[tokio::test]
async fn numeric_string_is_accepted_where_the_client_reads_it_as_a_number() {
    let simulator = Simulator::builder().start().await.unwrap();
    let caller = Caller::of(&simulator);
    let judges = judge::judges();
    let mut base64 = 0;
    for model in models()
        .iter()
        .filter(|model| model.route == Route::Universal)
    {
        let base = body(&judges, model);
        for property in &model.properties {
            let mut body = base.clone();
            body[&property.name] = "5".into();
            let coerced = GenerationRequest::from_json_coerced(model.route, body.clone());
            let (status, answer) = caller.create(&body).await;
            let name = &property.name;
            assert_eq!(
                status < 300,
                coerced.is_ok(),
                "{} {name}: {answer}",
                model.id
            );
            if property.schema == Schema::UriOrBase64 {
                let message = answer["message"].as_str().unwrap();
                let allowed = property.schema_with_null().allowed();
                assert!(message.contains(&allowed), "{message}");
                base64 += 1;
            }
        }
    }
    assert!(base64 > 0);
}

#[tokio::test]
async fn both_videos_of_a_generation_are_saved() {
    let simulator = Simulator::builder()
        .speed(5000.0)
        .videos(2)
        .start()
        .await
        .unwrap();
    let client = client(simulator.url());
    let request = json!({ "model": "klingai/v2-master-text-to-video", "prompt": "x" });
    let generation = client
        .generate(GenerationRequest::from_json(Route::Universal, request).unwrap())
        .await
        .unwrap();
    assert!(generation.as_json()["video"].is_array());
    let folder = tempfile::tempdir().unwrap();
    let saved = client
        .save(&generation, folder.path().join("boat.mp4"))
        .await
        .unwrap();
    let names: Vec<_> = saved
        .iter()
        .map(|saved| saved.path.file_name().unwrap().to_str().unwrap())
        .collect();
    assert_eq!(names, ["boat.mp4", "boat-2.mp4"]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[tokio::test]
async fn clip_has_the_requested_length_and_aspect_ratio() {
    let simulator = Simulator::builder().speed(50_000.0).start().await.unwrap();
    let client = client(simulator.url());
    let folder = tempfile::tempdir().unwrap();
    let portrait = Media::from_bytes(png(90, 160)).unwrap();
    let square = Media::from_bytes(png(64, 64)).unwrap();
    let text = |ratio: &str, duration: u8| json!({ "model": "klingai/v2-master-text-to-video", "prompt": "x", "aspect_ratio": ratio, "duration": duration });
    let image =
        |uri: &str| json!({ "model": "klingai/v2-master-image-to-video", "image_url": uri });
    let cases = [
        (text("16:9", 5), (320, 180), 5),
        (text("9:16", 10), (180, 320), 10),
        (text("1:1", 5), (240, 240), 5),
        (image(portrait.uri().as_str()), (180, 320), 5),
        (image(square.uri().as_str()), (240, 240), 5),
        (image("https://example.com/a.png"), (320, 180), 5),
    ];
    for (number, (body, size, seconds)) in cases.into_iter().enumerate() {
        let generation = client
            .generate(GenerationRequest::from_json(Route::Universal, body.clone()).unwrap())
            .await
            .unwrap();
        let path = folder.path().join(format!("{number}.mp4"));
        client.save(&generation, &path).await.unwrap();
        assert_eq!(
            mp4(&std::fs::read(path).unwrap()),
            (size, seconds),
            "{body}"
        );
    }
}

/// Returns the header of a PNG image, which suffices to read its size.
fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend([8, 6, 0, 0, 0, 0, 0, 0, 0]);
    bytes
}

/// Reads the width and height of an MP4's track from `tkhd`, and its length in seconds from `mvhd` (ISO/IEC 14496-12).
fn mp4(file: &[u8]) -> ((u32, u32), u32) {
    let after = |name: &[u8; 4]| file.windows(4).position(|window| window == name).unwrap() + 4;
    let word = |at: usize| u32::from_be_bytes(file[at..at + 4].try_into().unwrap());
    let (mvhd, tkhd) = (after(b"mvhd"), after(b"tkhd"));
    (
        (word(tkhd + 76) >> 16, word(tkhd + 80) >> 16),
        word(mvhd + 16) / word(mvhd + 12),
    )
}

#[tokio::test]
async fn documents_of_run_time_take_the_place_of_the_embedded_ones() {
    let mut model = Model::new(Route::Universal, "acme/newest");
    model.type_name = "AcmeNewest".into();
    let schema = json!({
        "type": "object",
        "properties": {
            "model": { "type": "string", "enum": ["acme/newest"] },
            "steps": { "type": "integer", "minimum": 1, "maximum": 8 },
            "seed": { "type": "integer", "nullable": true },
        },
        "required": ["model", "steps"],
    });
    let mut seed = Property::new("seed", Schema::integer(None, None));
    seed.nullable = true;
    model.properties.push(seed);
    let document = Document::new("acme/newest", Route::Universal.path(), 201, schema);
    let builder = Simulator::builder().documents([(model, document)]);
    let simulator = builder.clone().start().await.unwrap();
    let caller = Caller::of(&simulator);
    let (status, created) = caller
        .create(&json!({ "model": "acme/newest", "steps": 8, "seed": "5" }))
        .await;
    assert_eq!(status, 201, "{created}");
    let (status, refused) = caller
        .create(&json!({ "model": "acme/newest", "steps": 9 }))
        .await;
    assert_eq!(status, 400);
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("steps: expected at most 8"),
        "{refused}"
    );
    let (status, refused) = caller.create(&text(json!({}))).await;
    assert_eq!(status, 400);
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("expected one of acme/newest; "),
        "{refused}"
    );
    let (_, own) = caller.send("GET", "/_simulator/openapi.json", None).await;
    assert!(own["components"]["schemas"]["AcmeNewest"].is_object());

    // A scenario may name these models, and no other.
    let scenario = |model: &str| {
        Scenario::from_json(json!({ "next": [{ "model": model, "seconds": 1 }] })).unwrap()
    };
    assert!(
        builder
            .clone()
            .scenario(scenario("acme/newest"))
            .start()
            .await
            .is_ok()
    );
    let error = builder.scenario(scenario(MODEL)).start().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("next[0].model: no document describes {MODEL}")
    );
    assert_eq!(
        caller
            .play(json!({ "next": [{ "model": "acme/newest" }] }))
            .await
            .0,
        200
    );
}
