//! Limits and lists that allow nothing, have no effect, or have unusual forms.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{create, one, read};
use aimlapi_video_codegen::Diagnostics;
use aimlapi_video_contract::Schema;

/// Reads a body whose property `p` is `schema`: the schema in the contract, and the diagnostics.
fn property(schema: Value) -> (Option<Schema>, Diagnostics) {
    let (merged, diagnostics) = read(create(json!({
        "type": "object",
        "properties": { "model": { "type": "string", "enum": ["a/b"] }, "p": schema },
    })));
    let mut requests = merged.requests.into_iter();
    let shape = requests
        .next()
        .map(|mut request| request.model.properties.remove(1).schema);
    (shape, diagnostics)
}

#[test]
fn limits_that_allow_nothing_or_are_not_numbers_are_errors() {
    for schema in [
        json!({ "type": "integer", "minimum": 1e39, "exclusiveMinimum": true }),
        json!({ "type": "integer", "maximum": -1e39, "exclusiveMaximum": true }),
        json!({ "type": "integer", "exclusiveMinimum": 3, "maximum": 3 }),
        json!({ "type": "object", "minProperties": 3, "maxProperties": 1 }),
        json!({ "type": "string", "enum": ["a"], "maxLength": -3 }),
        json!({ "type": "string", "format": "uri", "maxLength": 2.5 }),
        json!({ "type": "string", "format": "uri", "minLength": -1 }),
        json!({ "type": "integer", "enum": [1], "minimum": "1" }),
        json!({ "allOf": [{ "type": "number" }, { "exclusiveMinimum": "5" }] }),
    ] {
        let (shape, diagnostics) = property(schema.clone());
        assert_eq!(diagnostics.errors.len(), 1, "{schema}: {diagnostics:?}");
        assert_eq!(shape, None, "{schema}");
    }
}

#[test]
fn a_keyword_without_effect_is_not_a_check() {
    for (schema, plain) in [
        (
            json!({ "type": "integer", "multipleOf": 1 }),
            json!({ "type": "integer" }),
        ),
        (
            json!({ "type": "object", "minProperties": 0 }),
            json!({ "type": "object" }),
        ),
        (
            json!({ "type": "integer", "exclusiveMinimum": 0 }),
            json!({ "type": "integer", "minimum": 1 }),
        ),
        (
            json!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string", "title": "t" }, "description": "d" }] }),
            json!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] }),
        ),
        (
            json!({ "allOf": [
                { "type": "array", "items": { "type": "string", "description": "one" } },
                { "items": { "type": "string", "maxLength": 4, "description": "two" } },
            ] }),
            json!({ "type": "array", "items": { "type": "string", "maxLength": 4 } }),
        ),
    ] {
        let ((is, diagnostics), (was, _)) = (property(schema.clone()), property(plain));
        assert_eq!(diagnostics, Diagnostics::default(), "{schema}");
        assert_eq!(is, was, "{schema}");
    }
}

#[test]
fn an_unchecked_keyword_beside_an_enum_or_a_one_or_many_is_a_warning() {
    let one_or_many =
        json!([{ "type": "number" }, { "type": "array", "items": { "type": "number" } }]);
    for (schema, keywords) in [
        (
            json!({ "anyOf": one_or_many, "items": { "maximum": 5 } }),
            vec!["items"],
        ),
        (
            json!({ "anyOf": one_or_many, "minimum": 1, "exclusiveMinimum": true }),
            vec!["exclusiveMinimum", "minimum"],
        ),
        (
            json!({ "enum": [{ "a": 1 }, {}], "properties": { "a": {} }, "required": ["a"] }),
            vec!["properties", "required"],
        ),
    ] {
        let (_, diagnostics) = property(schema.clone());
        assert_eq!(diagnostics.errors, [], "{schema}");
        let warnings = diagnostics.warnings.iter();
        let reported: Vec<&str> = warnings
            .filter_map(|warning| warning.pointer.rsplit('/').next())
            .collect();
        assert_eq!(reported, keywords, "{schema}");
    }
}

#[test]
fn a_blank_id_is_refused() {
    let (_, diagnostics) = read(create(json!({
        "type": "object",
        "properties": { "model": { "type": "string", "enum": [""] } },
    })));
    assert_eq!(diagnostics.errors.len(), 1, "{diagnostics:?}");
}

