//! Names of files that every system takes.

use std::path::{Path, PathBuf};

/// The name of a generation's file without its extension: model and id, in the characters that are safe everywhere.
///
/// It ends in a number that stands for the whole id where the id had to be changed, so that no two ids share a name.
pub(super) fn stem(model: Option<&str>, id: Option<&str>) -> String {
    let (id, model) = (id.unwrap_or("unnamed"), model.unwrap_or("video"));
    // Many ids end with the model, which need not be said twice.
    let id = id
        .strip_suffix(model)
        .and_then(|id| id.strip_suffix(':'))
        .filter(|id| !id.is_empty())
        .unwrap_or(id);
    let (shown, model) = (safe(id, LONGEST_ID), safe(model, LONGEST_MODEL));
    // A name of two parts is none that Windows keeps for its devices.
    let model = if model.is_empty() {
        "video".into()
    } else {
        model
    };
    if shown == id {
        format!("{model}-{shown}")
    } else {
        let name = format!("{model}-{shown}-{:08x}", fingerprint(id));
        name.replace("--", "-")
    }
}

/// The name of the video at `index`: the first has the target's own, a second is `NAME-2.EXT`.
pub(super) fn numbered(path: &Path, index: usize) -> PathBuf {
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

/// `path` with `suffix` behind its whole name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

const LONGEST_ID: usize = 100;
const LONGEST_MODEL: usize = 60;

fn safe(text: &str, longest: usize) -> String {
    let safe = |c: char| {
        let keep = c.is_ascii_alphanumeric() || "-_.".contains(c);
        if keep { c } else { '-' }
    };
    let text: String = text.chars().map(safe).take(longest).collect();
    text.trim_matches(['-', '.']).to_owned()
}

/// FNV-1a, folded: the same in every version of this crate.
fn fingerprint(text: &str) -> u32 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash >> 32) as u32 ^ hash as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_shows_model_and_id() {
        let named = |id| stem(Some("klingai/v2.1-master"), Some(id));
        assert_eq!(named("a1_B2-c3"), "klingai-v2.1-master-a1_B2-c3");
        assert_eq!(named("a1:klingai/v2.1-master"), "klingai-v2.1-master-a1");
        assert_eq!(stem(None, Some("a1")), "video-a1");
        assert_eq!(stem(None, None), "video-unnamed");
        assert_ne!(named("a:b"), named("a/b"));
        assert!(named("a:b").starts_with("klingai-v2.1-master-a-b-"));
        assert_ne!(named(&"a".repeat(150)), named(&"a".repeat(151)));
    }

    #[test]
    fn a_second_video_has_a_number() {
        assert_eq!(numbered(Path::new("d/a.b.mp4"), 0), Path::new("d/a.b.mp4"));
        assert_eq!(
            numbered(Path::new("d/a.b.mp4"), 1),
            Path::new("d/a.b-2.mp4")
        );
        assert_eq!(numbered(Path::new("a"), 2), Path::new("a-3"));
    }

    proptest! {
        #[test]
        fn no_model_and_no_id_make_a_name_that_some_system_refuses(model in ".{0,300}", id in ".{0,300}") {
            for (model, id) in [(Some(&*model), Some(&*id)), (None, Some(&*id)), (Some(&*model), None)] {
                let name = stem(model, id);
                prop_assert!(name.len() < 200 && name.contains('-'), "{}", name);
                prop_assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)), "{}", name);
                prop_assert!(!name.starts_with(['-', '.']) && !name.ends_with('.'), "{}", name);
            }
        }
    }
}
