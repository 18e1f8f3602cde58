//! `models` and `schema`: the models of this build, or of other documents, and their parameters.

use std::{collections::BTreeSet, ops::RangeInclusive, process::ExitCode, time::Duration};

use aimlapi_video::{
    Error, Model, Route,
    contract::{self, MediaKind, Property},
};
use serde_json::{Value, json};

use crate::{
    args::{Models, Schema, route_of},
    documents::Catalogue,
    failure::Failure,
    output::print_result,
    table::{fits, table, terminal_columns},
};

/// `models`
pub(crate) fn models(options: &Models) -> ExitCode {
    match listed(options) {
        Ok(text) => print_result(text),
        Err(failure) => failure.report(options.json, None),
    }
}

fn listed(options: &Models) -> Result<String, Failure> {
    let catalogue = Catalogue::read(&options.documents)?;
    let known = catalogue.models();
    if let Some(vendor) = &options.vendor {
        let vendors: BTreeSet<&str> = known.iter().map(|model| &*model.vendor).collect();
        if !vendors
            .iter()
            .any(|known| known.eq_ignore_ascii_case(vendor))
        {
            let known = vendors.into_iter().collect::<Vec<_>>().join(", ");
            let message = format!("unknown vendor {vendor}; expected one of {known}");
            return Err(Failure::usage(message));
        }
    }
    let models: Vec<&Model> = known
        .iter()
        .filter(|model| is_wanted(options, model))
        .copied()
        .collect();
    if options.json {
        let entries: Value = models.iter().map(|model| entry(model)).collect();
        return Ok(entries.to_string());
    }
    if models.is_empty() {
        return Err(Failure::usage(format!(
            "no model fits; leave out a word or an option: `{}` lists all {}",
            catalogue.listing(),
            known.len()
        )));
    }
    let mut header = vec!["MODEL", "TASK", "WAIT", "TAKES", "VENDOR"];
    let row = |model: &&Model| {
        let takes: Vec<&str> = model.media().into_keys().map(MediaKind::as_str).collect();
        vec![
            argument(model),
            model.task.to_string(),
            model.expected(None).map(seconds).unwrap_or_default(),
            takes.join(", "),
            model.vendor.clone(),
        ]
    };
    let mut rows: Vec<Vec<String>> = models.iter().map(row).collect();
    let max_columns = terminal_columns();
    // Most ids begin with the vendor, and most tasks with what the model takes.
    while header.len() > 3 && max_columns.is_some_and(|max| !fits(&header, &rows, max)) {
        header.pop();
        rows.iter_mut().for_each(|row| row.truncate(header.len()));
    }
    Ok(table(&header, &rows, max_columns))
}

fn is_wanted(options: &Models, model: &Model) -> bool {
    let is = |wanted: &String, given: &str| wanted.eq_ignore_ascii_case(given);
    let text = format!("{} {} {}", model.id, model.task, model.vendor).to_lowercase();
    let takes = model.media();
    let takes = |wanted: &String| takes.keys().any(|kind| is(wanted, kind.as_str()));
    let within = |max| {
        model
            .expected(None)
            .is_some_and(|range| *range.end() <= max)
    };
    options
        .words
        .iter()
        .all(|word| text.contains(&word.to_lowercase()))
        && options
            .task
            .as_ref()
            .is_none_or(|task| is(task, model.task.as_str()))
        && options
            .vendor
            .as_ref()
            .is_none_or(|vendor| is(vendor, &model.vendor))
        && options.takes.iter().all(takes)
        && options.max_duration.is_none_or(within)
}

/// The model as an argument of `generate`.
fn argument(model: &Model) -> String {
    match model.route {
        Route::LegacyKling => format!("{} --legacy", model.id),
        _ => model.id.to_owned(),
    }
}

fn seconds(range: RangeInclusive<Duration>) -> String {
    let (min, max) = (range.start().as_secs(), range.end().as_secs());
    if min == max {
        format!("{min} s")
    } else {
        format!("{min}-{max} s")
    }
}

/// `schema`
pub(crate) fn schema(options: &Schema) -> ExitCode {
    match described(options) {
        Ok(text) => print_result(text),
        Err(failure) => failure.report(options.json, None),
    }
}

