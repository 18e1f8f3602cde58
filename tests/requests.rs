//! Tests of requests: the values that builders take, and the violations and warnings that they report.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video::{
    ErrorKind, GenerationRequest, Media, Route, models,
    types::{
        KlingVideoV1StandardImageToVideo, KlingVideoV16ProImageToVideo,
        KlingVideoV21StandardImageToVideo, KlingaiV2MasterImageToVideo,
        KlingaiV2MasterImageToVideoCameraControl, KlingaiV2MasterImageToVideoCameraControlConfig,
        KlingaiV2MasterImageToVideoDynamicMasksItem,
        KlingaiV2MasterImageToVideoDynamicMasksItemTrajectoriesItem, KlingaiV2MasterTextToVideo,
        KlingaiV2MasterTextToVideoAspectRatio, LegacyKlingVideoV21StandardImageToVideo,
        LegacyKlingaiV2MasterTextToVideo,
    },
    value::MediaString,
};
use serde_json::{Map, Value, json};

fn violations(error: &aimlapi_video::Error) -> Vec<(String, Option<Value>, String, &'static str)> {
    error
        .violations()
        .iter()
        .map(|found| {
            (
                found.pointer.clone(),
                found.given.clone(),
                found.allowed.clone(),
                found.keyword,
            )
        })
        .collect()
}

#[test]
fn required_and_optional_setters_are_alike_and_unset_properties_are_not_sent() {
    let request = KlingaiV2MasterImageToVideo::builder()
        .prompt("A kite climbs over the dunes")
        .image_url("https://example.com/kite.png")
        .duration(5)
        .cfg_scale(0.5)
        .build()
        .unwrap();
    assert_eq!(
        serde_json::to_value(&request).unwrap(),
        json!({
            "model": "klingai/v2-master-image-to-video",
            "prompt": "A kite climbs over the dunes",
            "image_url": "https://example.com/kite.png",
            "duration": 5,
            "cfg_scale": 0.5,
        })
    );
}

#[test]
fn nested_objects_and_lists_are_given_as_builders() {
    let request = KlingaiV2MasterImageToVideo::builder()
        .image_url("https://example.com/kite.png")
        .camera_control(
            KlingaiV2MasterImageToVideoCameraControl::builder()
                .type_("simple")
                .config(
                    KlingaiV2MasterImageToVideoCameraControlConfig::builder()
                        .pan(-10)
                        .zoom(2.5),
                ),
        )
        .dynamic_masks([KlingaiV2MasterImageToVideoDynamicMasksItem::builder()
            .mask("https://example.com/mask.png")
            .trajectories([(1, 2), (3, 4)].map(|(x, y)| {
                KlingaiV2MasterImageToVideoDynamicMasksItemTrajectoriesItem::builder()
                    .x(x)
                    .y(y)
            }))])
        .build()
        .unwrap();
    assert_eq!(
        serde_json::to_value(&request).unwrap(),
        json!({
            "model": "klingai/v2-master-image-to-video",
            "image_url": "https://example.com/kite.png",
            "camera_control": { "type": "simple", "config": { "pan": -10.0, "zoom": 2.5 } },
            "dynamic_masks": [{
                "mask": "https://example.com/mask.png",
                "trajectories": [{ "x": 1, "y": 2 }, { "x": 3, "y": 4 }],
            }],
        })
    );
}

#[test]
fn setters_take_options_and_none_omits_the_property() {
    let image = KlingaiV2MasterImageToVideo::builder()
        .image_url(Some("https://example.com/kite.png"))
        .prompt(Some(String::from("A kite")))
        .duration(Some(5))
        .cfg_scale(Some(0.5_f32))
        .negative_prompt(None::<&str>)
        .static_mask(None::<Media>)
        .camera_control(Some(
            KlingaiV2MasterImageToVideoCameraControl::builder()
                .type_(Some("simple"))
                .config(None::<KlingaiV2MasterImageToVideoCameraControlConfig>),
        ))
        .dynamic_masks(None::<Vec<KlingaiV2MasterImageToVideoDynamicMasksItem>>);
    assert_eq!(
        serde_json::to_value(image.clone().build().unwrap()).unwrap(),
        json!({
            "model": "klingai/v2-master-image-to-video",
            "image_url": "https://example.com/kite.png",
            "prompt": "A kite",
            "duration": 5,
            "cfg_scale": 0.5,
            "camera_control": { "type": "simple" },
        })
    );
    // As for values, the last call of a setter wins.
    let body = serde_json::to_value(image.duration(None::<i64>).build().unwrap()).unwrap();
    assert_eq!(body.get("duration"), None);
}

