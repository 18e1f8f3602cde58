//! The URL of a queue: `temporal://HOST[:PORT]/NAMESPACE`.

use std::{fmt, str::FromStr};

use aimlapi_video_worker::temporal::protocol::Queues;
use temporalio_client::Url;

pub(crate) const FORM: &str = "temporal://HOST[:PORT]/NAMESPACE";

/// An engine, its namespace, and the task queues there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Queue {
    /// Host and port.
    pub(crate) address: String,
    pub(crate) namespace: String,
    pub(crate) queues: Queues,
}

impl FromStr for Queue {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = |what: &str| format!("{what}; expected {FORM}");
        let url = Url::parse(text).map_err(|error| expected(&error.to_string()))?;
        if url.scheme() != "temporal" {
            return Err(expected(&format!("{} is not a known engine", url.scheme())));
        }
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| expected("no host"))?;
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(expected("a key belongs into TEMPORAL_API_KEY"));
        }
        let namespace = url.path().trim_matches('/');
        if namespace.is_empty() || namespace.contains('/') {
            return Err(expected("the path is not one namespace"));
        }
        let mut queues = None;
        for (name, value) in url.query_pairs() {
            if name != "queue" {
                // The value may be a key.
                return Err(format!("{name} is not a setting; expected queue=NAME"));
            }
            if value.trim().is_empty() {
                return Err("the name of the task queues is empty; expected queue=NAME".into());
            }
            if queues.replace(Queues::new(&*value)).is_some() {
                return Err("queue is given twice; name one".into());
            }
        }
        Ok(Self {
            address: format!("{host}:{}", url.port().unwrap_or(DEFAULT_PORT)),
            namespace: namespace.to_owned(),
            queues: queues.unwrap_or_default(),
        })
    }
}

impl fmt::Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "temporal://{}/{}", self.address, self.namespace)?;
        match self.queues == Queues::default() {
            true => Ok(()),
            false => write!(f, "?queue={}", self.queues.jobs()),
        }
    }
}

const DEFAULT_PORT: u16 = 7233;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_of_a_queue_is_read_and_printed() {
        for (text, printed) in [
            (
                "temporal://localhost/default",
                "temporal://localhost:7233/default",
            ),
            (
                "temporal://10.0.0.1:7000/video.a1b2",
                "temporal://10.0.0.1:7000/video.a1b2",
            ),
            (
                "temporal://[::1]:7233/a/?queue=b",
                "temporal://[::1]:7233/a?queue=b",
            ),
        ] {
            let queue: Queue = text.parse().expect(text);
            assert_eq!(queue.to_string(), printed);
            assert_eq!(printed.parse(), Ok(queue));
        }
    }

    #[test]
    fn wrong_url_of_a_queue_is_an_error_that_says_what_is_expected() {
        for (text, error) in [
            ("", "relative URL without a base; expected temporal://HOST"),
            (
                "localhost:7233/default",
                "localhost is not a known engine; expected temporal://",
            ),
            (
                "redis://localhost/0",
                "redis is not a known engine; expected temporal://",
            ),
            ("temporal:///default", "no host; expected temporal://"),
            ("temporal://localhost", "the path is not one namespace"),
            ("temporal://localhost/a/b", "the path is not one namespace"),
            (
                "temporal://key@cloud/a",
                "a key belongs into TEMPORAL_API_KEY",
            ),
            (
                "temporal://cloud/a?tls=true",
                "tls is not a setting; expected queue=NAME",
            ),
            (
                "temporal://cloud/a?queue=",
                "the name of the task queues is empty",
            ),
            ("temporal://cloud/a?queue=a&queue=b", "queue is given twice"),
            ("temporal://localhost:x/a", "invalid port number; expected"),
        ] {
            let found = text.parse::<Queue>().expect_err(text);
            assert!(found.contains(error), "{text}: {found}");
        }
    }
}
