//! What the contract states of values that a validator of JSON Schema judges otherwise, or cannot judge.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::{ops::RangeInclusive, time::Duration};

use aimlapi_video_contract::{
    Check, EnforcedBy, Formats, Model, Property, Route, Schema, StatedDuration, from_json, to_json,
};
use serde_json::{Value, json};

const FORMATS: Formats = Formats {
    is_uri: |text| text.contains("://") && !text.contains(' '),
    is_base64_media: |_| false,
};

fn violations(schema: &Schema, value: Value) -> Vec<String> {
    let found = schema.check(&value, FORMATS).into_iter();
    found.map(|violation| violation.to_string()).collect()
}

#[test]
fn alternatives_count_an_arm_that_the_service_judges_as_one_that_may_fit() {
    let pattern = Check::unchecked("pattern", json!("^asset:"));
    let arms = vec![Schema::string(0, None).checked(vec![pattern]), Schema::Uri];
    let one_of = Schema::alternatives(arms, true);
    assert_eq!(violations(&one_of, json!("https://a.example/b")), [""; 0]);
    let both = Schema::alternatives(vec![Schema::string(0, None), Schema::Uri], true);
    assert_eq!(
        violations(&both, json!("https://a.example/b")),
        [
            "the body is \"https://a.example/b\"; allowed: exactly one of: a string, or an absolute URI, such as an https URL or a data URI"
        ]
    );
}

#[test]
fn violation_shows_no_query_of_a_url_at_any_depth() {
    let schema = Schema::OneOrMany(Box::new(Schema::Uri));
    for value in [
        json!("https://a.example/b c?sig=secret"),
        json!([["https://a.example/b?sig=secret"]]),
    ] {
        let found = violations(&schema, value);
        assert_eq!(found.len(), 1);
        assert!(!found[0].contains("secret"), "{found:?}");
    }
}

#[test]
fn contract_is_read_as_it_was_written() {
    let mut model = Model::new(Route::Universal, "example/model");
    let mut property = Property::new("seed", Schema::integer(Some(0), None).or_null());
    property.default = Some(Value::Null);
    model.properties.push(property);
    let rule = json!({ "kind": "needs", "property": "a", "value": null, "any_of": ["b"], "source": "page" });
    model.rules.push(serde_json::from_value(rule).unwrap());
    let text = to_json(&[&model]).unwrap();
    assert_eq!(from_json(&text).unwrap(), [model]);
}

#[test]
fn one_value_or_a_list_of_media_takes_media_whatever_their_form() {
    let media = [Schema::Uri, Schema::UriOrBase64, Schema::Media];
    for one in media {
        let limited = one
            .clone()
            .checked(vec![Check::AllOf(Schema::string(0, Some(99)))]);
        for schema in [
            Schema::array(one.clone(), 0, Some(3)),
            Schema::array(limited, 0, None),
            Schema::OneOrMany(Box::new(one)),
        ] {
            let property = Property::new("images", schema);
            assert!(property.takes_media(), "{property:?}");
        }
    }
    let texts = Schema::array(Schema::string(0, None), 0, None);
    assert!(!Property::new("shots", texts).takes_media());
}

#[test]
fn two_lists_of_alternatives_stay_apart_in_json_schema() {
    let any_of = |arms: Vec<Schema>| Check::AllOf(Schema::alternatives(arms, false));
    let schema = Schema::Any.checked(vec![
        any_of(vec![Schema::Boolean, Schema::Uri]),
        any_of(vec![Schema::Uri, Schema::Null]),
    ]);
    let json = schema.json_schema();
    assert_eq!(json["anyOf"].as_array().unwrap().len(), 2);
    assert_eq!(json["allOf"][0]["anyOf"].as_array().unwrap().len(), 2);
}

#[test]
fn table_in_markdown_keeps_values_and_names_as_code() {
    let mut model = Model::new(Route::Universal, "example/model");
    let values = vec!["a|b".to_owned(), "c`d".to_owned()];
    let mut property = Property::new("x|y", Schema::StringEnum(values));
    property.nullable = true;
    model.properties.push(property);
    let table = model.markdown_table();
    assert!(
        table.contains("| `x\\|y` |  | `a\\|b`, `` c`d ``, or null | type |"),
        "{table}"
    );
}

#[test]
fn paths_reach_into_arrays_and_values_that_are_one_or_many() {
    let object = Schema::Object(vec![Property::new("url", Schema::Uri)]);
    let mut model = Model::new(Route::Universal, "example/model");
    let list = Schema::array(object.clone(), 0, None);
    model.properties.push(Property::new("masks", list));
    let one_or_many = Schema::OneOrMany(Box::new(object));
    model.properties.push(Property::new("images", one_or_many));
    let paths: Vec<String> = model.paths().into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["masks", "masks[].url", "images", "images.url"]);
}

fn model(schema: Schema) -> Model {
    let mut model = Model::new(Route::Universal, "example/model");
    model.properties.push(Property::new("p", schema));
    model
}

fn warnings(model: &Model, body: Value) -> Vec<String> {
    let found = model.warnings(body.as_object().unwrap()).into_iter();
    found.map(|warning| warning.pointer).collect()
}

