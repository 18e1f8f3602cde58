//! Downloads to an object store: the public methods, and the keys of the videos.

use std::{path::PathBuf, sync::Arc};

use object_store::{ObjectStore, path::Path};

use super::{
    Download,
    arrived::Arrived,
    name::numbered,
    save::{MAX_NUMBER, Place},
    version::Version,
    video_urls::VideoUrls,
};
use crate::{Client, Error, ErrorKind, Generation, Saved};
use error::{store_error, taken};
use upload::Upload;

mod error;
mod parts;
mod upload;

impl Client {
    /// Saves all videos of a generation in an object store, as [`Download::to_store`] with the default settings.
    ///
    /// # Errors
    ///
    /// As [`Download::to_store`].
    ///
    /// # Cancel safety
    ///
    /// As [`Download::to_store`].
    #[cfg_attr(docsrs, doc(cfg(feature = "object-store")))]
    pub async fn save_to(
        &self,
        generation: &Generation,
        store: Arc<dyn ObjectStore>,
        path: impl Into<Path>,
    ) -> Result<Vec<Saved>, Error> {
        self.download(generation).to_store(store, path).await
    }
}

impl Download<'_> {
    /// Downloads the first video to the object at `path` in `store`, a second one to `NAME-2.EXT` beside it, and so on.
    ///
    /// The videos are sent to the store while they arrive, without a local file: up to 8 MiB by one request, larger ones
    /// in parts of 8 MiB, of which at most nine are in memory. The object appears when the video is complete and has
    /// passed every check of a file, its container included. [`Saved::path`] is the object's path,
    /// [`Saved::sha256`] is always set, and the object's content type is that of its content, or else the one that the
    /// host sent, if the store supports that.
    ///
    /// After a broken connection, the download requests the rest, as for a file. If the file has to be requested from
    /// its start, another upload begins. A later download starts from the first byte, since no part is kept. The store
    /// retries its own requests.
    ///
    /// An existing object is kept, and the download fails, unless [`overwrite`](Self::overwrite) is on. This is checked
    /// before the download and before the object appears. Up to 8 MiB, the store itself checks (`PutMode::Create`) if it
    /// can. Multipart uploads have no such condition, so an object that another program stores between the last check
    /// and the end of the upload is replaced.
    ///
    /// ```no_run
    /// # async fn run(client: aimlapi_video::Client, generation: aimlapi_video::Generation) -> Result<(), aimlapi_video::Error> {
    /// use std::sync::Arc;
    ///
    /// use aimlapi_video::object_store::memory::InMemory;
    ///
    /// let store = Arc::new(InMemory::new());
    /// let saved = client.download(&generation).to_store(store, "videos/kite.mp4").await?;
    /// println!("{} bytes, SHA-256 {:?}", saved[0].bytes, saved[0].sha256);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`to_file`](Self::to_file), with [`Io`](crate::ErrorKind::Io) if the object exists or the store fails. The
    /// source of such an error is the text of the store's error, without the query of any URL. A failed upload is
    /// aborted; the error waits at most 10 s for that.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the download, and a task of the runtime aborts the upload; if the video is already
    /// complete and checked, a task completes the upload instead. A killed process, or a runtime that shuts down, leaves
    /// an open upload in stores that keep one (S3, Google Cloud Storage, Azure), which is not visible but billed. A
    /// lifecycle rule of the bucket removes it; S3 calls the rule `AbortIncompleteMultipartUpload`.
    #[cfg_attr(docsrs, doc(cfg(feature = "object-store")))]
    pub async fn to_store(
        mut self,
        store: Arc<dyn ObjectStore>,
        path: impl Into<Path>,
    ) -> Result<Vec<Saved>, Error> {
        self.sha256 = true;
        let path = path.into();
        self.save(Objects { store, path }, None).await
    }
}

/// The objects of a download's videos.
struct Objects {
    store: Arc<dyn ObjectStore>,
    /// The path of the first video.
    path: Path,
}

impl Objects {
    /// The path of the video with this number.
    fn numbered(&self, number: usize) -> Result<Path, Error> {
        let name = self.path.filename().unwrap_or_default();
        let name = numbered(name.as_ref(), number);
        let folder = self.path.as_ref().rsplit_once('/');
        let folder = folder.map_or("", |(folder, _)| folder);
        Path::parse(format!("{folder}/{}", name.display())).map_err(|error| {
            let what = "leaves no name for a second video";
            store_error(&self.path, what, &error.into())
        })
    }
}

impl Place for Objects {
    type Target = Upload;

    /// As for files, a second or later video gets the next free number.
    async fn reserve(&self, number: usize, overwrite: bool) -> Result<Upload, Error> {
        if self.path.is_root() {
            let what = "the path of the object is empty; name an object";
            return Err(Error::new(ErrorKind::Io, what));
        }
        let (is_first, mut number) = (number == 0, number);
        loop {
            let path = self.numbered(number)?;
            let upload = Upload::new(Arc::clone(&self.store), path, overwrite);
            if overwrite || !upload.is_taken().await? {
                return Ok(upload);
            }
            if is_first || number == MAX_NUMBER {
                return Err(taken(upload.path()));
            }
            number += 1;
        }
    }

    async fn save<'a>(
        &self,
        download: &mut Download<'a>,
        urls: &mut VideoUrls<'a>,
        index: usize,
        mut upload: Upload,
    ) -> Result<Saved, Error> {
        let path = PathBuf::from(upload.path().as_ref());
        let mut arrived = Arrived::new(0, Version::default(), download.digest());
        let fetched = download.fetch(urls, index, &mut upload, &mut arrived).await;
        let checked = fetched
            .and_then(|()| download.written(urls.video(index), &mut upload, arrived, Some(&path)));
        match checked {
            Ok(written) => {
                upload.finish().await?;
                Ok(written.saved(path))
            }
            Err(error) => {
                upload.abort().await;
                Err(error)
            }
        }
    }
}
