//! `history`: lists, shows and removes what the history records.

use std::{collections::BTreeMap, env, path::Path, process::ExitCode};

use serde_json::{Value, json};

use crate::{
    args::{GroupBy, History as Options, HistoryCommand, HistoryOption},
    cost::Cost,
    failure::{Failure, resume_command},
    history::{Entry, History, State, advice, batch_command},
    output::{print_note, print_result},
    places::Place,
    style::{Line, Meaning},
    table::{table, terminal_columns},
    wrap::wrapped,
};

mod list;

/// `history`
pub(crate) fn history(options: Options) -> ExitCode {
    let history = History::open(&HistoryOption { no_history: false }, false);
    let (result, json) = match &options.command {
        None => (list(&history, &options), options.json),
        Some(HistoryCommand::Show { id, json }) => (show(&history, id, *json), *json),
        Some(HistoryCommand::Prune { older_than, json }) => {
            let pruned = history
                .prune(*older_than)
                .map_err(|error| Failure::usage(format!("the history cannot be pruned: {error}")));
            (pruned.map(|entries| pruned_text(&entries, *json)), *json)
        }
    };
    match result {
        // A note has stated that the history is empty.
        Ok(text) if text.is_empty() => ExitCode::SUCCESS,
        Ok(text) if json => print_result(text),
        Ok(text) => print_result(with_states(&text)),
        Err(failure) => failure.report(json, None),
    }
}

fn list(history: &History, options: &Options) -> Result<String, Failure> {
    let mut entries = history.required_entries()?;
    if let Some(since) = options.since {
        entries.retain(|entry| entry.age() <= since);
    }
    if options.group_by.is_some_and(|GroupBy::Model| true) {
        return Ok(by_model(&entries, options.json));
    }
    if options.json {
        return Ok(entries
            .iter()
            .map(Entry::json)
            .collect::<Value>()
            .to_string());
    }
    if entries.is_empty() {
        print_note("the history has no create");
        return Ok(String::new());
    }
    note_open(&entries, history);
    Ok(list::of(&entries, terminal_columns()))
}

/// Says how to go on with the generations that are unfinished, and with the creates whose response was lost.
fn note_open(entries: &[Entry], history: &History) {
    let of = |state| entries.iter().filter(move |entry| entry.state() == state);
    let (own, others): (Vec<&Entry>, Vec<&Entry>) =
        of(State::Unfinished).partition(|entry| history.is_own(entry));
    if !own.is_empty() {
        let count = own.len();
        print_note(format!(
            "note: {count} unfinished; finish with: aimlapi-video resume"
        ));
    }
    if !others.is_empty() {
        let count = others.len();
        print_note(format!(
            "note: {count} unfinished of another key or base URL; `aimlapi-video resume` finishes them with that AIML_API_KEY \
             and AIML_API_BASE"
        ));
    }
    let ambiguous: Vec<&Entry> = of(State::Ambiguous).collect();
    if let [.., last] = *ambiguous {
        let (count, id) = (ambiguous.len(), &last.id);
        print_note(format!(
            "note: {count} ambiguous; what to do: aimlapi-video history show {id}"
        ));
    }
}

/// The path relative to the current folder, if the file is below it.
fn shown(file: &Path) -> String {
    let current = env::current_dir().unwrap_or_default();
    let near = file.strip_prefix(&current).unwrap_or(file);
    near.display().to_string()
}

#[derive(Default)]
struct Sums {
    creates: usize,
    saved: usize,
    failed: usize,
    /// Generations whose cost no response has stated.
    unknown: usize,
    cost: Cost,
}

fn by_model(entries: &[Entry], json: bool) -> String {
    let mut models: BTreeMap<&str, Sums> = BTreeMap::new();
    for entry in entries {
        let sums = models.entry(&entry.intent.model).or_default();
        let state = entry.state();
        sums.creates += 1;
        sums.saved += usize::from(state == State::Saved);
        sums.failed += usize::from(state == State::Failed);
        let may_cost = state != State::NotCreated && !entry.known_cost().is_known();
        sums.unknown += usize::from(may_cost);
        sums.cost = sums.cost.plus(entry.known_cost());
    }
    if json {
        let object = |(model, sums): (&&str, &Sums)| {
            let mut object = json!({
                "model": model,
                "creates": sums.creates,
                "saved": sums.saved,
                "failed": sums.failed,
                "unknown_cost": sums.unknown,
            });
            sums.cost.add_to(&mut object);
            object
        };
        return models.iter().map(object).collect::<Value>().to_string();
    }
    let total = entries
        .iter()
        .fold(Cost::default(), |sum, entry| sum.plus(entry.known_cost()));
    let row = |(model, sums): (&&str, &Sums)| {
        let counts = [sums.creates, sums.saved, sums.failed, sums.unknown];
        let mut row = vec![(*model).to_owned()];
        row.extend(counts.iter().map(ToString::to_string));
        row.push(sums.cost.text().unwrap_or_default());
        row
    };
    let rows: Vec<Vec<String>> = models.iter().map(row).collect();
    let header = [
        "MODEL",
        "CREATES",
        "SAVED",
        "FAILED",
        "COST UNKNOWN",
        "COST",
    ];
    let table = table(&header, &rows, terminal_columns());
    let total = total.text().unwrap_or_else(|| "unknown".into());
    format!("{table}\ntotal cost: {total}")
}

