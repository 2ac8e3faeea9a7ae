//! A thin layer over plotters: sizes in CSS pixels, the palette, and the frame of every picture.

use maud::html;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::error::{Error, Result};

/// Colour of text and strong lines.
pub(super) const INK: RGBColor = RGBColor(0x1C, 0x24, 0x30);
/// Colour of secondary text.
pub(super) const MUTED: RGBColor = RGBColor(0x5A, 0x65, 0x74);
/// Colour of grid lines, axes and empty cells.
pub(super) const GRID: RGBColor = RGBColor(0xD3, 0xD9, 0xE2);
/// Colour of the main figures: validation, recall, the cells of a confusion matrix.
pub(super) const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xB2);
/// Colour of the figures beside them: training, precision.
pub(super) const VERMILION: RGBColor = RGBColor(0xD5, 0x5E, 0x00);
/// Colour of text on [`BLUE`].
pub(super) const ON_BLUE: RGBColor = RGBColor(0xFF, 0xFF, 0xFE);

/// The style of a picture. The drawing contains the colours above literally; on a dark screen the style replaces them by
/// attribute, and in print the light colours remain.
const STYLE: &str = r##"
svg:root{color-scheme:light dark}
.picture text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
.picture [stroke="#D55E00"]{stroke-dasharray:11 7}
.picture polyline{stroke-linejoin:round;stroke-linecap:round}
@media screen and (prefers-color-scheme:dark){
.picture [fill="#1C2430"]{fill:#E8ECF2}.picture [stroke="#1C2430"]{stroke:#E8ECF2}
.picture [fill="#5A6574"]{fill:#A3AEBD}.picture [stroke="#5A6574"]{stroke:#A3AEBD}
.picture [fill="#D3D9E2"]{fill:#3A4452}.picture [stroke="#D3D9E2"]{stroke:#3A4452}
.picture [fill="#0072B2"]{fill:#56B4E9}.picture [stroke="#0072B2"]{stroke:#56B4E9}
.picture [fill="#D55E00"]{fill:#F0944D}.picture [stroke="#D55E00"]{stroke:#F0944D}
.picture [fill="#FFFFFE"]{fill:#0B1017}
}
"##;

/// Sizes of text in CSS pixels: the title of a picture, names in it, values at its axes.
pub(super) const TITLE: f64 = 16.0;
pub(super) const LABEL: f64 = 13.0;
pub(super) const TICK: f64 = 12.0;
/// Margin at the sides of a picture, in CSS pixels.
pub(super) const EDGE: f64 = 12.0;

/// Names the model of a picture if it was trained on synthetic voices.
pub(super) const SYNTHETIC: &str = "a model of SYNTHETIC voices";

/// Units of the drawing per CSS pixel. The backend draws at whole units only; two per pixel keep curves smooth.
pub(super) const SCALE: f64 = 2.0;
/// Plotters divides the size of a font by this factor when it writes the SVG.
const FONT_SIZE: f64 = 1.24;

/// The result of a drawing step.
pub(super) type Drawn = std::result::Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// The part of a text that stands at its position.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    /// The left end.
    Left,
    /// The middle.
    Middle,
    /// The right end.
    Right,
}

/// A drawing surface measured in CSS pixels.
pub(super) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

impl Canvas<'_> {
    pub(super) fn rect(&self, corner: (f64, f64), size: (f64, f64), colour: RGBAColor) -> Drawn {
        self.area
            .draw(&Rectangle::new(corners(corner, size), colour.filled()))
    }

    pub(super) fn outline(&self, corner: (f64, f64), size: (f64, f64), colour: RGBColor) -> Drawn {
        self.area.draw(&Rectangle::new(
            corners(corner, size),
            colour.stroke_width(1),
        ))
    }

    /// Draws a line through all points.
    pub(super) fn path(&self, points: &[(f64, f64)], colour: RGBAColor, width: f64) -> Drawn {
        let points: Vec<_> = points.iter().copied().map(point).collect();
        self.area.draw(&PathElement::new(
            points,
            colour.stroke_width(units(width) as u32),
        ))
    }

    pub(super) fn circle(&self, centre: (f64, f64), radius: f64, colour: RGBColor) -> Drawn {
        self.area
            .draw(&Circle::new(point(centre), units(radius), colour.filled()))
    }

    /// Draws a circle that is not filled.
    pub(super) fn ring(&self, centre: (f64, f64), radius: f64, colour: RGBColor) -> Drawn {
        let style = colour.stroke_width(units(2.0) as u32);
        self.area
            .draw(&Circle::new(point(centre), units(radius), style))
    }

    /// Draws a filled polygon with these corners.
    pub(super) fn polygon(&self, corners: &[(f64, f64)], colour: RGBColor) -> Drawn {
        let corners: Vec<_> = corners.iter().copied().map(point).collect();
        self.area.draw(&Polygon::new(corners, colour.filled()))
    }

    /// Draws one line of text, vertically centred on `at`.
    pub(super) fn text(
        &self,
        text: &str,
        at: (f64, f64),
        anchor: Anchor,
        style: TextStyle<'_>,
    ) -> Drawn {
        let h = match anchor {
            Anchor::Left => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::Right => HPos::Right,
        };
        self.area
            .draw_text(text, &style.pos(Pos::new(h, VPos::Center)), point(at))
    }

    /// Draws the name of a part of the picture.
    pub(super) fn label(&self, text: &str, at: (f64, f64), anchor: Anchor) -> Drawn {
        self.text(text, at, anchor, plain(LABEL, INK))
    }

    /// Draws a secondary name, of an axis or in a legend.
    pub(super) fn note(&self, text: &str, at: (f64, f64), anchor: Anchor) -> Drawn {
        self.text(text, at, anchor, plain(LABEL, MUTED))
    }

    /// Draws a value at an axis or a mark.
    pub(super) fn tick(&self, text: &str, at: (f64, f64), anchor: Anchor) -> Drawn {
        self.text(text, at, anchor, plain(TICK, MUTED))
    }
}

/// Returns the style of plain text of a size in CSS pixels.
pub(super) fn plain(size: f64, colour: RGBColor) -> TextStyle<'static> {
    ("sans-serif", size * SCALE * FONT_SIZE)
        .into_font()
        .color(&colour)
}

/// Returns the style of bold text of a size in CSS pixels.
pub(super) fn bold(size: f64, colour: RGBColor) -> TextStyle<'static> {
    ("sans-serif", size * SCALE * FONT_SIZE, FontStyle::Bold)
        .into_font()
        .color(&colour)
}

/// Returns a colour with an opacity, rounded to two decimals.
pub(super) fn faint(colour: RGBColor, opacity: f64) -> RGBAColor {
    colour.mix((opacity * 100.0).round() / 100.0)
}

/// Converts CSS pixels to units of the drawing.
fn units(pixels: f64) -> i32 {
    (pixels * SCALE).round() as i32
}

fn point((x, y): (f64, f64)) -> (i32, i32) {
    (units(x), units(y))
}

fn corners((x, y): (f64, f64), (width, height): (f64, f64)) -> [(i32, i32); 2] {
    [point((x, y)), point((x + width, y + height))]
}

/// Estimates the width of a text in CSS pixels. It is an estimate because no font is available where the picture is drawn.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    let ems: f64 = text
        .chars()
        .map(|c| if c.is_ascii() { 0.58 } else { 1.0 })
        .sum();
    ems * size
}

/// Returns the width of the widest label in CSS pixels.
pub(super) fn widest(labels: &[String]) -> f64 {
    let widths = labels.iter().map(|label| text_width(label, LABEL));
    widths.fold(0.0, f64::max)
}

/// Returns the text, shortened with an ellipsis if it does not fit into `width` CSS pixels.
pub(super) fn fit(text: &str, size: f64, width: f64) -> String {
    let mut kept = text.to_owned();
    while text_width(&kept, size) > width && kept.chars().count() > 1 {
        kept = kept.trim_end_matches('…').to_owned();
        kept.pop();
        kept.push('…');
    }
    kept
}

/// Returns the text, with an ellipsis in place of its beginning if it does not fit into `width` CSS pixels.
pub(super) fn fit_end(text: &str, size: f64, width: f64) -> String {
    let mut kept = text.to_owned();
    while text_width(&kept, size) > width && kept.chars().count() > 2 {
        let end = kept.chars().skip(if kept.starts_with('…') { 2 } else { 1 });
        kept = std::iter::once('…').chain(end).collect();
    }
    kept
}

/// The parts that every picture has.
pub(super) struct Frame<'a> {
    /// The name of the picture in errors.
    pub(super) name: &'static str,
    /// Width and height in CSS pixels.
    pub(super) size: (f64, f64),
    /// The title above the picture, also its name for screen readers.
    pub(super) title: &'a str,
    /// The left end of the title, in CSS pixels from the left.
    pub(super) left: f64,
    /// The description of the picture for screen readers.
    pub(super) description: &'a str,
}

