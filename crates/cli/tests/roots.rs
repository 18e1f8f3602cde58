//! The command line with the root certificates that the environment names, and without any.
#![cfg(all(unix, not(any(target_os = "android", target_vendor = "apple"))))]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::{fs, path::PathBuf};

use support::{
    Server,
    cli::{Cli, Ran},
    tls::{self, TlsService},
};

const GENERATE: [&str; 8] = [
    "generate",
    "klingai/v2-master-text-to-video",
    "--prompt",
    "a kite",
    "--speed",
    "1000",
    "-o",
    "a.mp4",
];
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

/// A command with these variables, which name files and folders in its folder.
struct Machine {
    cli: Cli,
    variables: Vec<(&'static str, PathBuf)>,
}

impl Machine {
    fn new(base: &str, variables: &[(&'static str, &str)]) -> Self {
        let cli = Cli::at(base);
        fs::write(cli.path("root.pem"), tls::ROOT).unwrap();
        fs::write(cli.path("empty.pem"), "").unwrap();
        fs::write(cli.path("text.pem"), "no certificate\n").unwrap();
        let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        fs::write(cli.path("garbage.pem"), garbage).unwrap();
        fs::write(cli.path("broken.pem"), garbage.replace("AAAA", "!!!")).unwrap();
        fs::create_dir(cli.path("certs")).unwrap();
        fs::write(cli.path("certs/root.pem"), tls::ROOT).unwrap();
        fs::create_dir(cli.path("empty")).unwrap();
        let full = |value: &str| match value {
            "" => PathBuf::new(),
            name => cli.path(name),
        };
        let variables = variables.iter().map(|(name, value)| (*name, full(value)));
        let variables = variables.collect();
        Self { cli, variables }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.cli.command(arguments);
        command
            .env_remove("SSL_CERT_FILE")
            .env_remove("SSL_CERT_DIR");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    async fn run(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output().await.unwrap();
        Ran {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Variables without a usable root certificate.
const USELESS: [&[(&str, &str)]; 11] = [
    &[("SSL_CERT_FILE", "nowhere.pem")],
    &[("SSL_CERT_FILE", "")],
    &[("SSL_CERT_FILE", "empty.pem")],
    &[("SSL_CERT_FILE", "text.pem")],
    &[("SSL_CERT_FILE", "garbage.pem")],
    &[("SSL_CERT_FILE", "broken.pem")],
    &[("SSL_CERT_FILE", "empty")],
    &[("SSL_CERT_DIR", "nowhere")],
    &[("SSL_CERT_DIR", "empty")],
    &[("SSL_CERT_DIR", "root.pem")],
    &[("SSL_CERT_FILE", "nowhere.pem"), ("SSL_CERT_DIR", "empty")],
];

#[tokio::test]
async fn unusable_root_certificates_are_named_by_their_variable_and_nothing_is_sent() {
    let service = TlsService::start().await;
    for variables in USELESS {
        let machine = Machine::new(&service.url(), variables);
        for arguments in [&GENERATE[..], &["wait", "g"], &["status", "g"]] {
            let ran = machine.run(arguments).await;
            assert_eq!(ran.code, 5, "{variables:?} {ran:?}");
            let error = ran.error();
            assert!(error.contains("https needs root certificates"), "{error}");
            assert!(!error.contains("check the network"), "{error}");
            for (name, _) in variables {
                assert!(error.contains(&format!("{name}=\"")), "{error}");
            }
        }
    }
    assert_eq!(service.connections(), 0);
}

#[tokio::test]
async fn plain_http_needs_no_root_certificates() {
    let simulated = &[&GENERATE[..], &["--simulate"]].concat();
    let jobs = USELESS.map(|variables| async move {
        let machine = Machine::new("http://127.0.0.1:9", variables);
        let ran = machine.run(simulated).await;
        assert_eq!(ran.code, 0, "{variables:?} {ran:?}");
        assert!(machine.cli.path("a.mp4").is_file());
    });
    futures_util::future::join_all(jobs).await;
}

fn proxy(upstream: &str) -> [&str; 5] {
    ["proxy", "--listen", "127.0.0.1:0", "--upstream", upstream]
}

#[tokio::test]
async fn proxy_needs_root_certificates_for_https_alone() {
    let service = TlsService::start().await;
    for variables in USELESS {
        let machine = Machine::new("", variables);
        let ran = machine.run(&proxy(&service.url())).await;
        assert_eq!(ran.code, 5, "{variables:?} {ran:?}");
        assert!(
            ran.stderr.contains("https needs root certificates"),
            "{ran:?}"
        );
        for (name, _) in variables {
            assert!(ran.stderr.contains(&format!("{name}=\"")), "{ran:?}");
        }
    }
    assert_eq!(service.connections(), 0);

    let plain = Server::start(|_, _| support::json(200, tls::completed("http://a.test"))).await;
    let usable = [("SSL_CERT_FILE", "root.pem")];
    for (variables, upstream) in [(USELESS[0], plain.url()), (&usable, service.url())] {
        let machine = Machine::new("", variables);
        let mut child = machine.command(&proxy(&upstream)).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().unwrap();
        let url = line.strip_prefix("listening on ").unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{url}/v2/video/generations?generation_id=g");
        let response = http.get(url).send().await.unwrap();
        assert_eq!(response.status(), 200, "{upstream}");
    }
}

#[tokio::test]
async fn roots_of_a_variable_verify_the_service_and_the_host_of_the_video() {
    let service = TlsService::start().await;
    let usable: [&[(&str, &str)]; 4] = [
        &[("SSL_CERT_FILE", "root.pem")],
        &[("SSL_CERT_DIR", "certs")],
        // One variable with a usable certificate is enough.
        &[("SSL_CERT_FILE", "nowhere.pem"), ("SSL_CERT_DIR", "certs")],
        &[("SSL_CERT_FILE", "root.pem"), ("SSL_CERT_DIR", "nowhere")],
    ];
    for variables in usable {
        let machine = Machine::new(&service.url(), variables);
        let ran = machine.run(&GENERATE).await;
        assert_eq!(ran.code, 0, "{variables:?} {ran:?}");
        assert_eq!(fs::read(machine.cli.path("a.mp4")).unwrap(), tls::CLIP);
    }
}

#[tokio::test]
async fn video_on_https_without_root_certificates_is_not_saved_and_stays_resumable() {
    let files = TlsService::start().await;
    let url = files.video();
    let api = Server::start(move |_, _| support::json(200, tls::completed(&url))).await;
    let machine = Machine::new(&api.url(), &[("SSL_CERT_FILE", "nowhere.pem")]);
    let ran = machine.run(&[&GENERATE[..], &["--json"]].concat()).await;
    assert_eq!(ran.code, 7, "{ran:?}");
    let error = ran.error();
    assert!(error.contains("SSL_CERT_FILE=\""), "{error}");
    assert!(!error.contains("retries failed"), "{error}");
    assert_eq!(ran.json()["handle"]["id"], "g");
    assert_eq!(
        ran.json()["resume"],
        "aimlapi-video wait -o a.mp4 g",
        "{ran:?}"
    );
    // One create and at most one poll: no fresh URL is requested.
    assert!(api.requests().len() <= 2, "{:?}", api.requests());
    assert_eq!(files.connections(), 0);
}

#[tokio::test]
async fn batch_without_root_certificates_creates_nothing_and_can_be_run_again() {
    let service = TlsService::start().await;
    let request = r#"{"model":"klingai/v2-master-text-to-video","prompt":"a kite"}"#;
    let batch = ["batch", "requests.jsonl", "--out", "out", "--speed", "1000"];
    let without = Machine::new(&service.url(), &[("SSL_CERT_FILE", "nowhere.pem")]);
    fs::write(
        without.cli.path("requests.jsonl"),
        [request, "\n", request, "\n"].concat(),
    )
    .unwrap();
    let ran = without.run(&batch).await;
    assert_eq!(ran.code, 5, "{ran:?}");
    assert_eq!(ran.stderr.matches("SSL_CERT_FILE=\"").count(), 2, "{ran:?}");
    assert_eq!(service.connections(), 0);

    let with = Machine {
        variables: vec![("SSL_CERT_FILE", without.cli.path("root.pem"))],
        cli: without.cli,
    };
    let ran = with.run(&batch).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("2 of 2 saved"), "{ran:?}");
}