#[test]
fn none_for_a_required_property_or_an_item_is_a_violation() {
    let error = KlingaiV2MasterTextToVideo::builder()
        .prompt(None::<String>)
        .duration(Some(7))
        .build()
        .unwrap_err();
    let found: Vec<_> = violations(&error)
        .into_iter()
        .map(|(pointer, given, _, keyword)| (pointer, given, keyword))
        .collect();
    assert_eq!(
        found,
        [
            ("/duration".to_owned(), Some(json!(7)), "enum"),
            ("/prompt".to_owned(), None, "required"),
        ]
    );
    let mask = || {
        KlingaiV2MasterImageToVideoDynamicMasksItem::builder()
            .mask("https://example.com/mask.png")
            .trajectories([(1, 2), (3, 4)].map(|(x, y)| {
                KlingaiV2MasterImageToVideoDynamicMasksItemTrajectoriesItem::builder()
                    .x(x)
                    .y(y)
            }))
    };
    let error = KlingaiV2MasterImageToVideo::builder()
        .image_url("https://example.com/kite.png")
        .dynamic_masks([Some(mask()), None])
        .build()
        .unwrap_err();
    let [(pointer, given, ..)] = &violations(&error)[..] else {
        panic!("{error}");
    };
    assert_eq!((&**pointer, given), ("/dynamic_masks/1", &None));
}

#[test]
fn request_is_read_from_and_written_as_its_body() {
    let body = json!({ "model": "klingai/v2-master-text-to-video", "prompt": "A kite" });
    let universal: GenerationRequest = serde_json::from_value(body.clone()).unwrap();
    assert_eq!(universal.route(), Route::Universal);
    let legacy = GenerationRequest::from_json(Route::LegacyKling, body.clone()).unwrap();
    assert_eq!(legacy.route(), Route::LegacyKling);
    assert_ne!(universal, legacy);
    for request in [universal, legacy] {
        assert_eq!(serde_json::to_value(&request).unwrap(), body);
    }
}

#[test]
fn build_reports_every_invalid_or_missing_property_at_once() {
    let error = KlingaiV2MasterTextToVideo::builder()
        .duration(7)
        .cfg_scale(1.5)
        .aspect_ratio("4:3")
        .build()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    let expected = [
        (
            "/aspect_ratio",
            Some(json!("4:3")),
            r#""16:9", "9:16", "1:1""#,
            "enum",
        ),
        ("/cfg_scale", Some(json!(1.5)), "0 to 1", "maximum"),
        ("/duration", Some(json!(7)), "5, 10", "enum"),
        ("/prompt", None, "a string", "required"),
    ];
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(pointer, given, allowed, keyword)| {
            (pointer.to_owned(), given, allowed.to_owned(), keyword)
        })
        .collect();
    assert_eq!(violations(&error), expected);
}

#[test]
fn violations_of_nested_builders_have_the_whole_pointer() {
    let error = KlingaiV2MasterImageToVideo::builder()
        .image_url("no link")
        .camera_control(
            KlingaiV2MasterImageToVideoCameraControl::builder()
                .type_("spin")
                .config(KlingaiV2MasterImageToVideoCameraControlConfig::builder().pan(-10.5)),
        )
        .dynamic_masks(vec![
            KlingaiV2MasterImageToVideoDynamicMasksItem::builder().trajectories([
                KlingaiV2MasterImageToVideoDynamicMasksItemTrajectoriesItem::builder()
                    .x(1)
                    .y(2),
            ]),
        ])
        .build()
        .unwrap_err();
    let found: Vec<(String, &str)> = violations(&error)
        .into_iter()
        .map(|(pointer, _, _, keyword)| (pointer, keyword))
        .collect();
    let expected = [
        ("/camera_control/config/pan", "minimum"),
        ("/camera_control/type", "enum"),
        ("/dynamic_masks/0/mask", "required"),
        ("/dynamic_masks/0/trajectories", "minItems"),
        ("/image_url", "format"),
    ];
    assert_eq!(
        found,
        expected.map(|(pointer, keyword)| (pointer.to_owned(), keyword))
    );
}

