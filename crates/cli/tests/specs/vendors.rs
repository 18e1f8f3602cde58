//! `specs vendors`, and the lists of this repository.

use std::{fs, path::Path};

use serde_json::json;
use tempfile::TempDir;

use super::{contents, document, folder, specs, vendored};

/// A checkout with models of two vendors, and files with the sections `features` and `names`.
fn checkout() -> TempDir {
    let mut both = document("acme/two", json!({}));
    let item = both["paths"]["/v2/video/generations"].clone();
    both["paths"]["/v2/generate/video/kling/generation"] = item;
    let checkout = folder(&[
        ("openapi/acme/one.json", document("acme/one", json!({}))),
        ("openapi/acme/two.json", both),
        ("openapi/kling/x.json", document("klingai/x", json!({}))),
    ]);
    let manifest = "[features]\n# specs vendors features\nkling = []\ngone = []\nall-vendors = [\"kling\"]\n# end\nx = []\n";
    fs::write(checkout.path().join("Cargo.toml"), manifest).unwrap();
    let readme = "All <!-- specs vendors models -->0 models<!-- end -->, <!-- specs vendors names --><!-- end -->.";
    fs::write(checkout.path().join("README.md"), readme).unwrap();
    checkout
}

#[test]
fn lists_of_vendors_in_this_repository_agree_with_its_documents() {
    let ran = specs!("vendors", vendored(), "--dry-run");
    assert_eq!(
        (ran.code, ran.stdout.trim()),
        (0, "every list is up to date"),
        "write them with `cargo run -- specs vendors`, which makes these changes:\n{}{}",
        ran.stdout,
        ran.stderr
    );
}

#[test]
fn sections_are_filled_from_the_documents_and_the_rest_is_kept() {
    let checkout = checkout();
    let openapi = checkout.path().join("openapi");
    let before = contents(checkout.path());
    let dry = specs!("vendors", openapi, "--dry-run");
    assert_eq!(contents(checkout.path()), before);
    assert!(dry.stdout.contains("\n+acme = []\n"), "{}", dry.stdout);
    assert!(dry.stdout.contains("\n-gone = []\n"), "{}", dry.stdout);

    let ran = specs!("vendors", openapi);
    assert_eq!(
        (ran.code, &ran.stdout),
        (0, &dry.stdout.replace("would write", "wrote"))
    );
    let text = |name: &str| fs::read_to_string(checkout.path().join(name)).unwrap();
    assert_eq!(
        text("Cargo.toml"),
        "[features]\n# specs vendors features\nacme = []\nkling = []\nall-vendors = [\n    \"acme\",\n    \"kling\",\n]\n\
         # end\nx = []\n"
    );
    assert_eq!(
        text("README.md"),
        "All <!-- specs vendors models -->3 models, 1 of them on both URLs of the service<!-- end -->, \
         <!-- specs vendors names -->\n`acme`\n<!-- end -->."
    );
    let again = specs!("vendors", openapi);
    assert_eq!(again.stdout.trim(), "every list is up to date");
}

#[test]
fn sections_are_whole_comments_and_may_end_their_lines_with_a_carriage_return() {
    let checkout = checkout();
    let openapi = checkout.path().join("openapi");
    assert_eq!(specs!("vendors", openapi).code, 0);
    for name in ["Cargo.toml", "README.md"] {
        let path = checkout.path().join(name);
        let mut text = fs::read_to_string(&path).unwrap();
        text +=
            "\nx = \"# specs vendors\" # specs vendors names\nRun specs vendors after a change.\n";
        fs::write(path, text.replace('\n', "\r\n")).unwrap();
    }
    let ran = specs!("vendors", openapi);
    assert_eq!(
        (ran.code, ran.stdout.trim()),
        (0, "every list is up to date"),
        "{}",
        ran.stderr
    );
}

#[test]
fn update_writes_the_lists_of_the_checkout_that_it_updates() {
    let checkout = checkout();
    let from = folder(&[("New/one.json", document("newcomer/one", json!({})))]);
    let into = checkout.path().join("openapi");
    let dry = specs!("update", from.path(), "--into", into, "--dry-run");
    assert!(
        dry.stdout.contains("\nlists of vendors\n  Cargo.toml\n"),
        "{}",
        dry.stdout
    );
    let ran = specs!("update", from.path(), "--into", into);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let manifest = fs::read_to_string(checkout.path().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("\nkling = []\nnew = []\n"), "{manifest}");
}

#[test]
fn two_vendors_with_one_prefix_and_broken_sections_are_errors_and_nothing_is_written() {
    for (file, text, what) in [
        (
            "openapi/vendors.json",
            r#"{"a": ["x/"], "b": ["x/"]}"#,
            "`x/` is a prefix of `a` and of `b`",
        ),
        (
            "Cargo.toml",
            "\n[features]\n# specs vendors features\n# end\nacme = []\n\n[dependencies]\nkling = \"1\"\n",
            "the vendor `acme` has the name of another feature",
        ),
        ("README.md", "<!-- specs vendors names -->", "does not end"),
        (
            "README.md",
            "<!-- specs vendors sizes --><!-- end -->",
            "expected one of features",
        ),
    ] {
        let checkout = checkout();
        fs::write(checkout.path().join(file), text).unwrap();
        let before = contents(checkout.path());
        let openapi = checkout.path().join("openapi");
        let from = folder(&[("one.json", document("acme/one", json!({ "x": {} })))]);
        for ran in [
            specs!("vendors", openapi),
            specs!("update", from.path(), "--into", openapi),
        ] {
            assert_eq!(ran.code, 2);
            assert!(ran.stderr.contains(what), "{}", ran.stderr);
            assert_eq!(contents(checkout.path()), before);
        }
    }
}

#[test]
fn a_folder_that_is_missing_or_has_no_model_is_an_error() {
    let checkout = checkout();
    let empty = checkout.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let before = contents(checkout.path());
    for (path, what) in [
        (empty, "holds no document of a model"),
        (checkout.path().join("nowhere"), "is not a folder"),
        (checkout.path().join("README.md"), "is not a folder"),
    ] {
        let ran = specs!("vendors", path);
        assert_eq!(ran.code, 2);
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
        assert!(ran.stderr.contains(what), "{}", ran.stderr);
        assert_eq!(contents(checkout.path()), before);
    }
}
