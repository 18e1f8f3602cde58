//! Throughput and memory of a save to S3, compared with `aws s3 cp` in the same run; `tests/s3` starts a server for it.
//!
//! The save downloads 1 GiB from loopback and uploads it at once; `aws s3 cp` uploads a file of the same size. Both run in turns,
//! and the medians are compared. With the argument `hang`, the program opens an upload and waits to be killed; with `sweep`, it
//! removes what that left.
#![allow(clippy::unwrap_used, missing_docs, reason = "a bench may fail")]

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use aimlapi_video::{Client, Generation};
use aimlapi_video_worker::store::Store;
use serde_json::json;
use tokio::runtime::Builder;

const LENGTH: usize = 1 << 30;
const RUNS: usize = 3;

fn main() {
    let Ok(url) = std::env::var("STORE") else {
        println!("STORE is not set: run crates/worker/tests/s3");
        return;
    };
    let store = Store::open(&url).unwrap();
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(store.check()).unwrap();
    let mut arguments = std::env::args();
    if arguments.any(|argument| argument == "sweep") {
        let swept = runtime.block_on(store.sweep(Duration::ZERO)).unwrap();
        println!("{swept} left-over uploads removed");
        return;
    }
    let is_hanging = std::env::args().any(|argument| argument == "hang");
    let host = serve(if is_hanging { LENGTH / 16 } else { LENGTH });
    let client = Client::builder()
        .base_url(&host)
        .api_key("none")
        .build()
        .unwrap();
    let generation = |id: &str| {
        Generation::from_json(
            json!({ "id": id, "status": "completed", "video": format!("{host}/x.mp4") }),
        )
    };
    if is_hanging {
        println!("uploading");
        runtime
            .block_on(store.save(&client, "killed", &generation("g")))
            .unwrap();
        return;
    }
    let file = std::env::temp_dir().join(format!("store-bench-{}.mp4", std::process::id()));
    write_video(&mut std::fs::File::create(&file).unwrap(), LENGTH).unwrap();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    // Each run replaces the objects of the one before, since they take a lot of space.
    for run in 0..RUNS {
        let id = format!("run-{run}");
        ours.push(timed(|| {
            let saved = runtime
                .block_on(store.save(&client, "boat", &generation(&id)))
                .unwrap();
            assert_eq!(saved.videos[0].bytes, LENGTH as u64);
        }));
        theirs.push(timed(|| {
            let target = format!("{url}/aws.mp4");
            let copied = Command::new("aws")
                .args(["s3", "cp", "--only-show-errors"])
                .arg(&file)
                .arg(target)
                .status();
            assert!(copied.unwrap().success());
        }));
    }
    std::fs::remove_file(&file).unwrap();
    let (ours, theirs) = (median(ours), median(theirs));
    println!("1 GiB to {url}, median of {RUNS} runs in turns");
    println!(
        "save: {:.0} MiB/s, aws s3 cp: {:.0} MiB/s, ratio {:.2}",
        1024.0 / ours,
        1024.0 / theirs,
        theirs / ours
    );
    if let Some(peak) = peak() {
        println!("peak resident memory of the save: {peak:.1} MiB");
    }
}

fn timed(run: impl FnOnce()) -> f64 {
    let began = Instant::now();
    run();
    began.elapsed().as_secs_f64()
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

/// Serves a video of 1 GiB on every connection, of which it sends `sent` bytes before it stalls.
fn serve(sent: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || respond(stream.unwrap(), sent));
        }
    });
    url
}

fn respond(mut stream: TcpStream, sent: usize) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    while lines
        .next()
        .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
    {}
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\ncontent-length: {LENGTH}\r\netag: \"b\"\r\nconnection: close\r\n\r\n"
    );
    let _ = stream.write_all(head.as_bytes());
    if write_video(&mut stream, sent).is_ok() && sent < LENGTH {
        thread::park();
    }
}

/// Writes the first bytes of a complete MP4 file, whose data extends to the end.
fn write_video(target: &mut impl Write, length: usize) -> std::io::Result<()> {
    let head = b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x08moov\0\0\0\0mdat";
    let mut piece = vec![7u8; 256 * 1024];
    piece[..head.len()].copy_from_slice(head);
    for _ in 0..length / piece.len() {
        target.write_all(&piece)?;
    }
    Ok(())
}

/// The peak resident memory of this process in MiB, on systems with `/proc`.
fn peak() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}
