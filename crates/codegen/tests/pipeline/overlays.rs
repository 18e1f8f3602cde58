//! Overlays: which values a target selects, what an action does to them, and which actions are refused.

use serde_json::{Value, json};

use super::one;
use aimlapi_video_codegen::{Diagnostic, Diagnostics, overlay};

/// A document after one action, with the number of values that the target selected.
fn applied(document: Value, action: Value) -> Result<(Value, usize), Diagnostic> {
    let overlay = json!({
        "overlay": "1.0.0",
        "info": { "title": "", "version": "1" },
        "actions": [action],
    });
    let mut documents = one(json!({ "openapi": "3.0.0" }));
    documents[0].value = document;
    let mut diagnostics = Diagnostics::default();
    let matches = overlay::apply(&overlay, &mut documents, &mut diagnostics);
    match diagnostics.errors.pop() {
        Some(error) => Err(error),
        None => Ok((documents.remove(0).value, matches.actions[0].1)),
    }
}

#[test]
fn targets_select_what_the_standard_says() {
    let document = || {
        json!({
            "a": { "b": { "n": 1, "s": "x" }, "c d": { "n": 2, "s": "it's" }, "e/f": { "n": null } },
            "list": [{ "n": 1 }, { "n": 2.0 }, { "n": -3, "m": -3 }],
        })
    };
    let all = ["/a/b", "/a/c d", "/a/e~1f", "/list/0", "/list/1", "/list/2"];
    for (target, expected) in [
        ("$.a.b", vec!["/a/b"]),
        ("$['a'][\"c d\"]", vec!["/a/c d"]),
        ("$ ['a'] [ 'e\\/f' , 'b' ]", vec!["/a/b", "/a/e~1f"]),
        ("$.a['\\u0062']", vec!["/a/b"]),
        ("$.a.*", vec!["/a/b", "/a/c d", "/a/e~1f"]),
        ("$.list[*]", vec!["/list/0", "/list/1", "/list/2"]),
        ("$.list[0,-1]", vec!["/list/0", "/list/2"]),
        ("$.list[3]", vec![]),
        ("$.list[-4]", vec![]),
        ("$.list.n", vec![]),
        ("$.a[0]", vec![]),
        ("$..[?@.n]", all.to_vec()),
        ("$..b", vec!["/a/b"]),
        ("$..[?@.n == 1]", vec!["/a/b", "/list/0"]),
        ("$..[?@.n == 2]", vec!["/a/c d", "/list/1"]),
        ("$..[?@.n == null]", vec!["/a/e~1f"]),
        (
            "$..[?@.n != 1 && @.n]",
            vec!["/a/c d", "/a/e~1f", "/list/1", "/list/2"],
        ),
        (
            "$..[?@.n < 1 || @.s == 'it\\'s']",
            vec!["/a/c d", "/list/2"],
        ),
        (
            "$..[?@.n && (@.n == -3 || @.s > \"w\")]",
            vec!["/a/b", "/list/2"],
        ),
        ("$..[?@.n && !(@.n >= 1)]", vec!["/a/e~1f", "/list/2"]),
        ("$.a[?!@.s]", vec!["/a/e~1f"]),
        ("$.list[?@.n == @.m]", vec!["/list/2"]),
        ("$.a[?@['s'] == 'x' && $.list[0].n == 1]", vec!["/a/b"]),
        ("$.list[?@.m == @.absent]", vec!["/list/0", "/list/1"]),
        ("$[?@[?@.m]]", vec!["/list"]),
    ] {
        let action = json!({ "target": target, "update": { "x-hit": true } });
        let hit = |value: &Value| match value {
            Value::Array(items) => items.last() == Some(&json!({ "x-hit": true })),
            value => value["x-hit"] == true,
        };
        let (changed, count) = applied(document(), action).unwrap();
        let hits: Vec<&str> = ["", "/a", "/list"]
            .into_iter()
            .chain(all)
            .filter(|place| changed.pointer(place).is_some_and(hit))
            .collect();
        assert_eq!(hits, expected, "{target}");
        assert_eq!(count, expected.len(), "{target}");
    }
}

#[test]
fn an_update_merges_objects_replaces_other_values_and_appends_to_a_list() {
    let document =
        || json!({ "a": { "keep": 1, "list": [1], "text": "old", "in": { "x": 1 } }, "list": [1] });
    let update = json!({ "list": [2], "text": "new", "in": { "y": 2 }, "more": [3] });
    let (changed, _) = applied(document(), json!({ "target": "$.a", "update": update })).unwrap();
    assert_eq!(
        changed["a"],
        json!({ "keep": 1, "list": [1, 2], "text": "new", "in": { "x": 1, "y": 2 }, "more": [3] })
    );
    let (changed, _) = applied(document(), json!({ "target": "$.list", "update": [2] })).unwrap();
    assert_eq!(changed["list"], json!([1, [2]]));
}

