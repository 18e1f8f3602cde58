//! The flags of a model: one for each property of its request, and for those of nested objects.

use aimlapi_video::{
    Model,
    contract::{JsonType, MediaKind, Property, Role, Schema},
};
use clap::{Arg, ArgAction, ValueHint};
use clap_complete::{ArgValueCandidates, CompletionCandidate};
use serde_json::Value;

mod command;
mod hyphens;
mod selection;

pub(crate) use command::{parse, with_flags};
pub(crate) use selection::Selection;

/// A flag that sets a property of a request.
#[derive(Clone, Debug)]
pub(crate) struct Flag {
    /// The name without dashes: `camera-control.type` for the property `type` of `camera_control`.
    pub(crate) name: String,
    /// The names of the properties that lead to the value.
    pub(crate) path: Vec<String>,
    /// The allowed values. Alternatives of an object may have a property of the same name with different ones.
    schemas: Vec<Schema>,
    pub(crate) takes_media: bool,
    pub(crate) kind: Option<MediaKind>,
    role: Option<Role>,
    description: String,
    default: Option<Value>,
    required: bool,
    /// The flag of the object that requires the property.
    required_with: Option<String>,
}

/// A flag of a command line, and its values.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub(crate) flag: Flag,
    pub(crate) values: Vec<String>,
}

/// The flags of a model, the required ones first. Properties below an array have no flag: the array is written as JSON.
pub(crate) fn of(model: &Model) -> Vec<Flag> {
    let mut flags = Vec::new();
    let properties = model.properties.iter();
    // The argument MODEL sets it.
    for property in properties.filter(|property| property.name != "model") {
        add(property, None, property.required, &mut flags);
    }
    flags.sort_by_key(|flag| !flag.required);
    flags
}

fn add(property: &Property, parent: Option<&Flag>, required: bool, flags: &mut Vec<Flag>) {
    // A name with other characters is not one word in every shell, or would be that of a nested property.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !property
        .name
        .starts_with(|c: char| c.is_ascii_alphanumeric())
        || !property.name.chars().all(is_plain)
    {
        return;
    }
    let mut flag = Flag::new(property, required);
    if let Some(parent) = parent {
        flag.required_with = (property.required && !required).then(|| parent.spelling());
        flag.name = format!("{}.{}", parent.name, flag.name);
        flag.path = [&parent.path[..], &flag.path].concat();
    }
    match flags.iter_mut().find(|known| known.path == flag.path) {
        None => flags.push(flag.clone()),
        Some(known) => {
            if !known.schemas.contains(&property.schema) {
                known.schemas.push(property.schema.clone());
            }
            known.kind = known.kind.filter(|kind| flag.kind == Some(*kind));
            known.required_with = known.required_with.take().and(flag.required_with.clone());
        }
    }
    let schema = property.schema.typed();
    let arms = schema.tagged().map(|(_, arms)| arms).unwrap_or_default();
    let arms = arms.into_iter().map(|(_, arm)| (arm, false));
    for (schema, is_only) in arms.chain([(schema, true)]) {
        if let Schema::Object(properties) = schema.typed() {
            for property in properties {
                let required = required && is_only && property.required;
                add(property, Some(&flag), required, flags);
            }
        }
    }
}

impl Flag {
    /// The flag of a property for one image, of a model without a document.
    pub(crate) fn of_image(name: String) -> Self {
        let property = Property::new(name, Schema::Media);
        Self {
            takes_media: true,
            kind: Some(MediaKind::Image),
            ..Self::new(&property, false)
        }
    }

    fn new(property: &Property, required: bool) -> Self {
        let takes_media =
            property.kind.is_some() && item(&property.schema).json_type() == JsonType::String;
        Self {
            name: property.name.replace('_', "-"),
            path: vec![property.name.clone()],
            schemas: vec![property.schema.clone()],
            takes_media: takes_media || property.takes_media(),
            kind: property.kind,
            role: property.role,
            description: property.description.clone().unwrap_or_default(),
            default: property.default.clone(),
            required,
            required_with: None,
        }
    }

    /// The flag as it is written.
    pub(crate) fn spelling(&self) -> String {
        format!("--{}", self.name)
    }

