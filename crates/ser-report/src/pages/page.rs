//! What every page shares: the frame, the badges, and how figures are written.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use ser_eval::bootstrap::{Interval, LEVEL};

use crate::figures::percent;
use crate::report::SplitKind;

/// What chance makes more rarely than this is called a difference, or a gap.
pub(super) const SIGNIFICANT: f64 = 0.05;

/// Holds the page to what it promises: the browser loads nothing and runs nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; media-src data:";

/// A whole page: what is loud and first, the heading, links to its sections, its sections.
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

/// The loud banner over anything that was computed from synthetic audio.
pub(super) fn synthetic_banner(what: &str) -> Markup {
    html! {
        div.synthetic {
            strong { "Synthetic data" }
            span { (what) " A program generated these voices: the figures show that the software works, and say nothing about people." }
        }
    }
}

/// What may be wider than a phone: it scrolls by itself, also by keyboard, and the page does not.
pub(super) fn scroll(label: &str, wide: &Markup) -> Markup {
    html! {
        div.scroll role="region" aria-label=(label) tabindex="0" { (wide) }
    }
}

/// A picture, which says itself what it shows.
pub(super) fn picture(svg: String) -> Markup {
    html! { figure { (PreEscaped(svg)) } }
}

/// A difference in percentage points with its sign.
pub(super) fn signed(difference: f64) -> String {
    format!("{:+.1}", 100.0 * difference).replace('-', "−")
}

/// `+4.3 to +11.0`: the interval of a difference; a dash where there is none.
pub(super) fn signed_range(interval: Option<Interval>) -> String {
    interval.map_or_else(
        || "–".to_owned(),
        |Interval { low, high }| format!("{} to {}", signed(low), signed(high)),
    )
}

/// `p < 0.001`, `p = 0.02`
pub(super) fn p_value(p: f64) -> String {
    match p {
        p if p < 0.001 => "p < 0.001".to_owned(),
        p if p < 0.1 => format!("p = {p:.3}"),
        p => format!("p = {p:.2}"),
    }
}

/// Tells at a glance whose voices are on both sides.
pub(super) fn split_badge(split: SplitKind) -> Markup {
    match split {
        SplitKind::SpeakerDisjoint => html! { span.badge.disjoint { "speaker-disjoint" } },
        SplitKind::Random => html! { span.badge.random { "random split" } },
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
