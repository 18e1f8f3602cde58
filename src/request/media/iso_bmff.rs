//! The media type of files of boxes: ISO base media files (ISO/IEC 14496-12) and QuickTime movies.

/// The media type that the boxes show.
pub(super) fn media_type(bytes: &[u8]) -> Option<&'static str> {
    for found in Boxes(bytes) {
        return match found.kind {
            b"ftyp" => Some(by_brands(found.body, bytes)),
            // Segments of a stream.
            b"styp" | b"moof" | b"sidx" | b"emsg" | b"prft" => Some("video/mp4"),
            // A movie from before there were brands.
            b"moov" | b"mdat" | b"pnot" => Some("video/quicktime"),
            // Room that something else may fill. What follows decides.
            b"free" | b"skip" | b"wide" if found.is_last => Some("video/quicktime"),
            b"free" | b"skip" | b"wide" => continue,
            _ => None,
        };
    }
    None
}

/// The type by the brands of an `ftyp` box: the major one, else those that the file is compatible with, else an MP4, as
/// every file of this format is read.
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
        // A structure of pictures, which says nothing of how they are coded.
        None if STILLS.contains(&major) => image.unwrap_or("image/heif"),
        None if major == b"msf1" => image.unwrap_or("image/heif-sequence"),
        None => match compatible.clone().find_map(by_brand) {
            Some(found) => found,
            None if has_still => "image/heif",
            None => "video/mp4",
        },
    };
    match found {
        "video/mp4" if is_sound_alone(file) => "audio/mp4",
        "video/3gpp" if is_sound_alone(file) => "audio/3gpp",
        "video/3gpp2" if is_sound_alone(file) => "audio/3gpp2",
        _ => found,
    }
}

/// The type of a brand that tells how its content is coded. Brands are registered at <https://mp4ra.org>.
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

/// Brands of files whose structure is one of still pictures.
const STILLS: &[&[u8; 4]] = &[b"mif1", b"mif2", b"miaf"];

/// Whether the movie has tracks of sound and none of pictures.
fn is_sound_alone(file: &[u8]) -> bool {
    let moov = Boxes(file).filter(|found| found.kind == b"moov");
    let handlers: Vec<&[u8]> = moov
        .flat_map(|moov| below(moov.body, b"trak"))
        .flat_map(|trak| below(trak.body, b"mdia"))
        .flat_map(|mdia| below(mdia.body, b"hdlr"))
        .filter_map(|hdlr| hdlr.body.get(8..12))
        .collect();
    let shows = |handler: &&[u8]| matches!(*handler, b"vide" | b"auxv" | b"pict");
    handlers.contains(&b"soun".as_slice()) && !handlers.iter().any(shows)
}

fn below<'a>(body: &'a [u8], kind: &'static [u8; 4]) -> impl Iterator<Item = Box<'a>> {
    Boxes(body).filter(move |found| found.kind == kind)
}

struct Box<'a> {
    kind: &'a [u8; 4],
    /// As much of it as there is.
    body: &'a [u8],
    is_last: bool,
}

/// The boxes of a file, or of a box that holds others.
struct Boxes<'a>(&'a [u8]);

impl<'a> Iterator for Boxes<'a> {
    type Item = Box<'a>;

    fn next(&mut self) -> Option<Box<'a>> {
        let (size, rest) = self.0.split_first_chunk::<4>()?;
        let (kind, rest) = rest.split_first_chunk::<4>()?;
        let (header, size) = match u32::from_be_bytes(*size) {
            // To the end of the file.
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
