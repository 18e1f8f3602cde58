//! The cost of checking that a download is complete: the time to inspect 100 MB in pieces of 16 KiB that were just
//! received, compared with the time to download them from loopback to a file, in one run and in turns.
#![allow(clippy::unwrap_used, reason = "a bench may fail")]

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Instant,
};

use aimlapi_video::{__bench::receive, Client, Generation};
use serde_json::json;
use tokio::runtime::Builder;

const LENGTH: usize = 100_000_000;
const PIECE: usize = 16 * 1024;
const RUNS: usize = 11;

pub(crate) fn run() {
    if cfg!(debug_assertions) {
        println!("built without optimization: the figures are not meaningful");
    }
    println!("100 MB from loopback to a file, median of {RUNS} runs in turns");
    compare("MP4 of 10 s, with an index of 300 samples", indexed(300));
    compare(
        "MP4 of an hour, with an index of 100 000 samples",
        indexed(100_000),
    );
    compare("MP4 in fragments of 100 kB", fragmented());
    compare("live WebM with blocks of 10 kB", live());
}

fn compare(what: &str, film: Vec<u8>) {
    let film = Arc::new(film);
    let url = serve(Arc::clone(&film));
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let client = Client::builder()
        .base_url(&url)
        .api_key("none")
        .build()
        .unwrap();
    let video = format!("{url}/x");
    let generation = json!({ "id": "g", "status": "completed", "video": video });
    let generation = Generation::from_json(generation);
    let folder = tempfile::tempdir().unwrap();
    let (mut downloads, mut received, mut inspected) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        downloads.push(timed(|| {
            let download = client.download(&generation).overwrite(true);
            let saved = runtime
                .block_on(download.to_file(folder.path().join("a")))
                .unwrap();
            assert_eq!(saved[0].bytes, film.len() as u64);
        }));
        received.push(timed(|| {
            receive(&film, PIECE, false);
        }));
        inspected.push(timed(|| assert!(!receive(&film, PIECE, true))));
    }
    let download = median(downloads);
    let inspection = (median(inspected) - median(received)).max(0.0);
    println!(
        "{what}: download {:.1} ms, inspected in {:.3} ms, {:.2} %",
        download * 1e3,
        inspection * 1e3,
        inspection / download * 100.0
    );
}

/// An MP4 file with its index first, which has a size and an offset for each sample.
fn indexed(samples: u32) -> Vec<u8> {
    let size = 90_000_000 / samples;
    let numbers = |numbers: &[u32]| {
        numbers
            .iter()
            .flat_map(|number| number.to_be_bytes())
            .collect::<Vec<u8>>()
    };
    let sizes: Vec<u32> = [0, 0, samples]
        .into_iter()
        .chain((0..samples).map(|_| size))
        .collect();
    let offsets: Vec<u32> = [0, samples]
        .into_iter()
        .chain((0..samples).map(|at| 2_000_000 + at * size))
        .collect();
    let sample = [&[0; 6][..], &[0, 1]].concat();
    let table = [
        mp4_box(
            b"stsd",
            &[numbers(&[0, 1]), mp4_box(b"avc1", &sample)].concat(),
        ),
        mp4_box(b"stsc", &numbers(&[0, 1, 1, 1, 1])),
        mp4_box(b"stsz", &numbers(&sizes)),
        mp4_box(b"stco", &numbers(&offsets)),
    ];
    let references = mp4_box(
        b"dref",
        &[numbers(&[0, 1]), mp4_box(b"url ", &[0, 0, 0, 1])].concat(),
    );
    let information = [
        mp4_box(b"dinf", &references),
        mp4_box(b"stbl", &table.concat()),
    ];
    let handler = mp4_box(b"hdlr", b"\0\0\0\0\0\0\0\0vide\0\0\0\0");
    let media = [handler, mp4_box(b"minf", &information.concat())];
    let movie = mp4_box(b"trak", &mp4_box(b"mdia", &media.concat()));
    let mut film = [file_type(), mp4_box(b"moov", &movie)].concat();
    film.extend(mp4_box(b"mdat", &vec![7; LENGTH - film.len() - 8]));
    film
}

/// An MP4 file of fragments with 30 samples each.
fn fragmented() -> Vec<u8> {
    let mut film = [file_type(), mp4_box(b"moov", &mp4_box(b"mvex", b""))].concat();
    let header = [0u32, 1].map(u32::to_be_bytes).concat();
    let run: Vec<u8> = [0x200u32, 30]
        .into_iter()
        .chain([3300; 30])
        .flat_map(u32::to_be_bytes)
        .collect();
    let track = [mp4_box(b"tfhd", &header), mp4_box(b"trun", &run)].concat();
    let index = mp4_box(b"moof", &mp4_box(b"traf", &track));
    let fragment = [index, mp4_box(b"mdat", &vec![7; 99_900])].concat();
    while film.len() + fragment.len() <= LENGTH {
        film.extend_from_slice(&fragment);
    }
    film
}

/// A live WebM file, whose segment and clusters have no known size.
fn live() -> Vec<u8> {
    let mut film = b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm\x18\x53\x80\x67\xff".to_vec();
    let block = [&b"\xa3\x67\x10"[..], &[7; 10_000]].concat();
    while film.len() + 50 * block.len() <= LENGTH {
        film.extend_from_slice(b"\x1f\x43\xb6\x75\xff\xe7\x81\0");
        film.extend(block.repeat(48));
    }
    film
}

fn file_type() -> Vec<u8> {
    mp4_box(b"ftyp", b"isom\0\0\0\0")
}

fn mp4_box(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(8 + content.len()).unwrap();
    [&size.to_be_bytes(), &kind[..], content].concat()
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

fn serve(film: Arc<Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            respond(stream.unwrap(), &film);
        }
    });
    url
}

fn respond(mut stream: TcpStream, film: &[u8]) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    while lines
        .next()
        .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
    {}
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        film.len()
    );
    // A write fails if the client has disconnected.
    let _ = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(film));
}
