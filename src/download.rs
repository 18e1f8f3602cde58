//! Bringing a video home: whole under its own name, or not at all.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    time::Duration,
};

use reqwest::{Url, redirect};
use tokio::io::AsyncWriteExt;

use crate::{Error, ErrorKind, Generation, Video, error::WaitState, uri::redacted};

/// A download of the videos of a generation, made by [`Client::download`](crate::Client::download).
///
/// Each file is streamed to a temporary one beside the target and takes its own name when it is whole. Neither the key
/// nor any header of the API goes to the host that serves it, and the link is asked for byte for byte as the service
/// wrote it.
///
/// # Default
///
/// - an existing file is kept, and the download refused
/// - links must be `https`; `http` passes where the client's own base URL is on this machine, or its builder allows it
/// - five redirects
/// - 2 GiB a file at most
/// - 60 s without a byte end it; there is no limit on the whole
#[must_use = "a download does nothing until it is given a target"]
pub struct Download<'a> {
    http: reqwest::Client,
    allow_http: bool,
    generation: &'a Generation,
    overwrite: bool,
    max_bytes: u64,
    progress: Option<Box<dyn FnMut(Received) + Send + 'a>>,
}

/// How much of a video has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// Which video, counted from 0.
    pub index: usize,
    /// Bytes so far.
    pub bytes: u64,
    /// Bytes in all, as the answer's header or else the generation states them.
    pub total: Option<u64>,
}

/// A video that was saved.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Saved {
    /// Where.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// The media type: what the host said, else what the generation stated.
    pub content_type: Option<String>,
    /// What the generation stated about the file and turned out otherwise, in words.
    pub disagreement: Option<String>,
}

impl<'a> Download<'a> {
    pub(crate) fn new(http: reqwest::Client, allow_http: bool, generation: &'a Generation) -> Self {
        Self {
            http,
            allow_http,
            generation,
            overwrite: false,
            max_bytes: 2 * 1024 * 1024 * 1024,
            progress: None,
        }
    }

    /// Replaces a file that is already there, once the new one is whole.
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// The most bytes that the file may have.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Is called for every piece that arrives.
    pub fn on_progress(mut self, progress: impl FnMut(Received) + Send + 'a) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }

    /// Looks whether a file could be written to `path`, before anything is paid for: that it names a file, that there is
    /// none yet (unless one may be overwritten), and that its folder takes new files.
    ///
    /// # Errors
    ///
    /// [`Io`](ErrorKind::Io) with the reason.
    pub fn check_target(path: impl AsRef<Path>, overwrite: bool) -> Result<(), Error> {
        let path = path.as_ref();
        Target::check(path, overwrite)?;
        Target::create(path, overwrite).map(drop)
    }

    /// Downloads the first video to `path`, a second one to `NAME-2.EXT` beside it, and so on.
    ///
    /// # Errors
    ///
    /// - [`MissingVideo`](ErrorKind::MissingVideo): there is none to download.
    /// - [`Io`](ErrorKind::Io): a target exists, or cannot be written.
    /// - [`Download`](ErrorKind::Download): a link cannot be used, its host does not answer or refuses, a file breaks off
    ///   or is too large.
    ///
    /// Each carries the generation's [handle](Error::handle). A video that fails does not keep the others from being
    /// tried: [`Error::saved`] lists those that are whole. Of a video that failed nothing is left behind, and a file that
    /// was there is as it was.
    ///
    /// # Cancel safety
    ///
    /// Safe: dropping the future removes the part of a file that has arrived.
    pub async fn to_file(mut self, path: impl AsRef<Path>) -> Result<Vec<Saved>, Error> {
        let path = path.as_ref();
        let videos = self.generation.videos();
        let targets: Vec<PathBuf> = (0..videos.len())
            .map(|index| numbered(path, index))
            .collect();
        let checked = targets
            .iter()
            .try_for_each(|target| Target::check(target, self.overwrite));
        let (mut saved, mut failed) = (Vec::new(), checked.err());
        if videos.is_empty() {
            let what = "the generation holds no video to save";
            failed = Some(Error::new(ErrorKind::MissingVideo, what));
        }
        if failed.is_none() {
            for (index, (video, target)) in videos.iter().zip(targets).enumerate() {
                match self.one(index, video, target).await {
                    Ok(file) => saved.push(file),
                    Err(error) => failed = failed.or(Some(error)),
                }
            }
        }
        match failed {
            None => Ok(saved),
            Some(error) => Err(self.told(error).with_saved(saved)),
        }
    }

    /// The error with all that is known of the generation.
    fn told(&self, error: Error) -> Error {
        let generation = self.generation;
        let handle = generation
            .handle()
            .cloned()
            .or_else(|| generation.id().map(Into::into));
        let Some(handle) = handle else { return error };
        error.with_wait(WaitState {
            handle,
            last: Some(generation.clone()),
            elapsed: Duration::ZERO,
            polls: 0,
            answered: 0,
            budget_delay: Duration::ZERO,
        })
    }

    async fn one(&mut self, index: usize, video: &Video, path: PathBuf) -> Result<Saved, Error> {
        let target = Target::create(&path, self.overwrite)?;
        let mut response = self.request(video).await?;
        let length = response.content_length();
        let total = length.or(video.file_size);
        if length.is_some_and(|length| length > self.max_bytes) {
            return Err(self.too_large());
        }
        let content_type = response
            .headers()
            .get(reqwest::header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .map(str::to_owned);

        let mut file = target.writer()?;
        let failed = |error: io::Error| io_error(&path, "cannot be written", error);
        let mut bytes = 0u64;
        while let Some(chunk) = response.chunk().await.map_err(|error| {
            let message = format!(
                "the video broke off after {bytes} bytes: {}",
                redacted(&video.url)
            );
            Error::new(ErrorKind::Download, message).with_source(error.without_url())
        })? {
            bytes += chunk.len() as u64;
            if bytes > self.max_bytes {
                return Err(self.too_large());
            }
            file.write_all(&chunk).await.map_err(failed)?;
            if let Some(progress) = &mut self.progress {
                progress(Received {
                    index,
                    bytes,
                    total,
                });
            }
        }
        if let Some(length) = length.filter(|length| *length != bytes) {
            let message = format!("the video has {bytes} bytes, but its host announced {length}");
            return Err(Error::new(ErrorKind::Download, message));
        }
        if bytes == 0 {
            return Err(Error::new(
                ErrorKind::Download,
                "the video's host sent an empty file",
            ));
        }
        file.flush().await.map_err(failed)?;
        file.sync_all().await.map_err(failed)?;
        drop(file);
        target.keep()?;
        let disagreement = disagreement(video, bytes, content_type.as_deref());
        Ok(Saved {
            path,
            bytes,
            content_type: content_type.or_else(|| video.content_type.clone()),
            disagreement,
        })
    }

    async fn request(&self, video: &Video) -> Result<reqwest::Response, Error> {
        let link = redacted(&video.url);
        let url = Url::parse(&video.url)
            .ok()
            .filter(|url| is_allowed(url, self.allow_http))
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::Download,
                    format!("the video's link is no https link: {link}"),
                )
            })?;
        let response = self.http.get(url).send().await.map_err(|error| {
            Error::new(
                ErrorKind::Download,
                format!("the video's host could not be asked: {link}"),
            )
            .with_source(error.without_url())
        })?;
        let status = response.status();
        if !status.is_success() {
            let message = format!("the video's host answered {status} for {link}");
            return Err(Error::new(ErrorKind::Download, message));
        }
        Ok(response)
    }

    fn too_large(&self) -> Error {
        let message = format!(
            "the video is larger than the limit of {} bytes; raise `max_bytes`",
            self.max_bytes
        );
        Error::new(ErrorKind::Download, message)
    }
}

