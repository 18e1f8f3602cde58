//! A forwarder of TCP connections that can cut all of them.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinHandle},
};

pub struct Cut {
    address: SocketAddr,
    open: Arc<Mutex<Vec<AbortHandle>>>,
    task: JoinHandle<()>,
}

impl Cut {
    /// Forwards new connections to `target`.
    pub async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("works");
        let address = listener.local_addr().expect("works");
        let open: Arc<Mutex<Vec<AbortHandle>>> = Arc::default();
        let list = Arc::clone(&open);
        let task = tokio::spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                let connection = tokio::spawn(async move {
                    if let Ok(mut to) = TcpStream::connect(target).await {
                        let _ = (from.set_nodelay(true), to.set_nodelay(true));
                        let _ = copy_bidirectional(&mut from, &mut to).await;
                    }
                });
                let mut list = list.lock().expect("works");
                list.retain(|one| !one.is_finished());
                list.push(connection.abort_handle());
            }
        });
        Self {
            address,
            open,
            task,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes all connections; new ones are forwarded.
    pub fn cut(&self) {
        self.open
            .lock()
            .expect("works")
            .drain(..)
            .for_each(|one| one.abort());
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        self.cut();
        self.task.abort();
    }
}