#[test]
fn long_value_is_truncated_in_the_error() {
    let long = "é".repeat(1000);
    let error = KlingaiV2MasterTextToVideo::builder()
        .prompt("x")
        .aspect_ratio(long)
        .build()
        .unwrap_err();
    let given = error.violations()[0]
        .given
        .as_ref()
        .and_then(Value::as_str)
        .unwrap()
        .to_owned();
    assert_eq!(given, format!("{}…", "é".repeat(100)));
    assert!(error.to_string().len() < 500);
}

#[test]
fn integers_of_every_type_are_accepted_and_reported_unchanged() {
    let duration = |build: aimlapi_video::types::KlingaiV2MasterTextToVideoBuilder| {
        build
            .prompt("x")
            .build()
            .map(|request| request.duration.unwrap().value())
    };
    let builder = KlingaiV2MasterTextToVideo::builder;
    assert_eq!(duration(builder().duration(5u8)).unwrap(), 5);
    assert_eq!(duration(builder().duration(10usize)).unwrap(), 10);
    let error = duration(builder().duration(u64::MAX)).unwrap_err();
    assert_eq!(error.violations()[0].given, Some(json!(u64::MAX)));
    let error = builder()
        .prompt("x")
        .cfg_scale(f64::NAN)
        .build()
        .unwrap_err();
    assert_eq!(error.violations()[0].pointer, "/cfg_scale");
}

#[test]
fn generated_values_are_accepted_unchanged() {
    let request = KlingaiV2MasterTextToVideo::builder()
        .prompt(String::from("x"))
        .aspect_ratio(KlingaiV2MasterTextToVideoAspectRatio::X916)
        .build()
        .unwrap();
    assert_eq!(
        serde_json::to_value(&request).unwrap()["aspect_ratio"],
        "9:16"
    );
}

#[test]
fn model_on_both_routes_has_a_type_for_each() {
    let universal = KlingaiV2MasterTextToVideo::builder()
        .prompt("x")
        .build()
        .unwrap();
    let legacy = LegacyKlingaiV2MasterTextToVideo::builder()
        .prompt("x")
        .external_task_id("t")
        .build()
        .unwrap();
    let (universal, legacy) = (
        GenerationRequest::from(universal),
        GenerationRequest::from(legacy),
    );
    assert_eq!(universal.body()["model"], "klingai/v2-master-text-to-video");
    assert_eq!(legacy.body()["external_task_id"], "t");
    assert_eq!(
        (universal.route(), legacy.route()),
        (Route::Universal, Route::LegacyKling)
    );
}

#[test]
fn legacy_body_of_v2_1_has_a_last_frame() {
    let request = LegacyKlingVideoV21StandardImageToVideo::builder()
        .image_url("https://example.com/a.png")
        .tail_image_url("https://example.com/b.png")
        .build()
        .unwrap();
    assert_eq!(
        request.tail_image_url.as_ref().map(MediaString::as_str),
        Some("https://example.com/b.png")
    );
}

