//! The help of `generate MODEL`.

use super::{MODEL, support::cli::Cli};

#[tokio::test]
async fn help_lists_the_flags_of_the_model_before_those_of_the_command() {
    let cli = Cli::new();
    for (command, option) in [
        ("generate", "--help"),
        ("generate", "-h"),
        ("validate", "--help"),
    ] {
        let ran = cli.run(&[command, MODEL, option]).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        let words = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        let about = match command {
            "validate" => "Check requests against their documents",
            _ => "Create a generation, wait for it, and save its video",
        };
        assert!(words.starts_with(about), "{}", ran.stdout);
        let mut at = 0;
        for part in [
            &format!("Parameters of {MODEL}: --prompt <TEXT|@FILE|-> Free text"),
            "[required] [allowed: a string]",
            "--advanced-camera-control.movement-type <VALUE>",
            "[required with --advanced-camera-control] [allowed: \"horizontal\",",
            "--duration <N> Clip length in whole seconds. [allowed: 5, 10]",
            "Request: --image <FILE|URL>",
        ] {
            let found = words[at..].find(part);
            at += found.unwrap_or_else(|| panic!("{part}: {}", ran.stdout));
        }
    }
    // Without a model, the help is that of the command.
    let ran = cli.run(&["generate", "--help"]).await;
    assert!(
        ran.stdout
            .starts_with("Create a generation, wait for it, and save its video\n"),
        "{ran:?}"
    );
    assert!(!ran.stdout.contains("Parameters of"), "{ran:?}");
    let ran = cli.run(&["generate", "acme/new", "--help"]).await;
    assert!(
        ran.stdout.contains("--overwrite")
            && ran.stderr.starts_with("note: unknown model acme/new; "),
        "{ran:?}"
    );
    assert_eq!(ran.code, 0, "{ran:?}");
}
