//! The vendored documents. What the files beside them say in vain is no error; `specs update` lists it.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use super::{documents, facts, folder, merged};
use aimlapi_video_codegen::{
    Diagnostics, Document, Route,
    merge::{self, Request},
    names, overlay, repair,
    rust::{ClientInput, types},
    strip,
};

#[test]
fn each_id_of_a_vendored_document_is_a_model_of_the_vendor_that_its_folder_names() {
    let mut stated: BTreeSet<(Route, String)> = BTreeSet::new();
    for document in documents() {
        for route in Route::ALL {
            let post = &document.published["paths"][route.path()]["post"];
            ids(post, &mut |id| {
                stated.insert((route, id.to_owned()));
            });
        }
    }
    let merged = merged(documents());
    let of = |request: &Request| (request.create.route, request.model.id.clone());
    assert!(!stated.is_empty());
    assert_eq!(
        merged.requests.iter().map(of).collect::<BTreeSet<_>>(),
        stated
    );
    for request in &merged.requests {
        let folder = request.create.file.split('/').next();
        assert_eq!(
            folder,
            Some(request.model.vendor.as_str()),
            "{}",
            request.create.file
        );
    }
}

/// Visits the values of `enum` of each property `model` in an operation.
fn ids(operation: &Value, visit: &mut dyn FnMut(&str)) {
    let models = operation.pointer("/properties/model/enum");
    let models = models.and_then(Value::as_array).into_iter().flatten();
    models.filter_map(Value::as_str).for_each(&mut *visit);
    match operation {
        Value::Object(map) => map.values().for_each(|value| ids(value, visit)),
        Value::Array(items) => items.iter().for_each(|value| ids(value, visit)),
        _ => {}
    }
}

#[test]
fn four_operations_exist_with_and_without_documents() {
    for documents in [documents(), Vec::new()] {
        let input = ClientInput::new(&merged(documents)).unwrap();
        for (route, create, fetch) in [
            (Route::Universal, "create_generation", "fetch_generation"),
            (
                Route::LegacyKling,
                "create_legacy_kling_generation",
                "fetch_legacy_kling_generation",
            ),
        ] {
            let item = input.client.paths.paths[route.path()].as_item().unwrap();
            for (method, id) in [("post", create), ("get", fetch)] {
                let (_, operation) = item.iter().find(|(known, _)| *known == method).unwrap();
                assert_eq!(operation.operation_id.as_deref(), Some(id));
            }
        }
        assert_eq!(input.client.operations().count(), 4);
    }
}

#[test]
fn leaving_out_any_document_renames_no_type() {
    let facts = facts();
    let mut documents = documents();
    documents.iter_mut().for_each(repair::apply);
    overlay::apply(&facts.overlay, &mut documents, &mut Diagnostics::default());
    let type_names = |documents: &[Document]| -> BTreeSet<String> {
        let mut diagnostics = Diagnostics::default();
        let merged = merge::merge(documents, &facts, |_| true, &mut diagnostics);
        assert_eq!(diagnostics, Diagnostics::default());
        let mut names = BTreeSet::new();
        for request in &merged.requests {
            types::each_named(&request.model, &mut |name| {
                names.insert(name.to_owned());
            });
        }
        names
    };
    let whole = type_names(&documents);
    for left_out in 0..documents.len() {
        let without = [&documents[..left_out], &documents[left_out + 1..]].concat();
        assert!(
            type_names(&without).is_subset(&whole),
            "{}",
            documents[left_out].file
        );
    }
}

#[test]
fn every_vendored_document_is_what_an_update_would_write() {
    for document in documents() {
        let text = fs::read_to_string(folder().join(&document.file)).unwrap();
        assert!(
            text == strip::text(&strip::strip(&document)),
            "{} is not stripped, or not in our format; let `specs update` write it",
            document.file
        );
    }
}

#[test]
fn a_repaired_document_needs_no_repair() {
    for mut document in documents() {
        repair::apply(&mut document);
        repair::apply(&mut document);
        assert_eq!(document.repairs, [""; 0], "{}", document.file);
    }
}

#[test]
fn every_property_has_a_glossary_line() {
    let merged = merged(documents());
    let glossary = facts().glossary;
    for request in &merged.requests {
        let model = request.create.model.as_str();
        for (path, property) in request.model.paths() {
            let own = glossary["models"][model][&path].as_str();
            let line = own.or(glossary["properties"][&path].as_str());
            assert!(
                line.is_some_and(|line| !line.is_empty()),
                "{model}: `{path}` has no line in openapi/glossary.json; `specs update` drafts one"
            );
            assert_eq!(property.description.as_deref(), line, "{model}: `{path}`");
        }
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
        ("3d", "x3d"),
        ("aB", "a_b"),
    ] {
        assert_eq!(names::field(property), field);
    }
}

#[test]
fn every_request_type_documents_its_constraints() {
    let merged = merged(documents());
    let input = ClientInput::new(&merged).unwrap();
    let components = input.client.components.unwrap();
    for request in &merged.requests {
        let schema = components.schemas[&request.model.type_name].as_item();
        let described = schema.unwrap().schema_data.description.as_ref().unwrap();
        request.model.properties.iter().for_each(|field| {
            assert!(
                described.contains(&format!("| `{}` |", field.name)),
                "{}",
                request.model.type_name
            );
        });
    }
    let master = merged
        .requests
        .iter()
        .find(|request| request.model.type_name == "KlingaiV2MasterTextToVideo");
    let table = master.unwrap().model.markdown_table();
    assert!(
        table.contains("| `cfg_scale` |  | 0 to 1 | type |"),
        "{table}"
    );
    assert!(
        table.contains("| `advanced_camera_control.movement_value` | yes | -10 to 10 | type |"),
        "{table}"
    );
}
