//! The commands that the program `aimlapi-video-worker` runs, tested with a script of that name on the PATH.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::{fs, os::unix::fs::PermissionsExt};

use aimlapi_video_test_support as support;

use support::cli::{Cli, Ran};
use tokio::io::{AsyncBufReadExt, BufReader};

const COMMANDS: [&str; 3] = ["worker", "submit", "jobs"];

/// A folder for the PATH, with a script as the program.
fn installed(script: &str, mode: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("aimlapi-video-worker");
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(mode)).unwrap();
    folder
}

async fn run(path: &tempfile::TempDir, arguments: &[&str]) -> Ran {
    let cli = Cli::new();
    let mut command = cli.command(arguments);
    let output = command.env("PATH", path.path()).output().await.unwrap();
    Ran {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[tokio::test]
async fn program_gets_all_arguments_and_its_exit_code_is_passed_on() {
    let path = installed("printf '<%s>' \"$@\"; exit 6", 0o755);
    for command in COMMANDS {
        for given in [
            &["show", "a b", ""][..],
            &["--json", "--state", "ambiguous"],
            &["--help"],
            &["-h", "-v"],
            &["-v"],
            &["--", "-x"],
            &["--unknown=1", "FILE", "--", "-x"],
        ] {
            let words = [&[command], given].concat();
            let ran = run(&path, &words).await;
            let expected: String = words.iter().map(|word| format!("<{word}>")).collect();
            assert_eq!((ran.code, ran.stdout), (6, expected), "{}", ran.stderr);
        }
    }
}

#[tokio::test]
async fn missing_program_is_an_error_that_says_how_to_install_it() {
    let empty = tempfile::tempdir().unwrap();
    for command in COMMANDS {
        let ran = run(&empty, &[command, "--json"]).await;
        assert_eq!(ran.code, 2, "{ran:?}");
        assert_eq!(
            ran.error(),
            format!(
                "error: `{command}` needs the program aimlapi-video-worker, which is not on the PATH; install it with \
                 `cargo install aimlapi-video-worker`"
            )
        );
    }
}

#[tokio::test]
async fn program_that_cannot_be_run_is_an_error_that_names_it() {
    let ran = run(&installed("", 0o644), &["jobs"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.error()
            .starts_with("error: aimlapi-video-worker cannot be run: Permission denied"),
        "{ran:?}"
    );
}

#[tokio::test]
async fn signal_reaches_the_program() {
    let script = "trap 'exit 9' TERM\necho ready\nwhile read line; do :; done";
    let path = installed(script, 0o755);
    let cli = Cli::new();
    let mut child = cli
        .command(&["worker"])
        .env("PATH", path.path())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(output.next_line().await.unwrap().as_deref(), Some("ready"));
    let id = child.id().unwrap().to_string();
    let sent = std::process::Command::new("kill").arg(id).status();
    assert!(sent.unwrap().success());
    assert_eq!(child.wait().await.unwrap().code(), Some(9));
}

#[tokio::test]
async fn help_lists_the_commands_of_the_program() {
    let ran = Cli::new().run(&["--help"]).await;
    for command in COMMANDS {
        assert!(ran.stdout.contains(&format!("\n  {command}  ")), "{ran:?}");
    }
}
