//! The connection to the engine by Temporal's own settings: TLS, client certificates, and the API key.

use std::io::Read;

use crate::{
    certificates::Authority,
    engine::{Answer, Engine},
    program::{ENGINE_KEY, Program, Ran},
};

const CA: &str = "TEMPORAL_TLS_SERVER_CA_CERT_PATH";
const CERTIFICATE: &str = "TEMPORAL_TLS_CLIENT_CERT_PATH";
const KEY: &str = "TEMPORAL_TLS_CLIENT_KEY_PATH";
const API_KEY: &str = "TEMPORAL_API_KEY";

const HOSTS: [&str; 2] = ["127.0.0.1", "localhost"];

/// An engine with a certificate for `HOSTS`, and a program whose folder has the PEM files of its CA and of another one.
struct World {
    engine: Engine,
    program: Program,
    ca: Authority,
    other: Authority,
}

impl World {
    fn new() -> Self {
        Self::with(&HOSTS, false, Answer::Empty)
    }

    /// With a certificate for `hosts`; clients need a certificate if `is_mutual`.
    fn with(hosts: &[&str], is_mutual: bool, answer: Answer) -> Self {
        let (ca, other) = (Authority::new("a CA"), Authority::new("another CA"));
        let engine = Engine::start(Some(ca.server(hosts, is_mutual.then_some(&ca))), answer);
        let program = Program::new(engine.queue("127.0.0.1"));
        ca.write(program.folder.path(), "ca");
        other.write(program.folder.path(), "other");
        Self {
            engine,
            program,
            ca,
            other,
        }
    }

    fn jobs(&self, settings: &[(&str, &str)]) -> Ran {
        run(&self.program, &["jobs"], settings)
    }
}

fn run(program: &Program, arguments: &[&str], settings: &[(&str, &str)]) -> Ran {
    let mut command = program.command(arguments);
    let output = command.envs(settings.iter().copied()).output();
    Ran::of(output.expect("the program runs"))
}

fn assert_no_jobs(ran: &Ran) {
    assert_eq!((ran.code, &*ran.stdout), (0, "no jobs\n"), "{ran:?}");
}

#[test]
fn engine_with_a_certificate_of_the_named_ca_is_used() {
    let world = World::new();
    assert_no_jobs(&world.jobs(&[(CA, "ca.pem")]));
    assert_no_jobs(&world.jobs(&[("TEMPORAL_TLS_SERVER_CA_CERT_DATA", &world.ca.pem())]));
    let settings = "[profile.default.tls]\nserver_ca_cert_path = \"ca.pem\"\n";
    let file = world.program.folder.path().join("temporal.toml");
    std::fs::write(file, settings).expect("written");
    assert_no_jobs(&world.jobs(&[("TEMPORAL_CONFIG_FILE", "temporal.toml")]));
    let queue = world.engine.queue("localhost");
    let ran = run(
        &world.program,
        &["jobs", "--queue", &queue],
        &[(CA, "ca.pem"), ("TEMPORAL_TLS", "true")],
    );
    assert_no_jobs(&ran);
}

#[test]
fn engine_with_a_certificate_of_another_ca_is_a_service_error() {
    let world = World::new();
    for settings in [
        &[(CA, "other.pem")][..],
        // The CAs of the system.
        &[("TEMPORAL_TLS", "true")],
        &[(API_KEY, ENGINE_KEY)],
    ] {
        let remedy = "name the CA's certificate by TEMPORAL_TLS_SERVER_CA_CERT_PATH";
        world
            .jobs(settings)
            .assert_error(5, &["its certificate is of an unknown CA", remedy]);
    }
    assert!(world.engine.calls().is_empty());
}

#[test]
fn name_in_the_certificate_is_checked() {
    let world = World::with(&["engine.example"], false, Answer::Empty);
    world.jobs(&[(CA, "ca.pem")]).assert_error(
        5,
        &[
            "certificate not valid for name \"127.0.0.1\"",
            "correct --queue, or name the certificate's host by TEMPORAL_TLS_SERVER_NAME",
        ],
    );
    assert_no_jobs(&world.jobs(&[
        (CA, "ca.pem"),
        ("TEMPORAL_TLS_SERVER_NAME", "engine.example"),
    ]));
}

