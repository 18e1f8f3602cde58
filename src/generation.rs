//! A generation: the type that a response of the service is read into, and the handle that identifies the generation. No I/O.
//!
//! The published schema is narrower than the responses that the documentation pages print (lists of videos, other names for
//! states and counters), and a completed generation is paid for. Every JSON response can therefore be read, and properties
//! that this module does not interpret remain available as JSON.

mod content;
mod excerpt;
mod expiry;
mod file_name;
mod parts;
mod reason;
mod record;
mod status;
mod video;
mod video_urls;
mod words;

pub(crate) use expiry::expires_at;
pub(crate) use file_name::{EXTENSIONS, MAX_DEFAULT_NAME, essence, extension, fingerprint};
pub use parts::{Failure, ResponseMetadata, State, Usage};
pub(crate) use record::Created;
pub use record::{Generation, GenerationHandle};
pub use video::Video;
