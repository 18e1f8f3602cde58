//! Tests of properties that take one of several kinds of objects: a Rust enum holds them, and each kind has a builder.
#![cfg(feature = "all-vendors")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video::{
    Error, GenerationRequest, Route,
    contract::{self, EnforcedBy},
    types::{
        LumaRay2, LumaRay2Keyframes, LumaRay2KeyframesFrame0, LumaRay2KeyframesFrame0Generation,
        LumaRay2KeyframesFrame0Image, RunwayActTwo, RunwayActTwoCharacterImage,
        RunwayActTwoReference,
    },
};
use serde_json::{Value, json};

fn violations(error: &Error) -> Vec<String> {
    error.violations().iter().map(ToString::to_string).collect()
}

#[test]
fn setter_takes_the_builder_and_the_struct_of_each_kind() {
    let image = LumaRay2KeyframesFrame0Image::builder().url("https://a.example/b.png");
    let earlier = LumaRay2KeyframesFrame0Generation::builder().id("g-1");
    let earlier = earlier.build().unwrap();
    let with = |keyframes| {
        let request = LumaRay2::builder().prompt("A kite").keyframes(keyframes);
        serde_json::to_value(request.build().unwrap()).unwrap()
    };
    let body = with(LumaRay2Keyframes::builder().frame0(image));
    let expected = json!({ "type": "image", "url": "https://a.example/b.png" });
    assert_eq!(body["keyframes"]["frame0"], expected);
    let variant = LumaRay2KeyframesFrame0::from(earlier.clone());
    assert!(matches!(variant, LumaRay2KeyframesFrame0::Generation(_)));
    for body in [
        with(LumaRay2Keyframes::builder().frame0(earlier)),
        with(LumaRay2Keyframes::builder().frame0(Some(variant))),
    ] {
        let expected = json!({ "type": "generation", "id": "g-1" });
        assert_eq!(body["keyframes"]["frame0"], expected);
    }
}

#[test]
fn build_fails_without_what_the_kind_requires() {
    let frame = LumaRay2KeyframesFrame0Image::builder();
    let keyframes = LumaRay2Keyframes::builder().frame0(frame);
    let request = LumaRay2::builder().prompt("A kite").keyframes(keyframes);
    let missing = "is missing; it takes an absolute URI, such as an https URL or a data URI";
    let expected = [format!("/keyframes/frame0/url {missing}")];
    assert_eq!(violations(&request.build().unwrap_err()), expected);

    let reference = RunwayActTwoReference::builder()
        .type_("video")
        .url("https://a.example/b.mp4");
    let character = RunwayActTwoCharacterImage::builder().url("not a URL");
    let request = RunwayActTwo::builder()
        .character(character)
        .reference(reference);
    let found = request.build().unwrap_err();
    assert_eq!(found.violations()[0].pointer, "/character/url");
}

#[test]
fn json_is_read_by_the_kind_that_it_states() {
    let read = |frame: Value| serde_json::from_value::<LumaRay2KeyframesFrame0>(frame);
    let request = |frame: Value| {
        let body =
            json!({ "model": "luma/ray-2", "prompt": "A kite", "keyframes": { "frame0": frame } });
        GenerationRequest::from_json(Route::Universal, body)
    };
    let image = json!({ "type": "image", "url": "https://a.example/b.png" });
    assert!(matches!(
        read(image.clone()),
        Ok(LumaRay2KeyframesFrame0::Image(_))
    ));
    request(image).unwrap();
    for (frame, by_type, by_check) in [
        (
            json!({ "type": "image", "id": "g-1" }),
            "missing field `url`",
            "/keyframes/frame0/url is missing; it takes an absolute URI, such as an https URL or a data URI",
        ),
        (
            json!({ "type": "clip", "url": "https://a.example/b.png" }),
            "`type` is \"clip\"; allowed: \"image\", \"generation\"",
            "/keyframes/frame0/type is \"clip\"; allowed: \"image\", \"generation\"",
        ),
        (
            json!({ "url": "https://a.example/b.png" }),
            "`type` is null; allowed: \"image\", \"generation\"",
            "/keyframes/frame0/type is missing; it takes \"image\", \"generation\"",
        ),
    ] {
        assert_eq!(read(frame.clone()).unwrap_err().to_string(), by_type);
        assert_eq!(violations(&request(frame).unwrap_err()), [by_check]);
    }
    assert!(read(json!(["g-1", "generation"])).is_err());
    assert!(request(json!(["g-1", "generation"])).is_err());
}

#[test]
fn warnings_are_those_of_the_kind() {
    let frame = json!({ "type": "image", "url": "https://a.example/b.png", "id": "g-1" });
    let body =
        json!({ "model": "luma/ray-2", "prompt": "A kite", "keyframes": { "frame0": frame } });
    let request = GenerationRequest::from_json(Route::Universal, body).unwrap();
    let pointers: Vec<String> = request
        .warnings()
        .into_iter()
        .map(|found| found.pointer)
        .collect();
    assert_eq!(pointers, ["/keyframes/frame0/id"]);
}

#[test]
fn documentation_lists_what_each_kind_requires() {
    let model = contract::model(Route::Universal, "luma/ray-2").unwrap();
    let table = model.markdown_table();
    for row in [
        "| `keyframes.frame0.type` | if `type` is `image` | `image` | type |",
        "| `keyframes.frame0.url` | if `type` is `image` |",
        "| `keyframes.frame0.id` | if `type` is `generation` |",
    ] {
        assert!(table.contains(row), "{table}");
    }
    let paths: Vec<String> = model.paths().into_iter().map(|(path, _)| path).collect();
    assert!(
        paths.contains(&"keyframes.frame1.id".to_owned()),
        "{paths:?}"
    );
}

#[test]
fn types_hold_every_constraint_of_published_models_but_null_for_an_optional_property() {
    let mut reasons = std::collections::BTreeMap::<(String, String), usize>::new();
    for model in contract::models() {
        let constraints = model.constraints().into_iter();
        for row in constraints.filter(|row| row.enforced_by != EnforcedBy::Type) {
            if row.enforced_by != EnforcedBy::Warned {
                *reasons
                    .entry((row.keyword, row.reason.unwrap()))
                    .or_default() += 1;
            }
        }
    }
    let reason = "a struct leaves the property out instead of writing `null`";
    let named: Vec<&(String, String)> = reasons.keys().collect();
    assert_eq!(named, [&("nullable".to_owned(), reason.to_owned())]);
}