#[test]
fn connection_without_tls_to_an_engine_with_tls_is_a_service_error() {
    let world = World::new();
    for settings in [&[][..], &[("TEMPORAL_TLS", "false"), (CA, "ca.pem")]] {
        world
            .jobs(settings)
            .assert_error(5, &["or set TEMPORAL_TLS=true if it uses TLS"]);
    }
    assert!(world.engine.calls().is_empty());
}

#[test]
fn connection_with_tls_to_an_engine_without_tls_is_a_service_error() {
    let engine = Engine::start(None, Answer::Empty);
    let program = Program::new(engine.queue("127.0.0.1"));
    Authority::new("a CA").write(program.folder.path(), "ca");
    for (settings, remedy) in [
        (&[("TEMPORAL_TLS", "true")][..], "or set TEMPORAL_TLS=false"),
        (&[(CA, "ca.pem")], "or set TEMPORAL_TLS=false"),
        (
            &[(API_KEY, ENGINE_KEY)],
            "TEMPORAL_TLS=false would send the API key unencrypted",
        ),
    ] {
        let ran = run(&program, &["jobs"], settings);
        ran.assert_error(5, &["it does not use TLS; correct --queue", remedy]);
    }
    assert!(engine.calls().is_empty());
}

#[test]
fn client_certificate_is_sent_to_an_engine_that_requires_one() {
    let world = World::with(&HOSTS, true, Answer::Empty);
    let folder = world.program.folder.path();
    world.ca.issue(&[]).write(folder, "client");
    world.other.issue(&[]).write(folder, "stranger");
    let jobs = |settings: &[(&str, &str)]| world.jobs(&[&[(CA, "ca.pem")], settings].concat());
    assert_no_jobs(&jobs(&[(CERTIFICATE, "client.pem"), (KEY, "client.key")]));
    let remedy = "or give a client certificate that it accepts by TEMPORAL_TLS_CLIENT_CERT_PATH";
    for settings in [
        &[][..],
        &[(CERTIFICATE, "stranger.pem"), (KEY, "stranger.key")],
    ] {
        jobs(settings).assert_error(5, &["the engine at 127.0.0.1", remedy]);
    }
    for (settings, errors) in [
        (
            &[(CERTIFICATE, "client.pem"), (KEY, "stranger.key")][..],
            [
                "the certificates of TLS cannot be used",
                "correct the files of TEMPORAL_TLS_*",
            ],
        ),
        (
            &[(CERTIFICATE, "client.pem")],
            [
                "TEMPORAL_TLS_CLIENT_CERT_PATH is set without TEMPORAL_TLS_CLIENT_KEY_PATH",
                "a client certificate needs both",
            ],
        ),
        (
            &[(KEY, "client.key")],
            [
                "TEMPORAL_TLS_CLIENT_KEY_PATH is set without TEMPORAL_TLS_CLIENT_CERT_PATH",
                "a client certificate needs both",
            ],
        ),
        (
            &[(CERTIFICATE, "client.key"), (KEY, "client.key")],
            ["client.key (TEMPORAL_TLS_CLIENT_CERT_PATH)", "PEM format"],
        ),
    ] {
        jobs(settings).assert_error(2, &errors);
    }
}