    /// The JSON pointer of the value in a request.
    pub(crate) fn pointer(&self) -> String {
        self.path.iter().map(|name| format!("/{name}")).collect()
    }

    /// Whether the flag may be given several times, for the items of an array.
    pub(crate) fn is_list(&self) -> bool {
        let is_list =
            |schema: &Schema| matches!(schema.typed(), Schema::Array { .. } | Schema::OneOrMany(_));
        self.schemas.iter().any(is_list)
    }

    /// Whether a single value stands for itself, although several of them are an array.
    pub(crate) fn is_one_or_many(&self) -> bool {
        let mut schemas = self.schemas.iter();
        schemas.any(|schema| matches!(schema.typed(), Schema::OneOrMany(_)))
    }

    /// The type of a value, or of each one of a list.
    pub(crate) fn value_type(&self) -> JsonType {
        let mut types = self.schemas.iter().map(|schema| item(schema).json_type());
        let first = types.next().unwrap_or(JsonType::Any);
        match types.all(|other| other == first) {
            true => first,
            false => JsonType::Any,
        }
    }

    /// Defines the flag's argument.
    fn arg(&self, heading: &str, order: usize) -> Arg {
        // The ids of the command's own arguments have no dashes.
        let arg = Arg::new(self.spelling())
            .long(self.name.clone())
            .help(self.help())
            .help_heading(heading.to_owned())
            .display_order(order);
        let arg = match self.value_type() {
            JsonType::Boolean if !self.is_list() => arg
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true")
                .value_name("true|false"),
            JsonType::Boolean => arg.value_name("true|false"),
            JsonType::Integer | JsonType::Number => {
                arg.value_name("N").allow_negative_numbers(true)
            }
            JsonType::String if self.takes_media => {
                arg.value_name("FILE|URL").value_hint(ValueHint::AnyPath)
            }
            JsonType::String => match self.values().is_empty() {
                true => arg.value_name("TEXT"),
                false => arg.value_name("VALUE"),
            },
            _ => arg.value_name("JSON").allow_negative_numbers(true),
        };
        let arg = match self.is_list() {
            true => arg.action(ArgAction::Append),
            false => arg,
        };
        let values = self.values();
        if values.is_empty() {
            return arg;
        }
        let candidates = move || values.iter().map(CompletionCandidate::new).collect();
        arg.add(ArgValueCandidates::new(candidates))
    }

    fn help(&self) -> String {
        let mut help = self.description.clone();
        if self.required {
            help += " [required]";
        }
        if let Some(object) = &self.required_with {
            help += &format!(" [required with {object}]");
        }
        help += &format!(" [allowed: {}]", self.allowed());
        if self.is_list() {
            help += " [may be given several times]";
        }
        if let Some(default) = &self.default {
            help += &format!(" [default: {default}]");
        }
        help.trim_start().to_owned()
    }

    fn allowed(&self) -> String {
        let allowed: Vec<String> = self.schemas.iter().map(Schema::allowed).collect();
        allowed.join(", ")
    }

    /// Every allowed value, if they are listed.
    fn values(&self) -> Vec<String> {
        let mut values = Vec::new();
        for schema in &self.schemas {
            match item(schema).typed() {
                Schema::Boolean => values.extend(["true", "false"].map(str::to_owned)),
                Schema::StringEnum(listed) => values.extend(listed.iter().cloned()),
                Schema::IntegerEnum(listed) => values.extend(listed.iter().map(i64::to_string)),
                Schema::Enum(listed) => values.extend(listed.iter().map(|value| match value {
                    Value::String(text) => text.clone(),
                    value => value.to_string(),
                })),
                _ => return Vec::new(),
            }
        }
        values
    }
}

/// The schema of the items of a list; other schemas are returned as they are.
fn item(schema: &Schema) -> &Schema {
    match schema.typed() {
        Schema::Array { items, .. } => items,
        Schema::OneOrMany(item) => item,
        _ => schema,
    }
}

/// Whether a flag of the command sets the property of the model's flag.
fn is_alias(flag: &Flag) -> bool {
    match flag.role {
        Some(Role::Prompt) => flag.name == "prompt",
        Some(Role::OpeningImage) => flag.name == "image",
        _ => false,
    }
}
