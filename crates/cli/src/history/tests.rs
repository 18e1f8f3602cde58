#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::fs::File;

use super::*;

#[test]
fn line_whose_write_failed_is_written_before_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let mut inner = Inner {
        folder: Some(folder.path().to_owned()),
        account: None,
        file: None,
        count: 0,
        unwritten: Vec::new(),
        has_warned: false,
        generations: Vec::new(),
    };
    let file = inner.file().unwrap();
    let path = folder.path().join(&file.name).with_extension("jsonl");
    // A file that is open for reading alone refuses each write.
    let writable = std::mem::replace(&mut file.file, File::open(&path).unwrap());
    inner.append("e-1", Event::Noted);
    inner.append("e-2", Event::Noted);
    assert!(path.with_extension("lock").exists());
    inner.file().unwrap().file = writable;
    inner.append("e-3", Event::Noted);
    let text = std::fs::read_to_string(&path).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty());
    let lines = lines.map(|line| serde_json::from_str::<Line>(line).unwrap().entry);
    assert!(lines.eq(["e-1", "e-2", "e-3"]), "{text}");
}
