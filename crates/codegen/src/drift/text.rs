//! Texts of differences and declarations.

use std::fmt;

use aimlapi_video_contract::code_span;

use super::{Declaration, DeclarationKind, Difference, Kind, Part, Response};

impl Kind {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::UndeclaredStatus => "undeclared_status",
            Self::UndeclaredHeader => "undeclared_header",
            Self::UndeclaredMediaType => "undeclared_media_type",
            Self::UndeclaredProperty => "undeclared_property",
            Self::MissingProperty => "missing_property",
            Self::OtherType => "other_type",
            Self::OtherValue => "other_value",
        }
    }
}

impl Part {
    pub(super) fn new(kind: Kind, name: &str) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            declared: String::new(),
            received: String::new(),
        }
    }
}

impl Response<'_> {
    pub(super) fn method(&self) -> &'static str {
        if self.is_create { "POST" } else { "GET" }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Part {
            kind,
            name,
            declared,
            received,
        } = &self.part;
        write!(f, "{} {}: ", self.method, self.status)?;
        let property = match &**name {
            "" => "body".to_owned(),
            name => code_span(name),
        };
        match kind {
            Kind::UndeclaredStatus => f.write_str("status is not declared"),
            Kind::UndeclaredHeader => write!(f, "header {property} is not declared"),
            Kind::UndeclaredMediaType => {
                write!(f, "media type: expected {declared}; received {property}")
            }
            Kind::UndeclaredProperty => {
                write!(
                    f,
                    "property {property} is not declared; received {received}"
                )
            }
            Kind::MissingProperty => write!(f, "required property {property} is missing"),
            Kind::OtherType => write!(f, "{property}: expected {declared}; received {received}"),
            Kind::OtherValue => {
                let received = match &**received {
                    "" => "a long text".to_owned(),
                    received => code_span(received),
                };
                write!(
                    f,
                    "{property}: expected one of {declared}; received {received}"
                )
            }
        }?;
        match self.count {
            1 => f.write_str(" (1 response)"),
            count => write!(f, " ({count} responses)"),
        }
    }
}

impl DeclarationKind {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Header => "header",
            Self::Property => "property",
            Self::Type => "type",
            Self::Value => "value",
        }
    }
}

impl fmt::Display for Declaration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, value) = (code_span(&self.name), &self.value);
        match self.kind {
            DeclarationKind::Status => write!(f, "status {name}"),
            DeclarationKind::Header => write!(f, "header {name}"),
            DeclarationKind::Property => write!(f, "property {name}"),
            DeclarationKind::Type => write!(f, "{name}: type {value}"),
            DeclarationKind::Value => write!(f, "{name}: {value}"),
        }
    }
}
