//! Wrong values of options: each is named with what is allowed, before the engine is asked.

use crate::{
    NO_ENGINE, WORKER,
    program::{KEY, Program, Ran},
};

#[test]
fn wrong_value_is_bad_usage_with_what_is_allowed() {
    let program = Program::new(NO_ENGINE);
    let rate = "expected a number from 0.001 to 1000000";
    let count = "expected a whole number from 1 to 100000";
    let time = "expected a time such as 30s or 2m";
    let address = "expected an IP address and a port, such as 127.0.0.1:9464";
    let worker = [&WORKER[..], &["--store", "file:///"]].concat();
    for (arguments, option, values, error) in [
        (
            &worker,
            "--budget",
            &["0", "-1", "NaN", "inf", "1e9", "x"][..],
            rate,
        ),
        (&worker, "--speed", &["0", "-1", "NaN", "1e300"], rate),
        (
            &worker,
            "--concurrency",
            &["0", "-1", "1.5", "100001"],
            count,
        ),
        (&worker, "--grace", &["10", "-1s", "soon"], time),
        (
            &worker,
            "--metrics",
            &["localhost:9464", "127.0.0.1", ":1"],
            address,
        ),
        (&vec!["jobs"], "--limit", &["0", "-1", "x"], count),
        (
            &vec!["jobs"],
            "--state",
            &["Saved", "unknown"],
            "expected one of planned,",
        ),
    ] {
        for value in values {
            let ran = program.run(&[&arguments[..], &[option, value]].concat());
            assert_eq!((ran.code, &*ran.stdout), (2, ""), "{ran:?}");
            let named = format!("error: invalid value '{value}' for '{option} <");
            assert!(ran.stderr.starts_with(&named), "{ran:?}");
            assert!(ran.stderr.contains(error), "{ran:?}");
        }
    }
    for arguments in [
        &["jobs", "show", ""][..],
        &["jobs", "resolve", "", "--give-up"],
        &["submit", ""],
    ] {
        let ran = program.run(arguments);
        assert_eq!((ran.code, &*ran.stdout), (2, ""), "{ran:?}");
        assert!(ran.stderr.contains("a value is required for '<"), "{ran:?}");
    }
}

#[test]
fn spool_that_cannot_be_written_is_bad_usage() {
    let program = Program::new(NO_ENGINE);
    std::fs::write(program.folder.path().join("file"), "x").expect("written");
    for spool in ["file", "file/spool"] {
        let arguments = ["worker", "--store", "file:///", "--spool", spool];
        program.run(&arguments).assert_error(
            2,
            &[
                &format!("the spool {spool} cannot be written: "),
                "name a folder on a local disk by --spool",
            ],
        );
    }
}

#[test]
fn part_of_a_store_url_that_would_be_ignored_is_bad_usage() {
    let program = Program::new(NO_ENGINE);
    let relative = format!("videos-{}", std::process::id());
    for (store, errors) in [
        (
            &*format!("file:{relative}"),
            ["the folder is relative", "expected file:///folder"],
        ),
        (
            "s3://films/a?region=eu",
            ["the store s3://films/a?…: ", "such as AWS_REGION"],
        ),
        (
            &*format!("s3://user:{KEY}@films/a"),
            ["the store s3://films/a: ", "such as AWS_ACCESS_KEY_ID"],
        ),
    ] {
        let ran = program.run(&[&WORKER[..], &["--store", store]].concat());
        ran.assert_error(2, &errors);
        // Also if no request of the file needs the store.
        program.requests("a.jsonl", &[("a", "x")]);
        let ran = program.run(&["submit", "a.jsonl", "--store", store]);
        ran.assert_error(2, &errors);
    }
    assert!(!std::path::Path::new("/").join(relative).exists());
}

#[test]
fn store_without_credentials_is_an_error_that_names_the_variables() {
    let program = Program::new(NO_ENGINE);
    let ran = program.run(&[&WORKER[..], &["--store", "az://films/a"]].concat());
    ran.assert_error(2, &["the store az://films/a: ", "AZURE_*"]);
    let arguments = [&WORKER[..], &["--store", "s3://films/a"]].concat();
    let mut command = program.command(&arguments);
    command
        .env("AWS_ENDPOINT", "http://127.0.0.1:1")
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "a")
        .env("AWS_SECRET_ACCESS_KEY", "b");
    let ran = Ran::of(command.output().expect("the program runs"));
    ran.assert_error(5, &["the store s3://films/a: ", "set AWS_ALLOW_HTTP=true"]);
}

#[test]
fn wrong_filter_of_the_log_is_ignored_with_a_warning() {
    let program = Program::new(NO_ENGINE);
    let folder = format!("file://{}", program.folder.path().display());
    let arguments = [&WORKER[..], &["--store", &folder]].concat();
    let mut worker = program.command(&arguments);
    let ran = worker.env("RUST_LOG", "a=b=c").output();
    let ran = Ran::of(ran.expect("the program runs"));
    assert!(
        ran.stderr.contains("warning: RUST_LOG is ignored: "),
        "{ran:?}"
    );
    ran.assert_error(5, &["the engine at 127.0.0.1:1"]);
}