#[test]
fn a_range_of_numbers_and_a_list_of_integers_of_one_name_are_an_error() {
    let (_, diagnostics) = read(create(json!({
        "type": "object",
        "properties": {
            "model": { "type": "string", "enum": ["float0"] },
            "to1": { "type": "integer", "enum": [1, 2] },
            "share": { "type": "number", "minimum": 0, "maximum": 1 },
        },
    })));
    assert_eq!(diagnostics.errors.len(), 1, "{diagnostics:?}");
    assert!(diagnostics.errors[0].what.contains("`Float0To1`"));
}

#[test]
fn operations_and_schemas_behind_references_are_found() {
    let mut published = create(json!({
        "type": "object",
        "properties": {
            "model": { "type": "string", "enum": ["a/b"] },
            "x": { "$ref": "#/components/x-schemas/X" },
        },
    }))
    .remove(0)
    .published;
    let item = published["paths"]["/v2/video/generations"].take();
    published["paths"]["/v2/video/generations"] = json!({ "$ref": "#/components/x-paths/P" });
    published["components"] = json!({
        "x-paths": { "P": item },
        "x-schemas": { "X": { "type": "integer", "maximum": 5 } },
    });
    let documents = one(published);
    assert!(documents[0].is_video());
    let stripped = aimlapi_video_codegen::strip::strip(&documents[0]);
    for document in [documents, one(stripped)] {
        let (merged, diagnostics) = read(document);
        assert_eq!(diagnostics.errors, []);
        let shape = &merged.requests[0].model.properties[1].schema;
        assert_eq!(*shape, Schema::integer(None, Some(5)));
    }
}

#[test]
fn long_lists_and_many_references_are_read_in_linear_time() {
    let numbers: Vec<u32> = (0..20_000).collect();
    let (shape, _) = property(json!({ "type": "integer", "enum": numbers }));
    assert!(matches!(shape, Some(Schema::IntegerEnum(values)) if values.len() == 20_000));
    let refer = json!({ "$ref": "#/components/schemas/A" });
    let many: serde_json::Map<String, Value> = (0..3000)
        .map(|index| (format!("p{index}"), refer.clone()))
        .collect();
    let mut document = create(json!({
        "type": "object",
        "properties": { "model": { "type": "string", "enum": ["a/b"] }, "p": { "type": "object", "properties": many } },
    }))
    .remove(0)
    .published;
    document["components"] = json!({ "schemas": { "A": { "enum": vec![1; 210_000] } } });
    let (_, diagnostics) = read(one(document));
    assert_eq!(diagnostics.errors.len(), 1, "it is reported once");
}

