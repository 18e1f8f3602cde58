use std::fs;

use aimlapi_video::models;

use super::*;

const MODEL: &str = "klingai/v2-master-text-to-video";

fn read_text(text: impl AsRef<[u8]>) -> Result<Vec<(String, String)>, Vec<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.jsonl");
    fs::write(&path, text).expect("written");
    let name = path.display().to_string();
    let short = |text: String| text.replace(&name, "FILE");
    let read = read(&name).map_err(|failure| {
        assert_eq!(failure.code, USAGE);
        failure.lines.into_iter().map(short).collect::<Vec<_>>()
    })?;
    let job = |job: Planned| (short(job.place), job.key);
    Ok(read.into_iter().map(job).collect())
}

fn request(prompt: &str) -> String {
    format!(r#"{{"model": "{MODEL}", "prompt": "{prompt}"}}"#)
}

fn with_key(key: &str) -> String {
    format!(r#"{{"model": "{MODEL}", "prompt": "x", "job": {key}}}"#)
}

#[test]
fn key_is_that_of_the_content_wherever_the_line_is() {
    let (a, b) = (request("a"), request("b"));
    let swapped = format!(r#"{{"prompt": "a", "model": "{MODEL}"}}"#);
    let lines = read_text(format!("{a}\n\n{b}\r\n")).expect("requests");
    let places: Vec<&str> = lines.iter().map(|(place, _)| &**place).collect();
    assert_eq!(places, ["FILE:1", "FILE:3"]);
    assert_eq!(lines[0].1.len(), DERIVED);
    let array = read_text(format!("\u{FEFF} [{b},\n{swapped}]")).expect("requests");
    assert_eq!(array[0], ("FILE: item 1".into(), lines[1].1.clone()));
    assert_eq!(array[1], ("FILE: item 2".into(), lines[0].1.clone()));
}

#[test]
fn one_request_may_have_many_lines() {
    let text = request("a").replace(", ", ",\n  ");
    let lines = read_text(text).expect("a request");
    let same = read_text(request("a")).expect("a request");
    assert_eq!((lines.len(), &lines), (1, &same));
}

#[test]
fn repeated_request_is_another_job() {
    let a = request("a");
    let keys = read_text(format!("{a}\n{a}\n{a}")).expect("requests");
    let first = &keys[0].1;
    assert_eq!(keys[1].1, format!("{first}-2"));
    assert_eq!(keys[2].1, format!("{first}-3"));
}

#[test]
fn given_key_is_the_jobs_key_and_no_property_of_the_request() {
    let keys = read_text(with_key("\"Kites-1.a_b\"")).expect("requests");
    assert_eq!(keys[0].1, "Kites-1.a_b");
    let is_key = |model: &&aimlapi_video::Model| {
        model.properties.iter().any(|property| property.name == KEY)
    };
    assert!(models().iter().find(is_key).is_none());
}

#[test]
fn every_wrong_request_is_reported_before_anything_is_submitted() {
    let text = format!(
        "{}\nnot json\n{{\"model\": \"{MODEL}\", \"prompt\": 5, \"duration\": 7}}\n[]\n{}\n{}\n{}\n",
        request("a"),
        with_key("\"x\""),
        with_key("\"x\""),
        with_key("\"../x\""),
    ) + &["\"x.json\"".into(), format!("\"{}\"", "k".repeat(1000))]
        .map(|key| with_key(&key) + "\n")
        .concat();
    let errors = read_text(text).expect_err("errors");
    let expected = [
        &["FILE:2: not JSON: expected ident in column 2; write one JSON object a line"][..],
        &["FILE:3: ", "/prompt", "/duration", "5, 10", "7"],
        &["FILE:4: ", "an object"],
        &["FILE:6: /job: x is the key of FILE:5, too"],
        &["FILE:7: /job: expected 1 to 100 ASCII letters", "\"../x\""],
        &["FILE:8: /job: x.json ends in .json, as the names of records do"],
        &["FILE:9: /job: expected 1 to 100 ASCII letters", "got \"kkk"],
        &["nothing was submitted: 7 of 9 requests cannot be"],
    ];
    assert_eq!(errors.len(), expected.len(), "{errors:?}");
    for (error, parts) in errors.iter().zip(expected) {
        for part in parts {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}

#[test]
fn unknown_model_is_reported_with_the_nearest_one() {
    let error = read_text(r#"{"model": "klingai/v2-master-text-to-vido", "prompt": "x"}"#);
    let error = error.expect_err("an error");
    assert!(error[0].contains(MODEL), "{error:?}");
}

#[test]
fn file_without_requests_or_in_another_encoding_is_an_error() {
    for (text, error) in [
        (&b"\n \n"[..], "FILE contains no request"),
        (b"[]", "FILE contains no request"),
        (b"[{}", "FILE: not a JSON array"),
        (b"{}\n\xE9", "FILE is not UTF-8 in line 2; save it as UTF-8"),
    ] {
        let found = read_text(text).expect_err(error);
        assert!(found[0].contains(error), "{found:?}");
    }
    let missing = read("missing/a.jsonl").expect_err("an error");
    assert!(
        missing.lines[0].contains("missing/a.jsonl cannot be read"),
        "{missing:?}"
    );
}
