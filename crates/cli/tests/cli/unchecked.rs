//! Requests without a document, by `--unchecked`.

use aimlapi_video_simulator::Simulator;
use serde_json::json;

use super::{
    MODEL,
    documents::{newest, with_documents},
    support::cli::Cli,
};

#[tokio::test]
async fn unchecked_request_for_the_embedded_simulator_is_refused_with_what_to_do() {
    let cli = with_documents();
    let arguments = ["generate", "acme/newer", "--unchecked", "--simulate"];
    for (options, expected) in [
        (
            &[][..],
            "name a folder with its document by --documents DIR",
        ),
        (
            &["--documents", "published"],
            "add its document to published",
        ),
    ] {
        let ran = cli.run(&[&arguments, options].concat()).await;
        let what = "no document describes acme/newer, so it cannot be simulated; ";
        assert!(
            ran.code == 2 && ran.error().contains(&format!("{what}{expected}")),
            "{ran:?}"
        );
    }
}

#[tokio::test]
async fn unchecked_request_is_sent_as_the_options_state_it() {
    let simulator = Simulator::builder().speed(2000.0).start().await.unwrap();
    let cli = Cli::at(simulator.url());
    std::fs::write(cli.path("a.png"), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").unwrap();
    let options = [
        "--prompt",
        "A kite",
        "--image",
        "a.png",
        "--set",
        "mask=@a.png",
        "--set",
        "n=3",
    ];
    let ran = cli
        .run(&[&["generate", "acme/newest", "--unchecked"], &options[..]].concat())
        .await;
    // The simulator does not know the model either.
    assert_eq!(ran.code, 2, "{ran:?}");
    let body = simulator.requests()[0].body.clone().unwrap();
    assert_eq!(
        (&body["model"], &body["prompt"], &body["n"]),
        (&json!("acme/newest"), &json!("A kite"), &json!(3))
    );
    for name in ["image_url", "mask"] {
        let sent = body[name].as_str().unwrap();
        assert!(sent.starts_with("data:image/png;base64,"), "{sent}");
    }
    // Documents of other models change no name.
    std::fs::create_dir(cli.path("published")).unwrap();
    std::fs::write(cli.path("published/a.json"), newest().to_string()).unwrap();
    let overlay = json!({ "overlay": "1.0.0", "info": { "title": "", "version": "1" }, "actions": [{
        "target": "$.paths[*].post.requestBody.content[*].schema.properties.prompt",
        "update": { "x-role": "opening-image" },
    }] });
    for overlay in [None, Some(overlay)] {
        if let Some(overlay) = overlay {
            std::fs::write(cli.path("published/overlay.json"), overlay.to_string()).unwrap();
        }
        let command = [
            "generate",
            "acme/newer",
            "--unchecked",
            "--documents",
            "published",
        ];
        let ran = cli.run(&[&command, &options[..]].concat()).await;
        let sent = simulator.requests().pop().unwrap().body.unwrap();
        for name in ["prompt", "image_url"] {
            assert_eq!(sent[name], body[name], "{ran:?}");
        }
        assert_eq!(sent["model"], "acme/newer", "{ran:?}");
    }
    let options = ["--prompt", "A kite", "--unchecked", "--set", "duration=7"];
    let ran = cli
        .run(&[&["generate", MODEL], &options[..]].concat())
        .await;
    assert!(
        ran.code == 2 && ran.error().contains("/duration"),
        "a known model is checked: {ran:?}"
    );
}
