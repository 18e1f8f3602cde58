//! Colours, progress and failed polls, in a terminal and in redirected output.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::io::Write;

use serde_json::json;
use support::{
    Server,
    cli::{Cli, interrupt},
    http,
    terminal::Terminal,
};
use tokio::sync::mpsc;

const MODEL: &str = "klingai/v2-master-text-to-video";
const SIMULATED: [&str; 7] = [
    "generate",
    MODEL,
    "--prompt",
    "x",
    "--simulate",
    "--speed",
    "300",
];

/// A service whose polls fail from the second one on, `failures` times, and whose generation then completes.
async fn failing(failures: usize) -> Server {
    let polls = std::sync::atomic::AtomicUsize::new(0);
    Server::start(move |_, request| {
        if !request.target.contains("generation_id=") {
            return http(200, &[("content-type", "video/mp4")], support::files::CLIP);
        }
        let poll = polls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let url = format!("http://{}/v.mp4", request.header("host").unwrap());
        match poll {
            0 => support::json(200, json!({ "id": "g", "status": "generating" })),
            poll if poll <= failures => support::json(502, json!({ "message": "bad gateway" })),
            _ => support::json(
                200,
                json!({ "id": "g", "status": "completed", "video": { "url": url } }),
            ),
        }
    })
    .await
}

const WAIT: [&str; 6] = ["wait", "g", "--speed", "20", "-o", "a.mp4"];

#[tokio::test]
async fn equal_poll_failures_are_two_lines_in_redirected_output() {
    let server = failing(4).await;
    let ran = Cli::at(server.url()).run(&WAIT).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let lines: Vec<&str> = ran
        .stderr
        .lines()
        .filter(|line| line.contains("failed"))
        .collect();
    let [first, last] = lines[..] else {
        panic!("{ran:?}");
    };
    assert!(first.starts_with("a poll failed, retrying: ") && first.contains("bad gateway"));
    assert!(last.starts_with("4 polls failed in ") && last.contains(", and polls succeed again: "));
}

#[tokio::test]
async fn poll_failures_are_not_printed_with_quiet() {
    let server = failing(4).await;
    let quiet = [&WAIT[..], &["--quiet"]].concat();
    let ran = Cli::at(server.url()).run(&quiet).await;
    assert!(ran.code == 0 && !ran.stderr.contains("failed"), "{ran:?}");
}

#[tokio::test]
async fn equal_poll_failures_are_one_line_with_a_count_in_a_terminal() {
    let server = failing(4).await;
    let mut command = Cli::at(server.url()).command(&WAIT);
    let cli = Cli::new();
    command.current_dir(cli.folder.path()).env("TERM", "xterm");
    let shown = support::terminal::run(command, 24, 120).await;
    assert_eq!(shown.code, 0, "{}", shown.text());
    let counts = |screen: &Vec<String>| {
        let rows = screen.iter().filter(|row| row.contains("failed"));
        rows.cloned().collect::<Vec<_>>()
    };
    let counts: Vec<Vec<String>> = shown.screens.iter().map(counts).collect();
    assert!(counts.iter().all(|rows| rows.len() <= 1), "{counts:#?}");
    let is_live = |row: &String| row.contains(" polls failed in ") && row.contains(", retrying: ");
    assert!(counts.iter().flatten().any(is_live), "{counts:#?}");
    let last = counts.last().unwrap().concat();
    assert!(last.contains(", and polls succeed again: "), "{last}");
}

#[tokio::test]
async fn interrupt_in_a_terminal_leaves_no_row_and_prints_how_to_go_on() {
    let (sender, mut polled) = mpsc::unbounded_channel();
    let server = Server::start(move |_, _| {
        let _ = sender.send(());
        support::json(200, json!({ "id": "g", "status": "generating" }))
    })
    .await;
    for size in [(24, 80), (10, 30)] {
        let cli = Cli::at(server.url());
        let mut command = cli.command(&["wait", "g", "--speed", "20"]);
        command.env("TERM", "xterm");
        let mut terminal = Terminal::start(command, size.0, size.1);
        for _ in 0..2 {
            polled.recv().await.unwrap();
        }
        // The terminal echoes them, as it echoes ctrl-c.
        terminal.keyboard.write_all(b"^C").unwrap();
        polled.recv().await.unwrap();
        interrupt(&terminal.child);
        let shown = terminal.end().await;
        assert_eq!(shown.code, 130);
        let drawn = |row: &&String| row.starts_with("generating ");
        assert!(shown.screens.iter().flatten().any(|row| drawn(&row)));
        let last = shown.last();
        assert!(
            !last.iter().any(|row| drawn(&row) || row.contains("^C")),
            "{last:?}"
        );
        let text = last.concat();
        assert!(
            text.ends_with("error: interruptedresume with: aimlapi-video wait g"),
            "{last:?}"
        );
    }
}

