//! Bodies with arms: every property is a field, and rules and places in the file are kept.

use serde_json::{Value, json};

use aimlapi_video_codegen::{Document, rust::types};
use aimlapi_video_contract::Schema;

use super::{create, documents, merged, read};

const BODY: &str =
    "/paths/~1v2~1video~1generations/post/requestBody/content/application~1json/schema";

fn arm(property: &str) -> Value {
    json!({ "type": "object", "required": [property], "properties": { property: { "type": "integer" } } })
}

fn model() -> Value {
    json!({ "type": "string", "enum": ["a/b"] })
}

/// An arm of the model `a/b`.
fn mine(property: &str, schema: Value) -> Value {
    json!({ "type": "object", "required": ["model", property], "properties": { "model": model(), property: schema } })
}

#[test]
fn a_property_of_any_arm_is_a_field_and_is_required_if_all_arms_require_it() {
    let with = |more: Value| {
        let mut body = json!({ "type": "object", "properties": { "model": model() } });
        let more = more.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(more);
        body
    };
    let groups = json!([{ "anyOf": [arm("x"), arm("y")] }, { "anyOf": [arm("z"), arm("w")] }]);
    let deeper = json!([{ "anyOf": [{ "anyOf": [arm("x"), arm("y")] }, arm("z")] }]);
    for (body, fields) in [
        (with(json!({ "allOf": groups })), "model! w x y z"),
        (
            with(json!({ "oneOf": [arm("x")], "anyOf": [arm("y"), arm("z")] })),
            "model! x! y z",
        ),
        (
            with(json!({ "anyOf": [arm("x"), { "type": "object" }] })),
            "model! x",
        ),
        (
            with(json!({ "anyOf": [arm("x"), { "not": { "required": ["x"] } }] })),
            "model! x",
        ),
        (with(json!({ "anyOf": deeper[0]["anyOf"] })), "model! x y z"),
    ] {
        let (merged, diagnostics) = read(create(body.clone()));
        assert_eq!(diagnostics.errors, [], "{body}");
        let fields_of = merged.requests[0].model.properties.iter();
        let named = fields_of.map(|field| match field.required {
            true => format!("{}!", field.name),
            false => field.name.clone(),
        });
        assert_eq!(named.collect::<Vec<_>>().join(" "), fields, "{body}");
    }
    // Where no arm names a property, a nested object stays what it was.
    let nested = json!({ "p": { "anyOf": [{ "type": "object" }, { "type": "object", "minProperties": 1 }] } });
    let mut body = with(json!({}));
    body["properties"]["p"] = nested["p"].clone();
    let merged = merged(create(body));
    assert_eq!(
        types::rust("X", &merged.requests[0].model.properties[1].schema),
        "::serde_json::Value"
    );
}

#[test]
fn a_place_in_an_arm_or_a_part_is_reported_where_it_stands() {
    let integer = || json!({ "type": "integer" });
    let other = json!({ "type": "object", "properties": { "model": { "type": "string", "enum": ["a/c"] }, "x": {} } });
    let odd = json!({ "type": "string", "minLength": "q" });
    let pointers = |body: Value| -> Vec<String> {
        let (_, diagnostics) = read(create(body));
        let all = diagnostics.errors.iter().chain(&diagnostics.warnings);
        let pointers = all.map(|diagnostic| diagnostic.pointer.strip_prefix(BODY).unwrap());
        pointers.map(str::to_owned).collect()
    };
    let body = json!({ "oneOf": [other, mine("y", integer()), mine("x", odd)] });
    assert_eq!(pointers(body), ["/oneOf/2/properties/x/minLength"]);
    let part = json!({ "allOf": [{ "type": "string" }, { "pattern": "a" }, { "pattern": "b" }] });
    let body = json!({ "type": "object", "properties": { "model": model(), "p": part } });
    assert_eq!(
        pointers(body),
        [
            "/properties/p/allOf/2/pattern",
            "/properties/p/allOf/1/pattern"
        ]
    );
    let within = json!({ "allOf": [{ "pattern": "a" }, { "pattern": "b" }] });
    let part = json!({ "allOf": [{ "type": "string" }, within, { "pattern": "c" }] });
    let body = json!({ "oneOf": [other, mine("y", integer()), mine("x", part)] });
    assert_eq!(
        pointers(body),
        [
            "/oneOf/2/properties/x/allOf/1/allOf/1/pattern",
            "/oneOf/2/properties/x/allOf/2/pattern",
            "/oneOf/2/properties/x/allOf/1/allOf/0/pattern"
        ]
    );
}

#[test]
fn a_required_keyword_that_is_not_a_list_is_an_error() {
    for body in [
        json!({ "type": "object", "properties": { "model": model() }, "required": "x" }),
        json!({ "type": "object", "properties": { "model": model() }, "required": "x", "oneOf": [arm("x"), arm("x")] }),
    ] {
        let (_, diagnostics) = read(create(body));
        assert_eq!(diagnostics.errors.len(), 1, "{diagnostics:?}");
        assert_eq!(diagnostics.errors[0].pointer, format!("{BODY}/required"));
    }
}

