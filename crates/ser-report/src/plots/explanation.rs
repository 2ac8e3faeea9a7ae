//! The picture of an explanation: the waveform, the spectrogram, and the parts that the answer rests on.

use std::fmt::Write;

use plotters::style::RGBColor;
use ser_audio::Waveform;
use ser_audio::conditions::Region;
use ser_features::Features;
use ser_predict::{Explanation, Model};

use super::axes::{Axes, multiples, step};
use super::canvas::{
    Anchor, BLUE, Canvas, Drawn, Frame, GRID, INK, LABEL, MUTED, ON_BLUE, SCALE, SYNTHETIC, TICK,
    TITLE, VERMILION, bold, faint, fit,
};
use crate::error::{Error, Result};

/// Values over the time and the frequencies of a picture. They are evenly spaced, and as far from its ends as from each
/// other: `n` values divide it into `n + 1` parts.
struct Grid<'a> {
    /// `[times, bands]`, row-major.
    values: &'a [f32],
    /// Number of values at each time, from the lowest frequency up.
    bands: usize,
}

impl Grid<'_> {
    /// Returns the value at a position, given as 0 to 1 in time and in frequency. It is interpolated linearly; beyond the
    /// outermost values it is constant.
    fn at(&self, x: f64, y: f64) -> f32 {
        let times = self.values.len() / self.bands;
        let (t, next_t, share_t) = neighbours(x, times);
        let (b, next_b, share_b) = neighbours(y, self.bands);
        let along = |t: usize| {
            let row = &self.values[t * self.bands..][..self.bands];
            row[b] + (row[next_b] - row[b]) * share_b
        };
        along(t) + (along(next_t) - along(t)) * share_t
    }

    /// Returns the value in a cell of the picture, with column and row counted from the top left.
    fn in_cell(&self, (column, row): (usize, usize)) -> f32 {
        let middle = |index: usize, cells: usize| (index as f64 + 0.5) / cells as f64;
        self.at(middle(column, COLUMNS), 1.0 - middle(row, ROWS))
    }

    fn largest(&self, key: impl Fn(f32) -> f32) -> f32 {
        let keys = self.values.iter().map(|&value| key(value));
        keys.fold(f32::NEG_INFINITY, f32::max)
    }

    fn is_whole(&self) -> bool {
        self.bands > 0 && !self.values.is_empty() && self.values.len().is_multiple_of(self.bands)
    }
}

/// Returns the indices of the two of `count` values around a position from 0 to 1, and the weight of the second.
fn neighbours(place: f64, count: usize) -> (usize, usize, f32) {
    let last = count - 1;
    let place = (place * (count + 1) as f64 - 1.0).clamp(0.0, last as f64);
    let before = place as usize;
    (before, (before + 1).min(last), place.fract() as f32)
}

const WIDTH: f64 = 820.0;
const LEFT: f64 = 66.0;
const PLOT_WIDTH: f64 = 630.0;
const RIGHT: f64 = LEFT + PLOT_WIDTH;
const WAVE_TOP: f64 = 66.0;
const WAVE_HEIGHT: f64 = 72.0;
const TOP: f64 = WAVE_TOP + WAVE_HEIGHT + 10.0;
const PLOT_HEIGHT: f64 = 260.0;
const BOTTOM: f64 = TOP + PLOT_HEIGHT;
/// The axes of the spectrogram.
const AXES: Axes = Axes {
    left: LEFT,
    right: RIGHT,
    top: TOP,
    bottom: BOTTOM,
};
/// Vertical position of the descriptions of the regions.
const WORDS: f64 = BOTTOM + 62.0;
const LINE: f64 = 21.0;

/// Number of cells of the two maps in the picture. They limit its size, because a cell takes at most 9 characters.
const COLUMNS: usize = 315;
const ROWS: usize = 104;
/// Visible range of levels, in dB below the loudest.
const LOUDNESS: f32 = 60.0;
const SHADES: usize = 12;
/// Opacity for each fifth of the largest importance. The first fifth is not drawn.
const FIFTHS: [f64; 5] = [0.0, 0.16, 0.32, 0.48, 0.64];
/// Frequencies that may have a tick, in Hz.
const TICKS: [f64; 9] = [
    100.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16_000.0, 32_000.0,
];

