//! The rows that a terminal shows: a text, a bar and a note, each as far as there is room.

use console::measure_text_width;
use supports_unicode::Stream;

use crate::style::{Line, Meaning};

/// One row.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    /// What the text consists of; the last parts are left out first.
    pub(super) parts: Vec<Line>,
    /// The length of the bar, 0 to 1.
    pub(super) done: Option<f64>,
    /// Shown at the end where there is room.
    pub(super) note: String,
}

/// The columns between the text, the bar and the note.
const GAP: usize = 2;

/// A narrower bar shows too little, and a wider one nothing more.
const BAR_COLUMNS: (usize, usize) = (8, 30);

impl Row {
    pub(super) fn new(parts: Vec<Line>) -> Self {
        Self {
            parts,
            ..Self::default()
        }
    }

    /// The text, with as many parts as fit.
    fn text(&self, columns: usize) -> (Line, usize) {
        let count = (1..=self.parts.len()).rev();
        let texts = count.map(|count| joined(&self.parts[..count]));
        let mut texts = texts.map(|text| (measure_text_width(&text.text()), text));
        let mut shortest = Default::default();
        for (width, text) in texts.by_ref() {
            shortest = (text, width);
            if width <= columns {
                break;
            }
        }
        shortest
    }
}

/// The parts with commas between them.
pub(super) fn joined(parts: &[Line]) -> Line {
    let mut parts = parts.iter().cloned();
    let first = parts.next().unwrap_or_default();
    parts.fold(first, |text, part| text.plain(", ").and(part))
}

/// The characters of a bar.
#[derive(Clone, Copy)]
pub(super) struct Glyphs {
    done: char,
    left: char,
}

impl Glyphs {
    pub(super) const ASCII: Self = Self {
        done: '#',
        left: '-',
    };

    pub(super) fn of_stderr() -> Self {
        match supports_unicode::on(Stream::Stderr) {
            true => Self {
                done: '━',
                left: '─',
            },
            false => Self::ASCII,
        }
    }

    fn bar(self, done: f64, columns: usize) -> Line {
        let filled = ((done * columns as f64).round() as usize).min(columns);
        let part = |glyph: char, count| glyph.to_string().repeat(count);
        Line::new(Meaning::Active, part(self.done, filled))
            .with(Meaning::Secondary, part(self.left, columns - filled))
    }
}

/// Lays rows out in columns: bars and notes begin at the same place in every row.
pub(super) fn lay_out(rows: &[Row], columns: usize, glyphs: Glyphs) -> Vec<Line> {
    let texts: Vec<(Line, usize)> = rows.iter().map(|row| row.text(columns)).collect();
    let is_wide = |row: &Row| row.done.is_some() || !row.note.is_empty();
    let wide = rows.iter().zip(&texts).filter(|(row, _)| is_wide(row));
    let text_width = wide.map(|(_, (_, width))| *width).max().unwrap_or(0);
    let room = columns.saturating_sub(text_width);
    let notes = rows.iter().map(|row| measure_text_width(&row.note));
    let note_room = notes
        .max()
        .filter(|width| *width > 0)
        .map_or(0, |width| width + GAP);
    let (min, max) = BAR_COLUMNS;
    let min_bar = match rows.iter().any(|row| row.done.is_some()) {
        true => GAP + min,
        false => 0,
    };
    let shows_notes = min_bar + note_room <= room;
    let left = if shows_notes { room - note_room } else { room };
    let bar_columns = if left >= min_bar {
        left.saturating_sub(GAP).min(max)
    } else {
        0
    };
    let bar_columns = if min_bar == 0 { 0 } else { bar_columns };
    let fill = |text: Line, count: usize| text.plain(" ".repeat(count));
    let rows = rows.iter().zip(texts).map(|(row, (text, width))| {
        if !is_wide(row) {
            return text;
        }
        let mut line = text;
        let mut end = width;
        if let Some(done) = row.done.filter(|_| bar_columns > 0) {
            line = fill(line, text_width + GAP - width).and(glyphs.bar(done, bar_columns));
            end = text_width + GAP + bar_columns;
        }
        if shows_notes && !row.note.is_empty() {
            let bar = if bar_columns > 0 {
                GAP + bar_columns
            } else {
                0
            };
            let start = text_width + bar + GAP;
            line = fill(line, start - end).with(Meaning::Secondary, row.note.clone());
        }
        line
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(parts: &[&str], done: Option<f64>, note: &str) -> Row {
        Row {
            parts: parts.iter().map(|part| Line::from(*part)).collect(),
            done,
            note: note.into(),
        }
    }

    fn shown(rows: &[Row], columns: usize) -> Vec<String> {
        let lines = lay_out(rows, columns, Glyphs::ASCII);
        lines.iter().map(Line::text).collect()
    }

    #[test]
    fn bars_and_notes_are_aligned_and_left_out_where_there_is_no_room() {
        let rows = [
            row(
                &["line 1: generating 3.0s", "about 2m left"],
                Some(0.5),
                "a/b",
            ),
            row(&["line 12: queued"], Some(0.0), "c"),
            row(&["0 of 2 saved", "1m"], None, ""),
        ];
        assert_eq!(
            shown(&rows, 64),
            [
                "line 1: generating 3.0s, about 2m left  ##########----------  a/b",
                "line 12: queued                         --------------------  c",
                "0 of 2 saved, 1m",
            ]
            .map(|line| line
                .replace("##########----------", "##########---------")
                .replace("--------------------", "-------------------"))
        );
        assert_eq!(
            shown(&rows, 50)[0],
            "line 1: generating 3.0s, about 2m left  #####-----"
        );
        assert_eq!(
            shown(&rows, 40)[0],
            "line 1: generating 3.0s, about 2m left"
        );
        assert_eq!(shown(&rows, 30)[0], "line 1: generating 3.0s");
        assert_eq!(shown(&rows, 30)[1], "line 12: queued");
    }

    #[test]
    fn no_row_is_wider_than_the_terminal_unless_its_first_part_is() {
        let rows = [
            row(
                &["line 1: generating 3.0s", "about 2m left", "usually 5m"],
                Some(0.3),
                "vendor/model",
            ),
            row(&["3 of 8 saved", "2 failed", "1.25 USD"], Some(1.0), ""),
        ];
        for columns in 24..150 {
            for line in shown(&rows, columns) {
                assert!(measure_text_width(&line) <= columns, "{columns}: {line}");
            }
        }
    }
}
