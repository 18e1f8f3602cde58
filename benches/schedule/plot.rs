//! Plots requests against lag: of the default schedule for several trades, of other clients, and of the limit.

use std::{error::Error, fs, ops::Range, time::Duration};

use aimlapi_video::schedule::{Durations, Learned, Planned, Pooled, Schedule};
use plotters::{
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use super::{Limit, PEERS, Random, STATED, Score, Wait, score};

const MADE_BY: &str = "cargo bench --bench schedule -- --svg benches/schedule.svg";

const TYPICAL: f64 = 330.0;
const SPREAD: f64 = 0.15;
const OBSERVATIONS: usize = 20;
const REQUESTS: Range<f64> = 4.0..9000.0;
const LAGS: Range<f64> = 0.04..60.0;

const PAPER: RGBColor = RGBColor(255, 255, 255);
const INK: RGBColor = RGBColor(31, 35, 40);
const GRID: RGBColor = RGBColor(225, 228, 232);
const BLUE: RGBColor = RGBColor(9, 105, 218);
const VIOLET: RGBColor = RGBColor(130, 80, 223);
const RED: RGBColor = RGBColor(207, 34, 46);
const LIMIT: RGBColor = RGBColor(26, 127, 55);
const OTHERS: RGBColor = RGBColor(188, 76, 0);

/// The same colours for a dark theme.
const DARK: [(RGBColor, &str); 8] = [
    (PAPER, "#0d1117"),
    (INK, "#e6edf3"),
    (GRID, "#30363d"),
    (BLUE, "#58a6ff"),
    (VIOLET, "#bc8cff"),
    (RED, "#ff7b72"),
    (LIMIT, "#56d364"),
    (OTHERS, "#f0883e"),
];

/// The knowledge of the default schedule before its first poll.
#[derive(Clone, Copy, PartialEq)]
enum Known {
    Nothing,
    Stated,
    Observed,
}

const OURS: [(Known, &str, RGBColor); 3] = [
    (
        Known::Nothing,
        "ours (dot: the default), nothing known",
        VIOLET,
    ),
    (Known::Stated, "ours, the stated duration is right", BLUE),
    (Known::Observed, "ours, and 20 observed durations", RED),
];

/// The default trade in milliseconds, marked by a dot.
const DEFAULT: f64 = 187.0;

pub(super) fn write(file: &str) -> Result<(), Box<dyn Error>> {
    let mut svg = String::new();
    draw(&SVGBackend::with_string(&mut svg, (860, 560)).into_drawing_area())?;
    let start = svg.find("<rect").ok_or("a plot without a background")?;
    svg.insert_str(start, &head());
    Ok(fs::write(file, svg)?)
}

fn draw(paper: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>) -> Result<(), Box<dyn Error>> {
    paper.fill(&PAPER)?;
    let text = ("sans-serif", 14).into_font().color(&INK);
    let title = "A generation of about 330 s (spread 15 %): its requests, and the lag until its end is observed";
    let mut chart = ChartBuilder::on(paper)
        .margin(14)
        .caption(title, ("sans-serif", 16).into_font().color(&INK))
        .x_label_area_size(46)
        .y_label_area_size(58)
        .build_cartesian_2d(REQUESTS.log_scale(), LAGS.log_scale())?;
    chart
        .configure_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(INK)
        .label_style(text.clone())
        .x_desc("requests per generation, mean (log scale)")
        .y_desc("lag, mean, in seconds (log scale)")
        .x_label_formatter(&plain)
        .y_label_formatter(&plain)
        .draw()?;

    let limit = Limit::new(SPREAD).lags(TYPICAL).into_iter();
    let limit = limit.filter(|(requests, lag)| REQUESTS.contains(requests) && LAGS.contains(lag));
    chart
        .draw_series(DashedLineSeries::new(limit, 6, 4, LIMIT.stroke_width(2)))?
        .label("lower bound of every schedule")
        .legend(|at| key(at, LIMIT));
    for (known, label, colour) in OURS {
        let trades = (-8..=8).map(|step| DEFAULT * 2_f64.powf(f64::from(step) / 2.0));
        let knob = trades.map(|trade| cost_of_ours(known, trade));
        let knob = knob.filter(|(requests, lag)| REQUESTS.contains(requests) && LAGS.contains(lag));
        chart
            .draw_series(LineSeries::new(knob, colour.stroke_width(2)))?
            .label(label)
            .legend(move |at| key(at, colour));
        let default = cost_of_ours(known, DEFAULT);
        chart.draw_series([Circle::new(default, 5, colour.filled())])?;
    }

    let mut others: Vec<_> = PEERS.iter().map(|peer| (peer.name, cost(peer))).collect();
    others.sort_by(|a, b| a.1.1.total_cmp(&b.1.1));
    chart
        .draw_series(
            others
                .iter()
                .map(|other| Circle::new(other.1, 4, OTHERS.filled())),
        )?
        .label("other clients")
        .legend(|(x, y)| Circle::new((x + 12, y), 4, OTHERS.filled()));
    // From the bottom up, each label is placed above the one before.
    let beside = text.clone().pos(Pos::new(HPos::Left, VPos::Center));
    let mut free = i32::MAX;
    for (name, at) in others {
        let (x, y) = chart.backend_coord(&at);
        let level = y.min(free);
        paper.draw(&PathElement::new([(x, y), (x + 12, level)], OTHERS))?;
        paper.draw(&Text::new(name, (x + 15, level), beside.clone()))?;
        free = level - 15;
    }

    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .margin(12)
        .background_style(PAPER)
        .border_style(GRID)
        .label_font(text)
        .draw()?;
    Ok(paper.present()?)
}

/// Requests and lag of the default schedule with one trade.
fn cost_of_ours(known: Known, trade: f64) -> (f64, f64) {
    const LEARNERS: usize = 20;
    let stated = STATED.iter().copied().map(Duration::from_secs_f64);
    let schedule = Planned::default()
        .pooled(Pooled::of(stated.map(|stated| stated..=stated)))
        .trade(Duration::from_secs_f64(trade / 1000.0));
    let hint = (known != Known::Nothing).then_some(TYPICAL);
    let mut random = Random(1);
    let mut durations = || {
        (0..200)
            .map(|_| random.lognormal(TYPICAL, SPREAD))
            .collect()
    };
    let mut score = Score::default();
    for learner in 0..LEARNERS {
        let took: Vec<f64> = durations();
        let (observed, took) = took.split_at(OBSERVATIONS);
        let learned = (known == Known::Observed).then(|| learned(&schedule, hint, observed));
        let id = format!("learner {learner}");
        Wait::new(&schedule, id, hint, learned.flatten()).score(took.to_vec(), &mut score);
    }
    (score.polls(), score.lag())
}

/// The durations that a program has learned from waits for the `observed` durations.
fn learned(schedule: &Planned, hint: Option<f64>, observed: &[f64]) -> Option<Learned> {
    let mut durations = Durations::default();
    for (finish, &took) in observed.iter().enumerate() {
        let learned = durations.learned("model", None);
        let mut wait = Wait::new(schedule, format!("finish {finish}"), hint, learned);
        durations.observe("model", None, wait.ended(took).1);
    }
    durations.learned("model", None)
}

fn cost(schedule: &dyn Schedule) -> (f64, f64) {
    let score = score(schedule, TYPICAL, None, SPREAD, 2, 20_000);
    (score.polls(), score.lag())
}

fn key((x, y): (i32, i32), colour: RGBColor) -> PathElement<(i32, i32)> {
    PathElement::new([(x + 2, y), (x + 22, y)], colour.stroke_width(2))
}

/// Formats a figure without trailing zeros.
#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that the mesh requires"
)]
fn plain(figure: &f64) -> String {
    format!("{}", (figure * 1000.0).round() / 1000.0)
}

/// The head of the SVG: the command that generates it, and the colours of the dark theme.
fn head() -> String {
    let rules = DARK.map(|(RGBColor(red, green, blue), dark)| {
        let light = format!("#{red:02X}{green:02X}{blue:02X}");
        format!("[fill=\"{light}\"]{{fill:{dark}}}[stroke=\"{light}\"]{{stroke:{dark}}}")
    });
    let rules = rules.concat();
    format!(
        "<desc>made by: {MADE_BY}</desc>\n<style>@media (prefers-color-scheme:dark){{{rules}}}</style>\n"
    )
}
