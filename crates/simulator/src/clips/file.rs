//! A copy of an embedded MP4 (ISO/IEC 14496-12) with another first frame and a title.

/// Returns a first frame of two colours, selected by a hash: the upper slice of a frame, and the lower slice of another one.
///
/// `frames` are NAL units, each after a start code (ITU-T H.264, annex B).
pub(super) fn first_frame(frames: &[u8], [upper, lower]: [u8; 2]) -> Vec<u8> {
    let mut units: Vec<&[u8]> = Vec::new();
    let mut rest = frames;
    while let Some(begin) = after(rest, &START_CODE) {
        rest = &rest[begin..];
        let unit = &rest[..find(rest, &START_CODE).unwrap_or(rest.len())];
        // The first byte of a start code of four bytes.
        units.push(unit.strip_suffix(&[0]).unwrap_or(unit));
    }
    let count = units.len() / 2;
    let slices = [
        units[usize::from(upper) % count * 2],
        units[usize::from(lower) % count * 2 + 1],
    ];
    // In an MP4, the length of a NAL unit is in front of it.
    slices
        .map(|slice| [&size(slice.len()), slice].concat())
        .concat()
}

const START_CODE: [u8; 3] = [0, 0, 1];

/// Returns a copy of `mp4` with another first frame and a title.
///
/// The last box of `moov` is an empty `ilst`, `mdat` follows, and all frames are in one chunk.
pub(super) fn with(mp4: &[u8], frame: &[u8], title: &str) -> Vec<u8> {
    let position = |name: &[u8; 4]| after(mp4, name).unwrap_or_default();
    // After the version, the flags, a size for all samples and a count; after the version, the flags and a count.
    let (first_size, first_chunk) = (position(b"stsz") + 12, position(b"stco") + 8);
    let (list, data) = (position(b"ilst"), position(b"mdat"));
    let replaced = u32_at(mp4, first_size) as usize;

    let name = title_box(title);
    let mut file = [
        &mp4[..list],
        &name,
        &mp4[list..data],
        frame,
        &mp4[data + replaced..],
    ]
    .concat();
    let mut set = |at: usize, value: usize| file[at..at + 4].copy_from_slice(&size(value));
    for parent in [b"moov", b"udta", b"meta", b"ilst"] {
        let at = position(parent) - 8;
        set(at, u32_at(mp4, at) as usize + name.len());
    }
    set(first_size, frame.len());
    set(first_chunk, data + name.len());
    let data_size = u32_at(mp4, data - 8) as usize + frame.len() - replaced;
    set(data - 8 + name.len(), data_size);
    file
}

/// Returns the item `©nam` of the iTunes metadata, which players show as the title.
fn title_box(title: &str) -> Vec<u8> {
    // UTF-8 of any language.
    let content = [&[0, 0, 0, 1, 0, 0, 0, 0], title.as_bytes()].concat();
    let data = [&size(content.len() + 8), b"data", &*content].concat();
    [&size(data.len() + 8), b"\xa9nam", &*data].concat()
}

fn size(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4]
        .iter()
        .fold(0, |value, byte| value << 8 | u32::from(*byte))
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes
        .windows(pattern.len())
        .position(|window| window == pattern)
}

fn after(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    Some(find(bytes, pattern)? + pattern.len())
}
