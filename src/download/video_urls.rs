//! The URLs of a generation's videos: the URLs of the given generation, and fresh ones from the service after these
//! have expired.

use std::time::SystemTime;

use crate::{
    Client, Error, ErrorKind, Generation, GenerationHandle, Video, generation::expires_at,
    urls::redacted,
};

/// The current URLs of a generation's videos.
pub(super) struct VideoUrls<'a> {
    client: Client,
    generation: &'a Generation,
    fresh: Option<Generation>,
}

/// The outcome of a request to the service for a fresh URL.
pub(super) enum Renewed {
    /// The service returned another URL.
    Fresh,
    /// The service returned the same URL, or no URL.
    Same,
    /// The service did not respond, or the generation has no id to request a fresh URL with.
    Unknown(Error),
}

impl<'a> VideoUrls<'a> {
    pub(super) fn new(client: Client, generation: &'a Generation) -> Self {
        Self {
            client,
            generation,
            fresh: None,
        }
    }

    pub(super) fn video(&self, index: usize) -> &Video {
        let fresh = self
            .fresh
            .as_ref()
            .and_then(|fresh| fresh.videos().get(index));
        fresh.unwrap_or(&self.generation.videos()[index])
    }

    pub(super) fn is_expired(&self, index: usize) -> bool {
        expires_at(&self.video(index).url).is_some_and(|end| end <= SystemTime::now())
    }

    /// Polls the generation once, and keeps its URLs if the URL of the video at `index` is a new one.
    pub(super) async fn renew(&mut self, index: usize) -> Renewed {
        let Some(handle) = handle(self.generation) else {
            let what = "the generation has no id to request a fresh URL with";
            return Renewed::Unknown(Error::new(ErrorKind::Download, what));
        };
        let fresh = match self.client.fetch(handle).await {
            Ok(fresh) => fresh,
            Err(error) => return Renewed::Unknown(error),
        };
        match fresh.videos().get(index) {
            Some(video) if video.url != self.video(index).url => {
                self.fresh = Some(fresh);
                Renewed::Fresh
            }
            _ => Renewed::Same,
        }
    }

    /// The identifier of the video at `index` in the note of a part; it does not change with a fresh URL.
    pub(super) fn identity(&self, index: usize) -> String {
        match self.generation.id() {
            Some(id) => format!("{id} {}", index + 1),
            None => redacted(&self.generation.videos()[index].url),
        }
    }

    /// The URL without its query for messages, with its expiry if the URL has expired.
    pub(super) fn shown(&self, index: usize) -> String {
        let url = &self.video(index).url;
        match expires_at(url).filter(|end| *end <= SystemTime::now()) {
            Some(end) => {
                let end = humantime::format_rfc3339_seconds(end);
                format!("{}, which expired at {end}", redacted(url))
            }
            None => redacted(url),
        }
    }
}

pub(super) fn handle(generation: &Generation) -> Option<GenerationHandle> {
    let handle = generation.handle().cloned();
    handle.or_else(|| generation.id().map(Into::into))
}
