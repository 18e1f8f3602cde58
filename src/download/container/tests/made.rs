//! Constructed files: complete files that the muxers of the clips do not write, and truncated files that are not a cut
//! of a clip.

use super::*;

/// The boxes at the top level.
fn boxes(file: &[u8]) -> Vec<&[u8]> {
    let mut boxes = Vec::new();
    let mut rest = file;
    while let Some(size) = u32_at(rest, 0) {
        let (first, after) = rest.split_at(size as usize);
        boxes.push(first);
        rest = after;
    }
    boxes
}

fn index_last() -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let file = fixture("index-last.mp4");
    let boxes = boxes(&file);
    let find = |kind: &[u8]| {
        let found = boxes.iter().find(|found| &found[4..8] == kind);
        found.expect("the box").to_vec()
    };
    (find(b"ftyp"), find(b"mdat"), find(b"moov"))
}

fn replaced(file: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = file.windows(from.len()).position(|window| window == from);
    let at = at.expect("the bytes to replace");
    [&file[..at], to, &file[at + from.len()..]].concat()
}

#[test]
fn bytes_after_a_whole_file_are_not_a_truncation() {
    let appended: [&[u8]; 10] = [
        b"\n",
        b"\r\n",
        b"\0",
        b"\0\0\0",
        b"\0\0\0\0",
        b"\0\0\0\0\0\0\0\0\0\0\0\0",
        b"<!-- sent by a script -->",
        b"\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7\xf6\xf5",
        b"\x7f\xff\xff\xffinfoand so on",
        b"8db42d694ccc418790edff439fe026bf",
    ];
    for name in [
        "index-last.mp4",
        "index-first.mp4",
        "timecode.mov",
        "fragments.mp4",
        "file.webm",
        "file.avi",
        "animation.gif",
        "animation.webp",
    ] {
        for bytes in appended {
            let file = [&fixture(name), bytes].concat();
            assert_eq!(truncated(&file), "", "{name} {}", bytes.escape_ascii());
        }
    }
    // Bytes that may be the beginning of a fragment count as one.
    for bytes in appended
        .iter()
        .filter(|bytes| bytes.first() != Some(&0) || bytes.len() > 3)
    {
        for name in ["live.mp4", "live.webm", "live.mkv"] {
            let file = [&fixture(name), *bytes].concat();
            assert_eq!(truncated(&file), "", "{name} {}", bytes.escape_ascii());
        }
    }
}

#[test]
fn boxes_in_any_order_and_size_are_whole() {
    let (ftyp, mdat, moov) = index_last();
    let index_first = fixture("index-first.mp4");
    let data_first = index_first.len() - mdat.len();
    let data = &mdat[8..];
    let wide = |size: u64| [&[0, 0, 0, 1], &b"mdat"[..], &size.to_be_bytes(), data].concat();
    let padding = |kind: &[u8; 4]| mp4_box(kind, b"");
    let open = |file: &[u8]| [&[0; 4], &file[4..]].concat();
    let picture = mp4_box(b"pnot", &[0; 12]);
    let extended = mp4_box(b"uuid", &[7; 20]);
    let size = data.len() as u64 + 16;
    for (name, parts) in [
        ("64 bits", vec![ftyp.clone(), wide(size), moov.clone()]),
        (
            "data to the end",
            vec![
                index_first[..data_first].to_vec(),
                open(&index_first[data_first..]),
            ],
        ),
        (
            "index to the end",
            vec![ftyp.clone(), mdat.clone(), open(&moov)],
        ),
        (
            "wide first",
            vec![padding(b"wide"), mdat.clone(), moov.clone()],
        ),
        (
            "free first",
            vec![padding(b"free"), mdat.clone(), moov.clone()],
        ),
        (
            "skip first",
            vec![padding(b"skip"), moov.clone(), mdat.clone()],
        ),
        ("data first", vec![mdat.clone(), moov.clone()]),
        ("index first", vec![moov.clone(), mdat.clone()]),
        ("preview first", vec![picture, moov.clone(), mdat.clone()]),
        (
            "uuid last",
            vec![ftyp.clone(), mdat.clone(), moov.clone(), extended],
        ),
        (
            "unknown box",
            vec![
                ftyp.clone(),
                mp4_box(b"abcd", b"x"),
                mdat.clone(),
                moov.clone(),
            ],
        ),
        (
            "several parts of data",
            vec![ftyp.clone(), mdat.clone(), mp4_box(b"mdat", b"x"), moov],
        ),
    ] {
        let file = parts.concat();
        assert_eq!(truncated(&file), "", "{name}");
        let cut = truncated(&file[..file.len() - 1]);
        assert!(!cut.is_empty(), "{name}");
    }
}