#[test]
fn rules_beside_arms_belong_to_the_model() {
    let rules = json!([{ "kind": "at-most-one", "properties": ["x", "y"], "source": "s" }]);
    let number = || json!({ "type": "integer" });
    let merged = merged(create(json!({
        "x-rules": rules,
        "oneOf": [mine("x", number()), mine("y", number())],
    })));
    assert_eq!(merged.requests[0].model.rules.len(), 1);
}

#[test]
fn a_document_of_several_models_is_corrected_as_those_of_each_model_are() {
    let of = |vendor: &str| {
        let mut documents = documents();
        documents.retain(|document| {
            document.file.starts_with(vendor) && !document.file.contains("legacy")
        });
        documents
    };
    for vendor in ["kling/", "minimax/", "luma/"] {
        let each = of(vendor);
        let bodies: Vec<&Value> = each
            .iter()
            .map(|document| document.published.pointer(BODY).unwrap())
            .collect();
        let together = create(json!({ "oneOf": bodies }));
        let models = |documents: Vec<Document>| {
            let requests = read(documents).0.requests.into_iter();
            let models = requests.map(|mut request| {
                request.model.document.clear();
                request.model.vendor.clear();
                request.model
            });
            models.collect::<Vec<_>>()
        };
        assert_eq!(models(together), models(each), "{vendor}");
    }
}

#[test]
fn an_action_for_one_id_of_an_enum_leaves_the_others() {
    let merged = merged(create(json!({
        "type": "object",
        "properties": {
            "model": { "type": "string", "enum": ["luma/ray-3.2", "minimax/hailuo-2.3"] },
            "image_url": { "type": "string", "format": "uri" },
        },
    })));
    let images: Vec<Schema> = merged
        .requests
        .into_iter()
        .map(|request| {
            let mut properties = request.model.properties.into_iter();
            properties
                .find(|property| property.name == "image_url")
                .unwrap()
                .schema
        })
        .collect();
    assert_eq!(images, [Schema::Uri, Schema::UriOrBase64]);
}

/// A body with the property `p`, read without diagnostics.
fn property(schema: Value) -> Schema {
    let body = json!({ "type": "object", "properties": { "model": model(), "p": schema } });
    merged(create(body))
        .requests
        .remove(0)
        .model
        .properties
        .remove(1)
        .schema
}

fn frame(tag: &str, own: &str) -> Value {
    json!({
        "type": "object",
        "required": ["type", own],
        "properties": { "type": { "type": "string", "enum": [tag] }, own: { "type": "string" } },
    })
}

#[test]
fn objects_that_a_property_with_one_value_distinguishes_become_an_enum() {
    let frames = json!([frame("image", "url"), frame("own clip", "id")]);
    let beside = json!({
        "type": "object",
        "nullable": true,
        "discriminator": { "propertyName": "type" },
        "properties": { "note": { "type": "string" } },
        "oneOf": frames,
    });
    for (schema, fields) in [
        (json!({ "anyOf": frames }), 2),
        (json!({ "oneOf": frames, "description": "x" }), 2),
        (
            json!({ "anyOf": [frames[0], frames[1], { "nullable": true }] }),
            2,
        ),
        (beside, 3),
    ] {
        let shape = property(schema.clone());
        assert_eq!(
            types::rust("ModelP", &shape),
            "crate::generated::bounded::ModelP",
            "{schema}"
        );
        let (tag, arms) = shape.tagged().unwrap();
        assert_eq!(tag, "type");
        let mut structs = Vec::new();
        let mut model =
            aimlapi_video_contract::Model::new(aimlapi_video_contract::Route::Universal, "x");
        model.type_name = "Model".into();
        model
            .properties
            .push(aimlapi_video_contract::Property::new("p", shape.clone()));
        types::each_struct(&model, &mut |name, properties| {
            structs.push((name.to_owned(), properties.len()));
        });
        assert_eq!(arms.len(), 2);
        let expected = [
            ("Model", 1),
            ("ModelPImage", fields),
            ("ModelPOwnClip", fields),
        ];
        assert_eq!(
            structs,
            expected.map(|(name, count)| (name.to_owned(), count)),
            "{schema}"
        );
    }
}

#[test]
fn objects_without_a_distinguishing_property_share_a_struct() {
    let mut loose = frame("own clip", "id");
    loose["required"] = json!(["id"]);
    let mut two = frame("own clip", "id");
    two["properties"]["type"]["enum"] = json!(["own clip", "image"]);
    for arms in [
        json!([frame("image", "url"), frame("image", "id")]),
        json!([frame("image", "url"), loose]),
        json!([frame("image", "url"), two]),
        json!([frame("image", "url")]),
    ] {
        let shape = property(json!({ "anyOf": arms }));
        let rust = types::rust("ModelP", &shape);
        assert_eq!(rust, "crate::generated::types::ModelP", "{arms}");
    }
    // Variants of one name are no enum.
    let alike = json!([frame("a", "url"), frame("A", "id")]);
    let shape = property(json!({ "anyOf": alike }));
    assert_eq!(types::rust("ModelP", &shape), "::serde_json::Value");
}