#[test]
fn every_model_of_the_pages_has_a_type_for_each_route() {
    let image = "https://example.com/a.png";
    let requests: Vec<GenerationRequest> = vec![
        KlingaiV2MasterImageToVideo::builder()
            .image_url(image)
            .build()
            .unwrap()
            .into(),
        KlingaiV2MasterTextToVideo::builder()
            .prompt("x")
            .build()
            .unwrap()
            .into(),
        KlingVideoV21StandardImageToVideo::builder()
            .image_url(image)
            .build()
            .unwrap()
            .into(),
        KlingVideoV1StandardImageToVideo::builder()
            .image_url(image)
            .build()
            .unwrap()
            .into(),
        KlingVideoV16ProImageToVideo::builder()
            .image_url(image)
            .build()
            .unwrap()
            .into(),
    ];
    let known = |route| {
        models()
            .iter()
            .filter(|model| model.route == route)
            .map(|model| model.id.as_str())
            .collect::<Vec<_>>()
    };
    for request in &requests {
        assert!(
            known(Route::Universal).contains(&request.model()),
            "{}",
            request.model()
        );
        assert!(request.validate().is_ok());
    }
    assert!(!known(Route::LegacyKling).contains(&"kling-video/v2.1/pro/image-to-video"));
}

#[test]
fn from_json_selects_the_document_by_model_and_reports_every_violation() {
    let error = GenerationRequest::from_json(
        Route::Universal,
        json!({
            "model": "klingai/v2-master-text-to-video",
            "cfg_scale": -1,
            "duration": "5",
            "aspect_ratio": null,
            "advanced_camera_control": { "movement_type": "pan", "movement_value": 11 },
        }),
    )
    .unwrap_err();
    let found: Vec<(String, &str)> = violations(&error)
        .into_iter()
        .map(|(pointer, _, _, keyword)| (pointer, keyword))
        .collect();
    let expected = [
        ("/advanced_camera_control/movement_value", "maximum"),
        ("/aspect_ratio", "type"),
        ("/cfg_scale", "minimum"),
        ("/duration", "type"),
        ("/prompt", "required"),
    ];
    assert_eq!(
        found,
        expected.map(|(pointer, keyword)| (pointer.to_owned(), keyword))
    );
}

#[test]
fn from_json_keeps_unknown_properties() {
    let body = json!({ "model": "klingai/v2-master-text-to-video", "prompt": "x", "newer": [1], "duration": 5.0 });
    let request = GenerationRequest::from_json(Route::Universal, body.clone()).unwrap();
    assert_eq!(serde_json::to_value(&request).unwrap(), body);
}

#[test]
fn unknown_properties_cause_warnings_at_every_depth() {
    let body = json!({
        "model": "klingai/v2-master-image-to-video",
        "image_url": "https://example.com/a.png",
        "promt": "x",
        "camera_control": { "config": { "pann": 1 } },
    });
    let warnings = GenerationRequest::from_json(Route::Universal, body)
        .unwrap()
        .warnings();
    let messages: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        messages,
        [
            "/camera_control/config/pann: the document has no property `pann`; the most similar one is `pan`",
            "/promt: the document has no property `promt`; the most similar one is `prompt`",
        ]
    );
}

#[test]
fn blank_prompt_causes_a_warning() {
    for (prompt, is_blank) in [
        ("", true),
        (" \t\n", true),
        ("\u{200B}\u{FEFF}", true),
        ("\u{3000}", true),
        ("x", false),
        ("\u{200B}x", false),
    ] {
        let body = json!({ "model": "klingai/v2-master-text-to-video", "prompt": prompt });
        let warnings = GenerationRequest::from_json(Route::Universal, body)
            .unwrap()
            .warnings();
        let blank = warnings
            .iter()
            .any(|warning| warning.pointer == "/prompt" && warning.message.contains("is blank"));
        assert_eq!(blank, is_blank, "{prompt:?} {warnings:?}");
    }
}

