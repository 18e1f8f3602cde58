//! Documents of several models, divided by model.

use serde_json::{Value, json};

use super::{create, merged};
use aimlapi_video_codegen::{Document, Route, document::Divisible};

fn body(models: &[&str], property: &str) -> Value {
    json!({ "type": "object", "required": ["model"], "properties": {
        "model": { "type": "string", "enum": models },
        property: { "type": "integer", "maximum": 9 },
    } })
}

/// The contract of each model of a document.
fn models(document: Document) -> Vec<aimlapi_video_contract::Model> {
    let requests = merged(vec![document]).requests.into_iter();
    requests.map(|request| request.model).collect()
}

#[test]
fn each_model_of_a_document_has_the_same_contract_in_its_own_part() {
    let two = |keyword: &str| json!({ "type": "object", keyword: [body(&["a/x"], "x"), body(&["a/y"], "y")] });
    let referring = json!({ "$ref": "#/components/schemas/Both" });
    for (name, schema) in [
        ("a list of ids", body(&["a/x", "a/y", "b/z"], "n")),
        ("arms", two("oneOf")),
        ("arms beside properties", {
            let mut schema = two("anyOf");
            schema["properties"] = json!({ "prompt": { "type": "string" } });
            schema["required"] = json!(["prompt"]);
            schema
        }),
        (
            "nested arms",
            json!({ "oneOf": [two("anyOf"), body(&["b/z"], "z")] }),
        ),
        (
            "several bodies of one model",
            json!({ "oneOf": [
            body(&["a/x", "a/y"], "one"), body(&["a/x"], "two"),
        ] }),
        ),
        (
            "parts",
            json!({ "allOf": [body(&["a/x", "a/y"], "n"), { "properties": { "m": { "type": "boolean" } } }] }),
        ),
        (
            "ids that a repair finds",
            json!({ "type": "object", "properties": {
            "model": { "allOf": [{ "type": "string", "enum": ["a/x", "a/y"] }] },
        } }),
        ),
        ("a component of two URLs", referring),
    ] {
        let mut value = create(schema)[0].published.clone();
        if name == "a component of two URLs" {
            value["components"]["schemas"]["Both"] = body(&["a/x", "a/y"], "n");
            value["paths"]["/v2/generate/video/kling/generation"] =
                value["paths"]["/v2/video/generations"].clone();
        }
        let document = Document::new("x.json", value);
        let divisible = Divisible::new(&document);
        let all = models(document);
        assert!(all.len() > 1, "{name}");
        for model in &all {
            let is_own = |route: Route, id: &str| route == model.route && id == model.id;
            let part = divisible.part(true, is_own).unwrap();
            assert_eq!(models(part), std::slice::from_ref(model), "{name}");
        }
        let none = divisible.part(true, |_, _| false).unwrap();
        assert!(!none.is_video(), "{name}");
    }
}

#[test]
fn the_fetch_operation_is_kept_on_request_alone() {
    let mut value = create(body(&["a/x", "a/y"], "n"))[0].published.clone();
    value["paths"]["/v2/video/generations"]["get"] = json!({ "responses": {} });
    let divisible = Divisible::new(&Document::new("x.json", value));
    for has_fetch in [true, false] {
        let part = divisible.part(has_fetch, |_, id| id == "a/x").unwrap();
        let item = &part.published["paths"]["/v2/video/generations"];
        assert_eq!(item.get("get").is_some(), has_fetch);
        assert!(item.get("post").is_some());
        let rest = divisible.part(has_fetch, |_, _| false).unwrap();
        assert_eq!(rest.is_video(), has_fetch);
    }
}