/// Draws which parts of a recording the answer of a model rests on: the waveform and the spectrogram of the recording over
/// one time axis.
///
/// Over the spectrogram, blue with contour lines shows how much the probability of the answer falls when the sound there is
/// removed; stripes show where it rises. The strongest regions have numbered frames, and are described below.
///
/// `file` is the name of the recording, `levels` the result of [`Explanation::spectrogram`], of which levels 60 dB or more
/// below the loudest are not visible.
///
/// # Errors
/// [`Error::Picture`] if there are no levels or no patches, if the patches do not fill the grid, or if drawing fails.
pub fn explanation(
    model: &Model,
    file: &str,
    sound: &Waveform,
    explanation: &Explanation,
    levels: &Features,
) -> Result<String> {
    let name = "the explanation";
    let drops: Vec<f32> = explanation.patches.iter().map(|p| p.drop).collect();
    let importance = Grid {
        values: &drops,
        bands: explanation.hertz.len().saturating_sub(2),
    };
    let levels = Grid {
        values: levels.as_slice(),
        bands: levels.coefficients(),
    };
    if !levels.is_whole() || !importance.is_whole() {
        return Err(Error::Picture {
            picture: name,
            reason: "there are no levels or no patches, or the patches do not fill the grid"
                .to_owned(),
        });
    }
    let place = Place {
        duration: sound.duration(),
        hertz: &explanation.hertz,
    };
    let synthetic = model.provenance.synthetic;
    let emotion = explanation.answer.label(&model.labels);
    let regions = explanation.strongest().into_iter();
    let regions: Vec<(&Region, String)> = regions
        .map(|patch| (&patch.region, patch.words(emotion)))
        .collect();
    let answer = format!(
        "{}, {:.0} %",
        explanation.answer.marked(&model.labels),
        100.0 * explanation.answer.confidence()
    );
    let room = WIDTH - LEFT - 20.0;
    let title = fit(&format!("{answer}: {file}"), TITLE, room);
    let mut description = format!("The parts of {file} that the answer ({answer}) rests on.");
    for (_, words) in &regions {
        description += &format!(" {words}.");
    }
    let mut note = "blue: removing the sound here makes the answer less probable".to_owned();
    if synthetic {
        description += &format!(" The answer is that of {SYNTHETIC}.");
        note += &format!("; {SYNTHETIC}");
    }
    let height = WORDS + LINE * regions.len() as f64;
    let picture = Frame {
        name,
        size: (WIDTH, height),
        title: &title,
        left: LEFT,
        description: &description,
    };
    let drawing = picture.around(|canvas| {
        canvas.note(&note, (LEFT, 45.0), Anchor::Left)?;
        axes(canvas, &place)?;
        scale(canvas, &importance)?;
        for (region, _) in &regions {
            frame(canvas, &place, region)?;
        }
        for (number, (region, words)) in regions.iter().enumerate() {
            let corner = (place.x(region.seconds.start), place.y(region.hertz.end));
            badge(canvas, number, corner)?;
            let y = WORDS + LINE * number as f64 - 4.0;
            badge(canvas, number, (LEFT + 9.0, y))?;
            let text = fit(words, LABEL, WIDTH - LEFT - 50.0);
            canvas.label(&text, (LEFT + 28.0, y), Anchor::Left)?;
        }
        Ok(())
    })?;
    // Plotters cannot draw a path of many parts, so the maps are inserted as SVG text, beneath the rest of the drawing.
    let maps = maps(&sound.samples, &levels, &importance);
    Ok(drawing.replacen("</style>\n", &format!("</style>\n{maps}"), 1))
}

/// Returns waveform, spectrogram and importance as groups of strokes, in units of their cells.
fn maps(samples: &[f32], levels: &Grid<'_>, importance: &Grid<'_>) -> String {
    let mut out = group(
        (LEFT, WAVE_TOP),
        (PLOT_WIDTH, WAVE_HEIGHT),
        (2 * COLUMNS, 200),
    );
    out += &path(MUTED, 1.0, &waveform(samples));
    out += "</g>\n";
    out += &group((LEFT, TOP), (PLOT_WIDTH, PLOT_HEIGHT), (COLUMNS, ROWS));
    let loudest = levels.largest(|db| db);
    let shade = |cell| {
        let share = 1.0 - (loudest - levels.in_cell(cell)) / LOUDNESS;
        (share * SHADES as f32).min(SHADES as f32 - 1.0) as usize
    };
    for (shade, strokes) in strokes(SHADES, shade).iter().enumerate().skip(1) {
        let opacity = 0.72 * shade as f64 / (SHADES - 1) as f64;
        out += &path(INK, opacity, strokes);
    }
    let most = importance.largest(f32::abs).max(f32::MIN_POSITIVE);
    let fifth = |sign: f32, cell| {
        let share = sign * importance.in_cell(cell) / most;
        (5.0 * share).clamp(0.0, 4.0) as usize
    };
    let lost = |cell| fifth(1.0, cell);
    for (strokes, opacity) in strokes(FIFTHS.len(), lost).iter().zip(FIFTHS).skip(1) {
        out += &path(BLUE, opacity, strokes);
    }
    let line = |(column, row)| {
        let (here, beside, below) = ((column, row), (column + 1, row), (column, row + 1));
        usize::from(lost(here) != lost(beside) || lost(here) != lost(below))
    };
    out += &path(BLUE, 1.0, &strokes(2, line)[1]);
    let stripe = |(column, row)| usize::from(row % 4 == 0 && fifth(-1.0, (column, row)) > 0);
    out += &path(VERMILION, 1.0, &strokes(2, stripe)[1]);
    out + "</g>\n"
}

