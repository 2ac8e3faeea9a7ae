//! The page of one run.

use maud::{Markup, html};
use ser_eval::bootstrap::Interval;
use ser_eval::{Evaluation, FoldSummary, MeanStd, Metrics, NamedHistory};

use super::corpora;
use super::groups::groups;
use super::mistakes::{map, mistakes};
use super::page::{
    bar, gauge, level, picture, range, scroll, shell, split_badge, synthetic_banner,
};
use super::runs::{comparison_table, disjoint_partners, how_to_read};
use super::trust::{confidence, enrolment};
use crate::error::Result;
use crate::figures::{percent, plus_minus};
use crate::plots::{self, Curve, Normalised};
use crate::report::{Report, SplitKind};

/// Number of confusions that are described in words.
const CONFUSIONS: usize = 6;

/// Renders the page of one run as self-contained HTML, which loads no script, no font and no picture. `evaluation` holds
/// the figures of `report.predictions`.
///
/// # Errors
/// - [`ser_eval::Error::Empty`] if there are no predictions for a number of enrolled clips
/// - [`crate::Error::Empty`] if the histories have no finite value
/// - [`crate::Error::Picture`] if a picture cannot be drawn
pub fn render(report: &Report, evaluation: &Evaluation) -> Result<String> {
    let metrics = &evaluation.metrics;
    let banner = report
        .synthetic
        .then(|| synthetic_banner("Every figure on this page comes from synthetic audio."));
    let heading = html! {
        p.eyebrow { "Speech emotion recognition · " (report.model) }
        h1 { (report.recipe) }
        p.lead { (report.protocol) }
        p { (split_badge(report.split)) }
    };
    let sections = html! {
        (headline(evaluation))
        @if report.split == SplitKind::Random { (warning(report)) }
        @if !report.histories.is_empty() { (training(&report.histories)?) }
        section #confusions aria-labelledby="confusions-title" {
            h2 #confusions-title { "Which emotions are confused" }
            (worst_confusions(metrics))
            (picture(plots::confusion(metrics, Normalised::Rows)?))
        }
        section #emotions aria-labelledby="emotions-title" {
            h2 #emotions-title { "Per emotion" }
            (scroll("Figures per emotion", &class_table(metrics)))
            (undefined(metrics))
            (picture(plots::per_class(metrics)?))
        }
        (splits(&evaluation.folds))
        @if let Some(found) = &report.corpora { (corpora::of_run(found)) }
        (groups(&report.predictions, evaluation))
        (confidence(report, metrics)?)
        (mistakes(report))
        @if let Some(found) = &report.map { (map(report, found)?) }
        @if !report.enrolled.is_empty() { (enrolment(report, evaluation)?) }
        @if !report.comparison.is_empty() { (comparison(report, evaluation)) }
        (how_to_read())
        (reproduction(report))
    };
    Ok(shell(
        &format!("{}: speech emotion recognition", report.recipe),
        banner.as_ref(),
        &heading,
        &contents(report),
        &sections,
    ))
}

/// Returns the sections of this page.
fn contents(report: &Report) -> Vec<(&'static str, &'static str)> {
    let all = [
        ("summary", "Summary", true),
        ("training", "Training", !report.histories.is_empty()),
        ("confusions", "Confusions", true),
        ("emotions", "Per emotion", true),
        ("splits", "Splits", true),
        ("corpora", "Corpora", report.corpora.is_some()),
        ("groups", "Groups", true),
        ("confidence", "Confidence", true),
        ("mistakes", "Mistakes", true),
        ("map", "Map", report.map.is_some()),
        ("enrolment", "Enrolment", !report.enrolled.is_empty()),
        ("comparison", "Other runs", !report.comparison.is_empty()),
        ("reading", "How to read this", true),
        ("reproduction", "Recipe", true),
    ];
    let there = all.into_iter().filter(|(.., there)| *there);
    there.map(|(id, name, _)| (id, name)).collect()
}

