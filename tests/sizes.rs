//! Tests the sizes of the futures that callers hold, since a caller may nest futures or keep thousands of them.
//!
//! `cargo test --all-features --test sizes -- --nocapture` prints them.
#![cfg(feature = "kling")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::future::IntoFuture;

use aimlapi_video::{Client, Generation, types::KlingaiV2MasterTextToVideo};

/// The maximum size in bytes in a debug build, whose futures are larger than those of a release build.
const MAX_SIZE: usize = 2048;

#[test]
fn futures_are_of_moderate_size() {
    let client = Client::builder().api_key("sk-1").build().unwrap();
    let generation = Generation::from_json(serde_json::json!({ "id": "a" }));
    let request = || {
        let request = KlingaiV2MasterTextToVideo::builder().prompt("a kite");
        request.build().unwrap()
    };
    let request_size = size_of_val(&request());
    let (mut updates, mut waits) = (client.wait("a").updates(), client.wait_all(["a"]));
    let mut jobs = client.generate_all([request()]);
    let sizes = [
        ("create", size_of_val(&client.create(request()))),
        ("generate", size_of_val(&client.generate(request()))),
        ("fetch", size_of_val(&client.fetch("a"))),
        ("wait", size_of_val(&client.wait("a").into_future())),
        ("updates().next()", size_of_val(&updates.next())),
        ("wait_all().next()", size_of_val(&waits.next())),
        ("generate_all().next()", size_of_val(&jobs.next())),
        ("save", size_of_val(&client.save(&generation, "a.mp4"))),
        ("to_file", {
            size_of_val(&client.download(&generation).to_file("a.mp4"))
        }),
        ("to_folder", {
            size_of_val(&client.download(&generation).to_folder("."))
        }),
        ("to_bytes", {
            size_of_val(&client.download(&generation).to_bytes())
        }),
        ("to_writer", {
            size_of_val(&client.download(&generation).to_writer(tokio::io::sink()))
        }),
        #[cfg(feature = "object-store")]
        ("save_to", {
            let store = std::sync::Arc::new(object_store::memory::InMemory::new());
            size_of_val(&client.save_to(&generation, store, "a.mp4"))
        }),
    ];
    println!("a request: {request_size} bytes");
    for (name, size) in sizes {
        println!("{name}: {size} bytes");
    }
    for (name, size) in sizes {
        // An argument by value is held by the future that has started and by the futures that it calls.
        let given = match name {
            "create" | "generate" => 2 * request_size,
            _ => 0,
        };
        assert!(size <= MAX_SIZE + given, "{name} has {size} bytes");
    }
}
