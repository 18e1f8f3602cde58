//! The code that `build.rs` generates from the documents. The attribute is in this file because an included file cannot have
//! inner attributes.
#![allow(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    unused_imports,
    unused_mut,
    unused_qualifications,
    dead_code,
    clippy::all,
    clippy::allow_attributes_without_reason,
    clippy::pedantic,
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    clippy::use_self,
    clippy::unwrap_used,
    rustdoc::all,
    reason = "generated code"
)]
include!(concat!(env!("OUT_DIR"), "/generated.rs"));