#[test]
fn media_that_the_service_cannot_use_cause_a_warning_and_are_sent() {
    let model = "klingai/v2-master-image-to-video";
    for (link, part, is_unusable) in [
        ("http://localhost:3000/a.png", "localhost", false),
        ("http://192.168.1.7/a.png", "192.168.1.7", false),
        ("https://minio:9000/a.png", "minio", false),
        ("ftp://example.com/a.png", "ftp:", false),
        ("https://example.com/a.mp4", ".mp4", false),
        ("blob:https://example.com/1", "blob:", true),
        ("file:///a.png", "a file of this machine", true),
        ("about:blank", "about:", true),
        ("C:/a.png", "a file of this machine", true),
        ("data:image/png;base64,", "no data", true),
        (
            "data:image/png;base64,data:image/png;base64,iVBORw0KGgo=",
            "twice",
            true,
        ),
        (
            "data:video/mp4;base64,AAAAHGZ0eXBpc29tAAACAGlzb21pc28yYXZjMQ==",
            "an image",
            true,
        ),
    ] {
        let body = json!({ "model": model, "image_url": link });
        let request = GenerationRequest::from_json(Route::Universal, body.clone()).unwrap();
        let warnings = request.warnings();
        assert_eq!(warnings.len(), 1, "{link} {warnings:?}");
        assert_eq!(warnings[0].pointer, "/image_url");
        assert!(warnings[0].message.contains(part), "{warnings:?}");
        assert_eq!(warnings[0].is_unusable, is_unusable, "{warnings:?}");
        assert_eq!(serde_json::to_value(&request).unwrap(), body);
    }
    for link in [
        "https://example.com/a.png?sig=secret",
        "https://example.com/a",
    ] {
        let body = json!({ "model": model, "image_url": link, "static_mask": link });
        assert_eq!(
            GenerationRequest::from_json(Route::Universal, body)
                .unwrap()
                .warnings(),
            []
        );
    }
    // Signatures and inline data are not shown.
    let body = json!({ "model": model, "image_url": "http://me:pw@localhost/a.png?sig=secret" });
    let shown = format!(
        "{:?}",
        GenerationRequest::from_json(Route::Universal, body)
            .unwrap()
            .warnings()
    );
    assert!(
        !shown.contains("secret") && !shown.contains("pw"),
        "{shown}"
    );
}

#[test]
fn text_that_is_not_a_uri_is_refused_with_a_hint() {
    let model = "klingai/v2-master-image-to-video";
    for (link, hint) in [
        ("https://example.com/a b.png", ", without white space in it"),
        (
            "data:image/png;base64,iVBORw0K\nGgoAAAAN",
            ", without white space in it",
        ),
        (
            "https://example.com/é.png",
            ", with every non-ASCII character percent-encoded (%C3%A9 for é)",
        ),
        ("cat.png", "text of an image, video or audio file"),
    ] {
        let body = json!({ "model": model, "image_url": link });
        let error = GenerationRequest::from_json(Route::Universal, body).unwrap_err();
        let typed = KlingaiV2MasterImageToVideo::builder()
            .image_url(link)
            .build()
            .unwrap_err();
        for error in [error, typed] {
            assert!(error.violations()[0].allowed.ends_with(hint), "{error}");
        }
    }
}

#[test]
fn media_are_checked_at_every_depth_and_without_a_stated_format() {
    let body = json!({
        "model": "klingai/v2-master-image-to-video",
        "image_url": "https://example.com/a.png",
        "dynamic_masks": [{ "mask": "blob:1", "trajectories": [{ "x": 1, "y": 2 }, { "x": 1, "y": 3 }] }],
    });
    let warnings = GenerationRequest::from_json(Route::Universal, body)
        .unwrap()
        .warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(warnings[0].pointer, "/dynamic_masks/0/mask");
    for (image, part) in [
        ("", "empty"),
        ("cat.png", "a file of this machine"),
        (r"C:\cat.png", "a file of this machine"),
        ("www.example.com/cat.png", "https://www.example.com/cat.png"),
        ("https://example.com/a cat.png", "%20"),
    ] {
        let body =
            json!({ "model": "kling-video/v2.1/standard/image-to-video", "image_url": image });
        let warnings = GenerationRequest::from_json(Route::LegacyKling, body)
            .unwrap()
            .warnings();
        assert_eq!(warnings.len(), 1, "{image} {warnings:?}");
        assert!(warnings[0].message.contains(part), "{warnings:?}");
    }
}

