//! The verdict of each kind of change of one property or body.

use serde_json::{Value, json};

use super::{changes, create, merged};
use aimlapi_video_codegen::diff::{self, Effect, Kind};

#[test]
fn each_kind_of_change_has_its_verdict() {
    use Effect::{Breaking, Compatible, None};
    let put = |pointer: &'static str, value: Value| {
        move |body: &mut Value| *body.pointer_mut(pointer).unwrap() = value.clone()
    };
    let insert = |pointer: &'static str, key: &'static str, value: Value| {
        move |body: &mut Value| body.pointer_mut(pointer).unwrap()[key] = value.clone()
    };
    let remove = |pointer: &'static str, key: &'static str| {
        move |body: &mut Value| {
            body.pointer_mut(pointer)
                .unwrap()
                .as_object_mut()
                .unwrap()
                .remove(key);
        }
    };
    type Edit = Box<dyn Fn(&mut Value)>;
    let cases: Vec<(Edit, &str, Kind, Effect)> = vec![
        (
            Box::new(insert("/properties", "new", json!({ "type": "string" }))),
            "new",
            Kind::PropertyAdded,
            Compatible,
        ),
        (
            Box::new(|body: &mut Value| {
                body["properties"]["new"] = json!({ "type": "string" });
                body["required"] = json!(["model", "prompt", "new"]);
            }),
            "new",
            Kind::PropertyAdded,
            Breaking,
        ),
        (
            Box::new(remove("/properties", "seed")),
            "seed",
            Kind::PropertyRemoved,
            Breaking,
        ),
        (
            Box::new(put("/required", json!(["model", "prompt", "seed"]))),
            "seed",
            Kind::BecameRequired,
            Breaking,
        ),
        (
            Box::new(put("/required", json!(["model"]))),
            "prompt",
            Kind::BecameOptional,
            Breaking,
        ),
        (
            Box::new(insert("/properties/seed", "nullable", json!(true))),
            "seed",
            Kind::NullAllowed,
            Compatible,
        ),
        (
            Box::new(insert("/properties/prompt", "nullable", json!(true))),
            "prompt",
            Kind::NullAllowed,
            Breaking,
        ),
        (
            Box::new(remove("/properties/note", "nullable")),
            "note",
            Kind::NullRefused,
            Breaking,
        ),
        (
            Box::new(put("/properties/size/enum", json!(["16:9", "1:1", "9:16"]))),
            "size",
            Kind::ValueAdded,
            Compatible,
        ),
        (
            Box::new(put("/properties/size/enum", json!(["16:9", "1:1", "1:1-"]))),
            "size",
            Kind::ValueAdded,
            Breaking,
        ),
        (
            Box::new(put("/properties/size/enum", json!(["16:9"]))),
            "size",
            Kind::ValueRemoved,
            Breaking,
        ),
        (
            Box::new(put("/properties/seconds/enum", json!([5, 10, 15]))),
            "seconds",
            Kind::ValueAdded,
            Compatible,
        ),
        (
            Box::new(put("/properties/seconds/enum", json!([5]))),
            "seconds",
            Kind::ValueRemoved,
            Breaking,
        ),
        (
            Box::new(put("/properties/seed/maximum", json!(8))),
            "seed",
            Kind::BoundTightened,
            Breaking,
        ),
        (
            Box::new(put("/properties/seed/maximum", json!(10))),
            "seed",
            Kind::BoundWidened,
            Compatible,
        ),
        (
            Box::new(remove("/properties/seed", "minimum")),
            "seed",
            Kind::BoundWidened,
            Compatible,
        ),
        (
            Box::new(put("/properties/scale/minimum", json!(0.5))),
            "scale",
            Kind::BoundTightened,
            Breaking,
        ),
        (
            Box::new(put("/properties/scale/minimum", json!(-1))),
            "scale",
            Kind::BoundWidened,
            Compatible,
        ),
        (
            Box::new(put("/properties/scale", json!({ "type": "number" }))),
            "scale",
            Kind::BoundWidened,
            Breaking,
        ),
        (
            Box::new(put("/properties/prompt/maxLength", json!(400))),
            "prompt",
            Kind::BoundTightened,
            Breaking,
        ),
        (
            Box::new(remove("/properties/prompt", "maxLength")),
            "prompt",
            Kind::BoundWidened,
            Compatible,
        ),
        (
            Box::new(put("/properties/pictures/maxItems", json!(2))),
            "pictures",
            Kind::BoundTightened,
            Breaking,
        ),
        (
            Box::new(put("/properties/pictures/minItems", json!(0))),
            "pictures",
            Kind::BoundWidened,
            Compatible,
        ),
        (
            Box::new(put(
                "/properties/pictures/items/properties/weight/minimum",
                json!(2),
            )),
            "pictures[].weight",
            Kind::BoundTightened,
            Breaking,
        ),
        (
            Box::new(put("/properties/steps/multipleOf", json!(4))),
            "steps",
            Kind::BoundTightened,
            Breaking,
        ),
        (
            Box::new(remove("/properties/steps", "multipleOf")),
            "steps",
            Kind::BoundWidened,
            Compatible,
        ),
        (
            Box::new(put("/properties/steps/multipleOf", json!(1))),
            "steps",
            Kind::BoundWidened,
            Compatible,
        ),
        (
            Box::new(put("/properties/tenths/multipleOf", json!(0.1))),
            "tenths",
            Kind::BoundWidened,
            Compatible,
        ),
        (
            Box::new(put("/properties/some/maxProperties", json!(3))),
            "some",
            Kind::BoundWidened,
            Compatible,
        ),
        (
            Box::new(put("/properties/some/maxProperties", json!(1))),
            "some",
            Kind::BoundTightened,
            Breaking,
        ),
        (
            Box::new(insert("/properties/closed/properties", "b", json!({}))),
            "closed.b",
            Kind::PropertyAdded,
            Compatible,
        ),
        (
            Box::new(put("/properties/link/maxLength", json!(10))),
            "link",
            Kind::BoundTightened,
            Breaking,
        ),
        (
            Box::new(remove("/properties/link", "maxLength")),
            "link",
            Kind::BoundWidened,
            Compatible,
        ),
        (
            Box::new(insert("/properties/note", "pattern", json!("^a"))),
            "note",
            Kind::UncheckedChanged,
            None,
        ),
        (
            Box::new(put("/properties/seed", json!({ "type": "string" }))),
            "seed",
            Kind::TypeChanged,
            Breaking,
        ),
        (
            Box::new(put(
                "/properties/note",
                json!({ "type": "string", "nullable": true, "enum": ["a"] }),
            )),
            "note",
            Kind::TypeChanged,
            Breaking,
        ),
        (
            Box::new(put(
                "/properties/either/anyOf",
                json!([{ "type": "string" }, { "type": "boolean" }, { "type": "integer" }]),
            )),
            "either",
            Kind::BoundWidened,
            Compatible,
        ),
        (
            Box::new(put("/properties/seconds/default", json!(10))),
            "seconds",
            Kind::DefaultChanged,
            None,
        ),
        (
            Box::new(put("/properties/prompt/description", json!("Else."))),
            "",
            Kind::ProseChanged,
            None,
        ),
    ];
    for (edit, property, kind, effect) in cases {
        let changes = changes(edit);
        let worst = changes
            .iter()
            .min_by_key(|change| change.effect)
            .expect("a change");
        let found = changes.iter().find(|change| change.kind == kind);
        let found = found.unwrap_or_else(|| panic!("{kind:?} of {property}: {changes:?}"));
        assert_eq!(
            (found.property.as_str(), found.effect),
            (property, effect),
            "{found}"
        );
        assert_eq!(worst.effect, effect, "{changes:?}");
    }
    assert_eq!(changes(|_| {}), []);
}

