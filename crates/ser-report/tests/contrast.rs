//! Tests that the contrast to the background is high enough, on light and on dark screens, for the texts of pages, and for
//! texts, circles and polygons in pictures. WCAG 2.2 requires 4.5 to 1 for text, and 3 to 1 for marks.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, outside the functions marked as such"
)]

mod common;

use std::collections::BTreeMap;

use common::exhibition;
use roxmltree::Node;
use ser_eval::{Evaluation, Over, compare};
use ser_report::plots::{self, Normalised};

const TEXT: f64 = 4.5;
const MARK: f64 = 3.0;

type Colour = [f64; 3];

/// Parses `#rrggbb` or `#rrggbbaa` into a colour and its opacity.
fn parse(text: &str) -> (Colour, f64) {
    let hex = text.trim().trim_start_matches('#');
    let part =
        |i: usize| f64::from(u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()) / 255.0;
    let opacity = if hex.len() == 8 { part(3) } else { 1.0 };
    ([part(0), part(1), part(2)], opacity)
}

fn over(colour: Colour, opacity: f64, ground: Colour) -> Colour {
    std::array::from_fn(|i| opacity * colour[i] + (1.0 - opacity) * ground[i])
}

/// Returns the relative luminance, as WCAG defines it.
fn luminance(colour: Colour) -> f64 {
    let linear = colour.map(|c| match c {
        c if c <= 0.04045 => c / 12.92,
        c => ((c + 0.055) / 1.055_f64).powf(2.4),
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

fn contrast(a: Colour, b: Colour) -> f64 {
    let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
    a.max(b) / a.min(b)
}

/// Returns the variables of the page's style, light and dark.
fn palettes() -> [BTreeMap<String, String>; 2] {
    let css = include_str!("../src/pages/style.css");
    let block = |start: &str| {
        let block = css.split_once(start).unwrap().1;
        let block = block.split_once('{').unwrap().1.split_once('}').unwrap().0;
        let variables = block.split(';').filter_map(|line| line.split_once(':'));
        let variables = variables.filter_map(|(name, value)| {
            Some((
                name.trim().strip_prefix("--")?.to_owned(),
                value.trim().to_owned(),
            ))
        });
        variables.collect::<BTreeMap<_, _>>()
    };
    let light = block(":root");
    let mut dark = light.clone();
    dark.extend(block("(prefers-color-scheme: dark) {\n  :root"));
    assert_ne!(light["card"], dark["card"]);
    [light, dark]
}

#[test]
fn black_on_white_has_the_greatest_contrast() {
    assert!((contrast([0.0; 3], [1.0; 3]) - 21.0).abs() < 1e-9);
    let (grey, _) = parse("#767676");
    assert!((contrast(grey, [1.0; 3]) - 4.54).abs() < 0.01);
}

#[test]
fn every_text_of_a_page_stands_out() {
    let pairs = [
        ("ink", "ground"),
        ("muted", "ground"),
        ("link", "ground"),
        ("ink", "card"),
        ("muted", "card"),
        ("link", "card"),
        ("ink", "code"),
        ("warn-ink", "warn"),
        ("good-ink", "good"),
        ("fake-ink", "fake"),
    ];
    for palette in palettes() {
        let colour = |name: &str| parse(&palette[name]).0;
        for (text, ground) in pairs {
            let found = contrast(colour(text), colour(ground));
            assert!(
                found >= TEXT,
                "{text} on {ground}: {found:.2} in {palette:?}"
            );
        }
        // The row of the current page in a table of runs.
        let (tint, opacity) = parse(&palette["tint"]);
        let row = over(tint, opacity, colour("card"));
        for text in ["ink", "muted", "link"] {
            let found = contrast(colour(text), row);
            assert!(found >= TEXT, "{text} in the marked row: {found:.2}");
        }
        for ground in ["card", "line"] {
            let found = contrast(colour("blue"), colour(ground));
            assert!(found >= MARK, "blue on {ground}: {found:.2}");
        }
    }
}

/// Returns the colour that replaces a colour of a picture on a dark screen.
fn in_the_dark(style: &str, attribute: &str, colour: &str) -> String {
    let rule = format!("[{attribute}=\"{colour}\"]{{{attribute}:");
    let found = style
        .split_once(&rule)
        .and_then(|(_, rest)| rest.split_once('}'));
    found.map_or_else(|| colour.to_owned(), |(colour, _)| colour.to_owned())
}

fn number(node: &Node, name: &str) -> Option<f64> {
    node.attribute(name)?.parse().ok()
}

/// Returns the background of a node at a point: the card, and the rectangles that were drawn before the node.
fn ground(node: &Node, at: (f64, f64), card: Colour, fill: &dyn Fn(&Node) -> Colour) -> Colour {
    let mut ground = card;
    let before = node
        .parent()
        .unwrap()
        .children()
        .take_while(|other| other != node);
    for rect in before.filter(|other| other.tag_name().name() == "rect") {
        let [x, y, width, height] =
            ["x", "y", "width", "height"].map(|name| number(&rect, name).unwrap());
        let inside = (x..=x + width).contains(&at.0) && (y..=y + height).contains(&at.1);
        if inside && rect.attribute("fill") != Some("none") {
            ground = over(fill(&rect), number(&rect, "opacity").unwrap_or(1.0), ground);
        }
    }
    ground
}

#[test]
fn texts_circles_and_polygons_of_five_pictures_stand_out() {
    let report = exhibition();
    let evaluation = Evaluation::compute(&report.predictions).unwrap();
    let labels = report.predictions.labels();
    let pairs = compare(
        &[("a", &report.predictions), ("b", &report.predictions)],
        Over::AllClips,
    )
    .unwrap();
    let pictures = [
        plots::confusion(&evaluation.metrics, Normalised::Rows).unwrap(),
        plots::per_class(&evaluation.metrics).unwrap(),
        plots::reliability(&ser_eval::reliability(&report.predictions)).unwrap(),
        plots::map(labels, report.map.as_ref().unwrap()).unwrap(),
        plots::differences(&pairs).unwrap(),
    ];
    let mut texts = 0;
    for (dark, palette) in palettes().into_iter().enumerate() {
        let card = parse(&palette["card"]).0;
        for picture in &pictures {
            let document = roxmltree::Document::parse(picture).unwrap();
            let style = document
                .descendants()
                .find(|n| n.tag_name().name() == "style");
            let style = style.and_then(|node| node.text()).unwrap();
            let colour = |attribute: &str, node: &Node| {
                let colour = node.attribute(attribute).unwrap();
                match dark {
                    0 => parse(colour).0,
                    _ => parse(&in_the_dark(style, attribute, colour)).0,
                }
            };
            let fill = |node: &Node| colour("fill", node);
            for node in document.descendants() {
                let name = node.tag_name().name();
                if name == "text" {
                    let at = (number(&node, "x").unwrap(), number(&node, "y").unwrap());
                    let found = contrast(fill(&node), ground(&node, at, card, &fill));
                    let text = node.text().unwrap().trim();
                    assert!(found >= TEXT, "`{text}`: {found:.2}, dark {dark}");
                    texts += 1;
                } else if ["circle", "polygon"].contains(&name) {
                    let attribute = match node.attribute("fill") {
                        Some("none") => "stroke",
                        _ => "fill",
                    };
                    let found = contrast(colour(attribute, &node), card);
                    assert!(found >= MARK, "{node:?}: {found:.2}, dark {dark}");
                }
            }
        }
    }
    assert!(texts > 200, "{texts}");
}
