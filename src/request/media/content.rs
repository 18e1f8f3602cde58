//! Detects the media type of bytes by their content.
//!
//! The crate `file-format` knows most signatures. For an ISO base media file it reads only the major brand, and it does
//! not distinguish audio-only WebM from video, so [`iso_bmff`] and [`ebml`] read these containers.

use std::borrow::Cow;

use file_format::FileFormat;

use super::{Kind, ebml, iso_bmff};

/// The media type of the bytes of an image, video or audio file. The beginning of a file is sufficient, except that
/// only the whole file shows whether a container has audio only.
pub(crate) fn media_type(bytes: &[u8]) -> Option<Cow<'static, str>> {
    // A text may begin with a signature of two or three letters, such as BM and GIF.
    if is_text(bytes) {
        return None;
    }
    let container = iso_bmff::media_type(bytes).or_else(|| ebml::media_type(bytes));
    if let Some(media_type) = container.or_else(|| by_own_signature(bytes)) {
        return Some(media_type.into());
    }
    if let Some(rest) = after_id3(bytes) {
        return media_type(rest)
            .filter(|media_type| Kind::from_media_type(media_type) == Some(Kind::Audio))
            .or(Some("audio/mpeg".into()));
    }
    let format = FileFormat::from_bytes(bytes);
    let media_type = match format {
        // The signature is two zero bytes and a two, which a TGA may begin with, too. No service accepts a cursor.
        FileFormat::WindowsCursor => return None,
        _ => common(format.media_type()),
    };
    Kind::from_media_type(&media_type)
        .is_some()
        .then_some(media_type)
}

/// The common name of a media type for which `file-format` has another name.
fn common(media_type: &str) -> Cow<'static, str> {
    let common = match media_type {
        "audio/vnd.wave" => "audio/wav",
        // An Ogg file with any content is `audio/ogg` (RFC 5334, RFC 7845); `audio/opus` is a stream over RTP.
        "audio/opus" => "audio/ogg",
        // Viewers without support for the animation show the first image.
        "image/apng" => "image/png",
        other => return other.to_owned().into(),
    };
    common.into()
}

/// The media type of formats that `file-format` does not detect.
fn by_own_signature(bytes: &[u8]) -> Option<&'static str> {
    // A bitmap: the header size follows the offset of the pixels, and the reserved field before that offset is zero.
    let is_bitmap = bytes.starts_with(b"BM")
        && bytes.get(6..10) == Some(&[0; 4])
        && matches!(
            bytes.get(14..18),
            Some([12 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0])
        );
    // A Canon CR2 has its mark and version at a position where another TIFF may have pixels.
    let is_canon = bytes.get(8..11) == Some(b"CR\x02");
    match bytes.first_chunk::<4>()? {
        b"II*\0" if !is_canon => Some("image/tiff"),
        _ if is_bitmap => Some("image/bmp"),
        b"RF64" | b"BW64" if bytes.get(8..12) == Some(b"WAVE") => Some("audio/wav"),
        b"caff" => Some("audio/x-caf"),
        _ => is_transport_stream(bytes).then_some("video/mp2t"),
    }
}

/// Whether the bytes are packets of an MPEG transport stream: 188 bytes each, optionally with a time stamp of 4 bytes
/// before or 16 bytes of error correction after each packet.
fn is_transport_stream(bytes: &[u8]) -> bool {
    [(0, 188), (4, 192), (0, 204)]
        .into_iter()
        .any(|(first, size)| {
            let syncs: Vec<&u8> = bytes.iter().skip(first).step_by(size).take(5).collect();
            syncs.len() > 1 && syncs.into_iter().all(|byte| *byte == 0x47)
        })
}

/// The bytes after all ID3v2 tags at the beginning; `None` if there is no tag. The size of a tag is stored in four bytes of
/// seven bits.
fn after_id3(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes;
    while let Some(header) = rest.first_chunk::<10>()
        && header.starts_with(b"ID3")
    {
        let size = header[6..]
            .iter()
            .fold(0, |size: usize, byte| size << 7 | usize::from(byte & 0x7F));
        rest = rest.get(10 + size..).unwrap_or_default();
    }
    (rest.len() < bytes.len()).then_some(rest)
}

/// Whether the bytes begin with text: UTF-8 without control characters; the last character may be incomplete.
fn is_text(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(TEXT_HEAD)];
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    let is_control = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\x0C');
    !text.contains(is_control)
}

