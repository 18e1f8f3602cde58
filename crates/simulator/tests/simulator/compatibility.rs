//! The JSON that the simulator answers with has the names that version 0.1.0 wrote.

use aimlapi_video_simulator::Simulator;
use serde::Deserialize;
use serde_json::Value;

use super::support::{
    KEY,
    recorded::{self, shape},
};

/// A request and its response. `$ID` stands for the id of the last generation.
#[derive(Deserialize)]
struct Exchange {
    method: String,
    path: String,
    body: Option<Value>,
    #[serde(default)]
    without_key: bool,
    status: u16,
    response: Value,
}

#[tokio::test]
async fn responses_have_the_recorded_names() {
    replay("simulator.json", 1).await;
}

#[tokio::test]
async fn responses_of_every_shape_have_the_recorded_names() {
    replay("simulator-shapes.json", 2).await;
}

async fn replay(file: &str, videos: usize) {
    let exchanges: Vec<Exchange> = serde_json::from_value(recorded::json(file)).unwrap();
    let builder = Simulator::builder().manual_clock().videos(videos);
    let simulator = builder.start().await.unwrap();
    let (client, mut id) = (reqwest::Client::new(), String::new());
    for (number, exchange) in exchanges.into_iter().enumerate() {
        let path = exchange.path.replace("$ID", &id);
        let method = exchange.method.parse().unwrap();
        let mut request = client.request(method, format!("{}{path}", simulator.url()));
        if !exchange.without_key {
            request = request.bearer_auth(KEY);
        }
        request = match exchange.body {
            Some(Value::String(text)) => request
                .header("content-type", "application/json")
                .body(text),
            Some(body) => request.json(&body),
            None => request,
        };
        let response = request.send().await.unwrap();
        let context = format!("{number}: {} {path}", exchange.method);
        assert_eq!(response.status().as_u16(), exchange.status, "{context}");
        let text = response.text().await.unwrap();
        let response: Value = serde_json::from_str(&text).unwrap_or_else(|_| text.into());
        let (new, old) = (shape(&response), shape(&exchange.response));
        assert!(extends(&new, &old), "{context}: {new} {old}");
        let new = response.get("id").or(response.get("generation_id"));
        if let Some(new) = new
            .and_then(Value::as_str)
            .filter(|_| path.starts_with("/v2/"))
        {
            id = new.to_owned();
        }
    }
}

/// Whether a value has every name of an older one, at any depth: new names may be added.
fn extends(new: &Value, old: &Value) -> bool {
    match (new, old) {
        (Value::Object(new), Value::Object(old)) => old
            .iter()
            .all(|(name, old)| new.get(name).is_some_and(|new| extends(new, old))),
        (Value::Array(new), Value::Array(old)) => {
            new.iter()
                .all(|new| old.iter().any(|old| extends(new, old)))
                && old
                    .iter()
                    .all(|old| new.iter().any(|new| extends(new, old)))
        }
        _ => new == old,
    }
}