#[test]
fn a_removal_takes_every_selected_value_and_leaves_the_others() {
    let document =
        || json!({ "a": [{ "n": 0 }, { "n": 1 }, { "n": 2 }, { "n": 3 }], "b": { "c": {} } });
    for target in ["$.a[2,0]", "$.a[?@.n == 0 || @.n == 2]", "$.a[0,2,0]"] {
        let (changed, _) =
            applied(document(), json!({ "target": target, "remove": true })).unwrap();
        assert_eq!(changed["a"], json!([{ "n": 1 }, { "n": 3 }]), "{target}");
    }
    let (changed, _) =
        applied(document(), json!({ "target": "$..[?@.c]", "remove": true })).unwrap();
    assert_eq!(changed.get("b"), None);
    // An update beside `remove` has no effect, as the specification says.
    let both = json!({ "target": "$.b", "remove": true, "update": { "d": 1 } });
    assert_eq!(applied(document(), both).unwrap().0.get("b"), None);
}

#[test]
fn a_target_that_is_not_supported_is_named() {
    for (target, reason) in [
        ("", "expected `$`"),
        ("paths", "expected `$`"),
        ("$$", "expected `.` or `[`"),
        ("$.a ", "expected `.` or `[`"),
        ("$.", "expected a name"),
        ("$.1a", "expected a name"),
        ("$..", "expected a name"),
        ("$['a", "expected a text that ends"),
        ("$['\\x']", "expected a text with the escapes of JSON"),
        ("$['a'", "expected `,` or `]`"),
        ("$[]", "expected a quoted name"),
        ("$[01]", "expected a number"),
        ("$[1.5]", "expected an index"),
        ("$[0:2]", "has a slice, which is not supported"),
        ("$[:2]", "has a slice, which is not supported"),
        (
            "$[?length(@.a) > 1]",
            "has a function, which is not supported",
        ),
        ("$[?@.a == ]", "expected a number"),
        ("$[?@.* == 1]", "expected paths to one value each"),
        ("$[?(@.a]", "expected `)`"),
        ("$[?!@.a == 1]", "expected a comparison"),
        ("$[?'a']", "expected a comparison"),
        (
            &format!("$[?{}@.a{}]", "(".repeat(99), ")".repeat(99)),
            "has a condition so deep",
        ),
    ] {
        let error = applied(json!({}), json!({ "target": target, "update": {} })).unwrap_err();
        assert_eq!(
            (&*error.file, &*error.pointer),
            ("overlay.json", "/actions/0/target")
        );
        assert!(error.what.contains(reason), "{target}: {error}");
    }
}

#[test]
fn an_action_without_effect_or_on_a_single_value_is_refused() {
    for (action, file, pointer) in [
        (json!({ "target": "$.a" }), "overlay.json", "/actions/0"),
        (
            json!({ "target": "$.a", "remove": false }),
            "overlay.json",
            "/actions/0",
        ),
        (
            json!({ "target": "$.a", "remove": "yes" }),
            "overlay.json",
            "/actions/0/remove",
        ),
        (json!({ "update": {} }), "overlay.json", "/actions/0"),
        (json!("$.a"), "overlay.json", "/actions/0"),
        (json!({ "target": "$.a", "update": {} }), "x.json", ""),
        (json!({ "target": "$.a", "remove": true }), "x.json", ""),
    ] {
        let error = applied(json!({ "a": 1 }), action.clone()).unwrap_err();
        assert_eq!((&*error.file, &*error.pointer), (file, pointer), "{action}");
    }
}

#[test]
fn an_overlay_of_another_version_or_shape_is_refused_as_a_whole() {
    let info = json!({ "title": "", "version": "1" });
    for (overlay, pointer) in [
        (json!([]), ""),
        (
            json!({ "overlay": "1.1.0", "info": info, "actions": [] }),
            "",
        ),
        (
            json!({ "overlay": "1.0.", "info": info, "actions": [] }),
            "",
        ),
        (
            json!({ "overlay": "1.0.0", "info": { "title": "" }, "actions": [] }),
            "/info/version",
        ),
        (
            json!({ "overlay": "1.0.0", "info": info, "actions": {} }),
            "/actions",
        ),
    ] {
        let mut diagnostics = Diagnostics::default();
        overlay::apply(&overlay, &mut [], &mut diagnostics);
        let pointers: Vec<&str> = diagnostics
            .errors
            .iter()
            .map(|error| &*error.pointer)
            .collect();
        assert_eq!(pointers, [pointer], "{overlay}");
    }
}
