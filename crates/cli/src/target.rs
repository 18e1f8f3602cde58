//! Where `generate` and `wait` save a video.

use std::{
    fs::File,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
};

use aimlapi_video::{Download, GenerationHandle, ReservedTarget, Saved};
use tempfile::TempDir;

use crate::{
    args::Waiting,
    failure::{self, Failure, error_line},
    sidecar,
    template::{self, Template},
};

/// The value of `-o`.
pub(crate) enum Target {
    /// A folder, in which the file is named after model and id.
    Folder(PathBuf),
    File(PathBuf),
    Template(Template),
    /// Standard output, which receives the video once it is whole and checked in this folder.
    StandardOutput(TempDir),
}

impl Target {
    pub(crate) fn read(waiting: &Waiting) -> Result<Self, Failure> {
        let Some(given) = &waiting.output else {
            return Ok(Self::Folder(PathBuf::new()));
        };
        if is_standard_output(waiting) {
            return standard_output(waiting);
        }
        let path = match Template::read(given)? {
            None => given.clone(),
            Some(template) => match template.literal() {
                Some(path) => path.to_owned(),
                None => return Ok(Self::Template(template)),
            },
        };
        Ok(match Download::is_folder(&path) {
            true => Self::Folder(path),
            false => Self::File(path),
        })
    }

    /// The value of `-o` with the same meaning in any folder; `None` if the current folder is unknown or not text.
    pub(crate) fn absolute(&self) -> Option<String> {
        let current = std::env::current_dir().ok()?;
        current.to_str()?;
        let absolute = |path: &Path| Some(template::escape(&std::path::absolute(path).ok()?));
        match self {
            // An empty path is the current folder; the slash keeps a missing one a folder.
            Self::Folder(folder) => {
                let folder = template::escape(&current.join(folder));
                Some(format!("{}/", folder.trim_end_matches(['/', '\\'])))
            }
            Self::File(path) => absolute(path),
            Self::StandardOutput(_) => None,
            Self::Template(template) => {
                let given = template.to_string();
                match Path::new(&given).is_absolute() {
                    true => Some(given),
                    false => Some(format!("{}/{given}", template::escape(&current))),
                }
            }
        }
    }

    /// Where the first video of a generation is saved, as far as it is known. Without a generation, its name has to be fixed.
    pub(crate) fn video(&self, handle: Option<&GenerationHandle>) -> Option<PathBuf> {
        match self {
            Self::Folder(folder) => Some(folder.join(template::default_name(handle?))),
            Self::File(path) => Some(path.clone()),
            Self::Template(template) => Some(template.path(handle?, None)),
            Self::StandardOutput(_) => None,
        }
    }

    /// Reserves the file before the generation is created and billed. A name that depends on the generation is only checked.
    pub(crate) fn reserve_for_model(
        &self,
        waiting: &Waiting,
        model: &str,
    ) -> Result<Option<ReservedTarget>, Failure> {
        match self {
            Self::File(path) => reserve(path, waiting.overwrite).map(Some),
            Self::Template(template) => template.check(model).map(|()| None),
            Self::Folder(folder) => check_folder(folder).map(|()| None),
            Self::StandardOutput(_) => Ok(None),
        }
    }

    /// The absolute path of the file, where the handle determines it.
    pub(crate) fn file(&self, handle: &GenerationHandle) -> Option<PathBuf> {
        let path = match self {
            Self::File(path) => path.clone(),
            Self::Template(template) if template.is_known(handle) => template.path(handle, None),
            Self::Folder(_) | Self::Template(_) | Self::StandardOutput(_) => return None,
        };
        std::path::absolute(path).ok()
    }

    /// Checks that the video is saved to a file, and that a sidecar beside it replaces no other file.
    pub(crate) fn check_files(&self, sidecar: bool) -> Result<(), Failure> {
        match self {
            Self::StandardOutput(_) => Err(Failure::usage(
                "-o - saves no file; leave --sidecar and --open off, or name a file by -o",
            )),
            Self::File(path) if sidecar => sidecar::check(path),
            _ => Ok(()),
        }
    }

    /// Reserves the file of a generation. A name that the handle does not determine is only checked.
    pub(crate) fn reserve_for_handle(
        &self,
        waiting: &Waiting,
        handle: &GenerationHandle,
    ) -> Result<Option<ReservedTarget>, Failure> {
        match self {
            Self::Template(template) if template.is_known(handle) => {
                reserve(&template.path(handle, None), waiting.overwrite).map(Some)
            }
            _ => self.reserve_for_model(waiting, handle.model().unwrap_or_default()),
        }
    }
}

