//! Wrong arguments and files, an engine and stores that cannot be used: one clear line each, and the exit code.

mod certificates;
mod engine;
mod program;
mod tls;
mod values;

use std::{
    io::{Read, Write},
    net::TcpListener,
};

use program::{ENGINE_KEY, MODEL, Program, Ran};

/// An engine that refuses connections.
const NO_ENGINE: &str = "temporal://127.0.0.1:1/default";

const WORKER: [&str; 3] = ["worker", "--spool", "spool"];

#[test]
fn unreachable_engine_is_a_service_error() {
    for (queue, reason) in [
        (
            NO_ENGINE,
            "127.0.0.1:1 cannot be reached: Connection refused",
        ),
        (
            "temporal://missing.invalid/default",
            "missing.invalid:7233 cannot be reached: failed to lookup address information",
        ),
    ] {
        let program = Program::new(queue);
        program.requests("a.jsonl", &[("a", "x")]);
        let folder = format!("file://{}", program.folder.path().display());
        for arguments in [
            &["jobs"][..],
            &["jobs", "show", "a"],
            &["jobs", "resolve", "a", "--give-up"],
            &["submit", "a.jsonl"],
            &[&WORKER[..], &["--store", &folder]].concat(),
        ] {
            let ran = program.run(arguments);
            ran.assert_error(
                5,
                &["the engine at ", reason, "start it, or correct --queue"],
            );
        }
    }
}

#[test]
fn wrong_queue_is_bad_usage() {
    let program = Program::new("");
    for (queue, error) in [
        (
            "redis://localhost/0",
            "--queue redis://localhost/0: redis is not a known engine; expected temporal://HOST",
        ),
        (
            "temporal://localhost",
            "--queue temporal://localhost: the path is not one namespace; expected temporal://HOST",
        ),
        (
            "temporal://localhost/a?queue=",
            "the name of the task queues is empty; expected queue=NAME",
        ),
    ] {
        let ran = program.run(&["jobs", "--queue", queue]);
        ran.assert_error(2, &[error]);
    }
    // The variable is empty.
    let none = "no queue is named; add --queue temporal://HOST[:PORT]/NAMESPACE";
    program.run(&["jobs"]).assert_error(2, &[none]);
    let mut command = program.command(&["jobs"]);
    let output = command.env_remove("AIMLAPI_VIDEO_QUEUE").output();
    let ran = Ran::of(output.expect("the program runs"));
    ran.assert_error(2, &[none]);
}

#[test]
fn key_in_the_url_of_a_queue_is_refused_and_not_shown() {
    let program = Program::new("");
    for queue in [
        format!("temporal://{ENGINE_KEY}@cloud/a"),
        format!("temporal://user:{ENGINE_KEY}@cloud/a"),
        format!("temporal://cloud/a?api_key={ENGINE_KEY}"),
        format!("temporal://cloud/a#{ENGINE_KEY}"),
    ] {
        let ran = program.run(&["jobs", "--queue", &queue]);
        ran.assert_error(2, &["--queue temporal://cloud/a"]);
        let mut help = program.command(&["jobs", "--help"]);
        let help = help.env("AIMLAPI_VIDEO_QUEUE", &queue).output();
        assert_eq!(Ran::of(help.expect("the program runs")).code, 0);
    }
}

#[test]
fn wrong_store_is_bad_usage() {
    let program = Program::new(NO_ENGINE);
    let file = program.folder.path().join("file");
    std::fs::write(&file, "x").expect("written");
    let below_a_file = format!("file://{}/store", file.display());
    for (store, error) in [
        (
            "ftp://host/a",
            "the scheme `ftp` is unknown; expected s3://bucket",
        ),
        ("videos", "not a URL; expected s3://bucket"),
        ("s3:///videos", "it names no bucket; expected"),
        (&*below_a_file, "; name a folder that this user may write"),
    ] {
        let ran = program.run(&[&WORKER[..], &["--store", store]].concat());
        ran.assert_error(2, &[&format!("the store {store}: "), error]);
    }
}

#[test]
fn missing_bucket_is_bad_usage() {
    let bucket = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", bucket.local_addr().expect("bound"));
    std::thread::spawn(move || {
        for stream in bucket.incoming() {
            let mut stream = stream.expect("a connection");
            let _ = stream.read(&mut [0; 8192]);
            let body = "<Error><Code>NoSuchBucket</Code><Message>no such bucket</Message></Error>";
            let head = format!(
                "HTTP/1.1 404 Not Found\r\ncontent-length: {}\r\nconnection: close",
                body.len()
            );
            let _ = write!(stream, "{head}\r\n\r\n{body}");
        }
    });
    let program = Program::new(NO_ENGINE);
    let arguments = [&WORKER[..], &["--store", "s3://films/a"]].concat();
    let mut command = program.command(&arguments);
    command
        .env("AWS_ENDPOINT", url)
        .env("AWS_ALLOW_HTTP", "true")
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "a")
        .env("AWS_SECRET_ACCESS_KEY", "b");
    let ran = program::Ran::of(command.output().expect("the program runs"));
    let error = "the store s3://films/a: the bucket or the folder does not exist; create it";
    ran.assert_error(2, &[error]);
}

