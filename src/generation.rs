//! One generation: reading a response of the service, and finding the generation again. No I/O.
//!
//! The published schema is narrower than the responses that the documentation pages print (lists of videos, other names for
//! states and counters), and a completed generation is paid for. So every JSON response can be read, and what is not
//! understood stays reachable as JSON.

mod content;
mod excerpt;
mod expiry;
mod file_name;
mod links;
mod parts;
mod reason;
mod record;
mod status;
mod video;
mod words;

pub(crate) use expiry::expires_at;
pub(crate) use file_name::{EXTENSIONS, MAX_DEFAULT_NAME, essence, extension, fingerprint};
pub use parts::{Failure, ResponseMetadata, State, Usage};
pub(crate) use record::Created;
pub use record::{Generation, GenerationHandle};
pub use video::Video;
