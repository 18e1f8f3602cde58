//! Validation of scenarios beyond their types: forms that serde accepts but the format does not, ranges, and fields that are
//! allowed in some steps only.

use serde::{Deserialize, Deserializer, de};
use serde_json::{Number, Value};

use super::{InvalidScenario, Rule, Step, Times};

impl Rule {
    /// Checks the values of the rule's fields.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.times == Times::Count(0) {
            return Err("times: expected 1 or more, or \"always\"; received 0".into());
        }
        if self
            .name
            .as_deref()
            .is_some_and(|name| name.trim().is_empty())
        {
            return Err("name: expected text; received none".into());
        }
        if let Some(when) = &self.when {
            when.check().map_err(|message| format!("when.{message}"))?;
        }
        check_seconds("seconds", self.seconds)?;
        check_seconds("queued_seconds", self.queued_seconds)?;
        let lists = [("polls", &self.polls), ("downloads", &self.downloads)];
        for (list, steps) in lists {
            for (number, step) in steps.iter().enumerate() {
                let at = |message| format!("{list}[{number}].{message}");
                step.check().map_err(at)?;
                if step.times == Some(0) {
                    return Err(at("times: expected 1 or more; received 0".into()));
                }
                if step.created {
                    return Err(at("created: expected in `create` only".into()));
                }
                if step.cut_after.is_some() && list != "downloads" {
                    return Err(at("cut_after: expected in `downloads` only".into()));
                }
            }
        }
        if let Some(step) = &self.create {
            let at = |message| format!("create.{message}");
            step.check().map_err(at)?;
            if step.times.is_some() {
                return Err(at(
                    "times: not expected here; the rule's own `times` counts creates".into(),
                ));
            }
            if step.cut_after.is_some() {
                return Err(at("cut_after: expected in `downloads` only".into()));
            }
        }
        Ok(())
    }
}

impl Step {
    fn check(&self) -> Result<(), String> {
        check_seconds("delay_seconds", Some(self.delay_seconds))?;
        if let Some(status) = self.status
            && !(200..=599).contains(&status)
        {
            return Err(format!("status: expected 200 to 599; received {status}"));
        }
        let bodies = [
            self.json.is_some(),
            self.text.is_some(),
            self.html.is_some(),
        ];
        if bodies.into_iter().filter(|given| *given).count() > 1 {
            return Err("json, text, html: expected one of them".into());
        }
        for (name, value) in &self.headers {
            check_header(name, value).map_err(|message| format!("headers: {message}"))?;
        }
        Ok(())
    }
}

/// Rejects forms that serde accepts but the format does not: lists in place of objects, objects in place of words, and `null`.
pub(super) fn check_forms(scenario: &Value) -> Result<(), InvalidScenario> {
    let refuse = |path: &str, expected: &str, value: &Value| {
        let colon = if path.is_empty() { "" } else { ": " };
        let shown: String = value.to_string().chars().take(80).collect();
        let message = format!("{path}{colon}expected {expected}; received {shown}");
        Err(InvalidScenario(message))
    };
    let object = |path: &str, value: &Value| match value.is_object() {
        true => Ok(()),
        false => refuse(path, "an object", value),
    };
    let items = |value: &Value| value.as_array().cloned().unwrap_or_default();
    // An absent field is omitted, not `null`; only as a JSON body and in a condition `null` is a value.
    let no_null = |path: &str, value: &Value| {
        let mut entries = value.as_object().into_iter().flatten();
        match entries
            .find(|(name, value)| value.is_null() && !["json", "equals"].contains(&name.as_str()))
        {
            Some((name, null)) => refuse(&format!("{path}.{name}"), "a value", null),
            None => Ok(()),
        }
    };
    object("", scenario)?;
    for (number, rule) in items(&scenario["next"]).iter().enumerate() {
        let path = format!("next[{number}]");
        object(&path, rule)?;
        no_null(&path, rule)?;
        for name in ["id", "shape", "times"] {
            if rule[name].is_object() {
                return refuse(&format!("{path}.{name}"), "text", &rule[name]);
            }
        }
        if rule["end"]["stall"].is_object() {
            return refuse(&format!("{path}.end.stall"), "text", &rule["end"]["stall"]);
        }
        for (name, plain) in [
            ("end", &["completed"][..]),
            ("video", &["given", "missing", "without_url"]),
        ] {
            let word = plain.iter().find(|word| rule[name].get(word).is_some());
            if let Some(word) = word {
                let message = format!("{path}.{name}: unknown variant `{word}` in an object");
                return Err(InvalidScenario(message));
            }
        }
        if !rule["when"].is_null() {
            let (path, when) = (format!("{path}.when"), &rule["when"]);
            object(&path, when)?;
            no_null(&path, when)?;
            for name in ["body", "headers"] {
                let path = format!("{path}.{name}");
                if !when[name].is_null() {
                    object(&path, &when[name])?;
                }
                for (name, condition) in when[name].as_object().into_iter().flatten() {
                    let path = format!("{path}.{name}");
                    object(&path, condition)?;
                    no_null(&path, condition)?;
                }
            }
        }
        if !rule["create"].is_null() {
            let path = format!("{path}.create");
            object(&path, &rule["create"])?;
            no_null(&path, &rule["create"])?;
        }
        for list in ["polls", "downloads"] {
            for (number, step) in items(&rule[list]).iter().enumerate() {
                let path = format!("{path}.{list}[{number}]");
                object(&path, step)?;
                no_null(&path, step)?;
            }
        }
    }
    Ok(())
}

/// The maximum of a duration in seconds: about thirty years.
pub(crate) const MAX_SECONDS: f64 = 1e9;

/// Headers that frame the message, which the server sets itself.
pub(crate) const FRAMING_HEADERS: &[&str] = &["connection", "content-length", "transfer-encoding"];

fn check_seconds(name: &str, value: Option<f64>) -> Result<(), String> {
    match value {
        Some(value) if !(0.0..=MAX_SECONDS).contains(&value) => Err(format!(
            "{name}: expected 0 to {MAX_SECONDS}; received {value}"
        )),
        _ => Ok(()),
    }
}

pub(super) fn check_header_name(name: &str) -> Result<(), String> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if name.is_empty() || !name.bytes().all(letter) {
        return Err(format!(
            "expected a name of letters, digits and hyphens; received {name:?}"
        ));
    }
    Ok(())
}

fn check_header(name: &str, value: &str) -> Result<(), String> {
    check_header_name(name)?;
    if FRAMING_HEADERS.contains(&&*name.to_ascii_lowercase()) {
        return Err(format!("{name} is set by the server"));
    }
    if !value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(format!(
            "expected printable ASCII for {name}; received {value:?}"
        ));
    }
    Ok(())
}

/// Deserializes any JSON value; `null` is a value, not an absent field.
pub(super) fn value_or_null<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Deserializes an integer, which may be written as `5.0`.
pub(super) fn integer<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u64>,
{
    let number = Number::deserialize(deserializer)?;
    let integer = number.as_u64().or_else(|| {
        let float = number.as_f64().filter(|float| float.fract() == 0.0)?;
        // Larger floats are not exact, and no field allows such values.
        (0.0..9e15).contains(&float).then_some(float as u64)
    });
    integer
        .and_then(|integer| T::try_from(integer).ok())
        .ok_or_else(|| {
            de::Error::custom(format!(
                "expected an integer within the field's range; received {number}"
            ))
        })
}

/// Deserializes an optional integer.
pub(super) fn some_integer<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u64>,
{
    integer(deserializer).map(Some)
}
