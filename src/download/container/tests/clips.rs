//! The small clips of `tests/fixtures/clips`, whole and cut at every byte.

use Completeness::{NotRevealed, Whole};
use Container::{Avi, Flv, Gif, Heif, Matroska, Mp4, Ogg, WebM, WebP};

use super::*;

/// The container of each clip, and the lengths to which the clip can be cut undetected.
pub(super) const CLIPS: [(&str, Container, Completeness, &[usize]); 19] = [
    // After the last image and before the trailer, which some encoders omit.
    ("animation.gif", Gif, Whole, &[1370, 1378, 1395]),
    ("animation.webp", WebP, Whole, &[]),
    ("file.avi", Avi, Whole, &[]),
    ("file.webm", WebM, Whole, &[]),
    // Between fragments.
    ("fragments.mp4", Mp4, Whole, &[1124, 1467, 1801]),
    ("hybrid.mp4", Mp4, Whole, &[]),
    ("index-first.mp4", Mp4, Whole, &[]),
    ("index-last.mp4", Mp4, Whole, &[]),
    ("indexed.mp4", Mp4, NotRevealed, &[]),
    // Between chunks, and before the byte that makes a chunk's size even.
    (
        "live.avi",
        Avi,
        NotRevealed,
        &[1324, 1555, 1556, 1576, 1809, 1810, 1838, 2070],
    ),
    // Between clusters.
    ("live.mkv", Matroska, NotRevealed, &[853]),
    ("live.webm", WebM, NotRevealed, &[1604]),
    // Between fragments.
    ("live.mp4", Mp4, NotRevealed, &[1112, 1447]),
    ("packed-sound.mov", Mp4, Whole, &[]),
    // Between pages.
    ("pages.ogv", Ogg, NotRevealed, &[70, 3362]),
    // Before the data, which an image may have in another place.
    (
        "picture.avif",
        Heif,
        NotRevealed,
        &[281, 282, 283, 284, 285],
    ),
    // Between fragments.
    ("smooth.ismv", Mp4, Whole, &[1619, 2440, 2771, 2908]),
    // Between tags, and before the size after a tag, which some encoders omit at the end.
    (
        "tags.flv",
        Flv,
        NotRevealed,
        &[
            183, 184, 185, 186, 187, 311, 312, 313, 314, 315, 337, 338, 339, 340, 341, 368, 369,
            370, 371,
        ],
    ),
    ("timecode.mov", Mp4, Whole, &[]),
];

#[test]
fn whole_clips_are_not_truncated() {
    for (name, container, completeness, _) in CLIPS {
        let verdict = inspect(&fixture(name));
        assert_eq!(
            verdict,
            Verdict {
                container,
                completeness
            },
            "{name}"
        );
    }
}

#[test]
fn clip_cut_at_any_byte_is_truncated_unless_the_cut_is_undetectable() {
    let found = CLIPS.map(|(name, ..)| (name, unrevealed_cuts(&fixture(name)).0));
    let expected = CLIPS.map(|(name, _, _, cuts)| (name, cuts.to_vec()));
    assert_eq!(found, expected);
}

#[test]
fn clips_of_the_simulator_are_whole_and_every_cut_is_detected() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/simulator/src/clips");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the folder of clips") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "mp4") {
            let file = std::fs::read(&path).expect("a clip");
            assert_eq!(inspect(&file).completeness, Whole, "{path:?}");
            assert_eq!(unrevealed_cuts(&file).0, [0; 0], "{path:?}");
            count += 1;
        }
    }
    assert_eq!(count, 6);
}
