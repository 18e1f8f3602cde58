//! Text input, from a file or standard input: UTF-8, or UTF-16 with a byte order mark.
//!
//! Windows PowerShell 5.1 redirects output (`>`) as UTF-16, so handles and requests may have that encoding. Any other encoding
//! is an error that names the likely encoding and the line.

use std::{
    fmt::Display,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
    str::FromStr,
};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use file_format::{FileFormat, Kind};

use crate::failure::shell_path;

/// The name of standard input in messages.
pub(crate) const STANDARD_INPUT: &str = "standard input";

/// Opens a file, or standard input where the path is `-`, and returns its name in messages.
pub(crate) fn open(path: &str) -> Result<(Box<dyn BufRead>, &str), String> {
    if path == "-" {
        return Ok((Box::new(io::stdin().lock()), STANDARD_INPUT));
    }
    match File::open(Path::new(path)) {
        Ok(file) => Ok((Box::new(BufReader::new(file)), path)),
        Err(error) => Err(read_error(path, &error)),
    }
}

/// Reads the whole text of a file, or of standard input where the path is `-`.
pub(crate) fn read(path: &str) -> Result<String, String> {
    let (source, name) = open(path)?;
    whole(source, name)
}

/// Reads and parses a file; an error names it as `what`.
pub(crate) fn parse<T: FromStr<Err: Display>>(path: &Path, what: &str) -> Result<T, String> {
    let path = path.display().to_string();
    let text = read(&path).map_err(|error| format!("{what} {error}"))?;
    text.parse().map_err(|error| format!("{path}: {error}"))
}

/// Reads the whole text of a source.
pub(crate) fn whole(source: impl BufRead, name: &str) -> Result<String, String> {
    let text: String = Text::new(source, name)?.collect::<Result<_, _>>()?;
    // Some tools write a second byte order mark.
    Ok(text.trim_start_matches('\u{FEFF}').to_owned())
}

/// The text of a JSON error, with the line and the column of the source: `NAME:3:17: …`.
///
/// `text` begins at `line` of the source; columns count characters.
pub(crate) fn json_error(name: &str, line: usize, text: &str, error: &serde_json::Error) -> String {
    let line = line + error.line().max(1) - 1;
    let not_json = if error.is_data() { "" } else { "not JSON: " };
    let (column, message) = (column(text, error), json_message(error));
    format!("{name}:{line}:{column}: {not_json}{message}")
}

/// The column of an error in its line, counted in characters from 1.
pub(crate) fn column(text: &str, error: &serde_json::Error) -> usize {
    let line = text
        .split('\n')
        .nth(error.line().max(1) - 1)
        .unwrap_or_default();
    let before = |(at, _): &(usize, char)| at + 1 < error.column();
    line.char_indices().take_while(before).count() + 1
}

/// The message without line and column.
pub(crate) fn json_message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

/// The lines of a text, each with its line break.
pub(crate) struct Text<R> {
    source: io::Chain<io::Cursor<Vec<u8>>, R>,
    /// The name of the source in errors.
    name: String,
    encoding: Encoding,
    /// The format of a source that is not text.
    format: Option<&'static str>,
    line: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
}

impl<R: BufRead> Text<R> {
    /// Reads the first bytes and determines the encoding.
    pub(crate) fn new(mut source: R, name: impl Into<String>) -> Result<Self, String> {
        let name = name.into();
        let mut head = Vec::new();
        source
            .by_ref()
            .take(HEAD)
            .read_to_end(&mut head)
            .map_err(|error| read_error(&name, &error))?;
        let (encoding, mark) = match head.as_slice() {
            // The mark of UTF-16 and a zero character are the mark of UTF-32.
            [0xFF, 0xFE, 0, 0, ..] => return Err(utf_32(&name, "UTF-32LE")),
            [0, 0, 0xFE, 0xFF, ..] => return Err(utf_32(&name, "UTF-32BE")),
            [0xFF, 0xFE, ..] => (Encoding::Utf16Le, 2),
            [0xFE, 0xFF, ..] => (Encoding::Utf16Be, 2),
            [0xEF, 0xBB, 0xBF, ..] => (Encoding::Utf8, 3),
            _ => (Encoding::Utf8, 0),
        };
        let format = binary_format(&head);
        let mut head = io::Cursor::new(head);
        head.set_position(mark);
        Ok(Self {
            source: head.chain(source),
            name,
            encoding,
            format,
            line: 0,
        })
    }

