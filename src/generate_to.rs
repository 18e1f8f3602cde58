//! [`Client::generate_to`]: creates a generation, waits for it and saves its videos, in one call.
//!
//! The target is checked and reserved before the create, so that a program does not pay for a video that it cannot
//! save.

use std::{
    fmt,
    future::IntoFuture,
    path::{Path, PathBuf},
    pin::Pin,
};

use sync_wrapper::SyncWrapper;

use crate::{
    Client, Download, Error, ErrorKind, Generation, GenerationHandle, GenerationRequest,
    IntoGenerationRequest, Received, ReservedTarget, Saved, Update, WaitOptions,
    download::OnProgress,
};

/// A future that creates a generation, waits for it and saves its videos, made by [`Client::generate_to`]. Nothing
/// happens until it is awaited.
///
/// Awaiting it returns the [`SavedGeneration`], after these steps:
///
/// 1. The request is checked against its document.
/// 2. The target is [reserved](Download::reserve_target): every step of saving is tried, and other downloads to the
///    same target are refused until this one has ended. A [folder](Download::is_folder) is
///    [checked](Download::check_folder).
/// 3. The generation is created, as by [`Client::create`]. Only this step costs money.
/// 4. The client waits for the generation, as by [`Client::wait`].
/// 5. The videos are saved, as by [`Download::to_reserved`]: the first video to the target, a second one to
///    `NAME-2.EXT` beside the target, and so on; in a folder the files are named as by [`Download::to_folder`].
///
/// A program that runs a second time therefore fails before it pays, since the target exists.
///
/// ```no_run
/// # async fn run(client: aimlapi_video::Client, request: aimlapi_video::GenerationRequest) -> Result<(), aimlapi_video::Error> {
/// use aimlapi_video::Update;
///
/// let made = client
///     .generate_to(request, "kite.mp4")
///     .overwrite(true)
///     .on_update(|update| {
///         if let Update::Progress(progress) = update {
///             eprintln!("{progress}");
///         }
///     })
///     .await?;
/// println!("{} bytes", made.saved[0].bytes);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Before the create: [`InvalidRequest`](ErrorKind::InvalidRequest), or [`Io`](ErrorKind::Io) if the target exists or
/// cannot be written. Then as [`Client::create`], [`Wait`](crate::Wait) and [`Download::to_file`].
///
/// Once the generation exists, every error carries its [handle](Error::handle), with which [`Client::wait`] and
/// [`Client::download`] fetch the paid videos. If one video fails, [`Error::saved`] lists the videos that were saved.
///
/// # Cancel safety
///
/// Dropping the future before the create is sent creates no generation, and leaves only the created folders. Later the
/// generation continues at the service and is billed; only a callback set by
/// [`ClientBuilder::on_created`](crate::ClientBuilder::on_created) then receives its handle, so set a callback where
/// the future may be dropped. A dropped download leaves its part, which the next download of the same generation to the
/// same target continues.
#[must_use = "nothing is generated until it is awaited"]
pub struct GenerateTo<'a> {
    client: Client,
    request: GenerationRequest,
    path: PathBuf,
    overwrite: bool,
    options: Option<WaitOptions>,
    on_update: Option<OnUpdate<'a>>,
    on_progress: Option<OnProgress<'a>>,
}

/// The callback is only called through `&mut`, as that of a download, so `GenerateTo` can be `Sync` although it is not.
type OnUpdate<'a> = SyncWrapper<Box<dyn FnMut(&Update) + Send + 'a>>;

/// A generation whose videos are saved, made by [`Client::generate_to`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SavedGeneration {
    /// The completed generation of the last poll, with its [handle](Generation::handle).
    pub generation: Generation,
    /// The saved files, one for each video of the generation, in the order of the videos.
    pub saved: Vec<Saved>,
}

