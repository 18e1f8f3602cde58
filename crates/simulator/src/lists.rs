//! The lists of generations and requests, and the parameters that limit them.

use std::time::SystemTime;

use axum::{extract::Query, http::Uri};

use super::{key::KeyHash, log::RecordedRequest, server::Service, tasks::RecordedTask};

/// What a list is limited to, as far as it is stated.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    method: Option<String>,
    path: Option<String>,
    model: Option<String>,
    pub(super) key: Option<KeyHash>,
    since: Option<Since>,
    limit: Option<usize>,
    /// The name of a rule.
    pub(super) name: Option<String>,
}

/// The first item of a list.
#[derive(Clone, Copy, Debug)]
enum Since {
    Number(u64),
    Time(SystemTime),
}

/// The parameters of lists of generations and requests.
pub(super) const PARAMETERS: &[&str] = &["method", "path", "model", "key", "since", "limit"];

/// The parameters of the list of rules.
pub(super) const RULE_PARAMETERS: &[&str] = &["name", "key"];

/// What a filter compares of a generation, by the request of its create, or of a request.
struct Facts<'a> {
    number: u64,
    at: SystemTime,
    method: &'a str,
    path: &'a str,
    model: Option<&'a str>,
    key: Option<&'a str>,
}

impl Filter {
    pub(super) fn of_key(key: Option<KeyHash>) -> Self {
        Self {
            key,
            ..Self::default()
        }
    }

    /// Reads the query of a list that has these parameters.
    ///
    /// # Errors
    ///
    /// If a parameter is unknown or stated twice, or its value is not allowed. The message names the parameter.
    pub(super) fn read(uri: &Uri, parameters: &[&str]) -> Result<Self, String> {
        let query = Query::<Vec<(String, String)>>::try_from_uri(uri);
        let Query(pairs) = query.map_err(|error| format!("query: {}", error.body_text()))?;
        let mut filter = Self::default();
        for (at, (name, value)) in pairs.iter().enumerate() {
            if !parameters.contains(&name.as_str()) {
                let known = parameters.join(", ");
                return Err(format!(
                    "{name}: unknown parameter; expected one of {known}"
                ));
            }
            if pairs[..at].iter().any(|(other, _)| other == name) {
                return Err(format!("{name}: expected once"));
            }
            if value.is_empty() {
                return Err(format!("{name}: expected a value; received none"));
            }
            let text = Some(value.clone());
            match name.as_str() {
                "method" => filter.method = text,
                "path" => filter.path = text,
                "model" => filter.model = text,
                "key" => filter.key = Some(KeyHash::read(value)),
                "since" => filter.since = Some(Since::read(value)?),
                "limit" => filter.limit = Some(limit(value)?),
                _ => filter.name = text,
            }
        }
        Ok(filter)
    }

    /// Keeps the newest items that the filter allows. `items` are in the order of their requests.
    fn apply<T>(&self, items: &mut Vec<T>, facts: impl Fn(&T) -> Facts<'_>) {
        let key = self.key.map(|key| key.to_string());
        items.retain(|item| {
            let facts = facts(item);
            let is = |stated: &Option<String>, value: Option<&str>| {
                stated.is_none() || stated.as_deref() == value
            };
            let method = self.method.as_deref();
            let path = self.path.as_deref();
            method.is_none_or(|method| method.eq_ignore_ascii_case(facts.method))
                && path.is_none_or(|path| facts.path.starts_with(path))
                && is(&self.model, facts.model)
                && is(&key, facts.key)
                && match self.since {
                    Some(Since::Number(number)) => facts.number >= number,
                    Some(Since::Time(time)) => facts.at >= time,
                    None => true,
                }
        });
        let surplus = items.len().saturating_sub(self.limit.unwrap_or(usize::MAX));
        items.drain(..surplus);
    }
}

impl Since {
    fn read(text: &str) -> Result<Self, String> {
        let time = || humantime::parse_rfc3339(text).map(Self::Time).ok();
        let number = text.parse().ok().map(Self::Number);
        number.or_else(time).ok_or_else(|| {
            format!(
                "since: expected a request's number, or a time such as 2100-01-01T00:00:00Z; received {text:?}"
            )
        })
    }
}

fn limit(text: &str) -> Result<usize, String> {
    let limit = text.parse().ok().filter(|limit| *limit > 0);
    limit.ok_or_else(|| format!("limit: expected a whole number from 1; received {text:?}"))
}

impl Service {
    /// Lists the generations that a filter allows, the oldest first.
    pub(super) fn tasks(&self, filter: &Filter) -> Vec<RecordedTask> {
        let mut tasks = self.accounts.tasks(filter.key);
        if let Some(replay) = &self.replay {
            tasks.extend(replay.tasks(filter.key, |key| self.accounts.find(key)));
            tasks.sort_by_key(|(request, _)| *request);
        }
        filter.apply(&mut tasks, |(number, task)| Facts {
            number: *number,
            at: task.created,
            method: "POST",
            path: task.route.path(),
            model: Some(&task.model),
            key: Some(&task.key),
        });
        let mut numbers = self.log.numbers_by_task();
        let with_requests = |(_, task): (u64, RecordedTask)| RecordedTask {
            requests: numbers
                .remove(&(task.id.as_str().into(), Some(KeyHash::read(&task.key))))
                .unwrap_or_default(),
            ..task
        };
        tasks.into_iter().map(with_requests).collect()
    }

    /// Lists the requests that a filter allows, the oldest first.
    pub(super) fn requests(&self, filter: &Filter) -> Vec<RecordedRequest> {
        let mut requests = self.log.list();
        filter.apply(&mut requests, |request| Facts {
            number: request.number,
            at: request.at,
            method: &request.method,
            path: request.target.split('?').next().unwrap_or_default(),
            model: request.model.as_deref(),
            key: request.key.as_deref(),
        });
        requests
    }
}
