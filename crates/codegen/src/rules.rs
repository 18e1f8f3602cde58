//! Rules that a document tells in prose only, as the overlay states them under `x-rules` of a request's schema.

use serde_json::Value;

use crate::{Findings, Trouble, document::Create};

/// A rule between properties. It is warned of, never enforced: the service decides.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    AtMostOne {
        properties: Vec<String>,
    },
    ExactlyOne {
        properties: Vec<String>,
    },
    /// `property` (with `value`, where one is given) needs one of the others beside it.
    Needs {
        property: String,
        value: Option<Value>,
        any_of: Vec<String>,
    },
    /// `property` and `other` with `value` do not go together.
    Excludes {
        property: String,
        other: String,
        value: Value,
    },
}

/// A rule and where it is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Sourced {
    pub rule: Rule,
    pub source: String,
}

/// The rules of a request. One that cannot be read, or names what is no property of this body, is left out and told: the
/// overlay may be older than the document.
pub fn read(create: &Create, findings: &mut Findings) -> Vec<Sourced> {
    let mut rules = Vec::new();
    let stated = create.schema.get("x-rules").and_then(Value::as_array);
    for stated in stated.into_iter().flatten() {
        match one(stated, &create.schema["properties"]) {
            Some(rule) => rules.push(rule),
            None => {
                let what = format!(
                    "the overlay's {stated} is no rule between properties of this request, and is left out"
                );
                let warning = Trouble::new(
                    &create.file,
                    &create.place,
                    what,
                    "mend `x-rules` in overlay.json",
                );
                findings.warning(warning);
            }
        }
    }
    rules
}

fn one(stated: &Value, properties: &Value) -> Option<Sourced> {
    let name = |value: &Value| {
        let name = value.as_str()?;
        properties.get(name).map(|_| name.to_owned())
    };
    let names = |key: &str| {
        stated
            .get(key)?
            .as_array()?
            .iter()
            .map(name)
            .collect::<Option<Vec<_>>>()
    };
    let rule = match stated.get("kind")?.as_str()? {
        "at-most-one" => Rule::AtMostOne {
            properties: names("properties")?,
        },
        "exactly-one" => Rule::ExactlyOne {
            properties: names("properties")?,
        },
        "needs" => Rule::Needs {
            property: name(stated.get("property")?)?,
            value: stated.get("value").cloned(),
            any_of: names("any_of")?,
        },
        "excludes" => Rule::Excludes {
            property: name(stated.get("property")?)?,
            other: name(stated.get("other")?)?,
            value: stated.get("value")?.clone(),
        },
        _ => return None,
    };
    Some(Sourced {
        rule,
        source: stated.get("source")?.as_str()?.to_owned(),
    })
}
