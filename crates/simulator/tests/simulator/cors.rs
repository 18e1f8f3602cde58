//! Tests of requests from pages of other origins.

use aimlapi_video_simulator::Simulator;
use reqwest::{Method, Response, header::HeaderMap};
use serde_json::json;

use crate::{Caller, text};

const ORIGIN: &str = "https://app.example";

/// Sends the preflight request that a browser sends before a create with a key.
async fn preflight(caller: &Caller, path: &str) -> Response {
    let url = format!("{}{path}", caller.url);
    let request = caller
        .http
        .request(Method::OPTIONS, url)
        .header("origin", ORIGIN)
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization,content-type",
        )
        .header("access-control-request-private-network", "true");
    request.send().await.unwrap()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers[name].to_str().unwrap()
}

#[tokio::test]
async fn pages_of_any_origin_may_send_requests_with_a_key_if_cors_is_on() {
    let simulator = Simulator::builder().cors(true).start().await.unwrap();
    let caller = Caller::of(&simulator);
    for path in ["/v2/video/generations", "/_simulator/scenario"] {
        let response = preflight(&caller, path).await;
        assert_eq!(response.status(), 200);
        let headers = response.headers();
        assert_eq!(header(headers, "access-control-allow-origin"), "*");
        assert_eq!(header(headers, "access-control-allow-methods"), "*");
        let allowed = header(headers, "access-control-allow-headers");
        assert_eq!(allowed, "authorization,content-type");
        let private = header(headers, "access-control-allow-private-network");
        assert_eq!(private, "true");
    }
    // A preflight request is the browser's, and not one of the program under test.
    assert!(simulator.requests().is_empty());
    let body = text(json!({}));
    for path in ["/v2/video/generations", "/elsewhere"] {
        let response = caller.response("POST", path, Some(&body)).await.unwrap();
        let headers = response.headers();
        assert_eq!(header(headers, "access-control-allow-origin"), "*");
        assert_eq!(header(headers, "access-control-expose-headers"), "*");
    }
}

#[tokio::test]
async fn responses_allow_no_other_origin_unless_cors_is_on() {
    let simulator = Simulator::start().await.unwrap();
    let caller = Caller::of(&simulator);
    let refused = preflight(&caller, "/v2/video/generations").await;
    assert_eq!(refused.status(), 405);
    let headers = refused.headers();
    assert!(!headers.contains_key("access-control-allow-origin"));
}
