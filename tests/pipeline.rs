//! The pipeline from documents to one description: on the vendored documents, and on broken ones.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::{collections::BTreeSet, path::Path};

use serde_json::{Value, json};
use spec::{
    Facts, Route, Trouble,
    document::{self, Document},
    emit,
    merge::{self, Merged},
    names, overlay,
    repair::{self, Seen},
};

#[path = "../src/spec/mod.rs"]
#[allow(dead_code, unreachable_pub, reason = "the build uses the rest")]
mod spec;

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi"))
}

fn facts() -> Facts {
    Facts::read(folder(), folder()).unwrap()
}

fn documents() -> Vec<Document> {
    document::read(folder()).unwrap()
}

fn merged(mut documents: Vec<Document>) -> Result<Merged, Vec<Trouble>> {
    let facts = facts();
    documents
        .iter_mut()
        .for_each(|document| drop(repair::mend(document)));
    overlay::apply(&facts.overlay, &mut documents)?;
    merge::merge(&documents, &facts.glossary, |_| true)
}

fn one(value: Value) -> Vec<Document> {
    vec![Document {
        file: "x.json".into(),
        value,
    }]
}

/// A document whose create takes `schema`.
fn create(schema: Value) -> Vec<Document> {
    one(json!({
        "openapi": "3.0.0",
        "paths": { "/v2/video/generations": { "post": {
            "requestBody": { "content": { "application/json": { "schema": schema } } }, "responses": {},
        } } },
    }))
}

#[test]
fn the_documents_declare_76_models_on_the_universal_url_and_four_on_the_older_one() {
    let merged = merged(documents()).unwrap();
    let count = |route| {
        merged
            .requests
            .iter()
            .filter(|request| request.create.route == route)
            .count()
    };
    assert_eq!(
        (count(Route::Universal), count(Route::LegacyKling)),
        (76, 4)
    );
    let mut vendors: Vec<&str> = merged
        .requests
        .iter()
        .map(|request| request.vendor.as_str())
        .collect();
    vendors.sort_unstable();
    vendors.dedup();
    assert_eq!(
        vendors,
        ["google", "kling", "ltxv", "minimax", "openai", "xai"]
    );
    for request in &merged.requests {
        let folder = request.create.file.split('/').next();
        assert_eq!(
            folder,
            Some(request.vendor.as_str()),
            "{}",
            request.create.file
        );
    }
}

#[test]
fn four_operations_exist_whatever_the_documents_are() {
    for documents in [documents(), Vec::new()] {
        let merged = merged(documents).unwrap();
        for (route, create, fetch) in [
            (Route::Universal, "create_generation", "fetch_generation"),
            (
                Route::LegacyKling,
                "create_legacy_kling_generation",
                "fetch_legacy_kling_generation",
            ),
        ] {
            let item = &merged.openapi["paths"][route.path()];
            assert_eq!(item["post"]["operationId"], create);
            assert_eq!(item["get"]["operationId"], fetch);
        }
        assert_eq!(merged.openapi["paths"].as_object().unwrap().len(), 2);
    }
}

#[test]
fn leaving_any_document_out_renames_nothing() {
    let facts = facts();
    let mut documents = documents();
    documents
        .iter_mut()
        .for_each(|document| drop(repair::mend(document)));
    overlay::apply(&facts.overlay, &mut documents).unwrap();
    let component_names = |documents: &[Document]| -> BTreeSet<String> {
        let merged = merge::merge(documents, &facts.glossary, |_| true).unwrap();
        let components = merged.openapi["components"]["schemas"].as_object().unwrap();
        components.keys().cloned().collect()
    };
    let whole = component_names(&documents);
    for left_out in 0..documents.len() {
        let without = [&documents[..left_out], &documents[left_out + 1..]].concat();
        assert!(
            component_names(&without).is_subset(&whole),
            "{}",
            documents[left_out].file
        );
    }
}

#[test]
fn the_order_of_documents_changes_nothing() {
    let emitted = |documents| {
        let merged = merged(documents).unwrap();
        let durations = facts().durations;
        format!(
            "{}{}{}{}{}",
            merged.openapi,
            emit::bounded(&merged),
            emit::builders(&merged),
            emit::catalogue(&merged, &durations),
            emit::documents(&merged)
        )
    };
    let mut reversed = documents();
    reversed.reverse();
    assert_eq!(emitted(documents()), emitted(reversed));
}

