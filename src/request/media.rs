//! Media in a request: images, videos and audio, as a URL or as inline data.
//!
//! [`Media`] is the public value that setters accept. [`content`] detects the media type of bytes, with [`iso_bmff`]
//! and [`ebml`] for containers; [`unsuitable`](mod@unsuitable) checks, before a request is paid for, whether a service
//! can use the text of a media property, with [`data_uri`] for inline data and [`remote`] for URLs.

mod content;
mod data_uri;
mod ebml;
mod iso_bmff;
mod remote;
mod unsuitable;

use std::{
    borrow::Cow,
    fmt,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use base64::{Engine, display::Base64Display, engine::general_purpose::STANDARD};

use serde::{Deserialize, Deserializer, Serialize, de};

pub(crate) use aimlapi_video_contract::MediaKind as Kind;
pub(crate) use content::media_type;
pub(crate) use unsuitable::{Unsuitable, unsuitable};

use aimlapi_video_contract::not_a_uri;

use super::{uri::Uri, value::InvalidValue};
use crate::{Error, contract::Schema, urls::redacted};

/// An image, video or audio file for a request: an `https` URL, a data URI, bytes, or a local file.
///
/// Bytes and files are sent inline as a data URI, with the media type of their content, independent of the file name.
/// If this crate does not know the format of the content, [`from_file_as`](Self::from_file_as) and
/// [`from_bytes_as`](Self::from_bytes_as) take the media type as an argument. Every setter of a media property accepts
/// `Media`.
///
/// ```no_run
/// use aimlapi_video::{Media, types::KlingVideoV21StandardImageToVideo};
///
/// let request = KlingVideoV21StandardImageToVideo::builder()
///     .image_url(Media::from_file("lighthouse.png")?)
///     .prompt("Fog rolls in from the sea")
///     .build()?;
/// # Ok::<(), aimlapi_video::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    uri: Uri,
    media_type: Option<Cow<'static, str>>,
}

/// The maximum length of a URI: [`Media::MAX_BYTES`] in base64, with room for the media type.
const MAX_URI: u64 = Media::MAX_BYTES.div_ceil(3) * 4 + 1024;

impl Media {
    /// The maximum number of bytes that [`from_file`](Self::from_file) and [`from_bytes`](Self::from_bytes) accept: 20
    /// MiB.
    pub const MAX_BYTES: u64 = 20 * 1024 * 1024;

    /// Makes media from a URL or a data URI, which is sent unchanged.
    ///
    /// # Errors
    ///
    /// [`InvalidMedia`](crate::ErrorKind::InvalidMedia) if `uri` is not an absolute URI, or is longer than a data URI
    /// of [`MAX_BYTES`](Self::MAX_BYTES).
    pub fn from_uri(uri: impl Into<String>) -> Result<Self, Error> {
        let uri = uri.into();
        if uri.len() as u64 > MAX_URI {
            return Err(Error::media(format!(
                "the media's URI is longer than {MAX_URI} bytes; shrink the media, or send a URL"
            )));
        }
        let uri = Uri::try_from(uri).map_err(|error| Error::media(error.to_string()))?;
        Ok(Self {
            uri,
            media_type: None,
        })
    }