#[test]
fn index_that_refers_to_other_files_or_is_compressed_is_not_used() {
    let (ftyp, _, moov) = index_last();
    let without_data = [ftyp.as_slice(), &moov].concat();
    assert_ne!(truncated(&without_data), "");
    // The flag of each reference means that the data is in another file.
    let in_file = [&b"url "[..], &[0, 0, 0, 1]].concat();
    let elsewhere = [&b"url "[..], &[0; 4]].concat();
    let file = replaced(&without_data, &in_file, &elsewhere);
    assert_eq!(truncated(&file), "");
    let compressed = mp4_box(b"moov", &mp4_box(b"cmov", b"zlib"));
    assert_eq!(truncated(&[ftyp.clone(), compressed].concat()), "");
    let reference = mp4_box(b"moov", &mp4_box(b"rmra", b""));
    assert_eq!(truncated(&[ftyp, reference].concat()), "");
}

#[test]
fn reason_states_the_missing_part() {
    let (ftyp, mdat, moov) = index_last();
    let first = fixture("index-first.mp4");
    // The data extends to the end of the file.
    let mut open = first[..first.len() - 1].to_vec();
    let data = first.len() - mdat.len();
    open[data..data + 4].fill(0);
    let live = fixture("live.mp4");
    let moof = live
        .windows(4)
        .rposition(|window| window == b"moof")
        .expect("a fragment");
    for (file, expected) in [
        (
            first[..first.len() - 1].to_vec(),
            "its `mdat` box ends at byte 2542, and the file has 2541 bytes",
        ),
        (
            [ftyp.clone(), mdat].concat(),
            "it ends without a `moov` box",
        ),
        (ftyp[..20].to_vec(), "its `ftyp` box ends at byte"),
        (
            ftyp[..5].to_vec(),
            "it ends inside its first header, after 5 bytes",
        ),
        (
            [ftyp, moov].concat(),
            "it ends without the data of its samples",
        ),
        (
            open,
            "its `moov` box refers to samples up to byte 2542, and the file has 2541 bytes",
        ),
        (live[..moof + 2].to_vec(), "inside the header of a box"),
        (
            fixture("live.webm")[..1700].to_vec(),
            "last cluster ends at byte",
        ),
        (
            fixture("file.webm")[..300].to_vec(),
            "its segment ends at byte 2180, and the file has 300 bytes",
        ),
        (fixture("file.avi")[..300].to_vec(), "its `"),
        (
            fixture("animation.gif")[..700].to_vec(),
            "it ends at byte 700, inside a block",
        ),
    ] {
        let what = truncated(&file);
        assert!(what.contains(expected), "{what} has no {expected}");
    }
}

#[test]
fn fragment_with_missing_samples_is_truncated_although_all_boxes_are_complete() {
    let file = fixture("live.mp4");
    let boxes = boxes(&file);
    let last = boxes.last().map_or(0, |last| last.len());
    let what = truncated(&file[..file.len() - last]);
    assert!(
        what.starts_with("its last fragment ends at byte 1773"),
        "{what}"
    );
}

#[test]
fn matching_segment_list_reveals_a_cut_between_segments() {
    let file = fixture("indexed.mp4");
    let starts = |kind: &[u8]| {
        let windows = file.windows(4).enumerate();
        let found = windows.filter(|(_, window)| *window == kind);
        found.map(|(at, _)| at - 4).collect::<Vec<_>>()
    };
    let cut = &file[..starts(b"moof")[1]];
    let what = truncated(cut);
    assert!(
        what.starts_with("its list of segments (`sidx`) ends at byte"),
        "{what}"
    );
    // A tool that shortens segments without updating the list does not truncate the file.
    let list = starts(b"sidx")[0];
    let first = list + if cut[list + 8] == 0 { 32 } else { 40 };
    for (at, more) in [(first, 10), (first + 12, 0)] {
        let mut stale = cut.to_vec();
        let size = u32_at(&stale, at).expect("the size of a segment") + more;
        stale[at..at + 4].copy_from_slice(&size.to_be_bytes());
        assert_eq!(truncated(&stale).is_empty(), more > 0);
    }
}

#[test]
fn data_box_that_counts_an_extra_header_is_whole_if_its_samples_are() {
    let file = fixture("index-first.mp4");
    let at = file
        .windows(4)
        .position(|window| window == b"mdat")
        .expect("data")
        - 4;
    let size = u32_at(&file, at).expect("a size");
    for (more, is_whole) in [(1, true), (8, true), (9, false), (1000, false)] {
        let mut file = file.clone();
        file[at..at + 4].copy_from_slice(&(size + more).to_be_bytes());
        assert_eq!(truncated(&file).is_empty(), is_whole, "{more}");
        file.pop();
        assert_ne!(truncated(&file), "", "{more}");
    }
}

