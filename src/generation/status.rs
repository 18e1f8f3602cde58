//! Maps the status texts of services to the state of a generation.

use super::parts::State;

/// The state that a status text means. The texts are those of the documents, of the pages and their earlier versions, and of
/// the vendors' own APIs.
pub(super) fn state_of(status: &str) -> State {
    // A longer text is not a status, so it is not copied.
    if status.len() > 64 {
        return State::Unknown;
    }
    let status = status.trim().to_ascii_lowercase().replace(['-', ' '], "_");
    match status.as_str() {
        "queued" | "waiting" | "pending" | "queueing" | "queuing" | "in_queue" | "enqueued"
        | "submitted" | "created" | "accepted" | "scheduled" | "not_start" | "not_started"
        | "throttled" => State::Queued,
        "generating" | "active" | "processing" | "in_progress" | "inprogress" | "running"
        | "preparing" | "uploading" | "started" | "starting" | "dreaming" | "streaming"
        | "rendering" | "working" | "executing" | "in_process" => State::Generating,
        "completed" | "complete" | "succeeded" | "succeed" | "success" | "successful" | "done"
        | "finished" | "finish" | "ready" => State::Completed,
        "error" | "errored" | "failed" | "failure" | "fail" | "cancelled" | "canceled"
        | "expired" | "rejected" | "aborted" | "timeout" | "timed_out" | "blocked" | "refused"
        | "denied" | "filtered" | "content_filtered" | "content_moderated"
        | "request_moderated" | "moderated" | "unsuccessful" | "terminated" => State::Failed,
        status if status.ends_with("_failed") || status.ends_with("_error") => State::Failed,
        // `error: no GPU left`
        status => match status.split_once(':') {
            Some((state, _)) if state_of(state) == State::Failed => State::Failed,
            _ => State::Unknown,
        },
    }
}
