//! Detects the media type of files that consist of boxes: ISO base media files (ISO/IEC 14496-12) and QuickTime movies.

/// The media type by the boxes of a file.
pub(super) fn media_type(bytes: &[u8]) -> Option<&'static str> {
    for found in Boxes(bytes) {
        return match found.kind {
            b"ftyp" => Some(by_brands(found.body, bytes)),
            // Segments of a stream.
            b"styp" | b"moof" | b"sidx" | b"emsg" | b"prft" => Some("video/mp4"),
            // An old QuickTime movie without brands.
            b"moov" | b"mdat" | b"pnot" => Some("video/quicktime"),
            // Free space, so the next box decides.
            b"free" | b"skip" | b"wide" if found.is_last => Some("video/quicktime"),
            b"free" | b"skip" | b"wide" => continue,
            _ => None,
        };
    }
    None
}

/// The media type by the brands of an `ftyp` box: the major brand, or else the compatible brands, or else MP4, as which
/// every file of this format can be read.
fn by_brands(ftyp: &[u8], file: &[u8]) -> &'static str {
    let (brands, _) = ftyp.as_chunks::<4>();
    let Some(major) = brands.first() else {
        return "video/mp4";
    };
    // The second field is the major brand's version.
    let compatible = brands.iter().skip(2);
    let image = compatible.clone().find_map(|brand| match by_brand(brand) {
        Some(found) if found.starts_with("image/") => Some(found),
        _ => None,
    });
    let has_still = brands.iter().any(|brand| STILLS.contains(&brand));
    let found = match by_brand(major) {
        Some(found) => found,
        // A structural brand for images, which does not state their coding.
        None if STILLS.contains(&major) => image.unwrap_or("image/heif"),
        None if major == b"msf1" => image.unwrap_or("image/heif-sequence"),
        None => match compatible.clone().find_map(by_brand) {
            Some(found) => found,
            None if has_still => "image/heif",
            None => "video/mp4",
        },
    };
    match found {
        "video/mp4" if is_audio_only(file) => "audio/mp4",
        "video/3gpp" if is_audio_only(file) => "audio/3gpp",
        "video/3gpp2" if is_audio_only(file) => "audio/3gpp2",
        _ => found,
    }
}

/// The media type of a brand that states the coding of the content. Brands are registered at <https://mp4ra.org>.
fn by_brand(brand: &[u8; 4]) -> Option<&'static str> {
    Some(match brand {
        b"avif" | b"avis" => "image/avif",
        b"heic" | b"heix" | b"heim" | b"heis" => "image/heic",
        b"hevc" | b"hevx" | b"hevm" | b"hevs" => "image/heic-sequence",
        b"crx " => "image/x-canon-cr3",
        b"qt  " => "video/quicktime",
        b"KDDI" | [b'3', b'g', b'2', _] => "video/3gpp2",
        [b'3', b'g', ..] => "video/3gpp",
        b"M4A " | b"M4B " | b"M4P " | b"F4A " | b"F4B " | b"f4a " | b"f4b " => "audio/mp4",
        [b'i', b's', b'o', _] | [b'M', b'4', b'V', _] | [b'F' | b'f', b'4', b'V' | b'v', _] => {
            "video/mp4"
        }
        b"avc1" | b"dash" | b"mp41" | b"mp42" => "video/mp4",
        _ => return None,
    })
}

/// The structural brands of files with still images.
const STILLS: &[&[u8; 4]] = &[b"mif1", b"mif2", b"miaf"];

/// Whether the movie has audio tracks, and neither video nor image tracks.
fn is_audio_only(file: &[u8]) -> bool {
    let moov = Boxes(file).filter(|found| found.kind == b"moov");
    let handlers: Vec<&[u8]> = moov
        .flat_map(|moov| children(moov.body, b"trak"))
        .flat_map(|trak| children(trak.body, b"mdia"))
        .flat_map(|mdia| children(mdia.body, b"hdlr"))
        .filter_map(|hdlr| hdlr.body.get(8..12))
        .collect();
    let shows = |handler: &&[u8]| matches!(*handler, b"vide" | b"auxv" | b"pict");
    handlers.contains(&b"soun".as_slice()) && !handlers.iter().any(shows)
}

/// The direct children of a box with this kind.
fn children<'a>(body: &'a [u8], kind: &'static [u8; 4]) -> impl Iterator<Item = Box<'a>> {
    Boxes(body).filter(move |found| found.kind == kind)
}

struct Box<'a> {
    kind: &'a [u8; 4],
    /// The content, as far as it is in the given bytes.
    body: &'a [u8],
    is_last: bool,
}

/// An iterator over the boxes of a file or of a container box.
struct Boxes<'a>(&'a [u8]);

impl<'a> Iterator for Boxes<'a> {
    type Item = Box<'a>;

    fn next(&mut self) -> Option<Box<'a>> {
        let (size, rest) = self.0.split_first_chunk::<4>()?;
        let (kind, rest) = rest.split_first_chunk::<4>()?;
        let (header, size) = match u32::from_be_bytes(*size) {
            // A size of 0 extends to the end of the file.
            0 => (8, u64::MAX),
            1 => (16, u64::from_be_bytes(*rest.first_chunk::<8>()?)),
            size => (8, size.into()),
        };
        if size < header {
            self.0 = &[];
            return None;
        }
        let end = usize::try_from(size)
            .unwrap_or(usize::MAX)
            .min(self.0.len());
        let body = self.0.get(header as usize..end).unwrap_or_default();
        self.0 = &self.0[end..];
        Some(Box {
            kind,
            body,
            is_last: self.0.is_empty(),
        })
    }
}
