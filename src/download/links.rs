//! The links of a generation, and fresh ones where they have run out.

use std::time::SystemTime;

use crate::{
    Client, Error, ErrorKind, Generation, GenerationHandle, Video, generation::expires_at,
    uri::redacted,
};

/// Where the videos of a generation lie, as far as known by now.
pub(super) struct Links<'a> {
    client: Client,
    generation: &'a Generation,
    fresh: Option<Generation>,
}

/// What the service said when it was asked for a fresh link.
pub(super) enum Renewed {
    /// Another link than before.
    Fresh,
    /// The same link, or none.
    Same,
    /// It was not heard, or there is nothing to ask for.
    Unknown(Error),
}

impl<'a> Links<'a> {
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

    /// Asks the service once for the generation's links as they are now.
    pub(super) async fn renew(&mut self, index: usize) -> Renewed {
        let Some(handle) = handle(self.generation) else {
            let what = "the generation has no id to ask for a fresh link with";
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

    /// What stands for the video at `index` on disk: the same for a fresh link as for the one before.
    pub(super) fn identity(&self, index: usize) -> String {
        match self.generation.id() {
            Some(id) => format!("{id} {}", index + 1),
            None => redacted(&self.generation.videos()[index].url),
        }
    }

    /// The link without its query, and when it ran out if it did.
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
