//! The names of videos after their requests.

use std::fs;

use super::{MODEL, batch, bodies, service, support::cli::Cli, videos};

#[tokio::test]
async fn videos_of_a_batch_are_named_after_their_requests() {
    let server = service().await;
    let cli = Cli::at(server.url());
    fs::write(cli.path("p.txt"), "A kite, slowly\n../A kite?\n").unwrap();
    let words = [
        "--prompts",
        "p.txt",
        "--model",
        MODEL,
        "--each",
        "duration=5,10",
        "--name",
    ];
    let named = async |name| batch(&cli, &[&words[..], &[name]].concat()).await;
    let ran = named("{prompt}.mp4").await;
    assert_eq!(ran.code, 2, "{ran:?}");
    let error = "line 1 with duration=5 and line 1 with duration=10 have the same name, A-kite-slowly.mp4; add {n}";
    assert!(ran.error().contains(error), "{ran:?}");
    fs::create_dir(cli.path("videos")).unwrap();
    fs::write(cli.path("videos/0003-A-kite-5.mp4"), "mine").unwrap();
    let ran = named("{n}-{prompt}-{duration}").await;
    assert!(
        ran.error().contains("0003-A-kite-5.mp4 exists already"),
        "{ran:?}"
    );
    assert!(server.requests().is_empty());

    fs::remove_file(cli.path("videos/0003-A-kite-5.mp4")).unwrap();
    assert_eq!(named("{n}-{prompt}-{duration}").await.code, 0);
    let names = [
        "0001-A-kite-slowly-5.mp4",
        "0002-A-kite-slowly-10.mp4",
        "0003-A-kite-5.mp4",
        "0004-A-kite-10.mp4",
    ];
    assert_eq!(videos(&cli), names);
    // Another template names new files alone.
    let ran = named("{n}").await;
    assert!(
        ran.code == 0 && ran.stderr.contains("saved already: 4"),
        "{ran:?}"
    );
    assert_eq!((videos(&cli).len(), bodies(&server).len()), (4, 4));
}

#[tokio::test]
async fn output_of_generate_is_named_after_its_request_and_numbered() {
    let server = service().await;
    let cli = Cli::at(server.url());
    let generate = async |output| {
        let request = [
            "generate",
            MODEL,
            "--prompt",
            "A kite: slowly",
            "--speed",
            "1000",
            "-o",
        ];
        cli.run(&[&request[..], &[output]].concat()).await
    };
    for expected in [
        "out/A-kite-slowly/0001-16-9.mp4",
        "out/A-kite-slowly/0002-16-9.mp4",
    ] {
        let ran = generate("out/{prompt}/{n}-{aspect_ratio}.mp4").await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(cli.path(expected).is_file(), "{ran:?}");
    }
    let ran = generate("{prompt}-{id}.mp4").await;
    assert!(ran.stdout.contains("saved A-kite-slowly-g"), "{ran:?}");
    for (output, error) in [
        ("{n}-{id}.mp4", "leave one of them off"),
        (
            "{promt}.mp4",
            "{promt} is not a placeholder; use {model}, {id}, {prompt}",
        ),
    ] {
        let ran = generate(output).await;
        assert!(ran.code == 2 && ran.error().contains(error), "{ran:?}");
    }
    let ran = cli.run(&["wait", "g0", "-o", "{prompt}.mp4"]).await;
    assert!(
        ran.code == 2 && ran.error().contains("use {model} or {id}"),
        "{ran:?}"
    );
    assert_eq!(bodies(&server).len(), 3);
}
