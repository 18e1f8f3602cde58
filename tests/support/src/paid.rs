//! A service that states what its generations cost.

use serde_json::{Value, json};

use super::{Bytes, Request, Server, files::CLIP, http, json as json_response};

/// Starts a service that completes each generation at its first poll, at a cost of 0.25 USD, which the body states.
pub async fn service() -> Server {
    Server::start(|_, request| respond(request, json!({ "usage": { "usd_spent": 0.25 } }))).await
}

/// The response to a create, a poll or a download. A generation has its prompt as its id, and fails if that begins with `fail`.
pub fn respond(request: &Request, meta: Value) -> Bytes {
    if request.method == "POST" {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        return json_response(201, json!({ "id": body["prompt"], "status": "queued" }));
    }
    let Some((_, id)) = request.target.split_once("generation_id=") else {
        return http(200, &[("content-type", "video/mp4")], CLIP);
    };
    if id.starts_with("fail") {
        return json_response(200, json!({ "id": id, "status": "failed", "error": "no" }));
    }
    let url = format!("http://{}/{id}.mp4", request.header("host").unwrap());
    let video = json!({ "url": url });
    json_response(
        200,
        json!({ "id": id, "status": "completed", "video": video, "meta": meta }),
    )
}