#[cfg(feature = "all-vendors")]
#[test]
fn media_in_lists_and_of_other_kinds_are_checked_by_their_property() {
    let warned = |body: Value| -> Vec<(String, bool)> {
        let request = GenerationRequest::from_json(Route::Universal, body).unwrap();
        let warnings = request.warnings().into_iter();
        warnings
            .map(|warning| (warning.pointer, warning.is_unusable))
            .collect()
    };
    let png = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAkAAAAQCAYAAAA=";
    let body = json!({
        "model": "minimax/h3",
        "prompt": "x",
        "video_urls": ["https://example.com/a.mp4", png, "http://[::1]/a.mp4"],
        "audio_urls": ["https://example.com/a.mp3", "https://example.com/a.png"],
    });
    assert_eq!(
        warned(body),
        [
            ("/audio_urls/1".to_owned(), false),
            ("/video_urls/1".to_owned(), true),
            ("/video_urls/2".to_owned(), false),
        ]
    );
}

#[cfg(feature = "all-vendors")]
#[test]
fn violation_of_a_rule_in_prose_causes_a_warning_and_is_not_refused() {
    let warned = |body: Value| {
        let request = GenerationRequest::from_json(Route::Universal, body).unwrap();
        request
            .warnings()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    };
    let turbo = "klingai/video-v3-turbo-pro-text-to-video";
    assert_eq!(warned(json!({ "model": turbo })), "");
    assert_eq!(
        warned(json!({ "model": turbo, "prompt": "x", "multi_prompt": null })),
        ""
    );
    let shots = json!([{ "prompt": "y", "duration": 5 }]);
    let both = warned(json!({ "model": turbo, "prompt": "x", "multi_prompt": shots }));
    assert!(
        both.starts_with("/prompt: at most one of `prompt`, `multi_prompt` may be given"),
        "{both}"
    );
    let neither = warned(json!({ "model": "klingai/video-v3-pro-text-to-video" }));
    assert!(
        neither.contains("exactly one of `prompt`, `multi_prompt` must be given"),
        "{neither}"
    );
    let h3 = |more: (&str, Value)| {
        let mut body = json!({ "model": "minimax/h3", "prompt": "x", "ratio": "adaptive" });
        body[more.0] = more.1;
        warned(body)
    };
    let sound = h3(("audio_urls", json!(["https://a.example/b.mp3"])));
    assert!(
        sound.contains("`audio_urls` needs one of")
            && sound.contains("`ratio` as \"adaptive\" needs one of"),
        "{sound}"
    );
    assert_eq!(h3(("image_url", json!("https://a.example/b.png"))), "");
}

#[test]
fn property_newer_than_its_type_is_set_by_with_property() {
    let typed = KlingaiV2MasterTextToVideo::builder()
        .prompt("x")
        .build()
        .unwrap();
    let request = GenerationRequest::from(typed).with_property("newer", 1);
    assert_eq!(request.body()["newer"], 1);
    assert!(request.validate().is_ok());
    // A property that the document has is checked all the same.
    assert!(request.with_property("duration", 7).validate().is_err());
}

#[test]
fn numeric_strings_become_numbers_only_in_from_json_coerced() {
    let body = json!({
        "model": "klingai/v2-master-text-to-video", "prompt": "5", "duration": "10", "cfg_scale": " 0.5 ",
        "advanced_camera_control": { "movement_type": "pan", "movement_value": "-3" },
    });
    assert!(GenerationRequest::from_json(Route::Universal, body.clone()).is_err());
    let request = GenerationRequest::from_json_coerced(Route::Universal, body).unwrap();
    let expected = json!({
        "model": "klingai/v2-master-text-to-video", "prompt": "5", "duration": 10, "cfg_scale": 0.5,
        "advanced_camera_control": { "movement_type": "pan", "movement_value": -3 },
    });
    assert_eq!(serde_json::to_value(&request).unwrap(), expected);
    let wrong =
        json!({ "model": "klingai/v2-master-text-to-video", "prompt": "x", "duration": "seven" });
    let error = GenerationRequest::from_json_coerced(Route::Universal, wrong).unwrap_err();
    assert_eq!(error.violations()[0].given, Some(json!("seven")));
}

