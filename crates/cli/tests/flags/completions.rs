//! Completions, by the shells that this system has.

use std::process::Command;

use super::{
    MODEL,
    support::cli::{Cli, binary},
};

/// The output of a shell that runs a script, in a folder with a picture; `None` if this system has no such shell.
fn run(shell: &str, arguments: &[&str], script: &str) -> Option<String> {
    let cli = Cli::new();
    for name in ["cat.png", "my dog.png", "x*.png", "x1.png"] {
        std::fs::write(cli.path(name), "").unwrap();
    }
    let program = binary();
    let path = std::env::var_os("PATH").unwrap();
    let folders = [program.parent().unwrap().to_owned()]
        .into_iter()
        .chain(std::env::split_paths(&path));
    let mut command = Command::new(shell);
    command
        .args(arguments)
        .arg(script)
        .current_dir(cli.folder.path())
        .env("HOME", cli.folder.path());
    command.env("PATH", std::env::join_paths(folders).unwrap());
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            // `.ci/run` sets it, and installs the shells.
            let is_required = std::env::var_os("REQUIRE_SHELLS").is_some();
            assert!(!is_required, "{shell}: {error}");
            return None;
        }
    };
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Words of a command line, and what completes the last one.
fn cases() -> Vec<(Vec<&'static str>, Vec<&'static str>)> {
    let generate = |words: &[&'static str]| [&["aimlapi-video", "generate", MODEL], words].concat();
    vec![
        (vec!["aimlapi-video", "gener"], vec!["generate"]),
        (
            vec!["aimlapi-video", "generate", "klingai/v2-master-t"],
            vec![MODEL],
        ),
        (
            vec!["aimlapi-video", "schema", "klingai/v2-master-t"],
            vec![MODEL],
        ),
        (
            vec!["aimlapi-video", "batch", "--model", "klingai/v2-master-t"],
            vec![MODEL],
        ),
        (
            vec!["aimlapi-video", "validate", "klingai/v2-master-t"],
            vec![MODEL],
        ),
        (generate(&["--dur"]), vec!["--duration"]),
        (generate(&["--duration", ""]), vec!["5", "10"]),
        (generate(&["--prompt", "x", "--overw"]), vec!["--overwrite"]),
        (
            generate(&["--advanced-camera-control.movement-type", "p"]),
            vec!["pan"],
        ),
        (
            generate(&["--aspect-ratio", ""]),
            vec!["16:9", "9:16", "1:1"],
        ),
        (generate(&["--image", "c"]), vec!["cat.png"]),
    ]
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("'{word}' ")).collect()
}

#[test]
fn bash_completes_models_flags_and_values() {
    let split_at = |words: &[&'static str]| [&["aimlapi-video", "generate", MODEL], words].concat();
    // bash splits words at = and :, and replaces the last part alone.
    let split = [
        (split_at(&["--image", "my"]), vec![r"my\ dog.png"]),
        (split_at(&["--image", "x"]), vec![r"x\*.png", "x1.png"]),
        (
            split_at(&["--aspect-ratio", "="]),
            vec!["16:9", "9:16", "1:1"],
        ),
        (split_at(&["--aspect-ratio", "=", "9"]), vec!["9:16"]),
        (split_at(&["--aspect-ratio", "16", ":"]), vec!["9"]),
        (
            split_at(&["--aspect-ratio", "=", "16", ":", "9", "--dur"]),
            vec!["--duration"],
        ),
    ];
    for (words, expected) in cases().into_iter().chain(split) {
        let script = format!(
            "source <(aimlapi-video completions bash); complete=$(complete -p aimlapi-video); complete=${{complete#*-F }}; \
             COMP_WORDS=({}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); ${{complete%% *}}; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            quoted(&words)
        );
        let Some(completed) = run("bash", &["--norc", "-c"], &script) else {
            return;
        };
        assert_eq!(completed.lines().collect::<Vec<_>>(), expected, "{words:?}");
    }
}

#[test]
fn fish_completes_models_flags_and_values() {
    for (words, expected) in cases() {
        let line = words.join(" ");
        let script = format!("aimlapi-video completions fish | source; complete -C '{line}'");
        let Some(completed) = run("fish", &["--no-config", "-c"], &script) else {
            return;
        };
        // A description follows the tab.
        let values = completed
            .lines()
            .map(|line| line.split('\t').next().unwrap());
        assert_eq!(values.collect::<Vec<_>>(), expected, "{words:?}");
    }
}

#[test]
fn zsh_completes_models_flags_and_values() {
    for (words, expected) in cases() {
        // The functions of zsh's completion system, which works with a terminal alone.
        let script = format!(
            "compdef() {{ complete=$1 }}; _describe() {{ print -rl -- ${{(P)@[3]}} }}; \
             eval \"$(aimlapi-video completions zsh)\"; words=({}); CURRENT=${{#words}}; $complete",
            quoted(&words)
        );
        let Some(completed) = run("zsh", &["-f", "-c"], &script) else {
            return;
        };
        // A description follows a colon; a colon of the value is escaped.
        let value = |line: &str| {
            let line = line.replace("\\:", "\0");
            line.split(':').next().unwrap().replace('\0', ":")
        };
        assert_eq!(
            completed.lines().map(value).collect::<Vec<_>>(),
            expected,
            "{words:?}"
        );
    }
}

#[tokio::test]
async fn every_shell_has_a_script_that_asks_the_program() {
    let cli = Cli::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ran = cli.run(&["completions", shell]).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(
            ran.stdout.contains("AIMLAPI_VIDEO_COMPLETE") && ran.stdout.contains("aimlapi-video"),
            "{ran:?}"
        );
    }
}

#[tokio::test]
async fn powershell_receives_each_candidate_with_its_description() {
    let cli = Cli::new();
    let words = ["--", "aimlapi-video", "generate", MODEL, "--dur"];
    let output = cli
        .command(&words)
        .env("AIMLAPI_VIDEO_COMPLETE", "powershell")
        .output()
        .await
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        text,
        "--duration\tClip length in whole seconds. [allowed: 5, 10]\n"
    );
}