fn show(history: &History, id: &str, json: bool) -> Result<String, Failure> {
    let entries = history.required_entries()?;
    let id = id.trim_end_matches(list::CUT);
    let is = |entry: &&Entry| entry.id == id || entry.name() == id;
    let begins = |entry: &&Entry| entry.name().starts_with(id) || entry.id.starts_with(id);
    let exact: Vec<&Entry> = entries.iter().filter(is).collect();
    let found = match exact.is_empty() {
        true => entries.iter().filter(begins).collect(),
        false => exact,
    };
    let entry = match *found {
        [entry] => entry,
        [] => {
            return Err(Failure::usage(format!(
                "the history has no create {id}; `aimlapi-video history` lists what it has"
            )));
        }
        _ => {
            let names: Vec<&str> = found.iter().map(|entry| &*entry.id).collect();
            return Err(Failure::usage(format!(
                "{id} is the beginning of several ids; give one of {}",
                names.join(", ")
            )));
        }
    };
    match json {
        true => Ok(entry.json().to_string()),
        false => Ok(text(entry)),
    }
}

fn text(entry: &Entry) -> String {
    let next = match (entry.state(), &entry.handle) {
        (State::Ambiguous, _) => Some(advice(entry)),
        (State::Unfinished, Some(handle)) => Some(match &entry.intent.batch {
            Some(batch) => batch_command(batch),
            None => resume_command(handle, entry.intent.output.as_deref(), false),
        }),
        _ => None,
    };
    let files: Vec<String> = entry.files.iter().map(|file| shown(file)).collect();
    let place = entry.intent.batch.as_ref();
    let place = place.map(|batch| {
        let place = batch.place.as_ref();
        let label = place.map_or_else(|| "request".into(), Place::label);
        let journal = shown(&batch.journal);
        format!("{label}, number {} in {journal}", batch.line)
    });
    let lines = [
        (
            "id",
            entry.handle.as_ref().map(|handle| handle.id().to_owned()),
        ),
        ("entry", Some(entry.id.clone())),
        ("state", Some(entry.state().as_str().to_owned())),
        ("reason", entry.why.clone()),
        ("model", Some(entry.intent.model.clone())),
        (
            "created",
            Some(humantime::format_rfc3339_seconds(entry.at).to_string()),
        ),
        ("cost", entry.known_cost().text()),
        (
            "file",
            Some(files.join(", ")).filter(|files| !files.is_empty()),
        ),
        ("batch", place),
        ("next", next),
    ];
    let line = |(name, value): (&str, Option<String>)| {
        let line = format!("{:9}{}", format!("{name}:"), value?);
        Some(match terminal_columns() {
            Some(columns) if ["reason", "next"].contains(&name) => wrapped(&line, columns),
            _ => line,
        })
    };
    let lines = lines.into_iter().filter_map(line);
    let request = serde_json::to_string_pretty(&entry.intent.request).unwrap_or_default();
    let lines: Vec<String> = lines.chain([format!("request: {request}")]).collect();
    lines.join("\n")
}

fn pruned_text(entries: &[Entry], json: bool) -> String {
    let is_open = |entry: &&Entry| matches!(entry.state(), State::Unfinished | State::Ambiguous);
    let (removed, unfinished) = (entries.len(), entries.iter().filter(is_open).count());
    match json {
        true => json!({ "removed": removed, "unfinished": unfinished }).to_string(),
        false => format!("removed {removed}, {unfinished} of them unfinished"),
    }
}

/// The text with the first state of each line in its colour: a cell of a table, or the value of `state:`.
fn with_states(text: &str) -> Line {
    let mut styled = Line::default();
    for line in text.split_inclusive('\n') {
        let places = STATES.iter().filter_map(|(state, meaning)| {
            let name = state.as_str();
            let is_cell = |(at, _): &(usize, &str)| {
                let (before, after) = (&line[..*at], &line[at + name.len()..]);
                let begins = before.ends_with("  ") || before.ends_with("state: ");
                begins
                    && (after.trim().is_empty()
                        || after.starts_with("  ")
                        || after.starts_with(';'))
            };
            let (at, _) = line.match_indices(name).find(is_cell)?;
            Some((at, name, *meaning))
        });
        styled = match places.min_by_key(|(at, ..)| *at) {
            Some((at, name, meaning)) => styled
                .plain(&line[..at])
                .with(meaning, name)
                .plain(&line[at + name.len()..]),
            None => styled.plain(line),
        };
    }
    styled
}

const STATES: [(State, Meaning); 6] = [
    (State::Running, Meaning::Active),
    (State::Ambiguous, Meaning::Warning),
    (State::NotCreated, Meaning::Secondary),
    (State::Unfinished, Meaning::Warning),
    (State::Failed, Meaning::Error),
    (State::Saved, Meaning::Success),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_coloured_in_their_cells_alone() {
        let text = "ID  STATE  PROMPT\na1  saved  failed  saved\nb2\n  state: not created; prompt: saved\nno saved one";
        let styled = with_states(text);
        assert_eq!(styled.text(), text);
        let green = Line::new(Meaning::Success, "saved").styled();
        let dim = Line::new(Meaning::Secondary, "not created").styled();
        let expected = text
            .replacen("saved", &green, 1)
            .replacen("not created", &dim, 1);
        assert_eq!(styled.styled(), expected);
    }
}
