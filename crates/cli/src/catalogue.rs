//! `models` and `schema`: the models of this build and their parameters.

use std::{ops::RangeInclusive, process::ExitCode, time::Duration};

use aimlapi_video::{Model, Route, contract::Property};
use serde_json::{Value, json};

use crate::{
    args::{Models, Schema},
    failure::Failure,
    output::print_result,
    table::{fits, table, terminal_columns},
};

/// `models`
pub(crate) fn models(options: &Models) -> ExitCode {
    let wanted = |model: &&Model| {
        options
            .vendor
            .as_deref()
            .is_none_or(|vendor| vendor == model.vendor)
    };
    let models: Vec<&Model> = aimlapi_video::models().iter().filter(wanted).collect();
    if let (true, Some(vendor)) = (models.is_empty(), &options.vendor) {
        let mut vendors: Vec<&str> = aimlapi_video::models()
            .iter()
            .map(|model| &*model.vendor)
            .collect();
        vendors.sort_unstable();
        vendors.dedup();
        let known = vendors.join(", ");
        return Failure::usage(format!("unknown vendor {vendor}; expected one of {known}"))
            .report(false, None);
    }
    if options.json {
        return print_result(
            models
                .iter()
                .map(|model| entry(model))
                .collect::<Value>()
                .to_string(),
        );
    }
    let mut header = vec!["MODEL", "TASK", "TAKES", "VENDOR"];
    let row = |model: &&Model| {
        vec![
            argument(model),
            model.task.to_string(),
            model.expected(None).map(seconds).unwrap_or_default(),
            model.vendor.clone(),
        ]
    };
    let mut rows: Vec<Vec<String>> = models.iter().map(row).collect();
    let max_columns = terminal_columns();
    // Most ids begin with the vendor.
    if max_columns.is_some_and(|max| !fits(&header, &rows, max)) {
        header.pop();
        rows.iter_mut().for_each(|row| row.truncate(header.len()));
    }
    print_result(table(&header, &rows, max_columns))
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
    let models = match &options.model {
        None => aimlapi_video::models().iter().collect(),
        Some(id) => match find(options, id) {
            Ok(model) => vec![model],
            Err(failure) => return failure.report(false, None),
        },
    };
    if options.ledger {
        return print_result(ledger(&models));
    }
    let Some(model) = models.first() else {
        return ExitCode::SUCCESS;
    };
    if options.json {
        return print_result(format!("{:#}", model.json_schema()));
    }
    let header = ["PARAMETER", "NEEDED", "ALLOWED", "DEFAULT", "MEANING"];
    let row = |property: &Property| {
        vec![
            property.name.clone(),
            if property.required { "yes" } else { "" }.to_owned(),
            property.schema.allowed(),
            property
                .default
                .as_ref()
                .map(Value::to_string)
                .unwrap_or_default(),
            property.description.clone().unwrap_or_default(),
        ]
    };
    let rows: Vec<Vec<String>> = model.properties.iter().map(row).collect();
    print_result(table(&header, &rows, terminal_columns()))
}

fn find(options: &Schema, id: &str) -> Result<&'static Model, Failure> {
    let route = if options.legacy {
        Route::LegacyKling
    } else {
        Route::Universal
    };
    let known = || {
        aimlapi_video::models()
            .iter()
            .filter(move |model| model.route == route)
    };
    known().find(|model| model.id == id).ok_or_else(|| {
        let near = |model: &&Model| strsim::jaro_winkler(&model.id, id);
        let nearest = known()
            .max_by(|a, b| near(a).total_cmp(&near(b)))
            .map(|model| model.id.as_str());
        Failure::usage(format!(
            "unknown model {id}; `aimlapi-video models` lists the models, and the nearest is {}",
            nearest.unwrap_or("none")
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
        "route": model.route,
        "type": model.type_name,
        "document": model.document,
        "expected_s": model.expected(None).map(|range| [range.start().as_secs_f64(), range.end().as_secs_f64()]),
        "properties": model.properties.iter().map(property).collect::<Vec<_>>(),
    })
}