/// The changes of the property `p`, and the properties that a request has to have.
fn property(old: (Value, &[&str]), new: (Value, &[&str])) -> Vec<(String, Kind, Effect)> {
    let body = |(schema, required): (Value, &[&str])| {
        let model = json!({ "type": "string", "enum": ["a/b"] });
        let properties = json!({ "model": model, "p": schema });
        merged(create(
            json!({ "type": "object", "properties": properties, "required": required }),
        ))
    };
    let changes = diff::compare(&body(old), &body(new)).into_iter();
    changes
        .map(|change| (change.property, change.kind, change.effect))
        .collect()
}

#[test]
fn a_required_property_that_may_be_null_has_another_type_when_it_becomes_optional() {
    let note = || json!({ "type": "string", "nullable": true });
    let found = property((note(), &["p"]), (note(), &[]));
    assert_eq!(
        found,
        [("p".into(), Kind::BecameOptional, Effect::Breaking)]
    );
}

#[test]
fn a_property_that_is_added_to_a_variant_with_its_tag_alone_is_compatible() {
    let frame = |tag: &str, more: Value| {
        let mut properties = json!({ "type": { "type": "string", "enum": [tag] } });
        properties
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({ "type": "object", "required": ["type"], "properties": properties })
    };
    let size = || json!({ "size": { "type": "integer" } });
    let frames = |auto: Value| json!({ "oneOf": [frame("auto", auto), frame("own", size())] });
    let found = property((frames(json!({})), &[]), (frames(size()), &[]));
    assert_eq!(
        found,
        [("p.size".into(), Kind::PropertyAdded, Effect::Compatible)]
    );
    let found = property((frames(size()), &[]), (frames(json!({})), &[]));
    assert_eq!(
        found,
        [("p.size".into(), Kind::PropertyRemoved, Effect::Breaking)]
    );
}

#[test]
fn limits_that_are_equal_as_floats_are_compared_as_integers() {
    let up_to = |max: i64| json!({ "type": "integer", "maximum": max });
    let (less, more) = (up_to(i64::MAX - 2), up_to(i64::MAX - 1));
    let found = property((more.clone(), &[]), (less.clone(), &[]));
    assert_eq!(
        found,
        [("p".into(), Kind::BoundTightened, Effect::Breaking)]
    );
    let found = property((less, &[]), (more, &[]));
    assert_eq!(
        found,
        [("p".into(), Kind::BoundWidened, Effect::Compatible)]
    );
}

#[test]
fn a_property_that_is_added_to_a_map_is_breaking_unless_it_allows_the_values_of_the_map() {
    let map = |properties: Value| {
        let rest = json!({ "type": "integer", "maximum": 9 });
        json!({ "type": "object", "properties": properties, "additionalProperties": rest })
    };
    let size = json!({ "type": "integer" });
    let worst = |old: Value, new: Value| {
        let found = property((old, &[]), (new, &[]));
        found.into_iter().map(|(_, _, effect)| effect).min()
    };
    let old = map(json!({ "a": size }));
    let with = |b: Value| map(json!({ "a": size, "b": b }));
    let text = || json!({ "type": "string" });
    assert_eq!(worst(old.clone(), with(text())), Some(Effect::Breaking));
    assert_eq!(
        worst(old.clone(), with(size.clone())),
        Some(Effect::Compatible)
    );
    let or_text = |schema: Value| json!({ "anyOf": [schema, text()] });
    let mut open = with(text());
    open.as_object_mut().unwrap().remove("additionalProperties");
    let found = worst(or_text(old), or_text(open));
    assert_eq!(found, Some(Effect::Breaking));
}
