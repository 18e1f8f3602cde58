//! `--exec`: a program for each saved video, without a shell.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
    process::{ExitStatus, Stdio},
    str::FromStr,
};

use tokio::process::Command;

use crate::{
    failure::{EXEC_FAILED, Failure, Kind, shell_quoted},
    output::print_note,
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

impl Exec {
    /// Runs the program for each video, with its output on standard error.
    pub(crate) async fn run(&self, videos: impl Iterator<Item = &Path>) -> Result<(), Failure> {
        for video in videos {
            let ran = self.command(video).stdout(std::io::stderr()).status().await;
            self.judge(video, ran)?;
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
            let ran = self.command(video).output().await;
            let status = ran.map(|output| {
                written.extend([output.stdout, output.stderr].concat());
                output.status
            });
            if let Err(failure) = self.judge(video, status) {
                return (written, Err(failure));
            }
        }
        (written, Ok(()))
    }

    /// The name of the program.
    pub(crate) fn program(&self) -> &str {
        &self.0[0]
    }

    fn command(&self, video: &Path) -> Command {
        let words = self.words(video);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(Stdio::null());
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

    fn judge(&self, video: &Path, ran: std::io::Result<ExitStatus>) -> Result<(), Failure> {
        let why = match ran {
            Ok(status) if status.success() => return Ok(()),
            Ok(status) => status.to_string(),
            Err(error) => format!("it cannot be started: {error}"),
        };
        let words = self.words(video);
        let words: Vec<String> = words
            .iter()
            .map(|word| shell_quoted(&word.to_string_lossy()))
            .collect();
        let message = format!(
            "the video is saved, but `{}` failed: {why}",
            words.join(" ")
        );
        Err(Failure::new(EXEC_FAILED, Kind::ExecFailed, message))
    }
}

/// Prints that an interrupt has kept programs from running.
pub(crate) fn note_skipped(videos: usize) {
    if videos > 0 {
        print_note(format!(
            "note: --exec has not ended for {videos} saved videos, and later runs do not repeat it"
        ));
    }
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