/// The command that resumes the generation of a failure; `None` where nothing is left to resume.
///
/// It overwrites a file that this command saved. If another program's file has the name, it saves to a new name.
pub(crate) fn resume_command(failure: &Failure, waiting: &Waiting) -> Option<String> {
    let resumable = [
        failure::UNFINISHED,
        failure::NOT_SAVED,
        failure::INTERRUPTED,
    ];
    let handle = failure.handle.as_ref()?;
    if !resumable.contains(&failure.code) {
        return None;
    }
    if is_standard_output(waiting) {
        return Some(failure::resume_command(handle, None, false));
    }
    let path = match Target::read(waiting).ok()? {
        Target::File(path) => path,
        Target::Template(template) if template.is_known(handle) => template.path(handle, None),
        Target::Folder(_) | Target::Template(_) | Target::StandardOutput(_) => {
            let given = waiting.output.as_ref();
            let given = given.map(|given| given.display().to_string());
            let overwrite = waiting.overwrite || !failure.saved.is_empty();
            return Some(failure::resume_command(handle, given.as_deref(), overwrite));
        }
    };
    let is_foreign = |path: &Path| {
        path.symlink_metadata().is_ok() && failure.saved.iter().all(|file| file.path != path)
    };
    // A generation with a saved video may have up to nine videos.
    let further = (2..10).map(|number| with_suffix(&path, &number.to_string()));
    let mut targets = further
        .filter(|_| !failure.saved.is_empty())
        .chain([path.clone()]);
    let (path, overwrite) = if !waiting.overwrite && targets.any(|path| is_foreign(&path)) {
        (free_path(&path)?, false)
    } else {
        let overwrite = waiting.overwrite || !failure.saved.is_empty();
        (path, overwrite)
    };
    let output = template::escape(&path);
    Some(failure::resume_command(handle, Some(&output), overwrite))
}

/// Writes a checked video to standard output.
pub(crate) fn write_out(saved: &[Saved]) -> Result<(), String> {
    let [video] = saved else {
        let count = saved.len();
        return Err(format!(
            "the generation has {count} videos, and standard output takes one"
        ));
    };
    let written = File::open(&video.path).and_then(|mut file| {
        let mut out = io::stdout().lock();
        io::copy(&mut file, &mut out)?;
        out.flush()
    });
    written.map_err(|error| format!("the video cannot be written to standard output: {error}"))
}

fn is_standard_output(waiting: &Waiting) -> bool {
    waiting.output.as_deref() == Some(Path::new("-"))
}

fn standard_output(waiting: &Waiting) -> Result<Target, Failure> {
    if waiting.json {
        return Err(Failure::usage(
            "-o - and --json both write to standard output; leave one of them off",
        ));
    }
    if waiting.ending.exec.is_some() {
        return Err(Failure::usage(
            "-o - saves no file; leave --exec off, or name a file by -o",
        ));
    }
    if io::stdout().is_terminal() {
        return Err(Failure::usage(
            "-o - writes the video to standard output, which is a terminal; redirect it, as by > rain.mp4, or name a file",
        ));
    }
    let folder = tempfile::tempdir().map_err(|error| {
        Failure::usage(format!(
            "-o - checks the video in a temporary folder, which cannot be created: {error}"
        ))
    })?;
    Ok(Target::StandardOutput(folder))
}

/// The value of `-o`, or one for a new name beside it if the file exists.
pub(crate) fn free_output(output: &str) -> PathBuf {
    let template = Template::read(Path::new(output)).ok().flatten();
    let path = match &template {
        None => Path::new(output),
        Some(template) => template.literal().unwrap_or(Path::new("")),
    };
    match path.is_file() {
        true => free_path(path).map_or(output.into(), |path| template::escape(&path).into()),
        false => output.into(),
    }
}

/// A name that no file has yet.
fn free_path(path: &Path) -> Option<PathBuf> {
    let mut others = (1..).map(|number| with_suffix(path, &format!("new{number}")));
    others.find(|path| path.symlink_metadata().is_err())
}

fn check_folder(folder: &Path) -> Result<(), Failure> {
    Download::check_folder(folder).map_err(|error| Failure::unusable(&error))
}

fn reserve(path: &Path, overwrite: bool) -> Result<ReservedTarget, Failure> {
    Download::reserve_target(path, overwrite).map_err(|error| {
        let line = error_line(&error);
        let hint = match line.ends_with("ask to overwrite it") {
            true => " by --overwrite",
            false => "",
        };
        Failure::of(&error, failure::USAGE, line + hint)
    })
}

/// `NAME-SUFFIX.EXT`
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{suffix}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}
