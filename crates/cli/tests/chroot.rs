//! The command line in a root folder that contains only the program: no certificates, no hosts file, no temporary folder.
//!
//! `.ci/chroot` runs these tests; they need Linux and root.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::{fs, path::Path, process::Output};

use aimlapi_video_test_support as support;
use support::{
    KEY, Server,
    chroot::Chroot,
    tls::{self, TlsService},
};
use tokio::process::Command;

const GENERATE: [&str; 8] = [
    "generate",
    "klingai/v2-master-text-to-video",
    "--prompt",
    "a kite",
    "--speed",
    "1000",
    "-o",
    "/out/a.mp4",
];

fn simulated() -> Vec<&'static str> {
    [&GENERATE[..], &["--simulate"]].concat()
}

fn chroot() -> Chroot {
    Chroot::new(Path::new(env!("CARGO_BIN_EXE_aimlapi-video")))
}

/// A job at the service of this URL.
async fn generate(chroot: &Chroot, base: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = chroot.command(&GENERATE);
    command.env("AIML_API_KEY", KEY).env("AIML_API_BASE", base);
    command.envs(variables.iter().copied());
    command.output().await.unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The types of the file's boxes, which follow one another to its end.
fn boxes(path: &Path) -> Vec<String> {
    let bytes = fs::read(path).unwrap();
    let (mut rest, mut types) = (&bytes[..], Vec::new());
    while !rest.is_empty() {
        let size = u32::from_be_bytes(rest[..4].try_into().unwrap());
        types.push(String::from_utf8(rest[4..8].to_vec()).unwrap());
        rest = &rest[size as usize..];
    }
    types
}

#[tokio::test]
#[ignore = "needs root: run .ci/chroot"]
async fn simulated_job_writes_a_whole_video() {
    let chroot = chroot();
    let output = chroot.command(&simulated()).output().await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let types = boxes(&chroot.path("out/a.mp4"));
    for name in ["ftyp", "moov", "mdat"] {
        assert!(types.iter().any(|found| found == name), "{types:?}");
    }
    assert_eq!(fs::read_dir(chroot.path("out")).unwrap().count(), 1);
}

#[tokio::test]
#[ignore = "needs root: run .ci/chroot"]
async fn simulated_job_needs_no_user_no_writable_root_and_no_standard_streams() {
    let chroot = chroot();
    let root = chroot.root();
    // With a closed standard stream, every Rust program aborts without it.
    let null = chroot.path("dev/null");
    fs::create_dir(chroot.path("dev")).unwrap();
    let mut mknod = Command::new("mknod");
    let made = mknod.arg(&null).args(["c", "1", "3"]).status().await;
    assert!(made.unwrap().success());
    let read_only = format!(
        "mount --bind {root} {root} && mount --bind {root}/out {root}/out && mount -o remount,bind,ro {root} && \
         ! touch {root}/x && exec \"$@\""
    );
    let members: [(&str, &[&str]); 4] = [
        (
            "an unknown user",
            &["chroot", "--userspec=54321:54321", root],
        ),
        (
            "a read-only root",
            &[
                "unshare", "-m", "sh", "-c", &read_only, "sh", "chroot", root,
            ],
        ),
        (
            "closed streams",
            &["sh", "-c", "exec \"$@\" <&- >&- 2>&-", "sh", "chroot", root],
        ),
        ("one processor", &["taskset", "-c", "0", "chroot", root]),
    ];
    for (member, words) in members {
        let mut command = chroot.command_by(words, &simulated());
        let output = command.output().await.unwrap();
        assert_eq!(output.status.code(), Some(0), "{member}: {output:?}");
        fs::remove_file(chroot.path("out/a.mp4")).unwrap();
    }
}

#[tokio::test]
#[ignore = "needs root: run .ci/chroot"]
async fn simulated_job_needs_no_environment_variables() {
    let chroot = chroot();
    let mut command = chroot.command(&simulated());
    for name in [
        "HOME",
        "TMPDIR",
        "XDG_CONFIG_HOME",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
    ] {
        command.env(name, "/nowhere");
    }
    command
        .env("TZ", "Europe/Berlin")
        .env("LANG", "de_DE.UTF-8");
    let output = command.output().await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[tokio::test]
#[ignore = "needs root: run .ci/chroot"]
async fn localhost_resolves_with_and_without_a_hosts_file() {
    let link = |request: &support::Request| {
        let host = request.header("host").unwrap();
        tls::completed(&format!("http://{host}/video.mp4"))
    };
    let server = Server::start(move |_, request| match request.target.as_str() {
        "/video.mp4" => support::http(200, &[("content-type", "video/mp4")], tls::CLIP),
        _ => support::json(200, link(request)),
    })
    .await;
    let url = server.url().replace("127.0.0.1", "localhost");
    for hosts in [None, Some("192.0.2.1 localhost\n")] {
        let chroot = chroot();
        if let Some(hosts) = hosts {
            fs::create_dir(chroot.path("etc")).unwrap();
            fs::write(chroot.path("etc/hosts"), hosts).unwrap();
        }
        let output = generate(&chroot, &url, &[]).await;
        assert_eq!(output.status.code(), Some(0), "{hosts:?} {output:?}");
        assert_eq!(fs::read(chroot.path("out/a.mp4")).unwrap(), tls::CLIP);
    }
}

#[tokio::test]
#[ignore = "needs root: run .ci/chroot"]
async fn certificate_of_a_private_issuer_fails_with_the_bundled_roots_and_nothing_is_created() {
    let (chroot, service) = (chroot(), TlsService::start().await);
    let output = generate(&chroot, &service.url(), &[]).await;
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    let stderr = stderr(&output);
    assert!(stderr.contains("UnknownIssuer"), "{stderr}");
    assert!(stderr.contains("nothing was created"), "{stderr}");
    assert!(!stderr.contains("needs root certificates"), "{stderr}");
    assert!(stderr.contains("SSL_CERT_FILE"), "{stderr}");
    assert!(service.connections() > 0);
}

#[tokio::test]
#[ignore = "needs root: run .ci/chroot"]
async fn roots_of_a_variable_take_precedence_over_the_bundled_ones() {
    let (chroot, service) = (chroot(), TlsService::start().await);
    fs::write(chroot.path("root.pem"), tls::ROOT).unwrap();
    fs::create_dir(chroot.path("certs")).unwrap();
    fs::write(chroot.path("certs/root.pem"), tls::ROOT).unwrap();
    for variable in [("SSL_CERT_FILE", "/root.pem"), ("SSL_CERT_DIR", "/certs")] {
        let output = generate(&chroot, &service.url(), &[variable]).await;
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let path = chroot.path("out/a.mp4");
        assert_eq!(fs::read(&path).unwrap(), tls::CLIP);
        fs::remove_file(path).unwrap();
    }
    let connections = service.connections();
    let variable = ("SSL_CERT_FILE", "/nowhere.pem");
    let output = generate(&chroot, &service.url(), &[variable]).await;
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    let stderr = stderr(&output);
    assert!(
        stderr.contains(r#"SSL_CERT_FILE="/nowhere.pem""#),
        "{stderr}"
    );
    assert_eq!(service.connections(), connections);
}

#[tokio::test]
#[ignore = "needs root: run .ci/chroot"]
async fn roots_of_the_system_take_precedence_over_the_bundled_ones() {
    let (chroot, service) = (chroot(), TlsService::start().await);
    // Where Debian has them.
    let store = chroot.path("etc/ssl/certs/ca-certificates.crt");
    fs::create_dir_all(store.parent().unwrap()).unwrap();
    fs::write(&store, tls::ROOT).unwrap();
    let output = generate(&chroot, &service.url(), &[]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");

    fs::remove_file(chroot.path("out/a.mp4")).unwrap();
    // What an administrator has put there is not replaced because it is broken.
    let broken = "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
    fs::write(&store, broken).unwrap();
    let output = generate(&chroot, &service.url(), &[]).await;
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    let stderr = stderr(&output);
    assert!(stderr.contains("this system's cannot be used"), "{stderr}");
}
