//! Tests of the simulator over real sockets: by the library's client, by plain HTTP requests, and by programs in other
//! languages.
//!
//! This file holds what the modules share: simulators with common settings, and `Caller`, which sends plain requests.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod checker;
mod clips;
mod compatibility;
mod cors;
mod keys;
mod limits;
mod lists;
mod models;
mod page;
mod programs;
mod proxy;
mod proxy_failures;
mod proxy_headers;
mod proxy_limits;
mod proxy_records;
mod proxy_stop;
mod records;
mod replay;
mod requests;
mod rules;
mod scenario;
mod shapes;
mod time;
mod urls;

use aimlapi_video_test_support as support;

use aimlapi_video::Route;
use aimlapi_video_simulator::Simulator;
use serde_json::{Value, json};

/// A simulator whose clock runs fast.
async fn simulator() -> Simulator {
    Simulator::builder().speed(2000.0).start().await.unwrap()
}

/// A simulator with a manual clock.
async fn manual_clock() -> Simulator {
    Simulator::builder().manual_clock().start().await.unwrap()
}

const MODEL: &str = "klingai/v2-master-text-to-video";

/// A valid body of a create, with further properties.
fn text(more: Value) -> Value {
    let mut body = json!({ "model": MODEL, "prompt": "A lantern rises" });
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    body
}

/// Sends plain HTTP requests, as any program does.
struct Caller {
    url: String,
    key: String,
    http: reqwest::Client,
}

impl Caller {
    fn of(simulator: &Simulator) -> Self {
        Self::with_key(simulator, support::KEY)
    }

    fn with_key(simulator: &Simulator, key: &str) -> Self {
        Self {
            key: key.to_owned(),
            url: simulator.url(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    /// Sends a request to a path of the simulator or to a whole URL.
    async fn response(
        &self,
        method: &str,
        target: &str,
        body: Option<&Value>,
    ) -> reqwest::Result<reqwest::Response> {
        let url = match target.starts_with('/') {
            true => format!("{}{target}", self.url),
            false => target.to_owned(),
        };
        let mut request = self
            .http
            .request(method.parse().unwrap(), url)
            .bearer_auth(&self.key);
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        request.send().await
    }

    /// Sends a request and returns the status, and the body as JSON or `null`.
    async fn send(&self, method: &str, target: &str, body: Option<&Value>) -> (u16, Value) {
        let response = self.response(method, target, body).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.bytes().await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    async fn create(&self, body: &Value) -> (u16, Value) {
        self.send("POST", Route::Universal.path(), Some(body)).await
    }

    /// Creates a generation and returns its id.
    async fn create_one(&self) -> String {
        let (status, body) = self.create(&text(json!({}))).await;
        assert!((200..300).contains(&status), "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    async fn poll(&self, id: &str) -> (u16, Value) {
        let path = Route::Universal.path();
        let query = reqwest::Url::parse_with_params("http://a/", [("generation_id", id)]).unwrap();
        let target = format!("{path}?{}", query.query().unwrap());
        self.send("GET", &target, None).await
    }

    async fn status(&self, id: &str) -> String {
        let (status, body) = self.poll(id).await;
        assert_eq!(status, 200, "{body}");
        body["status"].as_str().unwrap().to_owned()
    }

    async fn play(&self, scenario: Value) -> (u16, Value) {
        self.send("POST", "/_simulator/scenario", Some(&scenario))
            .await
    }
}