impl Frame<'_> {
    /// Returns the picture as SVG: the title, and what `draw` draws.
    pub(super) fn around(self, draw: impl FnOnce(&Canvas<'_>) -> Drawn) -> Result<String> {
        let Self { title, .. } = self;
        let (width, height) = self.size;
        let size = (units(width) as u32, units(height) as u32);
        let mut drawing = String::new();
        let canvas = Canvas {
            area: SVGBackend::with_string(&mut drawing, size).into_drawing_area(),
        };
        canvas
            .text(title, (self.left, 20.0), Anchor::Left, bold(TITLE, INK))
            .and_then(|()| draw(&canvas))
            .and_then(|()| canvas.area.present())
            .map_err(|error| Error::Picture {
                picture: self.name,
                reason: error.to_string(),
            })?;
        drop(canvas);
        // The opening tag of the backend is replaced, because it has neither role nor title.
        let shapes = drawing.split_once(">\n").map_or("", |(_, shapes)| shapes);
        let words = html! { title { (title) } desc { (self.description) } }.into_string();
        let label = html! { (title) }.into_string();
        let picture = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"picture\" role=\"img\" \
             aria-label=\"{label}\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {} {}\">\n\
             {words}\n<style>{STYLE}</style>\n{shapes}",
            size.0, size.1
        );
        // The name of a file may contain any character.
        Ok(picture.replace(is_forbidden, "\u{fffd}"))
    }
}

/// Returns whether a character makes XML not well-formed, also when it is escaped.
fn is_forbidden(c: char) -> bool {
    let is_control = c < ' ' && !['\t', '\n', '\r'].contains(&c);
    is_control || ['\u{fffe}', '\u{ffff}'].contains(&c)
}
