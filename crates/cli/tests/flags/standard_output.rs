//! `-o -`.

use aimlapi_video_simulator::Simulator;
use serde_json::json;

use super::{MODEL, support::cli::Cli};

const SIMULATED: [&str; 7] = [
    "generate",
    MODEL,
    "--prompt",
    "x",
    "--simulate",
    "--speed",
    "100000",
];

#[tokio::test]
async fn video_on_standard_output_is_whole_and_leaves_no_file() {
    let cli = Cli::new();
    let mut command = cli.command(&[&SIMULATED[..], &["-o", "-"]].concat());
    command.env("TMPDIR", cli.folder.path());
    let output = command.output().await.unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{errors}");
    assert_eq!(&output.stdout[4..8], b"ftyp");
    let written = format!("wrote {} bytes to standard output", output.stdout.len());
    assert!(
        errors.contains("created ") && errors.contains(&written),
        "{errors}"
    );
    assert!(cli.files().is_empty(), "{:?}", cli.files());
}

#[tokio::test]
async fn standard_output_that_is_a_terminal_or_holds_json_is_refused() {
    let cli = Cli::new();
    let run = [&SIMULATED[..], &["-o", "-"]].concat();
    let ran = cli.run(&[&run[..], &["--json"]].concat()).await;
    assert!(
        ran.code == 2 && ran.error().contains("-o - and --json both write"),
        "{ran:?}"
    );
    let shown = super::support::terminal::run(cli.command(&run), 40, 200).await;
    let text = shown.text();
    assert!(
        shown.code == 2 && text.contains("which is a terminal; redirect it"),
        "{text}"
    );
    assert!(!text.contains("created "), "{text}");
}

#[tokio::test]
async fn closed_standard_output_leaves_a_command_that_saves_the_video() {
    let simulator = Simulator::builder().speed(100_000.0).start().await.unwrap();
    let cli = Cli::at(simulator.url());
    let run = [
        "generate", MODEL, "--prompt", "x", "--speed", "100000", "-o", "-",
    ];
    let mut child = cli.command(&run).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().await.unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(7), "{errors}");
    let resume = errors
        .lines()
        .find_map(|line| line.strip_prefix("resume with: aimlapi-video "))
        .unwrap();
    let mut resume: Vec<&str> = resume
        .split(' ')
        .map(|word| word.trim_matches('\''))
        .collect();
    assert!(!resume.contains(&"-o"), "{errors}");
    resume.extend(["-o", "a.mp4", "--speed", "100000"]);
    let ran = cli.run(&resume).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(cli.files(), ["a.mp4"]);
    resume.truncate(resume.len() - 4);
    resume.extend(["-o", "-", "--speed", "100000"]);
    let output = cli.command(&resume).output().await.unwrap();
    assert_eq!(output.stdout, std::fs::read(cli.path("a.mp4")).unwrap());
}

#[tokio::test]
async fn history_of_a_video_on_standard_output_has_no_file() {
    let simulator = Simulator::builder().speed(100_000.0).start().await.unwrap();
    let cli = Cli::at(simulator.url());
    let run = [
        "generate", MODEL, "--prompt", "x", "--speed", "100000", "-o", "-",
    ];
    let output = cli.command(&run).output().await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let history = cli.run(&["history", "--json"]).await.json();
    assert_eq!(
        (&history[0]["state"], &history[0]["files"]),
        (&json!("saved"), &json!([])),
        "{history}"
    );
}