#[test]
fn file_whose_rest_is_zeros_is_truncated() {
    let (ftyp, mdat, _) = index_last();
    let file = [ftyp, mdat, vec![0; 4000]].concat();
    assert!(truncated(&file).contains("without a `moov` box"));
}

#[test]
fn unknown_content_is_not_revealed() {
    let unknown: [&[u8]; 11] = [
        b"",
        b"film",
        b"a film of unknown kind",
        b"the free film, as text",
        b"\0\0\0\0\0\0\0\0\0\0\0\0",
        b"\x47\x40\x11\x10\0\x42\xf0\x25",
        b"\0\0\x01\xba\x44\0\x04\0\x04\x01\x01\x89",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"\xff\xd8\xff\xe0\0\x10JFIF",
        b"RIFF\x10\0\0\0WAVEfmt ",
        b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
    ];
    for file in unknown {
        let verdict = inspect(file);
        assert_eq!(
            verdict.completeness,
            Completeness::NotRevealed,
            "{}",
            file.escape_ascii()
        );
        assert_eq!(
            verdict.container,
            Container::Other,
            "{}",
            file.escape_ascii()
        );
    }
    let segment = [
        mp4_box(b"styp", b"msdh\0\0\0\0"),
        mp4_box(b"moof", b""),
        mp4_box(b"mdat", b"x"),
    ];
    assert_eq!(
        inspect(&segment.concat()).completeness,
        Completeness::NotRevealed
    );
    let picture = [
        mp4_box(b"ftyp", b"heic\0\0\0\0"),
        mp4_box(b"meta", &[0; 8]),
        mp4_box(b"mdat", b"x"),
    ];
    assert_eq!(inspect(&picture.concat()).container, Container::Heif);
    assert_eq!(truncated(&picture.concat()), "");
    assert_ne!(truncated(&picture.concat()[..38]), "");
}

#[test]
fn open_or_differently_counted_avi_sizes_are_not_a_truncation() {
    let file = fixture("file.avi");
    let size = u32::try_from(file.len()).expect("a small file");
    for stated in [0, u32::MAX, size, size - 8, size - 100, 8] {
        let mut file = file.clone();
        file[4..8].copy_from_slice(&stated.to_le_bytes());
        assert_eq!(truncated(&file), "", "{stated}");
    }
    let parts = [file.clone(), replaced(&file, b"AVI ", b"AVIX")].concat();
    assert_eq!(truncated(&parts), "");
    assert_ne!(truncated(&parts[..parts.len() - 100]), "");
}

#[test]
fn signed_riff_file_that_ends_within_its_signature_is_truncated() {
    for name in ["file.avi", "animation.webp"] {
        let mut file = fixture(name);
        // c2pa-python 0.38.1 appends this chunk, and the file's size counts it.
        file.extend_from_slice(b"C2PA\x10\0\0\0claims of a tool");
        let size = u32::try_from(file.len() - 8).expect("a small file");
        file[4..8].copy_from_slice(&size.to_le_bytes());
        assert_eq!(truncated(&file), "", "{name}");
        for missing in 1..=16 {
            let cut = &file[..file.len() - missing];
            assert_ne!(truncated(cut), "", "{name} without {missing} bytes");
        }
    }
}

#[test]
fn matroska_segment_of_size_zero_is_read_like_one_of_unknown_size() {
    let file = fixture("live.webm");
    let head = [
        0x18, 0x53, 0x80, 0x67, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    ];
    let zero = [0x18, 0x53, 0x80, 0x67, 0x01, 0, 0, 0, 0, 0, 0, 0];
    let file = replaced(&file, &head, &zero);
    assert_eq!(inspect(&file).completeness, Completeness::NotRevealed);
    assert_ne!(truncated(&file[..file.len() - 1]), "");
}

#[test]
fn ebml_header_shorter_than_the_recognition_bytes_is_read() {
    let head = b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\xff\x1f\x43\xb6\x75\xff\xa3\x84";
    let file = [&head[..], b"data"].concat();
    let expected = Verdict {
        container: Container::Matroska,
        completeness: Completeness::NotRevealed,
    };
    assert_eq!(inspect(&file), expected);
    for length in 1..file.len() {
        let is_border = [15].contains(&length);
        assert_eq!(truncated(&file[..length]).is_empty(), is_border, "{length}");
    }
}