    /// The error for a source whose first bytes are those of a binary format.
    pub(crate) fn binary_error(&self) -> Option<String> {
        let format = self.format?;
        Some(format!(
            "{} is {format}, expected text; unpack it, or export it as text in UTF-8",
            self.name
        ))
    }

    fn next_line(&mut self) -> Result<Option<String>, String> {
        let mut bytes = Vec::new();
        let read = match self.encoding {
            Encoding::Utf8 => self.source.read_until(b'\n', &mut bytes).map(drop),
            _ => self.read_utf_16(&mut bytes),
        };
        read.map_err(|error| read_error(&self.name, &error))?;
        if bytes.is_empty() {
            return Ok(None);
        }
        self.line += 1;
        let text = match self.encoding {
            Encoding::Utf8 => self.utf_8(bytes),
            Encoding::Utf16Le => self.utf_16(&bytes, u16::from_le_bytes),
            Encoding::Utf16Be => self.utf_16(&bytes, u16::from_be_bytes),
        };
        text.map(Some)
    }

    /// Reads to the end of a line: a line feed in a two-byte unit of its own.
    fn read_utf_16(&mut self, bytes: &mut Vec<u8>) -> io::Result<()> {
        let line_feed = match self.encoding {
            Encoding::Utf16Be => [0, b'\n'],
            _ => [b'\n', 0],
        };
        while self.source.read_until(b'\n', bytes)? > 0 {
            if !bytes.len().is_multiple_of(2) {
                self.source.by_ref().take(1).read_to_end(bytes)?;
            }
            if bytes.ends_with(&line_feed) {
                break;
            }
        }
        Ok(())
    }