#[test]
fn worker_without_a_key_or_with_a_wrong_base_url_is_bad_usage() {
    let program = Program::new(NO_ENGINE);
    let arguments = [&WORKER[..], &["--store", "file:///"]].concat();
    let mut command = program.command(&arguments);
    let output = command.env_remove("AIML_API_KEY").output();
    let ran = program::Ran::of(output.expect("the program runs"));
    ran.assert_error(2, &["AIML_API_KEY"]);
    let ran = program.run(&[&arguments[..], &["--base-url", "http://example.com"]].concat());
    ran.assert_error(2, &["http://example.com"]);
}

#[test]
fn every_refused_request_is_reported_before_the_engine_is_asked() {
    let program = Program::new(NO_ENGINE);
    let text = format!(
        "{{\"model\": \"{MODEL}\"}}\n{{\"model\": \"{MODEL}\", \"prompt\": \"x\", \"duration\": 7}}\n{{\"model\": \"{MODEL}\", \"prompt\": \"x\"}}\n"
    );
    std::fs::write(program.folder.path().join("a.jsonl"), text).expect("written");
    let ran = program.run(&["submit", "a.jsonl"]);
    assert_eq!((ran.code, &*ran.stdout), (2, ""), "{ran:?}");
    let errors = ran.errors();
    assert_eq!(errors.len(), 3, "{ran:?}");
    assert!(
        errors[0].starts_with("a.jsonl:1: ") && errors[0].contains("/prompt"),
        "{ran:?}"
    );
    assert!(
        errors[1].starts_with("a.jsonl:2: ") && errors[1].contains("5, 10"),
        "{ran:?}"
    );
    assert_eq!(
        errors[2],
        "nothing was submitted: 2 of 3 requests cannot be"
    );
}

#[test]
fn large_request_without_a_store_is_bad_usage() {
    let program = Program::new(NO_ENGINE);
    let image = format!("data:image/png;base64,{}", "AAAA".repeat(70_000));
    let model = "kling-video/v2.1/standard/image-to-video";
    let text =
        format!("[{{\"model\": \"{model}\", \"prompt\": \"x\", \"image_url\": \"{image}\"}}]");
    std::fs::write(program.folder.path().join("a.json"), text).expect("written");
    let ran = program.run(&["submit", "a.json"]);
    ran.assert_error(
        2,
        &[
            "nothing was submitted: a.json: item 1",
            "256 KB; add --store URL",
        ],
    );
}

#[test]
fn decision_is_checked_before_the_engine_is_asked() {
    let program = Program::new(NO_ENGINE);
    let resolve = |arguments: &[&str]| {
        let ran = program.run(&[&["jobs", "resolve", "a"], arguments].concat());
        assert_eq!((ran.code, &*ran.stdout), (2, ""), "{ran:?}");
        ran.stderr
    };
    let missing = "the following required arguments were not provided";
    assert!(resolve(&[]).contains(missing));
    let errors = resolve(&["--repeat"]);
    assert!(
        errors.contains("--by <NAME>") && errors.contains("--why <TEXT>"),
        "{errors}"
    );
    assert!(resolve(&["--repeat", "--by", "Ann"]).contains("--why <TEXT>"));
    let blank = ["--repeat", "--by", " ", "--why", "not in the log"];
    assert!(resolve(&blank).contains("expected a text that is not blank"));
    assert!(resolve(&["--repeat", "--give-up"]).contains("cannot be used with"));
    assert!(resolve(&["--adopt", "a b"]).contains("contains blanks, which no id has"));
}

#[test]
fn malformed_traceparent_is_ignored_with_a_warning() {
    let program = Program::new(NO_ENGINE);
    program.requests("a.jsonl", &[("a", "x")]);
    let mut submit = program.command(&["submit", "a.jsonl"]);
    let ran = submit.env("TRACEPARENT", "00-1").output();
    let ran = Ran::of(ran.expect("the program runs"));
    assert!(
        ran.stderr.contains("warning: TRACEPARENT is ignored"),
        "{ran:?}"
    );
}

#[test]
fn metrics_at_an_address_of_another_machine_are_bad_usage() {
    let program = Program::new(NO_ENGINE);
    let store = ["--store", "file:///tmp", "--metrics", "192.0.2.1:9464"];
    let ran = program.run(&[&WORKER[..], &store].concat());
    ran.assert_error(2, &["the metrics cannot be served at 192.0.2.1:9464: "]);
}
