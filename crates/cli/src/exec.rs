//! `--exec`: a program for each saved video, without a shell.

use std::{
    ffi::{OsStr, OsString},
    io::{self, Read},
    path::Path,
    process::{ExitStatus, Stdio},
    str::FromStr,
    time::Duration,
};

use tempfile::NamedTempFile;
use tokio::{process::Command, time::timeout};

use crate::{
    failure::{EXEC_FAILED, Failure, INTERRUPTED, Kind, shell_quoted},
    interrupt::Interrupt,
};

/// The program and its arguments; `{}` in them stands for the path of the video.
#[derive(Clone, Debug)]
pub(crate) struct Exec(Vec<String>);

impl FromStr for Exec {
    type Err = String;

    /// Splits a text into words as a POSIX shell does. Without `{}`, the path is the last word.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = shlex::split(text).ok_or("a quote or a backslash has no end")?;
        if words.first().is_none_or(String::is_empty) {
            return Err("expected a program and its arguments, such as 'cp {} backup/'".into());
        }
        if !words.iter().any(|word| word.contains(PATH)) {
            words.push(PATH.into());
        }
        Ok(Self(words))
    }
}

const PATH: &str = "{}";

/// How long after the end of a program an interrupt may be seen.
const INTERRUPT_DELAY: Duration = Duration::from_millis(100);

impl Exec {
    /// Runs the program for each video, with its output on standard error.
    pub(crate) async fn run(
        &self,
        videos: impl Iterator<Item = &Path>,
        interrupt: &mut Interrupt,
    ) -> Result<(), Failure> {
        for video in videos {
            let ran = async { self.command(video).stdout(io::stderr()).status().await };
            let judged = tokio::select! {
                biased;
                () = interrupt.received() => return Err(self.interrupted(video)),
                ran = ran => self.judge(video, ran),
            };
            let Err(failure) = judged else { continue };
            // Ctrl-C reaches the program, too, and its end may be seen first.
            let interrupted = timeout(INTERRUPT_DELAY, interrupt.received()).await;
            return Err(interrupted.map_or(failure, |()| self.interrupted(video)));
        }
        Ok(())
    }

    /// Runs the program for each video; returns also what it wrote, for callers that draw on standard error meanwhile.
    pub(crate) async fn collect(
        &self,
        videos: impl Iterator<Item = &Path>,
    ) -> (Vec<u8>, Result<(), Failure>) {
        let mut written = Vec::new();
        for video in videos {
            let ran = self.run_into(&mut written, video).await;
            if let Err(failure) = self.judge(video, ran) {
                return (written, Err(failure));
            }
        }
        (written, Ok(()))
    }

    /// The output goes to a file: the end of a pipe would be that of every process that the program leaves behind.
    async fn run_into(&self, written: &mut Vec<u8>, video: &Path) -> io::Result<ExitStatus> {
        let mut file = NamedTempFile::new()?;
        let output = file.reopen()?;
        let mut command = self.command(video);
        command.stdout(output.try_clone()?).stderr(output);
        let status = command.status().await?;
        file.read_to_end(written)?;
        Ok(status)
    }

    /// The name of the program.
    pub(crate) fn program(&self) -> &str {
        &self.0[0]
    }

    fn command(&self, video: &Path) -> Command {
        let words = self.words(video);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(Stdio::null());
        // An interrupt drops the future that waits for the program.
        command.kill_on_drop(true);
        // It needs no key, and may print its environment.
        command.env_remove("AIML_API_KEY");
        command.env_remove("AIMLAPI_API_KEY");
        command
    }

    fn words(&self, video: &Path) -> Vec<OsString> {
        // A relative path may begin with a dash.
        let video = std::path::absolute(video).unwrap_or_else(|_| video.to_owned());
        let word = |word: &String| {
            let pieces: Vec<&OsStr> = word.split(PATH).map(OsStr::new).collect();
            pieces.join(video.as_os_str())
        };
        self.0.iter().map(word).collect()
    }

    fn judge(&self, video: &Path, ran: io::Result<ExitStatus>) -> Result<(), Failure> {
        let why = match ran {
            Ok(status) if status.success() => return Ok(()),
            Ok(status) => status.to_string(),
            Err(error) => format!("it cannot be started: {error}"),
        };
        Err(self.failure(video, EXEC_FAILED, &format!("failed: {why}")))
    }

    fn interrupted(&self, video: &Path) -> Failure {
        self.failure(video, INTERRUPTED, "was interrupted")
    }

    fn failure(&self, video: &Path, code: u8, what: &str) -> Failure {
        let words = self.words(video);
        let words: Vec<String> = words
            .iter()
            .map(|word| shell_quoted(&word.to_string_lossy()))
            .collect();
        let message = format!("the video is saved, but `{}` {what}", words.join(" "));
        Failure::new(code, Kind::ExecFailed, message)
    }
}

/// An interrupt before the program has ended.
pub(crate) fn interrupted() -> Failure {
    let message = "the video is saved, but --exec was interrupted";
    Failure::new(INTERRUPTED, Kind::ExecFailed, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_the_path_in_place_of_braces_or_at_the_end() {
        let path = std::path::absolute("-a b.mp4").expect("a path");
        let shown = path.display();
        for (text, expected) in [
            (
                "cp {} backup/",
                vec!["cp".into(), shown.to_string(), "backup/".into()],
            ),
            (
                "mpv --loop",
                vec!["mpv".into(), "--loop".into(), shown.to_string()],
            ),
            (
                "tag 'n={},{}' \"x y\"",
                vec!["tag".into(), format!("n={shown},{shown}"), "x y".into()],
            ),
        ] {
            let exec: Exec = text.parse().expect("words");
            let expected: Vec<OsString> = expected.into_iter().map(Into::into).collect();
            assert_eq!(exec.words(Path::new("-a b.mp4")), expected, "{text}");
        }
        for text in ["", " ", "cp 'x", "cp \\", "'' {}"] {
            assert!(text.parse::<Exec>().is_err(), "{text}");
        }
    }
}