fn headline(evaluation: &Evaluation) -> Markup {
    let metrics = &evaluation.metrics;
    let folds = &evaluation.folds;
    html! {
        section.headline #summary aria-label="Summary" {
            (card("Unweighted average recall", folds, folds.uar, metrics.uar, evaluation.uar_interval, metrics.chance_uar))
            (card("Accuracy", folds, folds.accuracy, metrics.accuracy, evaluation.accuracy_interval, metrics.chance_accuracy))
            dl.facts {
                dt { "Emotions" } dd { (metrics.labels.len()) }
                dt { "Speakers" } dd { (evaluation.speakers.len()) }
                dt { "Splits" } dd { (folds.folds.len()) }
                dt { "Test predictions" } dd { (metrics.n) }
                dt { "Macro F1" } dd { (percent(metrics.macro_f1)) " %" }
                dt title="Mean of −ln p(true emotion), in nats" { "Log loss" }
                dd { (format!("{:.3}", metrics.log_loss)) }
                dt title="Mean squared distance of the probabilities from the truth, 0 to 2" { "Brier score" }
                dd { (format!("{:.3}", metrics.brier)) }
                dt title="Mean distance between confidence and accuracy over 15 bins" { "Calibration error" }
                dd { (percent(metrics.calibration_error)) " %" }
            }
        }
    }
}

fn card(
    name: &str,
    folds: &FoldSummary,
    over_splits: MeanStd,
    pooled: f64,
    interval: Option<Interval>,
    chance: f64,
) -> Markup {
    html! {
        div.card {
            h2 { (name) }
            p.figure {
                (percent(over_splits.mean))
                span.unit { " %" }
                @if let Some(std) = over_splits.std { span.std { " ± " (percent(std)) } }
            }
            (gauge(pooled, interval, chance))
            p.note {
                @if over_splits.std.is_some() {
                    "Mean ± sample standard deviation over " (folds.folds.len()) " splits."
                } @else {
                    "One split."
                }
                br;
                "All clips pooled: " b { (percent(pooled)) " %" }
                @if interval.is_some() {
                    ", " (level()) " interval " b { (range(interval)) " %" } "."
                } @else {
                    "; no interval, which needs at least two speakers."
                }
                br;
                "Chance, the tick on the scale: " (percent(chance)) " %."
            }
        }
    }
}

fn warning(report: &Report) -> Markup {
    let partners = disjoint_partners(&report.comparison, &report.model, report.synthetic);
    html! {
        section.warning aria-label="Warning" {
            h2 { "A random split has the same voices in training and test: its figures are optimistic." }
            @if partners.is_empty() {
                p {
                    "The speaker-disjoint figure of " (report.model)
                    " has not been measured yet. Do not quote this page without it."
                }
            } @else {
                p { "The same model on held-out speakers:" }
                ul {
                    @for run in partners {
                        li {
                            @match &run.page {
                                Some(page) => a href=(page) { (run.recipe) },
                                None => b { (run.recipe) },
                            }
                            ": UAR " b { (plus_minus(run.uar)) " %" }
                            " (interval " (range(run.uar_interval)) " %), accuracy "
                            b { (plus_minus(run.accuracy)) " %" }
                            " over " (run.classes) " emotions; " (run.protocol)
                        }
                    }
                }
            }
        }
    }
}

fn class_table(metrics: &Metrics) -> Markup {
    html! {
        table {
            caption { "Precision, recall and F1 of each emotion" }
            thead {
                tr {
                    th scope="col" { "Emotion" }
                    th.n scope="col" { "Precision " span.unit { "%" } }
                    th.n scope="col" { "Recall " span.unit { "%" } }
                    th.b scope="col" { "F1 " span.unit { "%" } }
                    th.n scope="col" { "Clips" }
                    th.n scope="col" { "Predicted" }
                }
            }
            tbody {
                @for class in &metrics.classes {
                    tr {
                        th scope="row" { (class.label) }
                        td.n { (percent(class.precision)) @if !class.precision_defined { sup { "†" } } }
                        td.n { (percent(class.recall)) @if !class.recall_defined { sup { "†" } } }
                        (bar(class.f1, None))
                        td.n { (class.support) }
                        td.n { (class.predicted) }
                    }
                }
            }
            tfoot {
                tr {
                    th scope="row" colspan="2" { "Mean, all clips" }
                    td.n { (percent(metrics.uar)) }
                    td.b { (percent(metrics.macro_f1)) }
                    td.n { (metrics.n) }
                    td.n { (metrics.n) }
                }
            }
        }
    }
}