#[tokio::test]
async fn colours_follow_the_stream_the_environment_and_the_option() {
    let cli = Cli::new();
    let wrong = ["generate", MODEL, "--prompt", "x", "--set", "duration=9"];
    let misspelled = ["generate", MODEL, "--promt", "x"];
    for (arguments, variables, option, is_coloured) in [
        (&wrong[..], &[][..], None, false),
        (&wrong, &[("CLICOLOR_FORCE", "1")], None, true),
        (
            &wrong,
            &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")],
            None,
            false,
        ),
        (&wrong, &[("NO_COLOR", "1")], Some("always"), true),
        (&wrong, &[("CLICOLOR_FORCE", "1")], Some("never"), false),
        (&misspelled, &[], None, false),
        (&misspelled, &[("CLICOLOR_FORCE", "1")], None, true),
        (&misspelled, &[("NO_COLOR", "1")], Some("always"), true),
        (
            &misspelled,
            &[("CLICOLOR_FORCE", "1")],
            Some("never"),
            false,
        ),
    ] {
        let mut command = cli.command(arguments);
        command.args(option.map(|option| format!("--color={option}")));
        command.envs(variables.iter().copied());
        let output = command.output().await.unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{errors}");
        let starts = errors.starts_with("\x1b[") && errors.contains("error:\x1b[0m");
        assert_eq!(
            starts, is_coloured,
            "{arguments:?} {variables:?} {option:?}: {errors:?}"
        );
        assert_eq!(errors.contains('\x1b'), is_coloured, "{errors:?}");
    }
}

#[tokio::test]
async fn terminal_has_colours_unless_the_environment_or_the_option_refuses_them() {
    for (variable, options, is_coloured) in [
        (("LANG", "C"), &[][..], true),
        (("NO_COLOR", "1"), &[], false),
        (("CLICOLOR", "0"), &[], false),
        (("LANG", "C"), &["--color", "never"], false),
    ] {
        let cli = Cli::new();
        let mut command = cli.command(&[&SIMULATED[..], options].concat());
        command.env("TERM", "xterm").env(variable.0, variable.1);
        let shown = support::terminal::run(command, 24, 80).await;
        assert_eq!(shown.code, 0, "{}", shown.text());
        for coloured in [
            "\x1b[36mgenerating\x1b[0m ",
            "\x1b[32msaved\x1b[0m ",
            "\x1b[35m0.25 USD",
        ] {
            assert_eq!(
                shown.text().contains(coloured),
                is_coloured,
                "{:?}",
                shown.text()
            );
        }
        assert!(shown.text().contains("generating"));
    }
}

#[tokio::test]
async fn long_error_breaks_between_words_in_a_terminal_and_nowhere_in_redirected_output() {
    let wrong = [
        "generate",
        MODEL,
        "--prompt",
        "x",
        "--set",
        "duration=9",
        "--set",
        "mood=grim",
    ];
    let wrong = [&wrong[..], &["--aspect-ratio", "wide"]].concat();
    let cli = Cli::new();
    let piped = cli.run(&wrong).await;
    let words: Vec<&str> = piped.error().split(' ').collect();
    for columns in [40, 80] {
        let shown = support::terminal::run(cli.command(&wrong), 24, columns).await;
        assert_eq!(shown.code, 2);
        let rows = shown.last();
        assert!(rows.len() > 1, "{rows:?}");
        let read: Vec<&str> = rows.iter().flat_map(|row| row.split_whitespace()).collect();
        assert_eq!(read, words, "{rows:?}");
    }
}

#[tokio::test]
async fn json_and_quiet_draw_nothing_in_a_terminal() {
    for (option, has_states) in [("--json", true), ("--quiet", false)] {
        let cli = Cli::new();
        let mut command = cli.command(&SIMULATED);
        command.arg(option).env("TERM", "xterm");
        let shown = support::terminal::run(command, 24, 80).await;
        assert_eq!(shown.code, 0, "{}", shown.text());
        assert!(!shown.text().contains("\x1b[A") && !shown.text().contains("\x1b[J"));
        assert_eq!(
            shown.text().contains("generating"),
            has_states,
            "{}",
            shown.text()
        );
        assert!(shown.text().contains("created "), "{}", shown.text());
    }
}

#[tokio::test]
async fn bell_rings_at_the_end_of_a_success_and_of_a_failure_in_a_terminal_alone() {
    let cli = Cli::new();
    for (arguments, code) in [
        (&[&SIMULATED[..], &["-o", "a.mp4", "--bell"]].concat(), 0),
        (&[&SIMULATED[..], &["-o", "a.mp4", "--bell"]].concat(), 2),
        (&SIMULATED.to_vec(), 0),
    ] {
        let shown = support::terminal::run(cli.command(arguments), 24, 80).await;
        assert_eq!(shown.code, code, "{}", shown.text());
        let rings = arguments.contains(&"--bell");
        assert_eq!(shown.bytes.ends_with(b"\x07"), rings, "{}", shown.text());
    }
    let ran = cli
        .run(&[&SIMULATED[..], &["-o", "b.mp4", "--bell"]].concat())
        .await;
    assert!(!ran.stderr.contains('\x07'), "{ran:?}");
}
