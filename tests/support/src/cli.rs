//! Runs the binary `aimlapi-video` as a user does.

use std::{env, path::PathBuf, process::Stdio};

use serde_json::Value;
use tokio::{io::AsyncWriteExt, process::Command};

use super::KEY;

/// The binary with a temporary folder, and without the environment variables that it reads.
pub struct Cli {
    pub folder: tempfile::TempDir,
    /// The folder of the history, so that no test touches that of the user.
    pub home: tempfile::TempDir,
    pub base: Option<String>,
    pub key: Option<&'static str>,
}

#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Cli {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            home: tempfile::tempdir().unwrap(),
            base: None,
            key: None,
        }
    }

    pub fn at(url: impl Into<String>) -> Self {
        Self {
            base: Some(url.into()),
            key: Some(KEY),
            ..Self::new()
        }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::piped());
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        for name in [
            "AIML_API_KEY",
            "AIMLAPI_API_KEY",
            "AIML_API_BASE",
            "AIMLAPI_API_BASE",
            "AIML_API_SPEED",
            // Each of these variables affects colours.
            "CI",
            "CLICOLOR",
            "CLICOLOR_FORCE",
            "NO_COLOR",
        ] {
            command.env_remove(name);
        }
        command.env("AIMLAPI_VIDEO_HOME", self.home.path());
        command.envs(self.key.map(|key| ("AIML_API_KEY", key)));
        command.envs(self.base.as_ref().map(|base| ("AIML_API_BASE", base)));
        command
    }

    pub async fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, "").await
    }

    pub async fn run_with(&self, arguments: &[&str], input: &str) -> Ran {
        self.run_bytes(arguments, input.as_bytes()).await
    }

    pub async fn run_bytes(&self, arguments: &[&str], input: &[u8]) -> Ran {
        let mut child = self.command(arguments).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A command that does not read closes the pipe first.
        let _ = stdin.write_all(input).await;
        drop(stdin);
        let output = child.wait_with_output().await.unwrap();
        let ran = Ran {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        assert!(
            !ran.stdout.contains(KEY) && !ran.stderr.contains(KEY),
            "{ran:?}"
        );
        ran
    }

    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// The path of the binary, which is built in the same folder as the running test.
pub fn binary() -> PathBuf {
    let test = env::current_exe().unwrap();
    let built = test.ancestors().nth(2).unwrap();
    built.join(format!("aimlapi-video{}", env::consts::EXE_SUFFIX))
}

impl Ran {
    /// The only line with an error.
    pub fn error(&self) -> &str {
        let lines: Vec<&str> = self
            .stderr
            .lines()
            .filter(|line| line.starts_with("error: "))
            .collect();
        assert_eq!(lines.len(), 1, "{self:?}");
        lines[0]
    }

    pub fn json(&self) -> Value {
        assert_eq!(self.stdout.lines().count(), 1, "{self:?}");
        serde_json::from_str(&self.stdout).unwrap()
    }
}

#[cfg(unix)]
pub fn interrupt(child: &tokio::process::Child) {
    let id = child.id().unwrap().to_string();
    assert!(
        std::process::Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
}
