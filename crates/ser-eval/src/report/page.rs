//! What every page shares: the frame, the badges, and how figures are written.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::SplitKind;
use crate::MeanStd;
use crate::bootstrap::{Interval, LEVEL};

/// A whole page around its body.
pub(super) fn shell(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body { (body) }
        }
    };
    page.into_string()
}

/// The loud banner over anything that was computed from synthetic audio.
pub(super) fn synthetic_banner(what: &str) -> Markup {
    html! {
        div.synthetic role="note" {
            strong { "Synthetic data" }
            span { (what) " A program generated these voices: the figures show that the software works, and say nothing about people." }
        }
    }
}

/// Tells at a glance whose voices are on both sides.
pub(super) fn split_badge(split: SplitKind) -> Markup {
    match split {
        SplitKind::SpeakerDisjoint => html! { span.badge.disjoint { "speaker-disjoint" } },
        SplitKind::Random => html! { span.badge.random { "random split" } },
    }
}

/// A fraction in percent with one digit, without the sign.
pub(super) fn percent(fraction: f64) -> String {
    format!("{:.1}", 100.0 * fraction)
}

/// `58.3 ± 3.2`, in percent, without the sign.
pub(super) fn plus_minus(figure: MeanStd) -> String {
    match figure.std {
        Some(std) => format!("{} ± {}", percent(figure.mean), percent(std)),
        None => percent(figure.mean),
    }
}

/// `54.0–62.2`, in percent, without the sign; a dash where there is none.
pub(super) fn range(interval: Option<Interval>) -> String {
    interval.map_or_else(
        || "–".to_owned(),
        |interval| format!("{}–{}", percent(interval.low), percent(interval.high)),
    )
}

/// The level of the intervals, `95 %`.
pub(super) fn level() -> String {
    format!("{:.0} %", 100.0 * LEVEL)
}

/// A scale from 0 to 100 % with the interval as a band, the figure as a mark and chance as a tick.
pub(super) fn gauge(figure: f64, interval: Option<Interval>, chance: f64) -> Markup {
    let width =
        |from: f64, to: f64| format!("left:{}%;width:{}%", percent(from), percent(to - from));
    html! {
        div.gauge aria-hidden="true" {
            @if let Some(interval) = interval {
                i.band style=(width(interval.low, interval.high)) {}
            }
            i.chance style={ "left:" (percent(chance)) "%" } {}
            i.point style={ "left:" (percent(figure)) "%" } {}
        }
    }
}

/// A table cell with a figure in percent, a bar of that length beside it, and its interval.
pub(super) fn bar(fraction: f64, interval: Option<Interval>) -> Markup {
    html! {
        td.bar {
            span { (percent(fraction)) }
            i { b style={ "width:" (percent(fraction)) "%" } {} }
            @if interval.is_some() { small { (range(interval)) } }
        }
    }
}