#[test]
fn length_is_that_of_the_request_or_else_of_its_document() {
    let length = |body| {
        GenerationRequest::from_json(Route::Universal, body)
            .unwrap()
            .length()
    };
    let model = "klingai/video-v2-6-pro-text-to-video";
    let stated = json!({ "model": model, "prompt": "x", "duration": 10 });
    assert_eq!(length(stated), Some(10));
    assert_eq!(length(json!({ "model": model, "prompt": "x" })), Some(5));
    let unchecked = GenerationRequest::unchecked(Route::Universal, "vendor/v9", Map::new());
    assert_eq!(unchecked.length(), None);
}

#[test]
fn model_newer_than_the_crate_is_requested_unchecked() {
    let body = json!({ "prompt": "x", "anything": [1] });
    let request = GenerationRequest::unchecked(
        Route::Universal,
        "vendor/v9",
        body.as_object().unwrap().clone(),
    );
    assert!(request.validate().is_ok() && request.warnings().is_empty());
    assert_eq!(request.model(), "vendor/v9");
    let sent = serde_json::to_value(&request).unwrap();
    assert_eq!(
        sent,
        json!({ "model": "vendor/v9", "prompt": "x", "anything": [1] })
    );
}

#[test]
fn from_json_refuses_an_unknown_model_with_similar_ids() {
    let refused = |body| {
        GenerationRequest::from_json(Route::Universal, body)
            .unwrap_err()
            .to_string()
    };
    assert!(refused(json!([])).contains("the body is []; allowed: an object"));
    assert!(refused(json!({})).contains("/model is missing"));
    assert!(refused(json!({ "model": 1 })).contains("/model is 1"));
    let nearest = refused(json!({ "model": "klingai/v2-master-text-to-vide" }));
    assert!(
        nearest.contains("such as klingai/v2-master-text-to-video"),
        "{nearest}"
    );
    // The model exists only on the other route.
    let other = GenerationRequest::from_json(
        Route::LegacyKling,
        json!({ "model": "kling-video/v2.1/pro/image-to-video" }),
    );
    assert_eq!(other.unwrap_err().violations()[0].pointer, "/model");
}

#[test]
fn typed_request_deserialises_only_by_its_document() {
    let read = serde_json::from_value::<KlingaiV2MasterTextToVideo>;
    let body = |duration: Value| json!({ "model": "klingai/v2-master-text-to-video", "prompt": "x", "duration": duration });
    assert_eq!(read(body(json!(5.0))).unwrap().duration.unwrap().value(), 5);
    let error = read(body(json!(7))).unwrap_err().to_string();
    assert_eq!(error, "`duration`: 7 is not allowed; allowed: 5, 10");
    assert!(read(json!({ "model": "klingai/v2-master-image-to-video", "prompt": "x" })).is_err());
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x09\0\0\0\x10\x08\x06\0\0\0";

#[test]
fn media_are_sent_inline_by_their_content() {
    let media = Media::from_bytes(PNG).unwrap();
    assert_eq!(media.media_type(), Some("image/png"));
    let request = KlingaiV2MasterImageToVideo::builder()
        .image_url(media.clone())
        .build()
        .unwrap();
    assert!(
        request
            .image_url
            .as_str()
            .starts_with("data:image/png;base64,iVBORw0KGgo")
    );
    // The older bodies state no format, and accept the same values.
    let legacy = LegacyKlingVideoV21StandardImageToVideo::builder()
        .image_url(media)
        .build()
        .unwrap();
    assert_eq!(legacy.image_url.as_str(), request.image_url.as_str());
}

#[test]
fn base64_text_is_accepted_if_the_prose_allows_it_and_a_word_is_not() {
    let base64 = "iVBORw0KGgoAAAANSUhEUgAAAAkAAAAQCAYAAAAA";
    let built = |image: &str| {
        KlingaiV2MasterImageToVideo::builder()
            .image_url(image)
            .build()
    };
    assert_eq!(built(base64).unwrap().image_url.as_str(), base64);
    for word in [
        "abcd",
        "lighthouse",
        "images/cat1",
        "iVBORw0KGgo*",
        "iVBORw0KGgoAA",
    ] {
        assert!(built(word).is_err(), "{word}");
    }
    // The prose of this property allows only a URL.
    let mask = KlingaiV2MasterImageToVideo::builder()
        .image_url(base64)
        .static_mask(base64)
        .build();
    assert_eq!(mask.unwrap_err().violations()[0].pointer, "/static_mask");
}

#[test]
fn unusable_media_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cat.png");
    let message = |error: aimlapi_video::Error| {
        assert_eq!(error.kind(), ErrorKind::InvalidMedia);
        error.to_string()
    };
    assert!(message(Media::from_file(&file).unwrap_err()).contains("cat.png cannot be read"));
    std::fs::write(&file, "no picture at all").unwrap();
    assert!(message(Media::from_file(&file).unwrap_err()).contains("is not an image"));
    std::fs::write(&file, PNG).unwrap();
    assert!(
        message(Media::from_file_with_limit(&file, 10).unwrap_err()).contains("limit of 10 bytes")
    );
    assert!(Media::from_file(&file).is_ok());
    assert!(message(Media::from_uri("cat.png").unwrap_err()).contains("absolute URI"));
    let long = format!("data:image/png;base64,{}", "A".repeat(28 << 20));
    assert!(message(Media::from_uri(long).unwrap_err()).contains("shrink the media"));
}