fn described(options: &Schema) -> Result<String, Failure> {
    let catalogue = Catalogue::read(&options.documents)?;
    let model = match &options.model {
        Some(id) => find(&catalogue, route_of(options.legacy), id)?,
        None if options.ledger => return Ok(ledger(&catalogue.models())),
        None => {
            let listing = catalogue.listing();
            return Err(Failure::usage(format!(
                "the model is missing; name one, as in `aimlapi-video schema MODEL`: `{listing}` lists them, and `{listing} WORD` \
                 searches them"
            )));
        }
    };
    if options.ledger {
        return Ok(ledger(&[model]));
    }
    if options.json {
        return Ok(format!("{:#}", model.json_schema()));
    }
    let header = ["PARAMETER", "NEEDED", "ALLOWED", "DEFAULT", "MEANING"];
    let mut rows = Vec::new();
    add_rows(&model.properties, 0, &mut rows);
    Ok(table(&header, &rows, terminal_columns()))
}

/// Adds a row for each property at every depth. The whole path of a nested one would leave no room for the other columns.
fn add_rows(properties: &[Property], depth: usize, rows: &mut Vec<Vec<String>>) {
    for property in properties {
        rows.push(vec![
            "  ".repeat(depth) + &property.name,
            if property.required { "yes" } else { "" }.to_owned(),
            property.schema.allowed(),
            property
                .default
                .as_ref()
                .map(Value::to_string)
                .unwrap_or_default(),
            property.description.clone().unwrap_or_default(),
        ]);
        add_nested(&property.name, &property.schema, depth + 1, rows);
    }
}

/// Adds the rows of the objects that a property takes; each of several alternatives has a row of its own.
fn add_nested(name: &str, schema: &contract::Schema, depth: usize, rows: &mut Vec<Vec<String>>) {
    match schema.typed() {
        contract::Schema::Object(properties) => add_rows(properties, depth, rows),
        contract::Schema::Array { items, .. } => add_nested(name, items, depth, rows),
        contract::Schema::OneOrMany(item) => add_nested(name, item, depth, rows),
        schema => {
            for (value, arm) in schema.tagged().unwrap_or_default().1 {
                let label = format!("{}{name} ({value})", "  ".repeat(depth));
                let empty = String::new;
                rows.push(vec![label, empty(), arm.allowed(), empty(), empty()]);
                add_nested(name, arm, depth + 1, rows);
            }
        }
    }
}

/// The model with an id; an unknown one is an error that names the nearest.
pub(crate) fn find<'a>(
    catalogue: &'a Catalogue,
    route: Route,
    id: &str,
) -> Result<&'a Model, Failure> {
    catalogue.model(route, id).ok_or_else(|| {
        // The check of a request names the nearest models.
        let unknown = catalogue.request(route, json!({ "model": id })).err();
        let violations = unknown.iter().flat_map(Error::violations);
        let allowed: String = violations.map(|found| &*found.allowed).collect();
        Failure::usage(format!(
            "unknown model {id}; allowed: {allowed}; `{}` lists all",
            catalogue.listing()
        ))
    })
}

fn ledger(models: &[&Model]) -> String {
    let header = [
        "MODEL", "URL", "PROPERTY", "KEYWORD", "VALUE", "HELD", "WHY",
    ];
    let rows = models.iter().flat_map(|model| {
        model.constraints().into_iter().map(|constraint| {
            vec![
                model.id.to_owned(),
                model.route.to_string(),
                constraint.property,
                constraint.keyword.to_owned(),
                constraint.value.to_string(),
                constraint.enforced_by.to_string(),
                constraint.reason.clone().unwrap_or_default(),
            ]
        })
    });
    table(&header, &rows.collect::<Vec<_>>(), terminal_columns())
}

fn entry(model: &Model) -> Value {
    let property = |property: &Property| {
        json!({
            "name": property.name,
            "required": property.required,
            "allowed": property.schema.allowed(),
            "default": property.default,
            "description": property.description.as_deref().unwrap_or_default(),
        })
    };
    json!({
        "id": model.id,
        "vendor": model.vendor,
        "task": model.task.as_str(),
        "takes": model.media().into_keys().collect::<Vec<_>>(),
        "route": model.route,
        "type": model.type_name,
        "document": model.document,
        "expected_s": model.expected(None).map(|range| [range.start().as_secs_f64(), range.end().as_secs_f64()]),
        "properties": model.properties.iter().map(property).collect::<Vec<_>>(),
    })
}
