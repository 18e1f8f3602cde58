use proptest::prelude::*;

use super::*;

mod clips;
mod made;
mod matrix;

fn inspect(file: &[u8]) -> Verdict {
    let mut inspector = Inspector::default();
    inspector.update(file);
    inspector.finish()
}

/// The reason why the file is truncated; empty if it is not.
fn truncated(file: &[u8]) -> String {
    match inspect(file).completeness {
        Completeness::Truncated(what) => what,
        Completeness::Whole | Completeness::NotRevealed => String::new(),
    }
}

/// The lengths to which the file can be cut undetected, and the offsets of its elements.
fn unrevealed_cuts(file: &[u8]) -> (Vec<usize>, Vec<u64>) {
    let mut inspector = Inspector::default();
    let (mut cuts, mut elements) = (Vec::new(), vec![0]);
    for (length, byte) in (1..file.len()).zip(file) {
        inspector.update(&[*byte]);
        if !matches!(inspector.finish().completeness, Completeness::Truncated(_)) {
            cuts.push(length);
        }
        if elements.last() != Some(&inspector.next) {
            elements.push(inspector.next);
        }
    }
    (cuts, elements)
}

fn fixture(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/clips");
    std::fs::read(format!("{folder}/{name}")).expect("a fixture")
}

/// A box of MP4.
fn mp4_box(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(8 + content.len()).expect("a small box");
    [&size.to_be_bytes(), &kind[..], content].concat()
}

/// The first bytes of every container.
fn magic() -> impl Strategy<Value = Vec<u8>> {
    let known: Vec<&[u8]> = vec![
        b"",
        b"\0\0\0\x10ftypisom\0\0\0\0",
        b"\0\0\0\x08moov",
        b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x18",
        b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\xff",
        b"GIF89a\x01\0\x01\0\0\0\0",
        b"FLV\x01\x05\0\0\0\x09\0\0\0\0",
        b"OggS",
        b"RIFF\xff\xff\xff\xffAVI ",
        b"RIFF\x40\0\0\0WEBPVP8 ",
    ];
    prop::sample::select(known).prop_map(<[u8]>::to_vec)
}

proptest! {
    #[test]
    fn inspection_of_any_bytes_is_bounded(
        head in magic(),
        rest in prop::collection::vec(any::<u8>(), 0..2000),
        piece in 1usize..300,
    ) {
        let file = [head, rest].concat();
        let mut inspector = Inspector::default();
        for bytes in file.chunks(piece) {
            inspector.update(bytes);
            inspector.finish();
            prop_assert!(inspector.held.len() <= file.len());
        }
        prop_assert_eq!(inspector.finish(), inspect(&file));
    }

    #[test]
    fn verdict_on_a_damaged_clip_does_not_depend_on_the_pieces(
        name in prop::sample::select(clips::CLIPS.map(|(name, ..)| name).to_vec()),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
        pieces in prop::collection::vec(1usize..200, 1..8),
    ) {
        let mut file = fixture(name);
        for (at, byte) in damage {
            let at = at.index(file.len());
            file[at] = byte;
        }
        file.truncate(1 + cut.index(file.len()));
        let mut inspector = Inspector::default();
        let mut rest = file.as_slice();
        for piece in pieces.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (bytes, after) = rest.split_at((*piece).min(rest.len()));
            inspector.update(bytes);
            rest = after;
        }
        prop_assert_eq!(inspector.finish(), inspect(&file));
    }

    #[test]
    fn inspection_of_tables_with_any_numbers_does_not_panic(
        numbers in prop::collection::vec(prop_oneof![0u32..20, any::<u32>()], 40),
        kind in prop::sample::select(vec![*b"stsz", *b"stz2", *b"stco", *b"co64", *b"stsc"]),
    ) {
        let mut file = fixture("index-first.mp4");
        let table = file.windows(4).position(|window| window == kind).unwrap_or(200);
        for (at, byte) in (table + 4..).zip(numbers.iter().flat_map(|number| number.to_be_bytes())) {
            if at < file.len() {
                file[at] = byte;
            }
        }
        inspect(&file);
    }
}

#[test]
fn index_beyond_the_limit_is_skipped_and_its_size_is_checked() {
    let size = u32::try_from(MAX_HELD + 1000).expect("32 bits");
    let mut inspector = Inspector::default();
    inspector.update(&mp4_box(b"ftyp", b"isom\0\0\0\0"));
    inspector.update(&[&size.to_be_bytes(), &b"moov"[..]].concat());
    let piece = vec![0x11; 1 << 20];
    let mut missing = MAX_HELD + 1000 - 8;
    while missing > 0 {
        let count = missing.min(piece.len());
        inspector.update(&piece[..count]);
        missing -= count;
        assert!(inspector.held.capacity() <= MAX_KEPT_CAPACITY);
    }
    assert!(matches!(
        inspector.finish().completeness,
        Completeness::Truncated(_)
    ));
    inspector.update(&mp4_box(b"mdat", b"data"));
    assert_eq!(inspector.finish().completeness, Completeness::Whole);
}

#[test]
fn buffer_of_an_index_is_bounded_and_released() {
    let mut inspector = Inspector::default();
    inspector.update(&mp4_box(b"ftyp", b"isom\0\0\0\0"));
    // A box that extends to the end of the file.
    inspector.update(b"\0\0\0\0moov");
    let piece = vec![0x11; 1 << 20];
    for _ in 0..2 * MAX_HELD / piece.len() {
        inspector.update(&piece);
        assert!(inspector.held.len() <= MAX_HELD);
    }
    assert_eq!(inspector.held.capacity(), 0);
    inspector.finish();
}

#[test]
fn media_data_is_not_copied() {
    let mut inspector = Inspector::default();
    inspector.update(b"\0\0\0\x10ftypisom\0\0\0\0\x70\0\0\0mdat");
    for _ in 0..1000 {
        inspector.update(&[7; 16384]);
        assert!(inspector.held.is_empty());
    }
}

#[test]
fn inspection_time_is_linear_in_the_number_of_elements() {
    // A list of defaults for many tracks, then fragments of many tracks: looked up, not searched.
    let defaults: Vec<u8> = (0..40_000u32)
        .flat_map(|track| {
            let fields = [0, track, 1, 0, 1, 0].map(u32::to_be_bytes);
            mp4_box(b"trex", &fields.concat())
        })
        .collect();
    let run = mp4_box(b"trun", &[0, 1].map(u32::to_be_bytes).concat());
    let tracks: Vec<u8> = (0..40_000u32)
        .flat_map(|track| {
            let header = mp4_box(b"tfhd", &[0, track].map(u32::to_be_bytes).concat());
            mp4_box(b"traf", &[header, run.clone()].concat())
        })
        .collect();
    let file = [
        mp4_box(b"ftyp", b"isom\0\0\0\0"),
        mp4_box(b"moov", &mp4_box(b"mvex", &defaults)),
        mp4_box(b"moof", &tracks),
        mp4_box(b"mdat", b"data"),
    ];
    let file = file.concat();
    let began = std::time::Instant::now();
    assert_eq!(truncated(&file), "");
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}
