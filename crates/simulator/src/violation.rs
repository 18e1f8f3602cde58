//! Violations of a document: the values that a JSON Schema does not allow, and what it allows.

use std::fmt;

use jsonschema::{
    ValidationError,
    error::{TypeKind, ValidationErrorKind},
};
use serde_json::Value;

/// A value that a document does not allow.
#[derive(Clone, Debug)]
pub(super) struct Violation {
    /// The JSON pointer of the value, which may be missing.
    pub(super) pointer: String,
    /// The value, or `None` if it is missing.
    pub(super) given: Option<Value>,
    /// What the document allows.
    pub(super) allowed: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = match self.pointer.trim_start_matches('/') {
            "" => "body".to_owned(),
            field => field.replace('/', "."),
        };
        let received = self.given.as_ref().map(Value::to_string);
        let received: String = match received {
            Some(received) => received.chars().take(120).collect(),
            None => "nothing".into(),
        };
        write!(f, "{field}: expected {}; received {received}", self.allowed)
    }
}

/// Translates a validation error to the violations that it consists of.
///
/// An `anyOf` of which one arm has the value's type, such as a nullable object, is reported by the errors of that arm.
pub(super) fn violations(error: &ValidationError<'_>) -> Vec<Violation> {
    if let ValidationErrorKind::AnyOf { context } = error.kind() {
        let is_type = |arm: &[ValidationError<'_>]| {
            arm.iter().any(|inner| {
                matches!(inner.kind(), ValidationErrorKind::Type { .. })
                    && inner.instance_path() == error.instance_path()
            })
        };
        let mut arms = context.iter().filter(|arm| !is_type(arm));
        if let (Some(arm), None) = (arms.next(), arms.next()) {
            return arm.iter().flat_map(violations).collect();
        }
    }
    let pointer = error.instance_path().to_string();
    if let ValidationErrorKind::Required { property } = error.kind() {
        let property = property.as_str().unwrap_or_default();
        let step = property.replace('~', "~0").replace('/', "~1");
        return vec![Violation {
            pointer: format!("{pointer}/{step}"),
            given: None,
            allowed: "a value".into(),
        }];
    }
    vec![Violation {
        pointer,
        given: Some(error.instance().clone().into_owned()),
        allowed: allowed(error.kind()),
    }]
}

fn allowed(kind: &ValidationErrorKind) -> String {
    match kind {
        ValidationErrorKind::Enum { options } => {
            let options = options.as_array().into_iter().flatten();
            let options: Vec<String> = options.map(Value::to_string).collect();
            format!("one of {}", options.join(", "))
        }
        ValidationErrorKind::Minimum { limit } => format!("{limit} or more"),
        ValidationErrorKind::Maximum { limit } => format!("at most {limit}"),
        ValidationErrorKind::ExclusiveMinimum { limit } => format!("more than {limit}"),
        ValidationErrorKind::ExclusiveMaximum { limit } => format!("less than {limit}"),
        ValidationErrorKind::MinItems { limit } => format!("{limit} or more items"),
        ValidationErrorKind::MaxItems { limit } => format!("at most {limit} items"),
        ValidationErrorKind::MinLength { limit } => format!("{limit} or more characters"),
        ValidationErrorKind::MaxLength { limit } => format!("at most {limit} characters"),
        ValidationErrorKind::Format { format } => format!("the format {format}"),
        ValidationErrorKind::Pattern { pattern } => format!("a text that matches {pattern}"),
        ValidationErrorKind::Type {
            kind: TypeKind::Single(kind),
        } => kind.to_string(),
        ValidationErrorKind::Type {
            kind: TypeKind::Multiple(kinds),
        } => kinds
            .iter()
            .map(|kind| kind.to_string())
            .collect::<Vec<_>>()
            .join(" or "),
        ValidationErrorKind::AnyOf { context } => {
            let arms: Vec<String> = context
                .iter()
                .filter_map(|arm| arm.first().map(|error| allowed(error.kind())))
                .collect();
            arms.join(" or ")
        }
        kind => format!("a value that `{}` allows", kind.keyword()),
    }
}
