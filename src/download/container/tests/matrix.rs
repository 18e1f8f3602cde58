//! Clips of many muxers, made by `findings/containers/run`.

use std::{env, fs};

use super::*;

/// Prints a table of all clips in the folder that `AIMLAPI_VIDEO_CLIPS` names, each whole and cut at every byte.
#[test]
#[ignore = "needs the clips of findings/containers/run"]
fn clips_of_all_muxers_are_whole_and_cuts_inside_elements_are_detected() {
    let folder = env::var_os("AIMLAPI_VIDEO_CLIPS").expect("AIMLAPI_VIDEO_CLIPS names a folder");
    let entries = fs::read_dir(folder).expect("a folder of clips");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.retain(|path| path.extension().is_some());
    paths.sort();
    assert!(paths.len() > 100, "{} clips", paths.len());
    println!("clip | container | whole file | bytes | borders | header bytes | other bytes");
    println!("--- | --- | --- | ---: | ---: | ---: | ---:");
    let mut wrong = Vec::new();
    for path in paths {
        let file = fs::read(&path).expect("a clip");
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Verdict {
            container,
            completeness,
        } = inspect(&file);
        let verdict = match &completeness {
            Completeness::Whole => "whole",
            Completeness::NotRevealed => "not revealed",
            Completeness::Truncated(what) => {
                wrong.push(format!("{name} is called truncated: {what}"));
                "TRUNCATED"
            }
        };
        let length = file.len();
        if container == Container::Other {
            println!("{name} | - | {verdict} | {length} | - | - | -");
            continue;
        }
        let (cuts, elements) = unrevealed_cuts(&file);
        let mut places = vec![Place::Other; file.len()];
        for at in elements.iter().filter_map(|at| usize::try_from(*at).ok()) {
            for (place, distance) in places.iter_mut().skip(at).zip(0..8) {
                *place = if distance == 0 {
                    Place::Border
                } else {
                    Place::Header
                };
            }
        }
        let reveal = |wanted: Place| {
            let all = (1..length).filter(|at| places[*at] == wanted).count();
            let unrevealed = cuts.iter().filter(|at| places[**at] == wanted).count();
            format!("{} of {all}", all - unrevealed)
        };
        let (borders, headers, others) = (
            reveal(Place::Border),
            reveal(Place::Header),
            reveal(Place::Other),
        );
        println!("{name} | {container} | {verdict} | {length} | {borders} | {headers} | {others}");
        // Bytes that were added to a complete file may be removed again.
        if !name.starts_with("made-") {
            let is_last = |at: usize| at == length || places[at] == Place::Border;
            let is_inside = |at: &usize| {
                places[*at] == Place::Other && !(*at..=*at + optional(container)).any(is_last)
            };
            let inside: Vec<_> = cuts.into_iter().filter(is_inside).collect();
            if !inside.is_empty() {
                wrong.push(format!("{name} can be cut at {inside:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The number of bytes at the end of the last element that may be missing: the padding byte of a chunk, or the size
/// after a tag.
fn optional(container: Container) -> usize {
    match container {
        Container::WebP | Container::Avi => 1,
        Container::Flv => 4,
        _ => 0,
    }
}

/// Where a file is cut.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the beginning of an element.
    Border,
    /// In the seven bytes after the beginning of an element.
    Header,
    Other,
}