    /// Makes media from a local file of at most [`MAX_BYTES`](Self::MAX_BYTES). The call reads the file, and blocks.
    ///
    /// # Errors
    ///
    /// [`InvalidMedia`](crate::ErrorKind::InvalidMedia) if the file cannot be read, is too large, or is not an image,
    /// video or audio file.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::from_file_with_limit(path, Self::MAX_BYTES)
    }

    /// Makes media from a local file as [`from_file`](Self::from_file) does, with a limit of `max_bytes`.
    ///
    /// # Errors
    ///
    /// As [`from_file`](Self::from_file).
    pub fn from_file_with_limit(path: impl AsRef<Path>, max_bytes: u64) -> Result<Self, Error> {
        Self::file(path.as_ref(), None, max_bytes)
    }

    /// Makes media from a local file as [`from_file`](Self::from_file) does, with the given media type and without a
    /// check of the content.
    ///
    /// # Errors
    ///
    /// [`InvalidMedia`](crate::ErrorKind::InvalidMedia) if the file cannot be read or is too large, or if `media_type`
    /// is not the name of an image, video or audio type without parameters, such as `video/mp4`.
    pub fn from_file_as(path: impl AsRef<Path>, media_type: &str) -> Result<Self, Error> {
        Self::from_file_as_with_limit(path, media_type, Self::MAX_BYTES)
    }

    /// Makes media from a local file as [`from_file_as`](Self::from_file_as) does, with a limit of `max_bytes`.
    ///
    /// # Errors
    ///
    /// As [`from_file_as`](Self::from_file_as).
    pub fn from_file_as_with_limit(
        path: impl AsRef<Path>,
        media_type: &str,
        max_bytes: u64,
    ) -> Result<Self, Error> {
        Self::file(path.as_ref(), Some(media_type), max_bytes)
    }

    /// Makes media from the bytes of an image, video or audio file, at most [`MAX_BYTES`](Self::MAX_BYTES).
    ///
    /// # Errors
    ///
    /// [`InvalidMedia`](crate::ErrorKind::InvalidMedia) if there are too many bytes, or if they are not an image, video
    /// or audio file.
    pub fn from_bytes(bytes: impl AsRef<[u8]>) -> Result<Self, Error> {
        Self::from_bytes_with_limit(bytes, Self::MAX_BYTES)
    }

    /// Makes media from bytes as [`from_bytes`](Self::from_bytes) does, with a limit of `max_bytes`.
    ///
    /// # Errors
    ///
    /// As [`from_bytes`](Self::from_bytes).
    pub fn from_bytes_with_limit(bytes: impl AsRef<[u8]>, max_bytes: u64) -> Result<Self, Error> {
        Self::bytes(bytes.as_ref(), None, max_bytes)
    }

    /// Makes media from bytes as [`from_bytes`](Self::from_bytes) does, with the given media type and without a check
    /// of the content.
    ///
    /// ```
    /// use aimlapi_video::Media;
    ///
    /// let raw_stream = b"\0\0\0\x01\x67\x42\xC0\x0A";
    /// let clip = Media::from_bytes_as(raw_stream, "video/h264")?;
    /// assert_eq!(clip.media_type(), Some("video/h264"));
    /// # Ok::<(), aimlapi_video::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidMedia`](crate::ErrorKind::InvalidMedia) if there are too many bytes or none, or if `media_type` is not
    /// the name of an image, video or audio type without parameters, such as `video/mp4`.
    pub fn from_bytes_as(bytes: impl AsRef<[u8]>, media_type: &str) -> Result<Self, Error> {
        Self::from_bytes_as_with_limit(bytes, media_type, Self::MAX_BYTES)
    }

    /// Makes media from bytes as [`from_bytes_as`](Self::from_bytes_as) does, with a limit of `max_bytes`.
    ///
    /// # Errors
    ///
    /// As [`from_bytes_as`](Self::from_bytes_as).
    pub fn from_bytes_as_with_limit(
        bytes: impl AsRef<[u8]>,
        media_type: &str,
        max_bytes: u64,
    ) -> Result<Self, Error> {
        Self::bytes(bytes.as_ref(), Some(media_type), max_bytes)
    }

    /// Returns the media type of inline data, such as `image/png`: the type that the caller stated, or else the type of
    /// the content. `None` for media made by [`from_uri`](Self::from_uri).
    pub fn media_type(&self) -> Option<&str> {
        self.media_type.as_deref()
    }

    /// Returns the URI that the request contains.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    pub(crate) fn into_uri(self) -> Uri {
        self.uri
    }

    fn file(path: &Path, stated: Option<&str>, max_bytes: u64) -> Result<Self, Error> {
        let mut bytes = Vec::new();
        // Reading one byte more than allowed detects a file that is too large, even if it grows or has no known size.
        File::open(path)
            .and_then(|file| {
                file.take(max_bytes.saturating_add(1))
                    .read_to_end(&mut bytes)
            })
            .map_err(|error: io::Error| Error::media_file(path, "cannot be read", Some(error)))?;
        Self::inline(&bytes, stated, max_bytes).map_err(|what| Error::media_file(path, &what, None))
    }

    fn bytes(bytes: &[u8], stated: Option<&str>, max_bytes: u64) -> Result<Self, Error> {
        Self::inline(bytes, stated, max_bytes)
            .map_err(|what| Error::media(format!("the media {what}")))
    }

    fn inline(bytes: &[u8], stated: Option<&str>, max_bytes: u64) -> Result<Self, String> {
        if bytes.len() as u64 > max_bytes {
            return Err(format!(
                "is larger than the limit of {max_bytes} bytes; shrink it, send a URL, or raise the limit"
            ));
        }
        if bytes.is_empty() {
            return Err("is empty; give an image, video or audio file".into());
        }
        let media_type = match stated {
            Some(stated) => checked_type(stated)?.into(),
            None => media_type(bytes).ok_or(
                "is not an image, video or audio file by its content; give such a file, or state its media type, such as \
                 image/png or video/mp4",
            )?,
        };
        let data = format!(
            "data:{media_type};base64,{}",
            Base64Display::new(bytes, &STANDARD)
        );
        let uri = Uri::parse(data).map_err(|_| "cannot be written as a data URI".to_owned())?;
        Ok(Self {
            uri,
            media_type: Some(media_type),
        })
    }
}

