//! The file names of a download: `NAME-2.EXT` for the second and later videos, `NAME.part` for a part and
//! `NAME.part.json` for its note, shortened where a file system would reject them.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use crate::generation::fingerprint;

/// The path of the video at `index`: the target's own path for the first video, `NAME-2.EXT` for the second one, and a
/// shorter name where most file systems reject such a long name.
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

/// The path of the video at `index` as by [`numbered`], with a name that is not longer than the target's own.
pub(super) fn numbered_shorter(path: &Path, index: usize) -> PathBuf {
    let mut suffix = format!("-{}", index + 1);
    let extension = path.extension().and_then(OsStr::to_str);
    if let Some(extension) = extension.filter(|extension| extension.len() <= MAX_EXTENSION) {
        suffix.push('.');
        suffix.push_str(extension);
    }
    path.with_file_name(shortened(path.file_name().unwrap_or_default(), &suffix))
}

/// The paths that the part of `target` may have, the preferred one first. They are the same in every process, so that a
/// later process finds the part.
///
/// The preferred name is `NAME.part`, unless most file systems reject the name of its note as too long. The other name,
/// and that of its note, are not longer than the target's own.
pub(super) fn parts(target: &Path) -> Vec<PathBuf> {
    let name = target.file_name().unwrap_or_default();
    let shorter = shortened(name, PART_AND_NOTE);
    let shorter = target.with_file_name(shorter.strip_suffix(NOTE).unwrap_or(&shorter));
    match name.len() + PART_AND_NOTE.len() > NAME_MAX {
        true => vec![shorter],
        false => vec![beside(target, PART), shorter],
    }
}

/// The path of the note beside a part.
pub(super) fn note(part: &Path) -> PathBuf {
    beside(part, NOTE)
}

/// `path` with `suffix` appended to its file name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

/// `name` with its end replaced by a hash of the whole name and `suffix`. The result is not longer than `name`, both in
/// bytes and in UTF-16 units, unless `name` is shorter than the hash and the suffix.
fn shortened(name: &OsStr, suffix: &str) -> String {
    // A replacement character is longer than the byte that it replaces.
    let text = name
        .to_string_lossy()
        .replace(char::REPLACEMENT_CHARACTER, "_");
    let end = format!("-{:08x}{suffix}", fingerprint(name.as_encoded_bytes()));
    let kept = text.chars().count().saturating_sub(end.chars().count());
    text.chars().take(kept).chain(end.chars()).collect()
}

/// The maximum length of a name on most file systems, in bytes or in UTF-16 units; a text never has more UTF-16 units
/// than bytes.
const NAME_MAX: usize = 255;

const PART: &str = ".part";
const NOTE: &str = ".json";
const PART_AND_NOTE: &str = ".part.json";

/// The maximum length of an extension; a longer text after the last dot is a part of the name.
const MAX_EXTENSION: usize = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn second_video_gets_a_number() {
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
    fn part_is_named_after_the_target_unless_the_name_of_its_note_is_too_long() {
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
    fn name_that_is_not_utf_8_is_shortened() {
        use std::os::unix::ffi::OsStrExt;

        let bytes = |last| [&[0xff; 250][..], &[last]].concat();
        let named = |last| parts(Path::new(OsStr::from_bytes(&bytes(last))));
        assert!(note(&named(1)[0]).as_os_str().len() <= 251);
        assert_ne!(named(1), named(2));
    }

    proptest! {
        #[test]
        fn shortened_names_are_not_longer_than_the_target_in_bytes_and_utf_16_units(name in "[^/\0]{20,300}", index in 1..99usize) {
            let target = Path::new("d").join(&name);
            prop_assume!(target.file_name() == Some(OsStr::new(&name)));
            let named = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let units = |path: &Path| named(path).encode_utf16().count();
            let bytes = |path: &Path| named(path).len();
            let part = parts(&target).pop().expect("a part");
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
