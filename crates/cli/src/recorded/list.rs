//! The list of `history`: a line for each create, not wider than the terminal; in redirected output, whole values.

use console::{measure_text_width, truncate_str};

use super::shown;
use crate::{
    history::{Entry, age},
    table::{fits, table},
};

/// What stands for the rest of a value.
pub(super) const CUT: char = '…';

const HEADER: [&str; 7] = ["ID", "STATE", "MODEL", "USD", "AGE", "FILE", "PROMPT"];

pub(super) fn of(entries: &[Entry], max_columns: Option<usize>) -> String {
    let mut rows: Vec<Vec<String>> = entries.iter().map(row).collect();
    if let Some(max) = max_columns.filter(|max| !fits(&HEADER, &rows, *max)) {
        let ids = entries.iter().flat_map(|entry| [entry.name(), &*entry.id]);
        let mut ids: Vec<&str> = ids.collect();
        ids.sort_unstable();
        ids.dedup();
        for (row, entry) in rows.iter_mut().zip(entries) {
            row[0] = beginning(entry.name(), &ids);
        }
        shorten(&mut rows, max);
    }
    table(&HEADER, &rows, max_columns)
}

fn row(entry: &Entry) -> Vec<String> {
    let files: Vec<String> = entry.files.iter().map(|file| shown(file)).collect();
    let usd = entry.cost.usd.map(crate::cost::usd_text);
    let usd = usd.map(|usd| usd.trim_end_matches(" USD").to_owned());
    let words: Vec<&str> = entry.prompt().split_whitespace().collect();
    vec![
        entry.name().to_owned(),
        entry.state().as_str().to_owned(),
        entry.intent.model.clone(),
        usd.unwrap_or_default(),
        age(entry),
        files.join(", "),
        words.join(" "),
    ]
}

/// The shortest beginning of an id, of at least eight characters, that no other one of the sorted ids has.
fn beginning(id: &str, sorted: &[&str]) -> String {
    let at = sorted.partition_point(|other| *other < id);
    let neighbours = sorted[..at].last().into_iter().chain(sorted.get(at + 1));
    let common = neighbours.map(|other| {
        let both = id.chars().zip(other.chars());
        both.take_while(|(one, other)| one == other).count()
    });
    let length = MIN_ID.max(common.max().unwrap_or(0) + 1);
    match id.char_indices().nth(length) {
        // A rest of one character is not longer than what stands for it.
        Some((end, _)) if id[end..].chars().count() > 1 => format!("{}{CUT}", &id[..end]),
        _ => id.to_owned(),
    }
}

const MIN_ID: usize = 8;

/// Divides what the other columns leave between model, file and prompt, and shortens them to it.
fn shorten(rows: &mut [Vec<String>], max: usize) {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| measure_text_width(&row[column]));
        cells.max().unwrap_or(0).max(HEADER[column].len())
    };
    let gaps = 2 * (HEADER.len() - 1);
    let fixed: usize = [0, 1, 3, 4].map(width).iter().sum();
    let mut shares = SHORTENED.map(|column| (width(column), column));
    let least: usize = shares.map(|(width, _)| width.min(MIN_WIDTH)).iter().sum();
    let Some(more) = max.checked_sub(fixed + gaps + least) else {
        return;
    };
    let mut rest = least + more;
    // What a narrow column leaves is divided between the wider ones.
    shares.sort_unstable();
    for (index, (width, column)) in shares.into_iter().enumerate() {
        let share = width.min(rest / (shares.len() - index));
        rest -= share;
        for row in rows.iter_mut() {
            row[column] = match column {
                MODEL => model(&row[column], share),
                FILE => end(&row[column], share),
                _ => truncate_str(&row[column], share, "…").into_owned(),
            };
        }
    }
}

const MODEL: usize = 2;
const FILE: usize = 5;
const SHORTENED: [usize; 3] = [MODEL, FILE, 6];

/// Below this width a value says nothing; `table` makes paragraphs of whole values then.
const MIN_WIDTH: usize = 10;

/// A model without its vendor, and then without its end.
fn model(id: &str, width: usize) -> String {
    let own = id.split_once('/').map_or(id, |(_, own)| own);
    let shown = if measure_text_width(id) > width {
        own
    } else {
        id
    };
    truncate_str(shown, width, "…").into_owned()
}

/// The end of a path.
fn end(path: &str, width: usize) -> String {
    if measure_text_width(path) <= width {
        return path.to_owned();
    }
    let mut starts = path.char_indices().map(|(at, _)| at);
    let start = starts.find(|at| measure_text_width(&path[*at..]) < width);
    format!("{CUT}{}", &path[start.unwrap_or(path.len())..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_is_shortened_to_a_beginning_that_no_other_id_has() {
        let ids = [
            "60ac7c34-1",
            "60ac7c34-2",
            "60ac7c34-3224-4b14",
            "60ac7c35-1",
            "task",
        ];
        let short = ids.map(|id| beginning(id, &ids));
        let expected = [
            "60ac7c34-1",
            "60ac7c34-2",
            "60ac7c34-3…",
            "60ac7c35…",
            "task",
        ];
        assert_eq!(short, expected);
        assert_eq!(beginning("60ac7c34-3224", &["60ac7c34-3224"]), "60ac7c34…");
        assert_eq!(
            beginning("60ac7c34", &["60ac7c34", "60ac7c34-3224"]),
            "60ac7c34"
        );
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_narrow_columns_leave_room() {
        let row = |file: &str, prompt: &str| {
            let cells = [
                "60ac7c34…",
                "unfinished",
                "klingai/v2-master-text-to-video",
                "0.25",
                "12d",
            ];
            let cells = cells.into_iter().chain([file, prompt]).map(str::to_owned);
            cells.collect::<Vec<String>>()
        };
        let long = "A kite climbs over the hills, 名前 and far away".repeat(3);
        for (file, prompt) in [
            ("", &*long),
            ("/videos/of/kites/0001.mp4", &long),
            ("a.mp4", "x"),
        ] {
            for max in [76, 80, 100, 120] {
                let mut rows = vec![row(file, prompt)];
                shorten(&mut rows, max);
                assert!(fits(&HEADER, &rows, max), "{max}: {rows:?}");
                let is_whole = rows[0][MODEL] == "klingai/v2-master-text-to-video";
                assert!(
                    !file.is_empty() || is_whole == (max == 120),
                    "{max}: {rows:?}"
                );
            }
        }
        let mut rows = vec![row("a.mp4", &long)];
        shorten(&mut rows, 50);
        assert_eq!(rows, [row("a.mp4", &long)]);
        assert_eq!(model("klingai/v2-master-text-to-video", 12), "v2-master-t…");
        assert_eq!(end("/videos/of/kites/0001.mp4", 12), "…es/0001.mp4");
    }
}
