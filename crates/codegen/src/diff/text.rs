//! Texts of changes, effects and verdicts.

use std::fmt;

use serde_json::Value;

use super::{Change, Effect, Kind, Verdict};

impl Kind {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::ModelAdded => "model_added",
            Self::ModelRemoved => "model_removed",
            Self::PathMoved => "path_moved",
            Self::VendorChanged => "vendor_changed",
            Self::PropertyAdded => "property_added",
            Self::PropertyRemoved => "property_removed",
            Self::BecameRequired => "became_required",
            Self::BecameOptional => "became_optional",
            Self::NullAllowed => "null_allowed",
            Self::NullRefused => "null_refused",
            Self::ValueAdded => "enum_value_added",
            Self::ValueRemoved => "enum_value_removed",
            Self::BoundTightened => "bound_tightened",
            Self::BoundWidened => "bound_widened",
            Self::TypeChanged => "type_changed",
            Self::DefaultChanged => "default_changed",
            Self::UncheckedChanged => "unchecked_changed",
            Self::AnswerChanged => "answer_changed",
            Self::ProseChanged => "prose_only",
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.property.is_empty() {
            write!(f, "`{}`: ", self.property)?;
        }
        f.write_str(match self.kind {
            Kind::ModelAdded => "model added",
            Kind::ModelRemoved => "model removed",
            Kind::PathMoved => "path moved",
            Kind::VendorChanged => "vendor changed, and with it the feature that enables the model",
            Kind::PropertyAdded => "property added",
            Kind::PropertyRemoved => "property removed",
            Kind::BecameRequired => "became required",
            Kind::BecameOptional => "became optional",
            Kind::NullAllowed => "`null` is allowed",
            Kind::NullRefused => "`null` is not allowed any more",
            Kind::ValueAdded => "value added",
            Kind::ValueRemoved => "value removed",
            Kind::BoundTightened => "bound tightened",
            Kind::BoundWidened => "bound widened",
            Kind::TypeChanged => "type changed",
            Kind::DefaultChanged => {
                "default changed (what the service does when it is left out, not the API)"
            }
            Kind::UncheckedChanged => "a constraint that the service alone checks changed",
            Kind::AnswerChanged => {
                "response changed (responses are read leniently; the types do not change)"
            }
            Kind::ProseChanged => "prose only",
        })?;
        let text = |value: &Value| match value.as_str() {
            // A change is one line.
            Some(text) if !text.contains(char::is_control) => text.to_owned(),
            _ => value.to_string(),
        };
        match (&self.old, &self.new) {
            (None, None) => Ok(()),
            (Some(old), None) if self.kind == Kind::ValueRemoved => write!(f, ": {old}"),
            (None, Some(new)) if self.kind == Kind::ValueAdded => write!(f, ": {new}"),
            (Some(old), None) => write!(f, ": {}, now none", text(old)),
            (None, Some(new)) => write!(f, ": {}", text(new)),
            (Some(old), Some(new)) => write!(f, ": {}, now {}", text(old), text(new)),
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Breaking => "breaking",
            Self::Compatible => "compatible",
            Self::None => "none",
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Major => "major",
            Self::Minor => "minor",
            Self::Patch => "patch",
        })
    }
}
