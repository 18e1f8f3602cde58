//! Compares a response with the responses that an operation declares.

use serde_json::{Map, Value, json};

use super::{
    Kind, Part, Response,
    widen::{infer, widen},
};

/// Reports what the declared responses of an operation lack of a response, and adds it to them.
///
/// Returns, in words, the body that is not compared with what is declared, if so.
pub(super) fn admit(
    responses: &mut Value,
    response: &Response<'_>,
    report: &mut dyn FnMut(Part),
) -> Option<&'static str> {
    let responses = responses.as_object_mut()?;
    let code = response.status.to_string();
    let known = key(responses, response.status);
    let is_new = known.is_none();
    let key = known.unwrap_or_else(|| code.clone());
    if is_new {
        report(Part::new(Kind::UndeclaredStatus, ""));
        responses.insert(code, json!({ "description": "" }));
    }
    let declared = responses.get_mut(&key)?;
    for name in response.headers.keys().filter(|name| !is_of_http(name)) {
        let Some(headers) = entry(declared, "headers") else {
            break;
        };
        let is_declared = headers.keys().any(|known| known.eq_ignore_ascii_case(name));
        if !is_declared {
            headers.insert(name.clone(), json!({ "schema": { "type": "string" } }));
            if !is_new {
                report(Part::new(Kind::UndeclaredHeader, name));
            }
        }
    }
    // A status of success has the same body as the others, unless its own is declared.
    let is_success = (200..300).contains(&response.status);
    let has_content = |declared: &Value| declared.get("content").is_some();
    let mut keys = responses.iter();
    let success = keys.find(|(other, declared)| other.starts_with('2') && has_content(declared));
    let body_key = match success {
        Some((success, _)) if is_success && !responses.get(&key).is_some_and(has_content) => {
            success.clone()
        }
        _ => key,
    };
    let declared = responses.get_mut(&body_key)?;
    if has_content(declared) {
        return admit_body(declared, response, report);
    }
    if is_new && !is_success {
        // The status is the difference; its body is a part of it.
        admit_body(declared, response, &mut |_| {});
        return None;
    }
    response
        .has_body
        .then_some("with a body, of which the document declares nothing")
}

fn admit_body(
    declared: &mut Value,
    response: &Response<'_>,
    report: &mut dyn FnMut(Part),
) -> Option<&'static str> {
    if !response.has_body {
        return (![204, 205].contains(&response.status)).then_some("without a body");
    }
    let Some(kind) = media_type(response) else {
        return Some("with a body without a media type");
    };
    let content = entry(declared, "content")?;
    let mut kinds = content.iter_mut();
    match kinds.find(|(known, _)| without_parameters(known) == kind) {
        Some((_, media)) => match (media.get_mut("schema"), response.body) {
            (Some(schema), Some(body)) => widen(schema, body, "", report),
            (Some(_), None) => return Some("with a body that is not JSON"),
            (None, _) => {}
        },
        None => {
            let mut part = Part::new(Kind::UndeclaredMediaType, &kind);
            part.declared = content.keys().cloned().collect::<Vec<_>>().join(", ");
            report(part);
            let schema = response.body.map(|body| json!({ "schema": infer(body) }));
            content.insert(kind, schema.unwrap_or_else(|| json!({})));
        }
    }
    None
}

/// The key of the responses that declares a status.
pub(super) fn key(responses: &Map<String, Value>, status: u16) -> Option<String> {
    let range = format!("{}XX", status / 100);
    let keys = [status.to_string(), range, "default".to_owned()];
    let is = |key: &String, other: &String| key.eq_ignore_ascii_case(other);
    keys.iter()
        .find_map(|key| responses.keys().find(|other| is(key, other)).cloned())
}

/// The media type of the body, if there is one.
fn media_type(response: &Response<'_>) -> Option<String> {
    let kind = response.headers.get("content-type");
    let kind = kind.map(|kind| without_parameters(kind));
    kind.or_else(|| response.body.map(|_| "application/json".to_owned()))
}

fn without_parameters(kind: &str) -> String {
    let kind = kind.split(';').next().unwrap_or_default();
    kind.trim().to_ascii_lowercase()
}

/// Returns the object under a name, which is created if it is missing.
fn entry<'a>(value: &'a mut Value, name: &str) -> Option<&'a mut Map<String, Value>> {
    let entry = value.as_object_mut()?.entry(name);
    entry.or_insert_with(|| json!({})).as_object_mut()
}

/// Whether a header is one of HTTP itself, of caches, or of the security of browsers, which documents of an API do not declare.
fn is_of_http(name: &str) -> bool {
    ["access-control-", "content-", "cross-origin-"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
        || OF_HTTP.contains(&name)
}

const OF_HTTP: &[&str] = &[
    "accept-ranges",
    "age",
    "allow",
    "alt-svc",
    "cache-control",
    "connection",
    "date",
    "etag",
    "expires",
    "keep-alive",
    "last-modified",
    "link",
    "location",
    "nel",
    "permissions-policy",
    "pragma",
    "referrer-policy",
    "report-to",
    "reporting-endpoints",
    "retry-after",
    "server",
    "server-timing",
    "strict-transport-security",
    "timing-allow-origin",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "vary",
    "via",
    "www-authenticate",
    "x-content-type-options",
    "x-frame-options",
    "x-powered-by",
    "x-xss-protection",
];