/// Explains the mark in [`class_table`], if there is one.
fn undefined(metrics: &Metrics) -> Markup {
    let undefined = metrics
        .classes
        .iter()
        .any(|class| !class.precision_defined || !class.recall_defined);
    html! {
        @if undefined {
            p.note { "† Not defined and shown as 0: no clip was predicted as this emotion, or no clip has it." }
        }
    }
}

fn worst_confusions(metrics: &Metrics) -> Markup {
    let mut confusions = Vec::new();
    for (truth, (counts, shares)) in metrics
        .confusion
        .counts
        .iter()
        .zip(&metrics.confusion_rows)
        .enumerate()
    {
        for (predicted, (&count, &share)) in counts.iter().zip(shares).enumerate() {
            if truth != predicted && count > 0 {
                confusions.push((share, count, counts.iter().sum::<usize>(), truth, predicted));
            }
        }
    }
    // The sort is stable, so equal shares keep the order of the labels.
    confusions.sort_by(|a, b| b.0.total_cmp(&a.0));
    html! {
        @if confusions.is_empty() {
            p { "No clip was predicted as another emotion." }
        } @else {
            ul.confusions {
                @for (share, count, support, truth, predicted) in confusions.into_iter().take(CONFUSIONS) {
                    li {
                        b { (metrics.labels[truth]) } " is predicted as " b { (metrics.labels[predicted]) }
                        " for " (format!("{:.0}", 100.0 * share)) " % of its clips "
                        span.muted { "(" (count) " of " (support) ")" }
                    }
                }
            }
        }
    }
}

fn training(histories: &[NamedHistory]) -> Result<Markup> {
    Ok(html! {
        section #training aria-labelledby="training-title" {
            h2 #training-title { "Training" }
            @for curve in [Curve::Accuracy, Curve::Uar, Curve::Loss] {
                (picture(plots::curves(histories, curve)?))
            }
        }
    })
}

fn splits(folds: &FoldSummary) -> Markup {
    let table = html! {
        table {
            caption { "Test part of each split" }
            thead {
                tr {
                    th scope="col" { "Split" }
                    th.n scope="col" { "Clips" }
                    th.n scope="col" { "Speakers" }
                    th.b scope="col" { "Accuracy " span.unit { "%" } }
                    th.b scope="col" { "UAR " span.unit { "%" } }
                }
            }
            tbody {
                @for fold in &folds.folds {
                    tr {
                        th scope="row" { (fold.split) }
                        td.n { (fold.n) }
                        td.n { (fold.speakers) }
                        (bar(fold.accuracy, None))
                        (bar(fold.uar, None))
                    }
                }
            }
            tfoot {
                tr {
                    th scope="row" colspan="3" { "Mean ± sample std" }
                    td.b { (plus_minus(folds.accuracy)) }
                    td.b { (plus_minus(folds.uar)) }
                }
            }
        }
    };
    html! {
        section #splits aria-labelledby="splits-title" {
            h2 #splits-title { "Per split" }
            (scroll("Figures per split", &table))
        }
    }
}

fn comparison(report: &Report, evaluation: &Evaluation) -> Markup {
    let this = report.summary(evaluation, None);
    let runs: Vec<_> = std::iter::once(&this).chain(&report.comparison).collect();
    html! {
        section #comparison aria-labelledby="comparison-title" {
            h2 #comparison-title { "Other runs" }
            (comparison_table(&runs, Some(&this)))
        }
    }
}

fn reproduction(report: &Report) -> Markup {
    html! {
        section #reproduction aria-labelledby="reproduction-title" {
            h2 #reproduction-title { "How to reproduce this run" }
            (scroll("Command", &html! { pre.command { code { (report.command) } } }))
            h3 { "Recipe" }
            (scroll("Recipe", &html! { pre { code { (report.recipe_text) } } }))
            @if !report.environment.is_empty() {
                h3 { "Environment" }
                dl.environment {
                    @for (name, value) in &report.environment {
                        dt { (name) }
                        dd { (value) }
                    }
                }
            }
        }
    }
}
