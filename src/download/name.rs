//! Names of files that every system takes.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

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
        let name = format!("{model}-{shown}-{:08x}", fingerprint(id.as_bytes()));
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

/// As [`numbered`], where that name is too long: one that is no longer than the target's own.
pub(super) fn numbered_shorter(path: &Path, index: usize) -> PathBuf {
    let mut suffix = format!("-{}", index + 1);
    let extension = path.extension().and_then(OsStr::to_str);
    if let Some(extension) = extension.filter(|extension| extension.len() <= MAX_EXTENSION) {
        suffix.push('.');
        suffix.push_str(extension);
    }
    path.with_file_name(shortened(path.file_name().unwrap_or_default(), &suffix))
}

/// The names that the part of `target` may have, the preferred one first. They are the same in every process, so that the
/// next one finds the part.
///
/// The preferred name is `NAME.part`, unless the name of the note beside it is longer than nearly every file system
/// takes. The other one, and its note's, are no longer than the target's own.
pub(super) fn parts(target: &Path) -> Vec<PathBuf> {
    let name = target.file_name().unwrap_or_default();
    let shorter = shortened(name, PART_AND_NOTE);
    let shorter = target.with_file_name(shorter.strip_suffix(NOTE).unwrap_or(&shorter));
    match name.len() + PART_AND_NOTE.len() > NAME_MAX {
        true => vec![shorter],
        false => vec![beside(target, PART), shorter],
    }
}

/// The name of the note beside a part.
pub(super) fn note(part: &Path) -> PathBuf {
    beside(part, NOTE)
}

/// `path` with `suffix` behind its whole name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

/// `name` with its end replaced by a number that stands for the whole of it, and `suffix`: no longer than before, in bytes
/// as in UTF-16 units, unless there is hardly a name to shorten.
fn shortened(name: &OsStr, suffix: &str) -> String {
    // A replacement character is longer than the byte that it replaces.
    let text = name
        .to_string_lossy()
        .replace(char::REPLACEMENT_CHARACTER, "_");
    let end = format!("-{:08x}{suffix}", fingerprint(name.as_encoded_bytes()));
    let kept = text.chars().count().saturating_sub(end.chars().count());
    text.chars().take(kept).chain(end.chars()).collect()
}

/// The longest name of a file that is made by [`stem`], an extension and a number, in bytes. The smallest limit of a file system
/// in use is 143 bytes (eCryptfs).
pub(super) const MAX_DEFAULT: usize = 143;

/// The longest name on most file systems: bytes, or UTF-16 units, of which a text has no more.
const NAME_MAX: usize = 255;

const PART: &str = ".part";
const NOTE: &str = ".json";
const PART_AND_NOTE: &str = ".part.json";

/// What is longer is no extension, but a part of the name.
const MAX_EXTENSION: usize = 16;

const LONGEST_ID: usize = 64;
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
fn fingerprint(bytes: &[u8]) -> u32 {
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

    #[test]
    fn part_is_named_after_the_target_where_its_note_has_room() {
        let named = |target: &str| parts(Path::new(target));
        assert_eq!(named("d/a.mp4")[0], Path::new("d/a.mp4.part"));
        assert_eq!(note(&named("d/a.mp4")[0]), Path::new("d/a.mp4.part.json"));
        let longest = "n".repeat(241) + ".mp4";
        assert_eq!(named(&longest)[0].as_os_str().len(), 250);
        let longer = named(&("n".repeat(242) + ".mp4"));
        assert_eq!(longer.len(), 1);
        assert!(note(&longer[0]).as_os_str().len() <= 246);
        let other = named(&("n".repeat(243) + ".mp4"));
        assert_ne!(longer, other);
    }

    #[cfg(unix)]
    #[test]
    fn name_that_is_not_utf_8_is_shortened_too() {
        use std::os::unix::ffi::OsStrExt;

        let bytes = |last| [&[0xff; 250][..], &[last]].concat();
        let named = |last| parts(Path::new(OsStr::from_bytes(&bytes(last))));
        assert!(note(&named(1)[0]).as_os_str().len() <= 251);
        assert_ne!(named(1), named(2));
    }

    proptest! {
        #[test]
        fn shorter_names_are_no_longer_than_the_target_in_bytes_and_units(name in "[^/\0]{20,300}", index in 1..99usize) {
            let target = Path::new("d").join(&name);
            prop_assume!(target.file_name() == Some(OsStr::new(&name)));
            let units = |path: &Path| path.file_name().unwrap().to_str().unwrap().encode_utf16().count();
            let bytes = |path: &Path| path.file_name().unwrap().len();
            let part = parts(&target).pop().unwrap();
            prop_assert_eq!(part.parent(), target.parent());
            let further = numbered_shorter(&target, index);
            for name in [note(&part), further.clone()] {
                let is_longer = bytes(&name) > bytes(&target) || units(&name) > units(&target);
                prop_assert!(!is_longer || target.file_name().unwrap().len() < 40, "{:?}", name);
            }
            prop_assert_ne!(&further, &target);
            prop_assert_ne!(further, numbered_shorter(&target, index + 1));
        }

        #[test]
        fn no_model_and_no_id_make_a_name_that_some_system_refuses(model in ".{0,300}", id in ".{0,300}") {
            for (model, id) in [(Some(&*model), Some(&*id)), (None, Some(&*id)), (Some(&*model), None)] {
                let name = stem(model, id);
                prop_assert!(name.len() + "-999.webm".len() <= MAX_DEFAULT && name.contains('-'), "{}", name);
                prop_assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)), "{}", name);
                prop_assert!(!name.starts_with(['-', '.']) && !name.ends_with('.'), "{}", name);
            }
        }
    }
}