const TEXT_HEAD: usize = 512;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(boxes: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (kind, body) in boxes {
            bytes.extend((body.len() as u32 + 8).to_be_bytes());
            bytes.extend(*kind);
            bytes.extend(*body);
        }
        bytes
    }

    /// A file with an `ftyp` box of these brands, the major one first, followed by `rest`.
    fn branded(brands: &str, rest: &[u8]) -> Vec<u8> {
        let (major, compatible) = brands.split_at(4);
        let body = [major.as_bytes(), &[0, 0, 2, 0], compatible.as_bytes()].concat();
        [file(&[(b"ftyp", &body)]), rest.to_vec()].concat()
    }

    /// A `moov` box with one track for each handler.
    fn movie(handlers: &[&[u8; 4]]) -> Vec<u8> {
        let tracks = handlers.iter().flat_map(|handler| {
            let hdlr = file(&[(b"hdlr", &[&[0; 8], &handler[..], &[0; 12]].concat())]);
            file(&[(b"trak", &file(&[(b"tkhd", &[0; 84]), (b"mdia", &hdlr)]))])
        });
        file(&[(b"moov", &tracks.collect::<Vec<u8>>())])
    }

    fn detected(bytes: &[u8]) -> Option<String> {
        media_type(bytes).map(Cow::into_owned)
    }

    #[test]
    fn type_of_an_iso_file_is_that_of_its_major_brand_or_a_compatible_one_or_mp4() {
        for (brands, expected) in [
            ("isomisomiso2avc1mp41", "video/mp4"),
            ("3gp43gp4isom", "video/3gpp"),
            ("3gp5isom", "video/3gpp"),
            ("3gr6", "video/3gpp"),
            ("3g2a3g2aisom", "video/3gpp2"),
            ("KDDI", "video/3gpp2"),
            ("XAVCXAVCmp42iso2", "video/mp4"),
            ("MSNVMSNVmp42isom", "video/mp4"),
            ("iso8cmfcdash", "video/mp4"),
            ("cmfcdash", "video/mp4"),
            ("pifffiso", "video/mp4"),
            ("isml", "video/mp4"),
            ("F4V isommp42", "video/mp4"),
            ("M4V M4A mp42isom", "video/mp4"),
            ("M4VHM4V ", "video/mp4"),
            ("ABCD", "video/mp4"),
            ("ABCDqt  ", "video/quicktime"),
            ("CAEP3gp4isom", "video/3gpp"),
            ("qt  ", "video/quicktime"),
            ("M4A M4A mp42isom", "audio/mp4"),
            ("M4B ", "audio/mp4"),
            ("heicmif1heic", "image/heic"),
            ("heixmif1", "image/heic"),
            ("mif1mif1heic", "image/heic"),
            ("mif1mif1heixmiaf", "image/heic"),
            ("mif1mif1avifmiaf", "image/avif"),
            ("mif1miaf", "image/heif"),
            ("miafmif1", "image/heif"),
            ("ABCDmif1heic", "image/heic"),
            ("ABCDmif1", "image/heif"),
            ("hevchevcheic", "image/heic-sequence"),
            ("msf1msf1hevc", "image/heic-sequence"),
            ("msf1msf1", "image/heif-sequence"),
            ("avifmif1miaf", "image/avif"),
            ("avisavifmsf1", "image/avif"),
            // A video that also contains still images.
            ("isommif1heic", "video/mp4"),
            ("crx crx isom", "image/x-canon-cr3"),
        ] {
            assert_eq!(
                detected(&branded(brands, b"")).as_deref(),
                Some(expected),
                "{brands}"
            );
        }
    }

    #[test]
    fn movie_without_video_tracks_is_audio() {
        for (brands, handlers, expected) in [
            ("isommp42", &[b"soun"][..], "audio/mp4"),
            ("isommp42", &[b"soun", b"text"], "audio/mp4"),
            ("isommp42", &[b"soun", b"vide"], "video/mp4"),
            ("isommp42", &[b"text"], "video/mp4"),
            ("dash", &[b"soun"], "audio/mp4"),
            ("3gp4", &[b"soun"], "audio/3gpp"),
            ("3g2a", &[b"soun"], "audio/3gpp2"),
            // An audio book may contain images.
            ("M4B ", &[b"soun", b"vide"], "audio/mp4"),
        ] {
            let mdat = file(&[(b"mdat", &[0; 40])]);
            let rest = [mdat, movie(handlers)].concat();
            assert_eq!(
                detected(&branded(brands, &rest)).as_deref(),
                Some(expected),
                "{brands}"
            );
        }
    }

    #[test]
    fn type_of_a_file_without_brands_is_that_of_its_boxes() {
        let moov = movie(&[b"vide"]);
        let mdat = file(&[(b"mdat", &[0; 40])]);
        let to_the_end = [&[0, 0, 0, 0], &b"mdat"[..], &[7; 90]].concat();
        let wide = [
            &[0, 0, 0, 1],
            &b"mdat"[..],
            &[0, 0, 0, 0, 0, 0, 0, 40],
            &[7; 24],
        ]
        .concat();
        let quicktime = Some("video/quicktime");
        for (bytes, expected) in [
            ([&moov[..], &mdat].concat(), quicktime),
            ([&mdat[..], &moov].concat(), quicktime),
            (
                [&file(&[(b"wide", &[])])[..], &mdat, &moov].concat(),
                quicktime,
            ),
            (
                [&file(&[(b"skip", &[0; 8]), (b"free", &[])])[..], &moov].concat(),
                quicktime,
            ),
            (file(&[(b"pnot", &[0; 12])]), quicktime),
            (to_the_end, quicktime),
            (wide, quicktime),
            (
                [file(&[(b"free", &[0; 8])]), branded("isom", b"")].concat(),
                Some("video/mp4"),
            ),
            (
                file(&[(b"styp", b"msdh\0\0\0\0"), (b"sidx", &[0; 20])]),
                Some("video/mp4"),
            ),
            (file(&[(b"moof", &[0; 20])]), Some("video/mp4")),
            (file(&[(b"abcd", &[0; 20])]), None),
        ] {
            assert_eq!(detected(&bytes).as_deref(), expected, "{bytes:?}");
        }
    }

    #[test]
    fn type_of_matroska_and_webm_is_that_of_their_header_and_tracks() {
        let element = |id: &[u8], body: &[u8]| [id, &[0x80 | body.len() as u8], body].concat();
        let head =
            |doc_type: &[u8]| element(&[0x1A, 0x45, 0xDF, 0xA3], &element(&[0x42, 0x82], doc_type));
        let segment = |kinds: &[u8], size: &[u8]| {
            let tracks = kinds.iter().flat_map(|kind| {
                let number = element(&[0xD7], &[1]);
                element(&[0xAE], &[number, element(&[0x83], &[*kind])].concat())
            });
            let tracks = element(&[0x16, 0x54, 0xAE, 0x6B], &tracks.collect::<Vec<u8>>());
            [&[0x18, 0x53, 0x80, 0x67], size, &tracks].concat()
        };
        // The size of a live stream is unknown, and a truncated file may have any stated size.
        let sizes: [&[u8]; 3] = [
            &[0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            &[0xFF],
            &[0x10, 0, 0x10, 0],
        ];
        for size in sizes {
            for (doc_type, kinds, expected) in [
                (&b"webm"[..], &[1, 2][..], Some("video/webm")),
                (b"webm", &[2], Some("audio/webm")),
                (b"webm\0\0", &[], Some("video/webm")),
                (b"matroska", &[1], Some("video/x-matroska")),
                (b"matroska", &[2, 17], Some("audio/x-matroska")),
                (b"other", &[1], None),
            ] {
                let bytes = [head(doc_type), segment(kinds, size)].concat();
                assert_eq!(detected(&bytes).as_deref(), expected, "{doc_type:?}");
            }
        }
    }

    #[test]
    fn transport_stream_is_detected_with_each_packet_size() {
        for (lead, size, tail) in [(0, 188, 0), (4, 192, 0), (0, 204, 16)] {
            let packet = [
                vec![0; lead],
                vec![0x47, 0x40, 0, 0x10],
                vec![0xFF; size - lead - 4 - tail],
                vec![0; tail],
            ];
            let stream = packet.concat().repeat(6);
            assert_eq!(detected(&stream).as_deref(), Some("video/mp2t"), "{size}");
            let mut broken = stream.clone();
            broken[lead + size] = 0;
            assert_eq!(detected(&broken), None, "{size}");
        }
    }

    #[test]
    fn other_formats_have_their_common_names() {
        for (bytes, expected) in [
            (&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], "image/png"),
            (b"\xFF\xD8\xFF\xE0\0\x10JFIF\0", "image/jpeg"),
            (b"\xFF\xD8\xFF\xDB\0\x43\0", "image/jpeg"),
            (b"\xFF\xD8\xFF\xE1\0\x43Exif\0", "image/jpeg"),
            (b"GIF89a\x01\0\x01\0\x80\0\0", "image/gif"),
            (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"),
            (b"BM\x8A\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", "image/bmp"),
            (b"BM\x8A\0\0\0\0\0\0\0\x1A\0\0\0\x0C\0\0\0", "image/bmp"),
            // An image whose first pixels are 0x43 and 0x52.
            (b"II*\0\x88\0\0\0\x43\x52\x10\x43", "image/tiff"),
            (b"MM\0*\0\0\0\x08\0\x0B", "image/tiff"),
            (b"MM\0+\0\x08\0\0", "image/tiff"),
            (b"\0\0\0\x0CJXL \r\n\x87\n\0\0\0\0", "image/jxl"),
            (b"\0\0\x01\0\x01\0\x10\x10", "image/vnd.microsoft.icon"),
            (b"\0\0\x01\xBA\x44\0\x04\0", "video/mpeg"),
            (b"RIFF\x24\0\0\0AVI LIST\0", "video/x-msvideo"),
            (b"FLV\x01\x05\0\0\0\x09", "video/x-flv"),
            (b"ID3\x04\0\0\0\0\0\0", "audio/mpeg"),
            (b"ID3\x04\0\0\0\0\0\x02\0\0\xFF\xF1\x50\x80", "audio/aac"),
            (b"ID3\x04\0\0\0\0\0\0\xFF\xFB\x90\x64", "audio/mpeg"),
            (b"\xFF\xFB\x90\x64\0", "audio/mpeg"),
            (b"\xFF\xF3\x40\xC4\0", "audio/mpeg"),
            (b"\xFF\xF1\x50\x80\x02", "audio/aac"),
            (b"fLaC\0\0\0\x22", "audio/flac"),
            (b"RIFF\x24\0\0\0WAVEfmt ", "audio/wav"),
            (b"RF64\xFF\xFF\xFF\xFFWAVEds64", "audio/wav"),
            (b"#!AMR\n\x3C\0\xF0", "audio/amr"),
            (b"FORM\0\0\x10\0AIFFCOMM", "audio/x-aiff"),
            (b"caff\0\x01\0\0desc", "audio/x-caf"),
        ] {
            assert_eq!(
                detected(bytes).as_deref(),
                Some(expected),
                "{}",
                bytes.escape_ascii()
            );
        }
    }

    #[test]
    fn any_number_of_id3_tags_precedes_the_audio() {
        let tags = b"ID3\x04\0\0\0\0\0\0".repeat(200_000);
        assert_eq!(detected(&tags).as_deref(), Some("audio/mpeg"));
        let audio = [&tags, &b"\xFF\xF1\x50\x80"[..]].concat();
        assert_eq!(detected(&audio).as_deref(), Some("audio/aac"));
    }

    #[test]
    fn text_and_other_files_are_not_media() {
        for text in [
            "BMW and other cars drive by, and none of them stops",
            "GIF is a format of pictures",
            "GIF89a is its second version",
            "P6 is a magic number",
            "ID3 tags",
            "#!AMR\n",
            "RIFF, WEBP and the like",
            "fLaC",
            "",
            "<svg xmlns='http://www.w3.org/2000/svg'/>",
        ] {
            assert_eq!(detected(text.as_bytes()), None, "{text}");
        }
        let packets_of_text = format!("G{}", "a".repeat(187)).repeat(6);
        assert_eq!(detected(packets_of_text.as_bytes()), None);
        let others: [&[u8]; 4] = [
            b"%PDF-1.7\n\xE2\xE3\xCF\xD3",
            b"PK\x03\x04\x14\0",
            b"\x1F\x8B\x08\0",
            b"\0\0\x02\0\0\0",
        ];
        for bytes in others {
            assert_eq!(detected(bytes), None, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn detection_of_any_bytes_returns_a_media_type_or_none(bytes: Vec<u8>, begin in 0_usize..6) {
            let begins: [&[u8]; 6] = [b"", b"\0\0\0\x18ftyp", b"\x1A\x45\xDF\xA3", b"\0\0\0\x01moov", b"ID3\x04\0\0", b"\0\0\0\x08wide"];
            let bytes = [begins[begin], &bytes].concat();
            if let Some(found) = media_type(&bytes) {
                prop_assert!(Kind::from_media_type(&found).is_some(), "{}", found);
            }
        }

        #[test]
        fn text_is_never_media(text in "[ -~\n]{0,600}") {
            prop_assert_eq!(media_type(text.as_bytes()), None);
        }
    }
}