#[test]
fn every_current_repair_finds_something_to_mend() {
    for repair in repair::all().filter(|repair| repair.seen == Seen::Current) {
        let mended: usize = documents()
            .iter_mut()
            .map(|document| (repair.mend)(&mut document.value))
            .sum();
        assert!(
            mended > 0,
            "{} matches no file of openapi/ any more; delete it, or mark it historical",
            repair.name
        );
    }
}

#[test]
fn a_repaired_document_needs_no_repair() {
    for mut document in documents() {
        repair::mend(&mut document);
        assert_eq!(repair::mend(&mut document), [""; 0], "{}", document.file);
    }
}

#[test]
fn every_overlay_action_finds_its_target() {
    let mut documents = documents();
    for (target, matches) in overlay::apply(&facts().overlay, &mut documents)
        .unwrap()
        .actions
    {
        assert!(matches > 0, "{target} matches no file of openapi/ any more");
    }
}

#[test]
fn every_property_has_a_line_in_the_glossary_and_every_line_a_property() {
    let merged = merged(documents()).unwrap();
    let mut known = BTreeSet::new();
    for request in &merged.requests {
        request.object.each(&mut |object| {
            for field in &object.fields {
                let described = field.description.as_deref().unwrap_or_default();
                assert!(
                    !described.is_empty(),
                    "{}.{} has no line in openapi/glossary.json",
                    object.name,
                    field.name
                );
                known.insert(described.to_owned());
            }
        });
    }
    for (name, line) in facts().glossary["properties"].as_object().unwrap() {
        assert!(
            known.contains(line.as_str().unwrap()),
            "`{name}` of openapi/glossary.json is no property"
        );
    }
}

#[test]
fn every_stated_duration_belongs_to_a_model() {
    let merged = merged(documents()).unwrap();
    for entry in facts().durations {
        assert!(
            merged
                .requests
                .iter()
                .any(|request| entry.model == request.create.model),
            "{entry:?}"
        );
    }
}

#[test]
fn names_come_from_the_id_alone() {
    for (id, universal, legacy) in [
        (
            "klingai/v2-master-text-to-video",
            "KlingaiV2MasterTextToVideo",
            "LegacyKlingaiV2MasterTextToVideo",
        ),
        (
            "kling-video/v2.1/standard/image-to-video",
            "KlingVideoV21StandardImageToVideo",
            "LegacyKlingVideoV21StandardImageToVideo",
        ),
        ("custom:horse-1.1", "CustomHorse11", "LegacyCustomHorse11"),
        ("4k/model", "X4kModel", "Legacy4kModel"),
    ] {
        assert_eq!(names::request(Route::Universal, id), universal);
        assert_eq!(names::request(Route::LegacyKling, id), legacy);
    }
    for (property, field) in [
        ("type", "type_"),
        ("loop", "loop_"),
        ("cfg_scale", "cfg_scale"),
        ("3d", "x_3d"),
        ("aB", "a_b"),
    ] {
        assert_eq!(names::field(property), field);
    }
}

#[test]
fn a_model_says_what_it_makes_a_video_of() {
    for (id, needs_media, task) in [
        ("klingai/v2-master-text-to-video", false, "text-to-video"),
        ("google/veo-3.0-i2v-fast", true, "image-to-video"),
        (
            "klingai/video-o1-video-to-video-reference",
            true,
            "video-to-video",
        ),
        ("klingai/avatar-pro", true, "avatar"),
        ("video-01-live2d", true, "image-to-video"),
        ("minimax/h3", false, "text-to-video"),
    ] {
        assert_eq!(names::task(id, needs_media), task, "{id}");
    }
}

#[test]
fn every_request_type_documents_its_constraints() {
    let merged = merged(documents()).unwrap();
    for request in &merged.requests {
        let described =
            &merged.openapi["components"]["schemas"][&request.object.name]["description"];
        let described = described.as_str().unwrap();
        request.object.fields.iter().for_each(|field| {
            assert!(
                described.contains(&format!("| `{}` |", field.name)),
                "{}",
                request.object.name
            );
        });
    }
    let master = merged
        .requests
        .iter()
        .find(|request| request.object.name == "KlingaiV2MasterTextToVideo");
    let table = master.unwrap().object.ledger();
    assert!(
        table.contains("| `cfg_scale` |  | 0 to 1 | type |"),
        "{table}"
    );
    assert!(
        table.contains("| `advanced_camera_control.movement_value` | yes | -10 to 10 | type |"),
        "{table}"
    );
}