#[test]
fn settings_that_the_sdk_would_ignore_or_misread_are_bad_usage() {
    let engine = Engine::start(None, Answer::Empty);
    let program = Program::new(engine.queue("127.0.0.1"));
    let broken_key = format!("{ENGINE_KEY}\nx");
    let file = format!("[profile.default]\napi_key = \"{ENGINE_KEY}\n");
    std::fs::write(program.folder.path().join("broken.toml"), file).expect("written");
    let bad = "-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n";
    std::fs::write(program.folder.path().join("bad.pem"), bad).expect("written");
    for (settings, errors) in [
        (
            ("TEMPORAL_TLS", "no"),
            &["TEMPORAL_TLS is \"no\"; expected true or false"][..],
        ),
        (
            ("TEMPORAL_TLS_DISABLE_HOST_VERIFICATION", "true"),
            &["TEMPORAL_TLS_DISABLE_HOST_VERIFICATION is not supported"],
        ),
        (
            (CA, "missing.pem"),
            &["missing.pem (TEMPORAL_TLS_SERVER_CA_CERT_PATH) cannot be read: No such file"],
        ),
        (
            (CA, "broken.toml"),
            &["broken.toml", "give a file in PEM format"],
        ),
        ((CA, "bad.pem"), &["the certificates of TLS cannot be used"]),
        (
            (API_KEY, &broken_key),
            &["TEMPORAL_API_KEY holds a space, a line break or a non-ASCII character"],
        ),
        (
            ("TEMPORAL_GRPC_META_AUTHORIZATION", &broken_key),
            &["the settings of Temporal cannot be used", "authorization"],
        ),
        (
            ("TEMPORAL_CONFIG_FILE", "missing.toml"),
            &["TEMPORAL_CONFIG_FILE: there is no file missing.toml"],
        ),
        (
            ("TEMPORAL_CONFIG_FILE", "broken.toml"),
            &[
                "TOML parse error at line 2",
                "correct the variables TEMPORAL_*",
            ],
        ),
        (
            ("TEMPORAL_PROFILE", "production"),
            &["Profile 'production' not found"],
        ),
        (
            ("TEMPORAL_CODEC_ENDPOINT", "http://127.0.0.1:1"),
            &["a remote codec", "is not supported"],
        ),
    ] {
        run(&program, &["jobs"], &[settings]).assert_error(2, errors);
    }
    assert!(engine.calls().is_empty());
    let empty = [("TEMPORAL_TLS", ""), (API_KEY, ""), (CA, "")];
    assert_no_jobs(&run(&program, &["jobs"], &empty));
}

#[test]
fn api_key_is_a_header_of_each_call() {
    let world = World::new();
    world.program.requests("a.jsonl", &[("a", "x")]);
    let settings = [(CA, "ca.pem"), (API_KEY, ENGINE_KEY)];
    for (arguments, method) in [
        (&["jobs"][..], "ListWorkflowExecutions"),
        (&["jobs", "show", "a"], "DescribeWorkflowExecution"),
        (&["submit", "a.jsonl"], "StartWorkflowExecution"),
    ] {
        run(&world.program, arguments, &settings);
        let calls = world.engine.calls();
        let is_sent = |expected: &str| calls.iter().any(|call| call.method == expected);
        assert!(is_sent("GetSystemInfo") && is_sent(method), "{calls:?}");
        for call in calls {
            let expected = format!("Bearer {ENGINE_KEY}");
            assert_eq!(call.authorization, Some(expected), "{}", call.method);
        }
    }
}

#[test]
fn api_key_is_not_in_the_log_of_a_worker() {
    let world = World::new();
    let store = format!("file://{}", world.program.folder.path().display());
    let arguments = ["worker", "--store", &store, "--spool", "spool"];
    let mut command = world.program.command(&arguments);
    let settings = [(CA, "ca.pem"), (API_KEY, ENGINE_KEY), ("RUST_LOG", "trace")];
    let mut worker = command.envs(settings).spawn().expect("the worker starts");
    let mut log = worker.stderr.take().expect("piped");
    let log = std::thread::spawn(move || {
        let mut text = Vec::new();
        log.read_to_end(&mut text).expect("read");
        String::from_utf8_lossy(&text).into_owned()
    });
    let call = world.engine.wait_for("PollActivityTaskQueue");
    assert_eq!(call.authorization, Some(format!("Bearer {ENGINE_KEY}")));
    worker.kill().expect("running");
    worker.wait().expect("ended");
    let log = log.join().expect("read");
    assert!(log.contains("TRACE"), "nothing was logged: {log}");
    assert!(!log.contains(ENGINE_KEY));
}

#[test]
fn refused_api_key_is_a_service_error_that_does_not_contain_it() {
    let world = World::with(&HOSTS, false, Answer::Refused);
    world
        .jobs(&[(CA, "ca.pem"), (API_KEY, ENGINE_KEY)])
        .assert_error(
            5,
            &["the engine refused the credentials: who are you; set TEMPORAL_API_KEY"],
        );
}

#[test]
fn api_key_is_sent_without_tls_only_if_tls_is_turned_off() {
    let engine = Engine::start(None, Answer::Empty);
    let program = Program::new(engine.queue("127.0.0.1"));
    let settings = [(API_KEY, ENGINE_KEY), ("TEMPORAL_TLS", "false")];
    assert_no_jobs(&run(&program, &["jobs"], &settings));
    let call = engine.wait_for("GetSystemInfo");
    assert_eq!(call.authorization, Some(format!("Bearer {ENGINE_KEY}")));
}
