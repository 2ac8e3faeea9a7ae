//! A thin layer over plotters: sizes in CSS pixels, the palette, and the frame every picture has.

use maud::html;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::error::{Error, Result};

/// Text and strong lines.
pub(super) const INK: RGBColor = RGBColor(0x1C, 0x24, 0x30);
/// Secondary text.
pub(super) const MUTED: RGBColor = RGBColor(0x5A, 0x65, 0x74);
/// Grid lines, axes, empty cells.
pub(super) const GRID: RGBColor = RGBColor(0xD3, 0xD9, 0xE2);
/// What is measured on unseen clips: validation, recall, the heat of a confusion matrix.
pub(super) const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xB2);
/// What stands beside it: training, precision.
pub(super) const VERMILION: RGBColor = RGBColor(0xD5, 0x5E, 0x00);
/// Text on [`BLUE`].
pub(super) const ON_BLUE: RGBColor = RGBColor(0xFF, 0xFF, 0xFE);

/// The colours above are literal in the drawing; a dark screen replaces them by attribute. Print
/// keeps the light ones.
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

/// Sizes of text in CSS pixels: a picture's title, names in it, values at its axes.
pub(super) const TITLE: f64 = 16.0;
pub(super) const LABEL: f64 = 13.0;
pub(super) const TICK: f64 = 12.0;
/// What is left free at the sides of a picture, in CSS pixels.
pub(super) const EDGE: f64 = 12.0;

/// The backend knows whole units only; two to a CSS pixel keep curves smooth.
pub(super) const SCALE: f64 = 2.0;
/// Plotters divides a font's size by this on its way into the SVG.
const FONT_SIZE: f64 = 1.24;

/// What a drawing step returns.
pub(super) type Drawn = std::result::Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// Where a text is held.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    /// At its left end.
    Left,
    /// In its middle.
    Middle,
    /// At its right end.
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

    /// A line through all points.
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

    /// A circle that is not filled.
    pub(super) fn ring(&self, centre: (f64, f64), radius: f64, colour: RGBColor) -> Drawn {
        let style = colour.stroke_width(units(2.0) as u32);
        self.area
            .draw(&Circle::new(point(centre), units(radius), style))
    }

    /// A filled shape with these corners.
    pub(super) fn polygon(&self, corners: &[(f64, f64)], colour: RGBColor) -> Drawn {
        let corners: Vec<_> = corners.iter().copied().map(point).collect();
        self.area.draw(&Polygon::new(corners, colour.filled()))
    }

    /// One line of text, vertically centred on `at`.
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

    /// The name of something that is drawn.
    pub(super) fn label(&self, text: &str, at: (f64, f64), anchor: Anchor) -> Drawn {
        self.text(text, at, anchor, plain(LABEL, INK))
    }

    /// A name that stands back: of an axis, in a legend.
    pub(super) fn note(&self, text: &str, at: (f64, f64), anchor: Anchor) -> Drawn {
        self.text(text, at, anchor, plain(LABEL, MUTED))
    }

    /// A value at an axis or a mark.
    pub(super) fn tick(&self, text: &str, at: (f64, f64), anchor: Anchor) -> Drawn {
        self.text(text, at, anchor, plain(TICK, MUTED))
    }
}

/// Plain text of a size in CSS pixels.
pub(super) fn plain(size: f64, colour: RGBColor) -> TextStyle<'static> {
    ("sans-serif", size * SCALE * FONT_SIZE)
        .into_font()
        .color(&colour)
}

/// Bold text of a size in CSS pixels.
pub(super) fn bold(size: f64, colour: RGBColor) -> TextStyle<'static> {
    ("sans-serif", size * SCALE * FONT_SIZE, FontStyle::Bold)
        .into_font()
        .color(&colour)
}

/// A colour at some opacity, with few digits.
pub(super) fn faint(colour: RGBColor, opacity: f64) -> RGBAColor {
    colour.mix((opacity * 100.0).round() / 100.0)
}

/// CSS pixels to units of the drawing.
fn units(pixels: f64) -> i32 {
    (pixels * SCALE).round() as i32
}

fn point((x, y): (f64, f64)) -> (i32, i32) {
    (units(x), units(y))
}

fn corners((x, y): (f64, f64), (width, height): (f64, f64)) -> [(i32, i32); 2] {
    [point((x, y)), point((x + width, y + height))]
}

/// Width of a text in CSS pixels, estimated: no font is at hand where the picture is drawn.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    let ems: f64 = text
        .chars()
        .map(|c| if c.is_ascii() { 0.58 } else { 1.0 })
        .sum();
    ems * size
}

/// Width of the widest of some labels in CSS pixels.
pub(super) fn widest(labels: &[String]) -> f64 {
    let widths = labels.iter().map(|label| text_width(label, LABEL));
    widths.fold(0.0, f64::max)
}

/// The text, shortened with an ellipsis to fit into `width` CSS pixels.
pub(super) fn fit(text: &str, size: f64, width: f64) -> String {
    let mut kept = text.to_owned();
    while text_width(&kept, size) > width && kept.chars().count() > 1 {
        kept = kept.trim_end_matches('…').to_owned();
        kept.pop();
        kept.push('…');
    }
    kept
}

/// What every picture has.
pub(super) struct Frame<'a> {
    /// What an error calls the picture.
    pub(super) name: &'static str,
    /// Width and height in CSS pixels.
    pub(super) size: (f64, f64),
    /// Stands over the picture, and is its name for screen readers.
    pub(super) title: &'a str,
    /// Where the title begins, in CSS pixels from the left.
    pub(super) left: f64,
    /// What the picture says, for screen readers.
    pub(super) description: &'a str,
}

impl Frame<'_> {
    /// The picture as SVG, with its title and what `draw` adds.
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
        // The backend's own opening tag has neither role nor title.
        let shapes = drawing.split_once(">\n").map_or("", |(_, shapes)| shapes);
        let words = html! { title { (title) } desc { (self.description) } }.into_string();
        let label = html! { (title) }.into_string();
        Ok(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"picture\" role=\"img\" \
             aria-label=\"{label}\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {} {}\">\n\
             {words}\n<style>{STYLE}</style>\n{shapes}",
            size.0, size.1
        ))
    }
}
