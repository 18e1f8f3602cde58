//! The goals of the benchmark, printed with the measured figures.

use super::{SPREADS, Score, TYPICAL};

/// Title, measured figure and goal of each row.
#[derive(Default)]
pub(super) struct Goals {
    pub(super) rows: Vec<(String, f64, f64)>,
}

impl Goals {
    /// Adds a row for the worst cell of `tables`.
    pub(super) fn add(
        &mut self,
        title: &str,
        unit: &str,
        max: f64,
        tables: &[Vec<Score>],
        figure: impl Fn(usize, &Score) -> f64,
    ) {
        let mut all: Vec<(f64, usize, usize)> = Vec::new();
        for (spread, table) in tables.iter().enumerate() {
            all.extend(
                table
                    .iter()
                    .enumerate()
                    .map(|(column, score)| (figure(spread, score), spread, column)),
            );
        }
        let over = all.iter().filter(|cell| cell.0 > max).count();
        let worst = all
            .iter()
            .copied()
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .unwrap_or_default();
        let column = TYPICAL.get(worst.2).filter(|_| tables[0].len() > 1);
        let column = column.map_or("stated".to_owned(), |typical| format!("{typical} s"));
        let place = format!(
            "worst at {column}, spread {}; {over} of {} over",
            SPREADS[worst.1],
            all.len()
        );
        self.rows
            .push((format!("{title}: {unit} ({place})"), worst.0, max));
    }

    pub(super) fn print(&self) {
        println!("\n== goals ==");
        for (title, figure, max) in &self.rows {
            let verdict = if figure <= max { "held  " } else { "MISSED" };
            println!("{verdict} {figure:7.3} <= {max:6.2}  {title}");
        }
    }
}
