//! Starts one of the Rust file servers: `file-servers NAME FOLDER PORT`.

use std::{convert::Infallible, env, path::PathBuf, sync::Arc};

use tokio::net::TcpListener;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [name, folder, port] = arguments.as_slice() else {
        return Err("usage: file-servers NAME FOLDER PORT".into());
    };
    let (folder, port) = (PathBuf::from(folder), port.parse()?);
    if name == "actix-files" {
        return Ok(actix_web::rt::System::new().block_on(actix(folder, port))?);
    }
    tokio::runtime::Runtime::new()?.block_on(run(name, folder, port))
}

async fn run(name: &str, folder: PathBuf, port: u16) -> Result<(), Failure> {
    let address = ("127.0.0.1", port);
    match name {
        "tower-http-0.6" => {
            let files = tower_http_06::services::ServeDir::new(folder);
            let router = axum::Router::new().fallback_service(files);
            axum::serve(TcpListener::bind(address).await?, router).await?;
        }
        "tower-http-0.7" => {
            let files = tower_http_07::services::ServeDir::new(folder);
            let router = axum::Router::new().fallback_service(files);
            axum::serve(TcpListener::bind(address).await?, router).await?;
        }
        "warp" => {
            let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
            warp::serve(warp::fs::dir(folder)).run(address).await;
        }
        "poem" => {
            let files = poem::endpoint::StaticFilesEndpoint::new(folder);
            let listener = poem::listener::TcpListener::bind(address);
            poem::Server::new(listener).run(files).await?;
        }
        "salvo" => {
            use salvo::prelude::*;
            let files = salvo::serve_static::StaticDir::new([folder]);
            let router = Router::with_path("{*path}").get(files);
            let acceptor = salvo::conn::TcpListener::new(address).bind().await;
            Server::new(acceptor).serve(router).await;
        }
        "hyper-staticfile" => {
            let files = hyper_staticfile::Static::new(folder);
            let listener = TcpListener::bind(address).await?;
            loop {
                let io = hyper_util::rt::TokioIo::new(listener.accept().await?.0);
                let connection = hyper::server::conn::http1::Builder::new();
                tokio::spawn(connection.serve_connection(io, files.clone()));
            }
        }
        "http-serve" => {
            let listener = TcpListener::bind(address).await?;
            let folder = Arc::new(folder);
            loop {
                let io = hyper_util::rt::TokioIo::new(listener.accept().await?.0);
                let folder = Arc::clone(&folder);
                let service = hyper::service::service_fn(move |request| {
                    let folder = Arc::clone(&folder);
                    async move { Ok::<_, Infallible>(http_serve_file(&folder, &request)) }
                });
                let connection = hyper::server::conn::http1::Builder::new();
                tokio::spawn(connection.serve_connection(io, service));
            }
        }
        _ => return Err(format!("no server is named {name}").into()),
    }
    Ok(())
}

fn http_serve_file(
    folder: &std::path::Path,
    request: &hyper::Request<hyper::body::Incoming>,
) -> hyper::Response<http_serve::Body> {
    let path = folder.join(request.uri().path().trim_start_matches('/'));
    let file = std::fs::File::open(path).expect("the file of a scenario");
    let file = http_serve::ChunkedReadFile::new(file, Default::default());
    http_serve::serve(file.expect("a file with metadata"), request)
}

async fn actix(folder: PathBuf, port: u16) -> std::io::Result<()> {
    let app = move || actix_web::App::new().service(actix_files::Files::new("/", &folder));
    actix_web::HttpServer::new(app)
        .workers(1)
        .bind(("127.0.0.1", port))?
        .run()
        .await
}