/// Opens a group whose unit is a cell, for an area that is divided into `cells`.
fn group((x, y): (f64, f64), (width, height): (f64, f64), cells: (usize, usize)) -> String {
    let scale = |pixels: f64, cells: usize| SCALE * pixels / cells as f64;
    format!(
        "<g transform=\"translate({} {}) scale({:.4} {:.4})\" fill=\"none\" \
         shape-rendering=\"crispEdges\">\n",
        SCALE * x,
        SCALE * y,
        scale(width, cells.0),
        scale(height, cells.1)
    )
}

/// Returns a path of strokes that are one unit wide.
fn path(colour: RGBColor, opacity: f64, strokes: &str) -> String {
    if strokes.is_empty() {
        return String::new();
    }
    let RGBColor(r, g, b) = colour;
    format!(
        "<path stroke=\"#{r:02X}{g:02X}{b:02X}\" stroke-opacity=\"{opacity:.2}\" \
         style=\"stroke-dasharray:none\" d=\"{strokes}\"/>\n"
    )
}

/// Returns for each class the strokes over the horizontal runs of its cells. `class` returns the class of a cell, given by column
/// and row. Class 0 gets no strokes.
fn strokes(classes: usize, class: impl Fn((usize, usize)) -> usize) -> Vec<String> {
    let mut strokes = vec![String::new(); classes];
    for row in 0..ROWS {
        let row_classes: Vec<usize> = (0..COLUMNS).map(|column| class((column, row))).collect();
        let mut start = 0;
        for run in row_classes.chunk_by(PartialEq::eq) {
            if let Some(strokes) = strokes.get_mut(run[0]).filter(|_| run[0] > 0) {
                // The line runs through the middle of the row. Writing to a string cannot fail.
                let _ = write!(strokes, "M{start} {row}.5h{}", run.len());
            }
            start += run.len();
        }
    }
    strokes
}

/// Returns a stroke per column, from its lowest to its highest sample. The largest magnitude reaches the edge.
fn waveform(samples: &[f32]) -> String {
    let peak = samples.iter().fold(0.0, |peak: f32, x| peak.max(x.abs()));
    let scale = 100.0 / peak.max(f32::MIN_POSITIVE);
    let columns = 2 * COLUMNS;
    let mut strokes = String::new();
    for column in 0..columns {
        let edge = |column: usize| column * samples.len() / columns;
        let part = &samples[edge(column)..edge(column + 1)];
        let low = part.iter().fold(0.0_f32, |low, &x| low.min(x));
        let high = part.iter().fold(0.0_f32, |high, &x| high.max(x));
        let (top, bottom) = (100.0 - high * scale, 100.0 - low * scale);
        let height = (bottom - top).max(1.0);
        let _ = write!(strokes, "M{column}.5 {top:.0}v{height:.0}");
    }
    strokes
}

/// Converts times and frequencies of the recording to positions in the picture.
struct Place<'a> {
    /// Duration of the recording in seconds.
    duration: f64,
    /// Frequencies in Hz, ascending, which are evenly spaced from the bottom to the top of the picture.
    hertz: &'a [f64],
}

impl Place<'_> {
    fn x(&self, seconds: f64) -> f64 {
        AXES.x((seconds / self.duration).clamp(0.0, 1.0))
    }

    /// Returns the y position of a frequency, interpolated linearly between the edges of the bands.
    fn y(&self, hertz: f64) -> f64 {
        let below = self.hertz.iter().take_while(|edge| **edge <= hertz).count();
        let band = below.clamp(1, self.hertz.len() - 1) - 1;
        let (low, high) = (self.hertz[band], self.hertz[band + 1]);
        let share = ((hertz - low) / (high - low)).clamp(0.0, 1.0);
        AXES.y((band as f64 + share) / (self.hertz.len() - 1) as f64)
    }
}