impl fmt::Debug for Download<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

/// The name of the video at `index`: the first has the target's own, a second is `NAME-2.EXT`.
fn numbered(path: &Path, index: usize) -> PathBuf {
    if index == 0 {
        return path.to_owned();
    }
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{}", index + 1));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// The rule for following redirects: few, and each to a link that would have been allowed at first.
pub(crate) fn redirects(allow_http: bool) -> redirect::Policy {
    redirect::Policy::custom(move |attempt| {
        if attempt.previous().len() > REDIRECTS {
            attempt.error("too many redirects")
        } else if is_allowed(attempt.url(), allow_http) {
            attempt.follow()
        } else {
            attempt.error("redirected to a link that is no https link")
        }
    })
}

/// How long a download may stand still.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

const REDIRECTS: usize = 5;

fn is_allowed(url: &Url, allow_http: bool) -> bool {
    url.scheme() == "https" || (allow_http && url.scheme() == "http")
}

/// A temporary file beside the target, gone unless it is kept.
struct Target<'a> {
    path: &'a Path,
    overwrite: bool,
    file: tempfile::NamedTempFile,
}

impl<'a> Target<'a> {
    fn check(path: &Path, overwrite: bool) -> Result<(), Error> {
        if path.file_name().is_none() || path.is_dir() {
            let message = format!(
                "the target {} is no file name; name the file to write",
                path.display()
            );
            return Err(Error::new(ErrorKind::Io, message));
        }
        if !overwrite && path.exists() {
            return Err(Error::new(ErrorKind::Io, exists(path)));
        }
        Ok(())
    }

    fn create(path: &'a Path, overwrite: bool) -> Result<Self, Error> {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".").suffix(".part");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As any new file, less what the umask takes; a temporary file would otherwise be its owner's alone.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let file = builder
            .tempfile_in(folder)
            .map_err(|error| io_error(path, "cannot be written", error))?;
        Ok(Self {
            path,
            overwrite,
            file,
        })
    }

    fn writer(&self) -> Result<tokio::fs::File, Error> {
        let file = self
            .file
            .as_file()
            .try_clone()
            .map_err(|error| io_error(self.path, "cannot be written", error))?;
        Ok(tokio::fs::File::from_std(file))
    }

    fn keep(self) -> Result<(), Error> {
        let kept = if self.overwrite {
            self.file.persist(self.path)
        } else {
            self.file.persist_noclobber(self.path)
        };
        kept.map(drop).map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => Error::new(ErrorKind::Io, exists(self.path)),
            _ => io_error(self.path, "cannot be written", error.error),
        })
    }
}

/// What the generation states of a file and is not so.
fn disagreement(video: &Video, bytes: u64, content_type: Option<&str>) -> Option<String> {
    let essence = |kind: &str| {
        kind.split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
    };
    let size = video
        .file_size
        .filter(|stated| *stated != bytes)
        .map(|stated| format!("states a file of {stated} bytes, and {bytes} arrived"));
    let kind = video
        .content_type
        .as_deref()
        .zip(content_type)
        .and_then(|(stated, sent)| {
            let differs = essence(stated) != essence(sent);
            differs.then(|| format!("states {}, and {} arrived", essence(stated), essence(sent)))
        });
    let found: Vec<String> = [size, kind].into_iter().flatten().collect();
    (!found.is_empty()).then(|| format!("the generation {}", found.join("; it ")))
}

fn exists(path: &Path) -> String {
    format!(
        "the target {} already exists; name another file, or ask to overwrite it",
        path.display()
    )
}

fn io_error(path: &Path, what: &str, error: io::Error) -> Error {
    Error::new(
        ErrorKind::Io,
        format!("the target {} {what}", path.display()),
    )
    .with_source(error)
}
