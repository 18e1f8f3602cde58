//! Runs the binary as a user does.

use std::process::{Command, Output, Stdio};

pub const KEY: &str = "secret-4711";

/// The API key of an engine.
pub const ENGINE_KEY: &str = "engine-secret-0815";

pub const MODEL: &str = "klingai/v2-master-text-to-video";

/// The binary in a temporary folder, without the environment variables that it reads.
pub struct Program {
    pub folder: tempfile::TempDir,
    pub queue: String,
}

#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Program {
    pub fn new(queue: impl Into<String>) -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            queue: queue.into(),
        }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aimlapi-video-worker"));
        for (name, _) in std::env::vars() {
            let prefixes = ["AIML", "AWS_", "AZURE_", "GOOGLE_", "RUST_LOG", "TEMPORAL_"];
            if prefixes.iter().any(|prefix| name.starts_with(prefix)) {
                command.env_remove(name);
            }
        }
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("AIMLAPI_VIDEO_QUEUE", &self.queue)
            .env("AIML_API_KEY", KEY)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().expect("the program runs"))
    }

    /// Writes a file of requests, each with a key and a prompt.
    pub fn requests(&self, file: &str, jobs: &[(&str, &str)]) {
        let line = |(key, prompt): &(&str, &str)| {
            format!("{{\"job\": \"{key}\", \"model\": \"{MODEL}\", \"prompt\": \"{prompt}\"}}\n")
        };
        let text: String = jobs.iter().map(line).collect();
        std::fs::write(self.folder.path().join(file), text).expect("written");
    }
}

impl Ran {
    pub fn of(output: Output) -> Self {
        let ran = Self {
            code: output.status.code().expect("an exit code"),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        };
        for key in [KEY, ENGINE_KEY] {
            assert!(
                !ran.stdout.contains(key) && !ran.stderr.contains(key),
                "{ran:?}"
            );
        }
        ran
    }

    /// The lines with errors.
    pub fn errors(&self) -> Vec<&str> {
        let errors = self.stderr.lines();
        errors
            .filter_map(|line| line.strip_prefix("error: "))
            .collect()
    }

    /// Asserts the exit code, no result, and one line of error with these parts.
    pub fn assert_error(&self, code: i32, parts: &[&str]) {
        assert_eq!((self.code, &*self.stdout), (code, ""), "{self:?}");
        let errors = self.errors();
        assert_eq!(errors.len(), 1, "{self:?}");
        for part in parts {
            assert!(errors[0].contains(part), "{part}: {self:?}");
        }
    }
}