impl Client {
    /// Creates a generation, waits for it, and saves its videos to `path`, or under their default names in `path` if it
    /// is a [folder](Download::is_folder).
    ///
    /// The target is checked before the create, so that a video that cannot be saved is not paid for. An existing file
    /// is kept, and the call fails, unless [`overwrite`](GenerateTo::overwrite) is on.
    ///
    /// ```no_run
    /// # async fn run(client: aimlapi_video::Client, request: aimlapi_video::GenerationRequest) -> Result<(), aimlapi_video::Error> {
    /// let made = client.generate_to(request, "kite.mp4").await?;
    /// println!("{}", made.saved[0].path.display());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Errors and cancel safety are those of [`GenerateTo`].
    pub fn generate_to<'a>(
        &self,
        request: impl IntoGenerationRequest,
        path: impl AsRef<Path>,
    ) -> GenerateTo<'a> {
        GenerateTo {
            client: self.clone(),
            request: request.into_generation_request(),
            path: path.as_ref().to_owned(),
            overwrite: false,
            options: None,
            on_update: None,
            on_progress: None,
        }
    }
}

impl<'a> GenerateTo<'a> {
    /// Replaces existing files, once the new files are complete, as [`Download::overwrite`] does; off by default.
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// Sets the options of the wait; they replace all of the client's.
    pub fn wait_options(mut self, options: WaitOptions) -> Self {
        self.options = Some(options);
        self
    }

    /// Sets a callback that is called for every [`Update`] of the wait, including the completed generation.
    pub fn on_update(mut self, update: impl FnMut(&Update) + Send + 'a) -> Self {
        self.on_update = Some(SyncWrapper::new(Box::new(update)));
        self
    }

    /// Sets a callback that is called after every received piece of a video.
    pub fn on_progress(mut self, progress: impl FnMut(Received) + Send + 'a) -> Self {
        self.on_progress = Some(SyncWrapper::new(Box::new(progress)));
        self
    }

    async fn run(mut self) -> Result<SavedGeneration, Error> {
        self.request.validate()?;
        let target = CheckedTarget::check(&self.path, self.overwrite).await?;
        let handle = self.client.create(self.request.clone()).await?;
        let outcome = match self.wait(&handle).await {
            Ok(generation) => self.save(generation, target).await,
            Err(error) => Err(error),
        };
        outcome.map_err(|error| match error.handle() {
            Some(_) => error,
            None => error.about(handle),
        })
    }

    async fn wait(&mut self, handle: &GenerationHandle) -> Result<Generation, Error> {
        let mut wait = self.client.wait(handle);
        if let Some(options) = self.options.take() {
            wait = wait.options(options);
        }
        let mut updates = wait.updates();
        while let Some(update) = updates.next().await {
            let update = update?;
            if let Some(on_update) = &mut self.on_update {
                on_update.get_mut()(&update);
            }
            if let Update::Completed(generation) = update {
                return Ok(*generation);
            }
        }
        let what = "the wait ended without an outcome; wait again with the same handle";
        Err(Error::new(ErrorKind::PollingLost, what))
    }

    async fn save(
        self,
        generation: Generation,
        target: CheckedTarget,
    ) -> Result<SavedGeneration, Error> {
        let mut download = self.client.download(&generation).overwrite(self.overwrite);
        if let Some(on_progress) = self.on_progress {
            download = download.on_progress(on_progress.into_inner());
        }
        let saved = match target {
            CheckedTarget::File(target) => download.to_reserved(target).await?,
            CheckedTarget::Folder(folder) => download.to_folder(folder).await?,
        };
        Ok(SavedGeneration { generation, saved })
    }
}

impl<'a> IntoFuture for GenerateTo<'a> {
    type Output = Result<SavedGeneration, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for GenerateTo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GenerateTo")
            .field("request", &self.request)
            .field("path", &self.path)
            .field("overwrite", &self.overwrite)
            .finish_non_exhaustive()
    }
}

/// The checked target of the videos.
enum CheckedTarget {
    File(ReservedTarget),
    Folder(PathBuf),
}

impl CheckedTarget {
    /// Checks the target on a thread for blocking work, since a network file system may be slow.
    async fn check(path: &Path, overwrite: bool) -> Result<Self, Error> {
        let path = path.to_owned();
        let check = move || {
            if Download::is_folder(&path) {
                Download::check_folder(&path)?;
                return Ok(Self::Folder(path));
            }
            Download::reserve_target(&path, overwrite).map(Self::File)
        };
        let checked = tokio::task::spawn_blocking(check).await;
        checked.unwrap_or_else(|error| {
            let what = "the target could not be checked";
            Err(Error::new(ErrorKind::Io, what).with_source(error))
        })
    }
}
