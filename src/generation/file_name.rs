//! The default name of a generation's file, in characters that every operating system allows.

use super::record::Generation;

impl Generation {
    /// The default name of the generation's file: model and id in characters that every operating system allows, and the
    /// extension of the first video's stated media type, else `mp4`.
    ///
    /// ```
    /// use aimlapi_video::Generation;
    /// use serde_json::json;
    ///
    /// let response = json!({ "id": "a1", "model": "klingai/v2-master-text-to-video" });
    /// let generation = Generation::from_json(response);
    /// assert_eq!(generation.file_name(), "klingai-v2-master-text-to-video-a1.mp4");
    /// ```
    pub fn file_name(&self) -> String {
        let handle = self.handle();
        let model = handle.and_then(|handle| handle.model()).or(self.model());
        let id = handle.map(|handle| handle.id()).or(self.id());
        let stated = self
            .videos()
            .first()
            .and_then(|video| video.content_type.as_deref());
        let extension = stated.and_then(|stated| extension(&essence(stated)));
        format!("{}.{}", stem(model, id), extension.unwrap_or("mp4"))
    }
}

/// The name of a generation's file without its extension: model and id, in characters that every operating system allows.
///
/// If the id had to be changed, the name ends in a hash of the whole id, so that different ids have different names.
fn stem(model: Option<&str>, id: Option<&str>) -> String {
    let (id, model) = (id.unwrap_or("unnamed"), model.unwrap_or("video"));
    // Many ids end with the model, which is in the name already.
    let id = id
        .strip_suffix(model)
        .and_then(|id| id.strip_suffix(':'))
        .filter(|id| !id.is_empty())
        .unwrap_or(id);
    let (shown, model) = (safe(id, MAX_ID), safe(model, MAX_MODEL));
    // A name of two parts cannot be one that Windows reserves for its devices.
    let model = if model.is_empty() {
        "video".into()
    } else {
        model
    };
    if shown == id {
        format!("{model}-{shown}")
    } else {
        let name = format!("{model}-{shown}-{:08x}", fingerprint(id.as_bytes()));
        name.replace("--", "-")
    }
}

/// The file extension of a media type.
pub(crate) fn extension(essence: &str) -> Option<&'static str> {
    let known = EXTENSIONS.iter().find(|(kind, _)| *kind == essence);
    known.map(|(_, extension)| *extension)
}

pub(crate) fn essence(kind: &str) -> String {
    let kind = kind.split(';').next().unwrap_or_default();
    kind.trim().to_ascii_lowercase()
}

/// The media types of videos and images, each with its file extension.
pub(crate) const EXTENSIONS: [(&str, &str); 18] = [
    ("video/mp4", "mp4"),
    ("video/webm", "webm"),
    ("video/quicktime", "mov"),
    ("video/x-matroska", "mkv"),
    ("video/matroska", "mkv"),
    ("video/x-msvideo", "avi"),
    ("video/x-flv", "flv"),
    ("video/ogg", "ogv"),
    ("video/3gpp", "3gp"),
    ("video/3gpp2", "3g2"),
    ("video/mp2t", "ts"),
    ("video/mpeg", "mpg"),
    ("image/gif", "gif"),
    ("image/webp", "webp"),
    ("image/png", "png"),
    ("image/jpeg", "jpg"),
    ("image/avif", "avif"),
    ("image/heic", "heic"),
];

/// The maximum length in bytes of a file name that consists of a [`stem`], a number and an extension. The lowest limit of a
/// file system in use is 143 bytes (eCryptfs).
pub(crate) const MAX_DEFAULT_NAME: usize = 143;

const MAX_ID: usize = 64;
const MAX_MODEL: usize = 60;

fn safe(text: &str, max: usize) -> String {
    let safe = |c: char| {
        let keep = c.is_ascii_alphanumeric() || "-_.".contains(c);
        if keep { c } else { '-' }
    };
    let text: String = text.chars().map(safe).take(max).collect();
    text.trim_matches(['-', '.']).to_owned()
}

/// A folded FNV-1a hash, which is the same in every version of this crate.
pub(crate) fn fingerprint(bytes: &[u8]) -> u32 {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash >> 32) as u32 ^ hash as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn name_shows_model_and_id() {
        let named = |id| stem(Some("klingai/v2.1-master"), Some(id));
        assert_eq!(named("a1_B2-c3"), "klingai-v2.1-master-a1_B2-c3");
        assert_eq!(named("a1:klingai/v2.1-master"), "klingai-v2.1-master-a1");
        assert_eq!(stem(None, Some("a1")), "video-a1");
        assert_eq!(stem(None, None), "video-unnamed");
        assert_ne!(named("a:b"), named("a/b"));
        assert!(named("a:b").starts_with("klingai-v2.1-master-a-b-"));
        assert_ne!(named(&"a".repeat(150)), named(&"a".repeat(151)));
    }

    proptest! {
        #[test]
        fn every_model_and_id_give_a_name_that_every_system_allows(model in ".{0,300}", id in ".{0,300}") {
            for (model, id) in [(Some(&*model), Some(&*id)), (None, Some(&*id)), (Some(&*model), None)] {
                let name = stem(model, id);
                prop_assert!(name.len() + "-999.webm".len() <= MAX_DEFAULT_NAME && name.contains('-'), "{}", name);
                prop_assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)), "{}", name);
                prop_assert!(!name.starts_with(['-', '.']) && !name.ends_with('.'), "{}", name);
            }
        }
    }
}
