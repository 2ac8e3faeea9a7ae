//! The parts that all pages share: the frame, the badges, and the format of figures.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use ser_eval::bootstrap::{Interval, LEVEL};

use crate::figures::{percent, points};
use crate::report::SplitKind;

/// Content security policy, which keeps the browser from loading or running anything.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; media-src data:";

/// Renders a whole page: the banner, the heading, links to the sections, and the sections.
pub(super) fn shell(
    title: &str,
    banner: Option<&Markup>,
    heading: &Markup,
    contents: &[(&str, &str)],
    sections: &Markup,
) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                a.skip href="#main" { "Skip to the figures" }
                header {
                    @if let Some(banner) = banner { (banner) }
                    div.top { (heading) }
                }
                @if !contents.is_empty() {
                    nav aria-label="On this page" {
                        ul {
                            @for (id, name) in contents {
                                li { a href={ "#" (id) } { (name) } }
                            }
                        }
                    }
                }
                main #main tabindex="-1" { (sections) }
            }
        }
    };
    page.into_string()
}

/// Renders the conspicuous banner over figures that were computed from synthetic audio.
pub(super) fn synthetic_banner(what: &str) -> Markup {
    html! {
        div.synthetic {
            strong { "Synthetic data" }
            span { (what) " A program generated these voices: the figures show that the software works, and say nothing about people." }
        }
    }
}

/// Puts content that may be wider than a phone into a region that scrolls by itself, also by keyboard.
pub(super) fn scroll(label: &str, wide: &Markup) -> Markup {
    html! {
        div.scroll role="region" aria-label=(label) tabindex="0" { (wide) }
    }
}

/// Renders a picture, which contains its own description.
pub(super) fn picture(svg: String) -> Markup {
    html! { figure { (PreEscaped(svg)) } }
}

/// Formats a difference in percentage points, with its sign.
pub(super) fn signed(difference: f64) -> String {
    points(difference).replace('-', "−")
}

/// Formats the interval of a difference as `+4.3 to +11.0`, or as a dash if there is none.
pub(super) fn signed_range(interval: Option<Interval>) -> String {
    interval.map_or_else(
        || "–".to_owned(),
        |Interval { low, high }| format!("{} to {}", signed(low), signed(high)),
    )
}

/// Formats a p-value as `< 0.001`, `0.021` or `0.21`.
pub(super) fn p_number(p: f64) -> String {
    match p {
        p if p < 0.001 => "< 0.001".to_owned(),
        p if p < 0.1 => format!("{p:.3}"),
        p => format!("{p:.2}"),
    }
}

/// Formats a p-value as `p < 0.001`, `p = 0.021` or `p = 0.21`.
pub(super) fn p_value(p: f64) -> String {
    let number = p_number(p);
    let sign = if number.starts_with('<') { "" } else { "= " };
    format!("p {sign}{number}")
}

/// Renders the badge that says whether a split is speaker-disjoint.
pub(super) fn split_badge(split: SplitKind) -> Markup {
    match split {
        SplitKind::SpeakerDisjoint => html! { span.badge.disjoint { "speaker-disjoint" } },
        SplitKind::Random => html! { span.badge.random { "random split" } },
    }
}

/// Formats an interval as `54.0–62.2`, in percent, without the percent sign, or as a dash if there is none.
pub(super) fn range(interval: Option<Interval>) -> String {
    interval.map_or_else(
        || "–".to_owned(),
        |interval| format!("{}–{}", percent(interval.low), percent(interval.high)),
    )
}

/// Returns the level of the intervals, `95 %`.
pub(super) fn level() -> String {
    format!("{:.0} %", 100.0 * LEVEL)
}

/// Renders a scale from 0 to 100 %, with the interval as a band, the figure as a mark and chance as a tick.
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

/// Renders a table cell with a figure in percent, a bar of that length beside it, and its interval.
pub(super) fn bar(fraction: f64, interval: Option<Interval>) -> Markup {
    html! {
        td.bar {
            span { (percent(fraction)) }
            i { b style={ "width:" (percent(fraction)) "%" } {} }
            @if interval.is_some() { small { (range(interval)) } }
        }
    }
}
