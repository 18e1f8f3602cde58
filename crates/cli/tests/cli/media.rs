//! Media from options and requests.

use std::fs;

use serde_json::json;

use super::{PNG, bodies, service, support::cli::Cli};

const IMAGE: &str = "klingai/v2-master-image-to-video";
const LEGACY: &str = "kling-video/v2.1/standard/image-to-video";
const MP4: &[u8] = b"\0\0\0\x1cftypisom\0\0\x02\0isomiso2avc1";

#[tokio::test]
async fn path_of_a_file_in_place_of_media_names_the_option_that_sends_it() {
    let server = service().await;
    let cli = Cli::at(server.url());
    fs::write(cli.path("a.png"), PNG).unwrap();
    fs::write(cli.path("a.txt"), "text").unwrap();
    let head = ["generate", IMAGE, "--no-wait"];
    fs::write(cli.path("my cat.png"), PNG).unwrap();
    for (given, hint) in [
        ("image_url=a.png", "; --set image_url=@a.png sends the file"),
        (
            "image_url=my cat.png",
            "; --set 'image_url=@my cat.png' sends the file",
        ),
    ] {
        let ran = cli.run(&[&head[..], &["--set", given]].concat()).await;
        assert!(ran.code == 2 && ran.error().ends_with(hint), "{ran:?}");
    }
    let ran = cli
        .run(&[&head[..], &["--image-url", "a.txt"]].concat())
        .await;
    let names_flag = ran
        .error()
        .starts_with("error: --image-url: the file a.txt is not an image");
    assert!(ran.code == 2 && names_flag, "{ran:?}");
    assert!(bodies(&server).is_empty());
}

#[tokio::test]
async fn unusable_media_are_an_error_in_options_and_a_warning_in_a_request() {
    let server = service().await;
    let cli = Cli::at(server.url());
    fs::write(cli.path("clip.mp4"), MP4).unwrap();
    fs::write(cli.path("a.png"), PNG).unwrap();
    for (value, part) in [
        ("@clip.mp4", "video/mp4"),
        ("blob:https://example.com/1", "blob:"),
        ("file:///a.png", "a file of this machine"),
        ("about:blank", "about:"),
        ("chrome-extension://x/a.png", "chrome-extension:"),
        ("data:image/png;base64,", "no data"),
        (
            "data:image/png;base64,data:image/png;base64,iVBORw0KGgo=",
            "twice",
        ),
        ("c:/a.png", "a file of this machine"),
    ] {
        let set = format!("image_url={value}");
        let ran = cli
            .run(&["generate", IMAGE, "--set", &set, "--no-wait"])
            .await;
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(
            ran.error().contains("nothing was created: /image_url: "),
            "{ran:?}"
        );
        assert!(ran.error().contains(part), "{ran:?}");
        let ran = cli
            .run(&[
                "generate",
                IMAGE,
                "--image",
                value.trim_start_matches('@'),
                "--no-wait",
            ])
            .await;
        assert_eq!(ran.code, 2, "{ran:?}");
    }
    // The legacy bodies allow any text.
    for value in [
        "a.png",
        "www.example.com/a.png",
        r"C:\a.png",
        "https://example.com/a b.png",
        "",
    ] {
        let set = format!("image_url={value}");
        let ran = cli
            .run(&["generate", LEGACY, "--legacy", "--set", &set, "--no-wait"])
            .await;
        assert_eq!(ran.code, 2, "{value} {ran:?}");
    }
    assert!(server.requests().is_empty());

    let body = json!({ "model": IMAGE, "image_url": "blob:1" });
    let ran = cli
        .run_with(
            &["generate", "--request", "-", "--no-wait"],
            &body.to_string(),
        )
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.stderr.contains("warning: /image_url: a `blob:` URL"),
        "{ran:?}"
    );
    for link in [
        "http://localhost/a.png",
        "https://10.0.0.1/a.png",
        "ftp://example.com/a.png",
    ] {
        for arguments in [["--image", link], ["--set", &format!("image_url={link}")]] {
            let ran = cli
                .run(&[&["generate", IMAGE, "--no-wait"], &arguments[..]].concat())
                .await;
            assert_eq!(ran.code, 0, "{ran:?}");
            assert!(ran.stderr.contains("warning: /image_url: "), "{ran:?}");
        }
    }
}

#[tokio::test]
async fn type_of_a_file_can_be_stated() {
    let server = service().await;
    let cli = Cli::at(server.url());
    fs::write(cli.path("picture.bin"), [0, 1, 2, 3]).unwrap();
    fs::write(cli.path("a;type=image"), PNG).unwrap();
    fs::create_dir(cli.path("b;type=image")).unwrap();
    fs::write(cli.path("b;type=image/png"), PNG).unwrap();
    for (image, sent) in [
        (
            "picture.bin;type=image/png",
            "data:image/png;base64,AAECAw==",
        ),
        (
            "picture.bin;type=Image/X-New",
            "data:image/x-new;base64,AAECAw==",
        ),
        // A file of that whole name takes precedence.
        ("a;type=image", "data:image/png;base64,iVBOR"),
        ("b;type=image/png", "data:image/png;base64,iVBOR"),
        (
            "b;type=image/png;type=image/gif",
            "data:image/gif;base64,iVBOR",
        ),
    ] {
        let before = bodies(&server).len();
        for arguments in [
            ["--image", image],
            ["--set", &format!("image_url=@{image}")],
        ] {
            let ran = cli
                .run(&[&["generate", IMAGE, "--no-wait"], &arguments[..]].concat())
                .await;
            assert_eq!(ran.code, 0, "{ran:?}");
        }
        for body in &bodies(&server)[before..] {
            assert!(
                body["image_url"].as_str().unwrap().starts_with(sent),
                "{body}"
            );
        }
    }
    let before = server.requests().len();
    for (image, part) in [
        (
            "picture.bin",
            "state its media type, such as image/png or video/mp4, as in picture.bin;type=image/png",
        ),
        ("picture.bin;type=text/plain", "image/…, video/… or audio/…"),
        ("picture.bin;type=png", "image/…, video/… or audio/…"),
        (
            "picture.bin;type=video/mp4",
            "is video/mp4, expected an image",
        ),
        ("none.bin;type=image/png", "none.bin cannot be read"),
        ("www.example.com/a.png", "https://www.example.com/a.png"),
    ] {
        let ran = cli
            .run(&["generate", IMAGE, "--no-wait", "--image", image])
            .await;
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.error().contains(part), "{ran:?}");
    }
    assert_eq!(server.requests().len(), before);
}
