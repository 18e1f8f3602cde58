//! Downloads of a process that is killed, on a full disk, and of a very large file.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::fs;

use support::{
    cli::Cli,
    files::{Film, Host, Plan, Validator},
};
use tokio::process::Child;

const TAG: Validator = Validator::Etag("\"v1\"");
const MIB: u64 = 1024 * 1024;

const WAIT: &[&str] = &["wait", "g", "-o", "a.mp4", "--speed", "1000"];

/// Waits until the part of `a.mp4` has `bytes`.
async fn arrived(cli: &Cli, child: &mut Child, bytes: u64) {
    let length = || fs::metadata(cli.path("a.mp4.part")).map_or(0, |part| part.len());
    while length() < bytes {
        assert!(child.try_wait().unwrap().is_none(), "it ended early");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn second_run_after_a_kill_requests_only_the_rest() {
    let film = Film::new(4 * MIB, 1);
    let host = Host::start(film.clone(), TAG, |number, _| match number {
        0 => Plan::Hold(3 * MIB),
        _ => Plan::Whole,
    })
    .await;
    let cli = Cli::at(&host.url);
    let mut child = cli.command(WAIT).spawn().unwrap();
    arrived(&cli, &mut child, 3 * MIB).await;
    child.kill().await.unwrap();
    assert_eq!(cli.files(), ["a.mp4.part", "a.mp4.part.json"]);

    let ran = cli.run(WAIT).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.stdout, format!("saved a.mp4 ({} bytes)\n", 4 * MIB));
    assert_eq!(host.ranges(), [None, Some(format!("bytes={}-", 3 * MIB))]);
    assert_eq!(fs::read(cli.path("a.mp4")).unwrap(), film.bytes());
    assert_eq!(cli.files(), ["a.mp4"]);
}

#[tokio::test]
async fn kill_at_any_point_leaves_the_old_or_the_new_file() {
    let film = Film::new(2 * MIB, 1);
    for held in [1000, MIB, 2 * MIB - 1] {
        let host = Host::start(film.clone(), TAG, move |number, _| match number {
            0 => Plan::Hold(held),
            _ => Plan::Whole,
        })
        .await;
        let cli = Cli::at(&host.url);
        fs::write(cli.path("a.mp4"), "the old one").unwrap();
        let overwrite = [WAIT, &["--overwrite"]].concat();
        let mut child = cli.command(&overwrite).spawn().unwrap();
        arrived(&cli, &mut child, held).await;
        child.kill().await.unwrap();
        assert_eq!(fs::read(cli.path("a.mp4")).unwrap(), b"the old one");
        let ran = cli.run(&overwrite).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(fs::read(cli.path("a.mp4")).unwrap(), film.bytes());
        assert_eq!(cli.files(), ["a.mp4"]);
    }
}

#[tokio::test]
async fn interrupt_leaves_a_part_only_if_it_has_bytes() {
    for (held, files) in [(0, &[][..]), (MIB, &["a.mp4.part", "a.mp4.part.json"])] {
        let film = Film::new(2 * MIB, 1);
        let host = Host::start(film, TAG, move |_, _| Plan::Hold(held)).await;
        let cli = Cli::at(&host.url);
        let mut child = cli.command(WAIT).spawn().unwrap();
        while host.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        arrived(&cli, &mut child, held).await;
        support::cli::interrupt(&child);
        assert_eq!(child.wait().await.unwrap().code(), Some(130), "{held}");
        assert_eq!(cli.files(), files, "{held}");
    }
}

#[tokio::test]
async fn second_process_does_not_touch_the_part_of_the_first() {
    let host = Host::start(Film::new(2 * MIB, 1), TAG, |_, _| Plan::Hold(MIB)).await;
    let cli = Cli::at(&host.url);
    let mut child = cli.command(WAIT).spawn().unwrap();
    arrived(&cli, &mut child, MIB).await;
    let ran = cli.run(WAIT).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.error().contains("is being written by another download"),
        "{ran:?}"
    );
    host.release();
    assert!(child.wait().await.unwrap().success());
    assert_eq!(host.requests().len(), 1);
    assert_eq!(cli.files(), ["a.mp4"]);
}

/// A limit on the size of files stands in for a full disk, which needs root.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn full_disk_is_reported_and_the_download_continues_once_there_is_room() {
    let film = Film::new(4 * MIB, 1);
    let host = Host::start(film.clone(), TAG, |_, _| Plan::Whole).await;
    let cli = Cli::at(&host.url);
    // In blocks of 512 bytes. SIGXFSZ, which the kernel sends at the limit, would end the process.
    let mut shell = cli.command(&[]);
    let program = shell.as_std().get_program().to_owned();
    let mut limited = tokio::process::Command::new("sh");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 2048; exec \"$0\" \"$@\""])
        .arg(program)
        .args(WAIT)
        .current_dir(cli.folder.path());
    for (name, value) in shell.as_std_mut().get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    let output = limited.output().await.unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(7), "{stderr}");
    assert!(
        stderr.contains("a.mp4.part cannot be written: File too large"),
        "{stderr}"
    );
    assert!(
        stderr.contains("resume with: aimlapi-video wait -o a.mp4 g"),
        "{stderr}"
    );
    assert_eq!(cli.files(), ["a.mp4.part", "a.mp4.part.json"]);
    assert_eq!(fs::metadata(cli.path("a.mp4.part")).unwrap().len(), MIB);

    let ran = cli.run(WAIT).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(host.ranges(), [None, Some(format!("bytes={MIB}-"))]);
    assert_eq!(fs::read(cli.path("a.mp4")).unwrap(), film.bytes());
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn download_of_a_gigabyte_takes_less_than_32_mib_of_memory() {
    const LENGTH: u64 = 1024 * MIB;
    // The last byte is held back, so that the process still runs when its memory is read.
    let host = Host::start(Film::new(LENGTH, 1), TAG, |_, _| Plan::Hold(LENGTH - 1)).await;
    let cli = Cli::at(&host.url);
    let mut child = cli.command(WAIT).spawn().unwrap();
    arrived(&cli, &mut child, LENGTH - 1).await;
    let status = fs::read_to_string(format!("/proc/{}/status", child.id().unwrap())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    println!("peak of resident memory: {kib} KiB");
    assert!(kib < 32 * 1024, "{line}");
    host.release();
    assert!(child.wait().await.unwrap().success());
    assert_eq!(fs::metadata(cli.path("a.mp4")).unwrap().len(), LENGTH);
}
