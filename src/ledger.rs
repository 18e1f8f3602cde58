//! Where each constraint of each document is held.

use std::fmt;

use serde_json::{Value, json};

use crate::{
    catalogue::{Model, Property},
    schema::{Check, Schema},
};

/// A constraint of a model's document, and what holds a request to it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Constraint {
    /// The property: its path in the body, with `[]` for the items of an array.
    pub property: String,
    /// The keyword of the document.
    pub keyword: &'static str,
    /// The keyword's value.
    pub value: Value,
    /// Where it is held.
    pub held: Held,
    /// Why the type does not hold it, where it does not; for a rule told in prose, where it is told.
    pub why: Option<&'static str>,
}

/// Where a constraint is held. Whatever the types hold is checked once more before a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Held {
    /// By the Rust type: no value of it breaks the constraint.
    Type,
    /// By the check before a request is sent, and by `from_json`: no type can hold it.
    Create,
    /// Not at all, only warned of: the document tells it in prose, and the service decides.
    Warned,
    /// By the service alone: checking it takes what this crate does not bring along.
    Service,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Type => "type",
            Self::Create => "create",
            Self::Warned => "warned",
            Self::Service => "service",
        })
    }
}

impl Model {
    /// Every constraint of the model's document, and where it is held; last the rules that its prose alone tells, which
    /// are warned of.
    ///
    /// ```
    /// # use aimlapi_video::{Held, models};
    /// let id = "klingai/v2-master-text-to-video";
    /// let model = models().iter().find(|model| model.id() == id).unwrap();
    /// let constraints = model.constraints();
    /// let mut scale = constraints.iter().filter(|constraint| constraint.property == "cfg_scale");
    /// let most = scale.find(|constraint| constraint.keyword == "maximum").unwrap();
    /// assert_eq!((most.value.as_f64(), most.held), (Some(1.0), Held::Type));
    /// ```
    pub fn constraints(&self) -> Vec<Constraint> {
        let mut ledger = Vec::new();
        object("", self.properties, &mut ledger);
        checks("", self.checks, &mut ledger);
        ledger.extend(self.rules.iter().map(|sourced| Constraint {
            property: sourced.rule.properties().join(", "),
            keyword: "prose",
            value: sourced.rule.to_string().into(),
            held: Held::Warned,
            why: Some(sourced.source),
        }));
        ledger
    }
}

fn object(path: &str, properties: &[Property], ledger: &mut Vec<Constraint>) {
    for property in properties {
        let path = if path.is_empty() {
            property.name.to_owned()
        } else {
            format!("{path}.{}", property.name)
        };
        let mut hold = |keyword, value, why: Option<&'static str>| {
            let held = if why.is_some() {
                Held::Create
            } else {
                Held::Type
            };
            ledger.push(Constraint {
                why,
                property: path.clone(),
                keyword,
                value,
                held,
            });
        };
        if property.required {
            hold("required", json!(true), None);
        }
        match (property.nullable, property.required) {
            (true, _) => hold(
                "nullable",
                json!(true),
                Some("a struct has no room for `null`"),
            ),
            (false, false) => {
                hold(
                    "nullable",
                    json!(false),
                    Some("a struct reads `null` as left out"),
                );
            }
            (false, true) => {}
        }
        property.schema.ledger(&path, None, ledger);
    }
}

fn checks(path: &str, checks: &[Check], ledger: &mut Vec<Constraint>) {
    for check in checks {
        let (held, why) = match check {
            Check::Told { .. } => (Held::Service, "this crate cannot check it"),
            _ => (Held::Create, "no type holds it"),
        };
        ledger.extend(
            check
                .keywords()
                .into_iter()
                .map(|(keyword, value)| Constraint {
                    property: path.to_owned(),
                    keyword,
                    value,
                    held,
                    why: Some(why),
                }),
        );
    }
}

impl Schema {
    fn ledger(&self, path: &str, why: Option<&'static str>, ledger: &mut Vec<Constraint>) {
        if let Self::Checked {
            typed,
            checks: beside,
        } = self
        {
            typed.ledger(path, why, ledger);
            return checks(path, beside, ledger);
        }
        let schema = self.json();
        let why = why.or(matches!(self, Self::Values(_)).then_some("no type lists such values"));
        let mut hold = |keyword, value: Value, why: Option<&'static str>| {
            let held = if why.is_some() {
                Held::Create
            } else {
                Held::Type
            };
            ledger.push(Constraint {
                property: path.to_owned(),
                keyword,
                value,
                held,
                why,
            });
        };
        for keyword in KEYWORDS {
            let Some(value) = schema.get(*keyword) else {
                continue;
            };
            let struct_type = *keyword == "type" && matches!(self, Self::Object(_));
            let struct_type =
                struct_type.then_some("a struct is also read from an array of its fields");
            hold(keyword, value.clone(), why.or(struct_type));
        }
        match self {
            Self::Object(properties) => object(path, properties, ledger),
            Self::List { items, .. } => items.ledger(&format!("{path}[]"), why, ledger),
            Self::Alternatives { arms, exactly_one } => {
                let one_or_many = matches!(
                    arms,
                    [
                        _,
                        Self::List {
                            min: 0,
                            max: None,
                            ..
                        }
                    ]
                ) && !exactly_one;
                let why = why.or((!one_or_many).then_some("no type tells the alternatives apart"));
                let keyword = if *exactly_one { "oneOf" } else { "anyOf" };
                hold(keyword, json!(arms.len()), why);
                arms.iter().for_each(|arm| arm.ledger(path, why, ledger));
            }
            _ => {}
        }
    }
}

/// The keywords that constrain a value by themselves.
const KEYWORDS: &[&str] = &[
    "type",
    "enum",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "format",
];