/// Checks the media type that the caller stated, and returns it in lower case.
fn checked_type(stated: &str) -> Result<String, String> {
    let is_restricted = |c: char| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c);
    let is_name = stated
        .split_once('/')
        .is_some_and(|(_, name)| !name.is_empty() && name.chars().all(is_restricted));
    if is_name && Kind::from_media_type(stated).is_some() {
        return Ok(stated.to_ascii_lowercase());
    }
    Err(format!(
        "was stated to have the media type {stated:?}; allowed: image/…, video/… or audio/…, without parameters, such as \
         image/png or video/mp4"
    ))
}

/// An absolute URI of any scheme, or plain base64 text of an image, video or audio file.
///
/// This is the type of properties whose document states `format: uri`, but whose description also allows base64 text.
/// Base64 text is recognized by its decoded content, so a word or a path is not accepted. [`Media`] sends a data URI
/// instead, which every model accepts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct UriOrBase64(String);

impl UriOrBase64 {
    /// Returns the unchanged text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn is_valid(text: &str) -> bool {
        Uri::is_valid(text) || Self::is_base64_media(text)
    }

    /// Whether the whole text is base64, and its decoded beginning is that of a media file.
    pub(crate) fn is_base64_media(text: &str) -> bool {
        let data = text.trim_end_matches('=');
        let alphabet = data
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte));
        let head = &data.as_bytes()[..data.len().min(BASE64_HEAD) / 4 * 4];
        alphabet
            && text.len().is_multiple_of(4)
            && text.len() - data.len() <= 2
            && STANDARD
                .decode(head)
                .is_ok_and(|head| media_type(&head).is_some())
    }
}

impl TryFrom<String> for UriOrBase64 {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        if Self::is_valid(&text) {
            return Ok(Self(text));
        }
        Err(InvalidValue::new(not_a_uri(
            &text,
            &Schema::UriOrBase64.allowed(),
        )))
    }
}

impl AsRef<str> for UriOrBase64 {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<UriOrBase64> for String {
    fn from(media: UriOrBase64) -> Self {
        media.0
    }
}

impl fmt::Debug for UriOrBase64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: String = redacted(&self.0).chars().take(80).collect();
        write!(f, "UriOrBase64({shown})")
    }
}

impl<'de> Deserialize<'de> for UriOrBase64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// The length of the base64 text that is decoded to detect its media type. It covers two packets of an MPEG transport
/// stream, and more than any other signature needs.
const BASE64_HEAD: usize = 1024;

/// The text of a media property whose document states no format: a URL, a data URI, or plain base64 data.
///
/// The type accepts any text, as the document does. Its `Debug` output contains neither URL signatures nor data.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MediaString(String);

impl MediaString {
    /// Returns the unchanged text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for MediaString {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for MediaString {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl AsRef<str> for MediaString {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<MediaString> for String {
    fn from(media: MediaString) -> Self {
        media.0
    }
}

impl fmt::Debug for MediaString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: String = redacted(&self.0).chars().take(80).collect();
        write!(f, "MediaString({shown})")
    }
}

impl TryFrom<&Path> for Media {
    type Error = Error;

    fn try_from(path: &Path) -> Result<Self, Error> {
        Self::from_file(path)
    }
}

impl TryFrom<PathBuf> for Media {
    type Error = Error;

    fn try_from(path: PathBuf) -> Result<Self, Error> {
        Self::from_file(path)
    }
}