fn axes(canvas: &Canvas<'_>, place: &Place<'_>) -> Drawn {
    canvas.outline((LEFT, WAVE_TOP), (PLOT_WIDTH, WAVE_HEIGHT), GRID)?;
    canvas.outline((LEFT, TOP), (PLOT_WIDTH, PLOT_HEIGHT), GRID)?;
    let apart = step(place.duration, 10);
    let decimals = (-apart.log10().floor()).max(0.0) as usize;
    for seconds in multiples(apart, 0.0, place.duration) {
        let x = place.x(seconds);
        AXES.tick_below(canvas, x, &format!("{seconds:.decimals$}"))?;
    }
    let middle = (AXES.middle(), BOTTOM + 34.0);
    canvas.note("seconds", middle, Anchor::Middle)?;
    let top = place.hertz.last().copied().unwrap_or_default();
    for hertz in TICKS.into_iter().filter(|&hertz| hertz <= 1.001 * top) {
        let y = place.y(hertz);
        canvas.path(&[(LEFT - 5.0, y), (LEFT, y)], MUTED.into(), 0.5)?;
        let text = if hertz < 1000.0 {
            format!("{hertz} Hz")
        } else {
            format!("{} kHz", hertz / 1000.0)
        };
        canvas.tick(&text, (LEFT - 9.0, y), Anchor::Right)?;
    }
    Ok(())
}

/// Draws the legend of the shades of blue and of the stripes.
fn scale(canvas: &Canvas<'_>, importance: &Grid<'_>) -> Drawn {
    let (x, width, height) = (RIGHT + 22.0, 18.0, 30.0);
    let heading = (x, TOP + 6.0);
    canvas.tick("points lost", heading, Anchor::Left)?;
    let most = 100.0 * f64::from(importance.largest(f32::abs));
    let decimals = if most < 9.5 { 1 } else { 0 };
    let top = TOP + 26.0;
    for (place, fifth) in (1..FIFTHS.len()).rev().enumerate() {
        let y = top + place as f64 * height;
        canvas.rect((x, y), (width, height), faint(BLUE, FIFTHS[fifth]))?;
    }
    for edge in 1..=FIFTHS.len() {
        let y = top + (FIFTHS.len() - edge) as f64 * height;
        let text = format!("{:.decimals$}", most * edge as f64 / 5.0);
        canvas.tick(&text, (x + width + 8.0, y), Anchor::Left)?;
    }
    let gained = importance.largest(|value| -value);
    if gained > 0.0 && gained * 5.0 >= importance.largest(f32::abs) {
        let y = BOTTOM - 34.0;
        for line in 0..4 {
            let y = y + f64::from(line) * 10.0;
            canvas.rect((x, y), (width, 2.5), VERMILION.into())?;
        }
        let right = x + width + 8.0;
        canvas.tick("gained", (right, y + 16.0), Anchor::Left)?;
    }
    Ok(())
}

/// Draws the frame of a region in the spectrogram, and shades its span of the waveform.
fn frame(canvas: &Canvas<'_>, place: &Place<'_>, region: &Region) -> Drawn {
    let (left, right) = (place.x(region.seconds.start), place.x(region.seconds.end));
    let (top, bottom) = (place.y(region.hertz.end), place.y(region.hertz.start));
    let span = (right - left, WAVE_HEIGHT);
    canvas.rect((left, WAVE_TOP), span, faint(BLUE, 0.22))?;
    let corners = [
        (left, top),
        (right, top),
        (right, bottom),
        (left, bottom),
        (left, top),
    ];
    canvas.path(&corners, INK.into(), 1.5)
}

/// Draws the badge of a region. `number` is counted from 0, and the badge from 1.
fn badge(canvas: &Canvas<'_>, number: usize, at: (f64, f64)) -> Drawn {
    canvas.circle(at, 9.0, BLUE)?;
    let text = (number + 1).to_string();
    canvas.text(&text, at, Anchor::Middle, bold(TICK, ON_BLUE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grids_are_linear_between_their_values() {
        // Two times, three bands.
        let grid = Grid {
            values: &[0.0, 1.0, 2.0, 4.0, 5.0, 6.0],
            bands: 3,
        };
        for (x, y, expected) in [
            (0.0, 0.0, 0.0),
            (1.0 / 3.0, 0.5, 1.0),
            (0.5, 0.5, 3.0),
            (0.5, 0.375, 2.5),
            (1.0, 1.0, 6.0),
        ] {
            assert!((grid.at(x, y) - expected).abs() < 1e-5, "{x} {y}");
        }
    }
}
