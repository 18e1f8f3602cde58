//! The names of a download's files: those of further videos, and those of a part and its note.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use crate::generation::fingerprint;

/// The name of the video at `index`: the first has the target's own, a second is `NAME-2.EXT`, or shorter where nearly no file
/// system takes so long a name.
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
    match name.len() > NAME_MAX {
        true => numbered_shorter(path, index),
        false => path.with_file_name(name),
    }
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

/// The longest name on most file systems: bytes, or UTF-16 units, of which a text has no more.
const NAME_MAX: usize = 255;

const PART: &str = ".part";
const NOTE: &str = ".json";
const PART_AND_NOTE: &str = ".part.json";

/// What is longer is no extension, but a part of the name.
const MAX_EXTENSION: usize = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_second_video_has_a_number() {
        assert_eq!(numbered(Path::new("d/a.b.mp4"), 0), Path::new("d/a.b.mp4"));
        assert_eq!(
            numbered(Path::new("d/a.b.mp4"), 1),
            Path::new("d/a.b-2.mp4")
        );
        assert_eq!(numbered(Path::new("a"), 2), Path::new("a-3"));
        let longest = "n".repeat(251) + ".mp4";
        let second = numbered(Path::new(&longest), 1);
        assert_eq!(second.as_os_str().len(), 255);
        assert!(second.to_string_lossy().ends_with("-2.mp4"));
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
            let named = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let units = |path: &Path| named(path).encode_utf16().count();
            let bytes = |path: &Path| named(path).len();
            let part = parts(&target).pop().expect("there is one");
            prop_assert_eq!(part.parent(), target.parent());
            let further = numbered_shorter(&target, index);
            for name in [note(&part), further.clone()] {
                let is_longer = bytes(&name) > bytes(&target) || units(&name) > units(&target);
                prop_assert!(!is_longer || bytes(&target) < 40, "{:?}", name);
            }
            prop_assert_ne!(&further, &target);
            prop_assert_ne!(further, numbered_shorter(&target, index + 1));
        }
    }
}