#[test]
fn arms_that_would_multiply_are_an_error() {
    let mut body = json!({ "type": "object", "properties": { "model": { "enum": ["a/b"] } } });
    for _ in 0..4 {
        body = json!({ "oneOf": [body, body], "anyOf": [body, body] });
    }
    let start = Instant::now();
    let (_, diagnostics) = read(create(body));
    let errors: Vec<&str> = diagnostics
        .errors
        .iter()
        .map(|error| &*error.what)
        .collect();
    assert!(errors[0].contains("both `oneOf` and `anyOf`"), "{errors:?}");
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn a_limit_beyond_32_bits_is_read_and_one_beyond_64_bits_is_none() {
    let text = |max: Option<usize>| Some(Schema::string(0, max));
    for (limit, max) in [
        (json!(4_294_967_296_u64), Some(4_294_967_296)),
        (json!(1e12), Some(1_000_000_000_000)),
        (json!(u64::MAX), None),
        (json!(1e300), None),
    ] {
        let (shape, diagnostics) = property(json!({ "type": "string", "maxLength": limit }));
        assert_eq!(
            (shape, diagnostics),
            (text(max), Diagnostics::default()),
            "{limit}"
        );
        let (shape, _) = property(json!({ "type": "array", "items": {}, "maxItems": limit }));
        assert_eq!(shape, Some(Schema::array(Schema::Any, 0, max)), "{limit}");
    }
}

#[test]
fn a_listed_number_with_zero_as_its_fraction_is_an_integer() {
    for kind in ["integer", "number"] {
        let schema = json!({ "type": kind, "enum": [5.0, 10, 5], "default": 10.0 });
        let (shape, diagnostics) = property(schema);
        assert_eq!(shape, Some(Schema::IntegerEnum(vec![5, 10])), "{kind}");
        assert_eq!(diagnostics, Diagnostics::default());
    }
}

#[test]
fn a_value_of_another_type_that_the_overlay_adds_is_reported() {
    let mut published = create(json!({
        "type": "object",
        "properties": { "model": { "type": "string", "enum": ["a/b"] }, "p": { "type": "string", "enum": ["a"] } },
    }));
    let mut facts = super::facts();
    facts.overlay = json!({ "overlay": "1.0.0", "info": {}, "actions": [{
        "target": "$.paths['/v2/video/generations'].post.requestBody.content['application/json'].schema.properties.p",
        "description": "more values",
        "update": { "enum": ["b", 5] },
    }] });
    let mut diagnostics = Diagnostics::default();
    let merged = aimlapi_video_codegen::read(&mut published, &facts, |_| true, &mut diagnostics);
    let shape = &merged.requests[0].model.properties[1].schema;
    assert_eq!(*shape, Schema::StringEnum(vec!["a".into(), "b".into()]));
    let warnings: Vec<&str> = diagnostics
        .warnings
        .iter()
        .map(|found| &*found.what)
        .collect();
    assert_eq!(
        warnings,
        ["lists 5, which is not of the type `string` and is left out"]
    );
}

#[test]
fn notes_have_one_line_for_each_kind() {
    let pattern = |text: &str| json!({ "type": "string", "pattern": text });
    let (_, diagnostics) = read(create(json!({
        "type": "object",
        "properties": {
            "model": { "type": "string", "enum": ["a/b"] },
            "p": pattern("^a"),
            "q": { "type": "string", "format": "date" },
            "r": pattern("^b"),
            "s": pattern("^c"),
        },
    })));
    assert_eq!(diagnostics.warnings.len(), 4);
    let body = "x.json#/paths/~1v2~1video~1generations/post/requestBody/content/application~1json/schema/properties";
    assert_eq!(
        diagnostics.notes(),
        [
            format!(
                "{body}/p/pattern: `pattern` is not checked; the service decides (here and at 2 more places); no action is needed"
            ),
            format!(
                "{body}/q/format: `format` \"date\" is not checked; the service decides; no action is needed"
            ),
        ]
    );
}

#[test]
fn signs_are_words_in_the_case_of_the_name() {
    let signs = ["+1".to_owned(), "-1".to_owned()];
    let variants = aimlapi_video_codegen::names::variants(&signs);
    assert_eq!(variants.unwrap(), ["Plus1", "Minus1"]);
    assert_eq!(aimlapi_video_codegen::names::field("+1"), "plus1");
}

/// Reads bodies whose `model` and other properties are these, and returns the errors.
fn errors(models: &[(&str, Value)]) -> Vec<String> {
    let bodies: Vec<Value> = models
        .iter()
        .map(|(id, properties)| {
            let mut properties = properties.clone();
            properties["model"] = json!({ "type": "string", "enum": [id] });
            json!({ "type": "object", "properties": properties })
        })
        .collect();
    let (_, diagnostics) = read(create(json!({ "oneOf": bodies })));
    diagnostics
        .errors
        .into_iter()
        .map(|error| error.what)
        .collect()
}

#[test]
fn a_type_with_the_name_of_a_builder_or_of_another_type_is_an_error() {
    let object = || json!({ "type": "object", "properties": { "x": { "type": "boolean" } } });
    let listed = || json!({ "type": "string", "enum": ["x"] });
    let frame = |tag: &str| {
        json!({
            "type": "object",
            "required": ["type"],
            "properties": { "type": { "type": "string", "enum": [tag] } },
        })
    };
    let frames = json!({ "oneOf": [frame("image"), frame("clip")] });
    for (models, name) in [
        (
            vec![("acme/one", json!({ "builder": object() }))],
            "AcmeOneBuilder",
        ),
        (
            vec![("acme/one", json!({ "builder": listed() }))],
            "AcmeOneBuilder",
        ),
        (
            vec![("acme/one", json!({})), ("acme/one/builder", json!({}))],
            "AcmeOneBuilder",
        ),
        (
            vec![(
                "acme/one",
                json!({ "pose": frames, "pose_image": object() }),
            )],
            "AcmeOnePoseImage",
        ),
        (
            vec![(
                "acme/one",
                json!({ "pose": frames, "pose_image_builder": listed() }),
            )],
            "AcmeOnePoseImageBuilder",
        ),
        (
            vec![("acme/one", json!({ "builder": frames }))],
            "AcmeOneBuilder",
        ),
        (
            vec![(
                "float0",
                json!({ "to1": object(), "n": { "type": "number", "minimum": 0, "maximum": 1 } }),
            )],
            "Float0To1",
        ),
    ] {
        let errors = errors(&models);
        let named = format!("`{name}`");
        assert!(
            errors.iter().any(|error| error.contains(&named)),
            "{name}: {errors:?}"
        );
    }
}