#[test]
fn what_cannot_be_held_is_reported_with_place_and_remedy_and_all_at_once() {
    let model = json!({ "type": "string", "enum": ["a/b"] });
    let troubles = merged(create(json!({
        "type": "object",
        "required": ["model", "ghost"],
        "properties": {
            "model": model,
            "a": { "type": "string", "pattern": "^x" },
            "b": { "type": "number", "multipleOf": 2 },
            "c": { "enum": [1, "x"] },
            "d": { "type": "strange" },
            "e": { "type": "string", "format": "color" },
            "f-g": { "type": "string" },
            "f_g": { "type": "string" },
        },
    })))
    .unwrap_err();
    let at = "/paths/~1v2~1video~1generations/post/requestBody/content/application~1json/schema";
    let mut pointers: Vec<&str> = troubles
        .iter()
        .map(|trouble| trouble.pointer.strip_prefix(at).unwrap())
        .collect();
    pointers.sort_unstable();
    assert_eq!(
        pointers,
        [
            "/properties/a/pattern",
            "/properties/b/multipleOf",
            "/properties/c/enum",
            "/properties/d/type",
            "/properties/e/format",
            "/properties/f_g",
            "/required",
        ]
    );
    for trouble in troubles {
        assert_eq!(trouble.file, "x.json");
        assert!(!trouble.what.is_empty() && !trouble.remedy.is_empty());
        assert!(!trouble.to_string().contains('\n'));
    }
}

#[test]
fn documents_that_say_nothing_of_video_pass_and_broken_creates_do_not() {
    assert!(
        merged(one(
            json!({ "openapi": "3.0.0", "paths": { "/v1/images": { "post": {} } } })
        ))
        .is_ok()
    );
    assert!(merged(one(json!({ "openapi": "3.0.0" }))).is_ok());
    assert!(merged(one(json!(null))).is_ok());
    for broken in [
        json!(null),
        json!([]),
        json!({ "type": "object" }),
        json!({ "properties": { "model": {} } }),
    ] {
        let troubles = merged(create(broken)).unwrap_err();
        assert_eq!(troubles.len(), 1);
    }
}

#[test]
fn two_documents_for_one_path_and_model_are_told_apart_by_name() {
    let mut twice = create(
        json!({ "type": "object", "properties": { "model": { "type": "string", "enum": ["a/b"] } } }),
    );
    twice.extend(twice.clone());
    let troubles = merged(twice).unwrap_err();
    assert!(troubles[0].what.contains("a/b"), "{}", troubles[0]);
}

#[test]
fn files_that_are_no_documents_are_reported_each() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("a.json", "{"),
        ("b.json", "[]"),
        ("c.json", r#"{"openapi":"3.1.0"}"#),
        ("d.json", ""),
        ("ok.json", r#"{"openapi":"3.0.3","paths":{}}"#),
        ("glossary.json", "{}"),
        ("notes.txt", "no"),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let troubles = document::read(folder.path()).unwrap_err();
    let files: Vec<&str> = troubles
        .iter()
        .map(|trouble| trouble.file.as_str())
        .collect();
    assert_eq!(files, ["a.json", "b.json", "c.json", "d.json"]);
    assert!(document::read(&folder.path().join("none")).is_err());
}

#[cfg(feature = "all-vendors")]
/// The generated source is beside the tests: each operation of the description is in it, and each type.
#[test]
fn the_generated_source_holds_every_operation_and_every_type() {
    let source = include_str!(concat!(env!("OUT_DIR"), "/generated.rs"));
    let merged = merged(documents()).unwrap();
    let mut operations = 0;
    for item in merged.openapi["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(source.contains(&format!("pub async fn {id}<'a>")), "{id}");
            operations += 1;
        }
    }
    assert_eq!(
        (operations, source.matches("pub async fn ").count()),
        (4, 4)
    );
    for request in &merged.requests {
        request.object.each(&mut |object| {
            assert!(
                source.contains(&format!("pub struct {} {{", object.name)),
                "{}",
                object.name
            );
            assert!(
                source.contains(&format!("pub struct {}Builder {{", object.name)),
                "{}",
                object.name
            );
        });
    }
}