    fn utf_8(&self, bytes: Vec<u8>) -> Result<String, String> {
        if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
            return Err(self.zero_byte_error(&bytes, at));
        }
        String::from_utf8(bytes).map_err(|error| {
            let (at, utf_8) = (error.utf8_error().valid_up_to(), error.utf8_error());
            self.utf_8_error(error.as_bytes(), at, utf_8.error_len().is_none())
        })
    }

    fn utf_16(&self, bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, String> {
        let (name, line) = (&self.name, self.line);
        let (pairs, rest) = bytes.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(format!(
                "{name} is UTF-16 that ends within a character: line {line} has an odd number of bytes; write the file \
                 again"
            ));
        }
        let mut text = String::with_capacity(pairs.len());
        for unit in char::decode_utf16(pairs.iter().copied().map(unit)) {
            match unit {
                Ok('\0') => {
                    return Err(format!(
                        "{name} contains a zero character in line {line}; save it as text in UTF-8"
                    ));
                }
                Ok(c) => text.push(c),
                Err(error) => {
                    return Err(format!(
                        "{name} is not valid UTF-16: character {1} of line {line} is the unpaired surrogate 0x{0:04X}; save it \
                         as UTF-8",
                        error.unpaired_surrogate(),
                        text.chars().count() + 1
                    ));
                }
            }
        }
        Ok(text)
    }

    /// The error for a zero byte: an encoding of two or four bytes a character, or a stray byte.
    fn zero_byte_error(&self, bytes: &[u8], at: usize) -> String {
        let (name, line, place) = (&self.name, self.line, at + 1);
        if let Some(binary) = self.binary_error() {
            return binary;
        }
        let zeros = |parity: usize| {
            let positions = bytes.iter().enumerate();
            positions
                .filter(|(at, byte)| at % 4 == parity && **byte == 0)
                .count()
                * 4
                > bytes.len() / 2
        };
        let encoding = match [zeros(0), zeros(1), zeros(2), zeros(3)] {
            [true, true, true, false] => Some("UTF-32BE"),
            [false, true, true, true] => Some("UTF-32LE"),
            [true, false, true, false] => Some("UTF-16BE"),
            [false, true, false, true] => Some("UTF-16LE"),
            _ => None,
        };
        match encoding {
            Some(encoding) if line == 1 => format!(
                "{name} is {encoding} without a byte order mark, as the zero byte in line 1 shows (byte {place}); {}",
                self.remedy(encoding)
            ),
            // Windows PowerShell 5.1 appends UTF-16 to a UTF-8 file (`>>`).
            Some(_) => format!(
                "{name} begins as UTF-8, but line {line} has a zero byte (byte {place}), as appended UTF-16 has; save all of \
                 it as UTF-8"
            ),
            None => format!(
                "{name} has a zero byte in line {line} (byte {place}); save it as text in UTF-8"
            ),
        }
    }

    fn utf_8_error(&self, bytes: &[u8], at: usize, is_cut: bool) -> String {
        let (name, line, place) = (&self.name, self.line, at + 1);
        if let Some(binary) = self.binary_error() {
            return binary;
        }
        let byte = bytes.get(at).copied().unwrap_or_default();
        if is_cut {
            return format!(
                "{name} ends within a UTF-8 character, in line {line} (byte {place}); write the file again"
            );
        }
        if matches!(bytes.get(at..at + 2), Some([0xED, 0xA0..=0xBF])) {
            return format!(
                "{name} is not UTF-8: byte {place} of line {line} begins half of a surrogate pair, as CESU-8 has; save it as \
                 UTF-8"
            );
        }
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
        detector.feed(bytes, true);
        let likely = detector.guess(None, Utf8Detection::Deny).name();
        format!(
            "{name} is not UTF-8: byte {place} of line {line} is 0x{byte:02X}; the encoding is likely {likely}; {}",
            self.remedy(likely)
        )
    }

    fn remedy(&self, encoding: &str) -> String {
        match self.name.as_str() {
            STANDARD_INPUT => format!("convert it to UTF-8, as by `iconv -f {encoding} -t UTF-8`"),
            name => format!(
                "save it as UTF-8, as by `iconv -f {encoding} -t UTF-8 {}`",
                shell_path(name)
            ),
        }
    }
}

impl<R: BufRead> Iterator for Text<R> {
    type Item = Result<String, String>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_line().transpose()
    }
}

/// The name of a binary format, by its first bytes.
fn binary_format(head: &[u8]) -> Option<&'static str> {
    let format = FileFormat::from_bytes(head);
    let is_binary = matches!(
        format.kind(),
        Kind::Archive
            | Kind::Audio
            | Kind::Compressed
            | Kind::Document
            | Kind::Image
            | Kind::Package
            | Kind::Video
    );
    match format {
        FileFormat::Gzip => Some("gzip data"),
        FileFormat::Zip => Some("a ZIP archive, such as a workbook of Excel"),
        FileFormat::PortableDocumentFormat => Some("a PDF document"),
        _ if is_binary => Some("an archive, an image or another binary format"),
        _ => None,
    }
}

fn utf_32(name: &str, encoding: &str) -> String {
    format!(
        "{name} is {encoding}, as its byte order mark shows, expected UTF-8, or UTF-16 with a byte order mark; save it as \
         UTF-8, as by `iconv -f UTF-32 -t UTF-8`"
    )
}

fn read_error(name: &str, error: &io::Error) -> String {
    format!("{name} cannot be read: {error}")
}

/// How many bytes are read before the first line: enough for byte order marks and the signatures of common formats.
const HEAD: u64 = 64;

#[cfg(test)]
mod tests;
