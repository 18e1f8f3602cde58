//! The throughput of a download from loopback, compared with `curl` in the same run: to a sink that discards the bytes,
//! to a file system in memory if there is one, and to the disk.
//!
//! Each pair runs in turns, and the medians are compared. On the disk, the time of `curl` includes a `sync` of the
//! file, since a download of this crate ends only when the file is on disk.
#![allow(clippy::unwrap_used, missing_docs, reason = "a bench may fail")]

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Command,
    thread,
    time::Instant,
};

use aimlapi_video::{Client, Generation};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

const LENGTH: usize = 1 << 30;
const RUNS: usize = 7;

fn main() {
    if cfg!(debug_assertions) {
        println!("built without optimization: the figures are not meaningful");
    }
    let url = serve();
    let has_curl = Command::new("curl").arg("--version").output().is_ok();
    if !has_curl {
        println!("curl is not installed: no ratio");
    }
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let client = Client::builder()
        .base_url(&url)
        .api_key("none")
        .build()
        .unwrap();
    let generation = Generation::from_json(
        json!({ "id": "g", "status": "completed", "video": format!("{url}/x.mp4") }),
    );
    let bench = Bench {
        runtime,
        client,
        generation,
        url,
        has_curl,
    };
    println!("1 GiB from loopback, median of {RUNS} runs in turns");
    bench.compare("to a discarding writer", None, false);
    if Path::new("/dev/shm").is_dir() {
        bench.compare("to files in memory", Some(Path::new("/dev/shm")), false);
    }
    bench.compare(
        "to the disk",
        Some(Path::new(env!("CARGO_TARGET_TMPDIR"))),
        true,
    );
    if let Some(peak) = peak() {
        println!("peak resident memory: {peak:.1} MiB");
    }
}

struct Bench {
    runtime: Runtime,
    client: Client,
    generation: Generation,
    url: String,
    has_curl: bool,
}

impl Bench {
    fn compare(&self, what: &str, folder: Option<&Path>, synced: bool) {
        let path =
            folder.map(|folder| folder.join(format!("download-bench-{}.mp4", std::process::id())));
        let path = path.as_deref();
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            ours.push(timed(|| self.download(path)));
            path.map(fs::remove_file).transpose().unwrap();
            if self.has_curl {
                theirs.push(timed(|| self.curl(path, synced)));
                path.map(fs::remove_file).transpose().unwrap();
            }
        }
        let ours = median(ours);
        print!("{what}: {:.0} MiB/s", 1024.0 / ours);
        if self.has_curl {
            let theirs = median(theirs);
            print!(
                ", curl {:.0} MiB/s, ratio {:.2}",
                1024.0 / theirs,
                theirs / ours
            );
        }
        println!();
    }

    fn download(&self, path: Option<&Path>) {
        let download = self.client.download(&self.generation);
        let bytes = self.runtime.block_on(async {
            match path {
                Some(path) => download.to_file(path).await.unwrap()[0].bytes,
                None => download.to_writer(tokio::io::sink()).await.unwrap().bytes,
            }
        });
        assert_eq!(bytes, LENGTH as u64);
    }

    fn curl(&self, path: Option<&Path>, synced: bool) {
        let target = path.unwrap_or(Path::new("/dev/null"));
        let url = format!("{}/x.mp4", self.url);
        let status = Command::new("curl")
            .args(["-s", "-o"])
            .arg(target)
            .arg(url)
            .status();
        assert!(status.unwrap().success());
        if synced {
            assert!(Command::new("sync").arg(target).status().unwrap().success());
        }
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

/// Serves the same video on every connection, with one thread for each connection.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || respond(stream.unwrap()));
        }
    });
    url
}

fn respond(mut stream: TcpStream) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    while lines
        .next()
        .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
    {}
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\ncontent-length: {LENGTH}\r\netag: \"b\"\r\nconnection: close\r\n\r\n"
    );
    // The beginning of a complete MP4 file, whose data extends to the end.
    let head_of_video = b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x08moov\0\0\0\0mdat";
    let mut piece = vec![7u8; 256 * 1024];
    piece[..head_of_video.len()].copy_from_slice(head_of_video);
    let _ = stream.write_all(head.as_bytes());
    for _ in 0..LENGTH / piece.len() {
        if stream.write_all(&piece).is_err() {
            return;
        }
    }
}

/// The peak resident memory of this process in MiB, on systems with `/proc`.
fn peak() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}
