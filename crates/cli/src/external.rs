//! The commands of the program `aimlapi-video-worker`, which is a package of its own: it depends on an engine that most users do
//! not need.

use std::{
    env, io,
    process::{Command, ExitCode},
};

use crate::failure::Failure;

const PROGRAM: &str = "aimlapi-video-worker";

/// Runs a command of the program, and ends with its exit code.
pub(crate) fn run(command: &str) -> ExitCode {
    let mut program = Command::new(PROGRAM);
    program.args(env::args_os().skip_while(|word| word != command));
    match replace_process(&mut program) {
        Ok(code) => code,
        Err(error) => Failure::usage(unusable(command, &error)).report(false, None),
    }
}

/// Replaces this process, so that signals reach the program.
#[cfg(unix)]
fn replace_process(program: &mut Command) -> io::Result<ExitCode> {
    use std::os::unix::process::CommandExt;

    Err(program.exec())
}

#[cfg(not(unix))]
fn replace_process(program: &mut Command) -> io::Result<ExitCode> {
    let code = program.status()?.code();
    let code = code.and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

fn unusable(command: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => format!(
            "`{command}` needs the program {PROGRAM}, which is not on the PATH; install it with `cargo install {PROGRAM}`"
        ),
        _ => format!("{PROGRAM} cannot be run: {error}; check the file of this name on the PATH"),
    }
}
