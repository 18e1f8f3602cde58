//! `--image` on models with one image, a list of images, or several parameters for images.

use serde_json::Value;

use super::{DATA, PNG, generate, sent, service, support::cli::Cli};

#[tokio::test]
async fn image_is_the_opening_image_or_the_only_images_of_the_model() {
    let server = service().await;
    let cli = Cli::at(server.url());
    std::fs::write(cli.path("a.png"), PNG).unwrap();
    let list = "kling-video/v1.6/standard/multi-image-to-video";
    for (model, count, name, extra) in [
        (
            "klingai/video-v3-pro-image-to-video",
            1,
            "image_url",
            &[][..],
        ),
        (
            "klingai/video-o1-reference-to-video",
            1,
            "image_list",
            &["--prompt", "x"],
        ),
        (list, 2, "image_list", &[]),
        (
            "klingai/kling-video-v1.6-pro-effects",
            2,
            "image_url",
            &["--effect-scene", "hug"],
        ),
    ] {
        let images = ["--image", "a.png"].repeat(count);
        let ran = generate(&cli, &[&[model], &images[..], extra].concat()).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        let images = match &sent(&server)[name] {
            Value::Array(items) => items.clone(),
            one => vec![one.clone()],
        };
        assert_eq!(images.len(), count, "{model}");
        assert!(
            images
                .iter()
                .all(|image| image.as_str().unwrap().starts_with(DATA))
        );
    }
}

#[tokio::test]
async fn image_that_has_no_place_is_an_error_with_the_flags_to_use() {
    let server = service().await;
    let cli = Cli::at(server.url());
    std::fs::write(cli.path("a.png"), PNG).unwrap();
    for (model, count, part) in [
        (
            super::MODEL,
            1,
            "no parameter for the opening image; leave the flag off",
        ),
        (
            "alibaba/wan2.2-i2v-plus",
            2,
            "takes one image; give --image once",
        ),
        (
            "klingai/video-v3-pro-image-to-video",
            2,
            "opens with one image; give --image once, and other images by --tail-image-url",
        ),
        (
            "alibaba/wan-2-7-r2v",
            1,
            "takes images in several parameters; in place of --image, use --first-frame-image, --image-urls",
        ),
    ] {
        let images = ["--image", "a.png"].repeat(count);
        let ran = generate(&cli, &[&[model, "--prompt", "x"], &images[..]].concat()).await;
        assert!(
            ran.code == 2 && ran.error().contains(part),
            "{part}: {ran:?}"
        );
    }
    assert!(server.requests().is_empty());
}
