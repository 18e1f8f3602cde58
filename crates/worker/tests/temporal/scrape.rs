//! Reads the metrics of a worker.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

/// The value of one sample, such as `name{label="value"}`; `None` if the worker does not have it.
pub fn sample(address: SocketAddr, name: &str) -> Option<f64> {
    let text = scrape(address);
    let mut lines = text.lines();
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

fn scrape(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).expect("the worker serves");
    let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("text");
    text
}