#[test]
fn names_in_a_map_are_the_callers_and_cause_no_warning() {
    let stated = || vec![Property::new("a", Schema::Boolean)];
    let map = |properties: Vec<Property>| {
        let known = properties.iter().map(|property| property.name.clone());
        let values = Check::Additional {
            known: known.collect(),
            schema: Schema::integer(Some(0), None),
        };
        Schema::Object(properties).checked(vec![values])
    };
    let body = json!({ "p": { "a": true, "b": 5 } });
    for schema in [map(Vec::new()), map(stated()), Schema::Object(Vec::new())] {
        assert_eq!(warnings(&model(schema), body.clone()), [""; 0]);
    }
    assert_eq!(warnings(&model(Schema::Object(stated())), body), ["/p/b"]);
    assert_eq!(
        violations(&map(stated()), json!({ "a": true, "b": -1, "c": "x" })),
        [
            "/b is -1; allowed: 0 or more",
            "/c is \"x\"; allowed: 0 or more"
        ]
    );
    let schema = map(stated());
    assert_eq!(
        schema.json_schema()["additionalProperties"],
        json!({ "type": "integer", "minimum": 0 })
    );
    let allowed = "an object with a, each other property: 0 or more";
    assert_eq!(schema.allowed(), allowed);
}

#[test]
fn items_that_are_equal_by_value_repeat() {
    let list = Schema::array(Schema::Any, 0, None).checked(vec![Check::UniqueItems]);
    for (value, repeats) in [
        (json!([1, 1.0]), true),
        (json!([{ "a": [5] }, { "a": [5.0] }]), true),
        (json!([1, "1", true]), false),
    ] {
        assert_eq!(
            violations(&list, value.clone()).len(),
            usize::from(repeats),
            "{value}"
        );
    }
}

#[test]
fn a_size_beyond_the_width_of_the_machine_is_read() {
    let text = json!({ "String": { "min": 0, "max": u64::MAX } }).to_string();
    let schema: Schema = serde_json::from_str(&text).unwrap();
    assert_eq!(schema, Schema::string(0, Some(usize::MAX)));
}

#[test]
fn expected_duration_without_a_length_spans_all_stated_ones() {
    let mut model = Model::new(Route::Universal, "m");
    let seconds = |range: Option<RangeInclusive<Duration>>| {
        range.map(|range| (range.start().as_secs(), range.end().as_secs()))
    };
    assert_eq!(model.expected(None), None);
    model.durations = vec![
        StatedDuration::new(None, 110.0..=110.0),
        StatedDuration::new(Some(5), 85.0..=115.0),
        StatedDuration::new(Some(10), 200.0..=240.0),
    ];
    assert_eq!(seconds(model.expected(None)), Some((85, 240)));
    assert_eq!(seconds(model.expected(Some(5))), Some((85, 115)));
    assert_eq!(seconds(model.expected(Some(8))), Some((110, 110)));
    model.durations.remove(0);
    assert_eq!(seconds(model.expected(Some(8))), Some((85, 240)));
}

#[test]
fn the_ledger_states_who_refuses_null_where_a_type_holds_it() {
    let mixed = Schema::Enum(vec![json!("a"), json!(5)]);
    let choice = Schema::alternatives(vec![Schema::Boolean, Schema::string(0, None)], false);
    let with_null = Schema::Enum(vec![json!("a"), Value::Null]);
    let beside = Schema::Any.checked(vec![Check::AllOf(choice.clone())]);
    for (schema, refuses) in [
        (mixed, true),
        (choice, true),
        (beside, true),
        (with_null, false),
        (Schema::Any, false),
    ] {
        for required in [false, true] {
            let mut property = Property::new("p", schema.clone());
            property.required = required;
            let mut model = Model::new(Route::Universal, "example/model");
            model.properties.push(property);
            let rows = model.constraints().into_iter();
            let of_null = rows.filter(|row| row.property == "p" && row.keyword == "nullable");
            let found: Vec<_> = of_null
                .map(|row| (row.value, row.enforced_by, row.reason.is_some()))
                .collect();
            let expected = match (refuses, required) {
                (true, _) => vec![(json!(false), EnforcedBy::Create, true)],
                (false, false) => vec![(json!(true), EnforcedBy::Type, false)],
                (false, true) => vec![],
            };
            assert_eq!(found, expected, "{schema:?}");
        }
    }
}

#[test]
fn tagged_alternatives_are_described_by_their_tag() {
    let arm = |value: &str, more: &[&str]| {
        let mut tag = Property::new("type", Schema::StringEnum(vec![value.into()]));
        tag.required = true;
        let others = more.iter().map(|name| Property::new(*name, Schema::Uri));
        Schema::Object(others.chain([tag]).collect())
    };
    let closed = arm("video", &["url"]).checked(vec![Check::Closed(vec!["url".into()])]);
    for exactly_one in [false, true] {
        let arms = vec![
            closed.clone(),
            arm("image", &["url", "mask"]),
            arm("none", &[]),
        ];
        assert_eq!(
            Schema::alternatives(arms, exactly_one).allowed(),
            "an object whose type is \"video\" (with url, only the properties url), or \"image\" (with url, mask), or \"none\""
        );
    }
}

#[test]
fn null_joins_the_arms_of_a_choice() {
    let choice = Schema::alternatives(vec![Schema::Boolean, Schema::Uri], false);
    let with_null = Schema::alternatives(vec![Schema::Boolean, Schema::Uri, Schema::Null], false);
    assert_eq!(choice.or_null(), with_null);
    assert_eq!(with_null.clone().or_null(), with_null);
    let exact = Schema::alternatives(vec![Schema::Boolean, Schema::Uri], true);
    let expected = Schema::alternatives(vec![exact.clone(), Schema::Null], false);
    assert_eq!(exact.or_null(), expected);
}