#[test]
fn stated_media_type_is_used() {
    let clip = Media::from_bytes_as([0, 1, 2], "Video/MP4").unwrap();
    assert_eq!(clip.media_type(), Some("video/mp4"));
    assert_eq!(clip.uri().as_str(), "data:video/mp4;base64,AAEC");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clip.bin");
    std::fs::write(&file, [0, 1, 2]).unwrap();
    assert!(
        Media::from_file(&file)
            .unwrap_err()
            .to_string()
            .contains("state its media type")
    );
    assert_eq!(Media::from_file_as(&file, "video/mp4").unwrap(), clip);
    let large = Media::from_file_as_with_limit(&file, "video/mp4", 2).unwrap_err();
    assert!(large.to_string().contains("limit of 2 bytes"), "{large}");
    for stated in [
        "",
        "mp4",
        "video",
        "video/",
        "/mp4",
        "text/plain",
        "application/mp4",
        "video/mp4;codecs=avc1",
        "video/mp4 ",
        "video/m p4",
        "video/a/b",
        "image/p,ng",
    ] {
        let error = Media::from_bytes_as([0], stated).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidMedia);
        assert!(
            error.to_string().contains("image/…, video/… or audio/…"),
            "{stated}: {error}"
        );
    }
    for empty in [Media::from_bytes([]), Media::from_bytes_as([], "video/mp4")] {
        assert!(empty.unwrap_err().to_string().contains("is empty"));
    }
}

#[test]
fn debug_shows_neither_signatures_nor_inline_data() {
    let signed = Media::from_uri("https://user:pw@cdn.example.com/a.png?sig=secret#frag").unwrap();
    let inline = Media::from_bytes(PNG).unwrap();
    let shown = format!("{signed:?} {inline:?}");
    for secret in ["secret", "frag", "pw", "iVBOR"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[cfg(feature = "schema")]
#[test]
fn request_types_have_the_json_schema_of_their_model() {
    let schema = serde_json::to_value(schemars::schema_for!(KlingaiV2MasterTextToVideo)).unwrap();
    assert_eq!(schema["properties"]["duration"]["enum"], json!([5, 10]));
    assert_eq!(schema["required"], json!(["model", "prompt"]));
    let model = models()
        .iter()
        .find(|model| model.type_name == "KlingaiV2MasterTextToVideo");
    assert_eq!(schema, model.unwrap().json_schema());
    let legacy =
        serde_json::to_value(schemars::schema_for!(LegacyKlingaiV2MasterTextToVideo)).unwrap();
    assert!(legacy["properties"].get("external_task_id").is_some());
}
