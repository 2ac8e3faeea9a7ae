//! The page of one run.

use maud::{Markup, PreEscaped, html};

use super::page::{
    bar, gauge, level, percent, plus_minus, range, shell, split_badge, synthetic_banner,
};
use super::runs::{comparison_table, disjoint_partners, how_to_read};
use super::{Report, SplitKind};
use crate::bootstrap::Interval;
use crate::plots::{self, Curve, Normalised};
use crate::{
    Evaluation, FoldSummary, GroupRow, MeanStd, Metrics, NamedHistory, Prediction, Result,
};

/// How many confusions are put into words.
const CONFUSIONS: usize = 6;
/// How many mistakes are listed.
const MISTAKES: usize = 15;

/// The page of one run as self-contained HTML: no script, no font and no picture is loaded.
///
/// # Errors
/// [`crate::Error::Empty`] without predictions or with a history without finite values,
/// [`crate::Error::Picture`] when a picture fails.
pub fn render(report: &Report) -> Result<String> {
    let evaluation = Evaluation::compute(&report.predictions)?;
    let metrics = &evaluation.metrics;
    let body = html! {
        @if report.synthetic {
            (synthetic_banner("Every figure on this page comes from synthetic audio."))
        }
        header.top {
            p.eyebrow { "Speech emotion recognition · " (report.model) }
            h1 { (report.recipe) }
            p.lead { (report.protocol) }
            p { (split_badge(report.split)) }
        }
        main {
            (headline(&evaluation))
            @if report.split == SplitKind::Random { (warning(report)) }
            (contents(report))
            section #emotions {
                h2 { "Per emotion" }
                (class_table(metrics))
                figure { (PreEscaped(plots::per_class(metrics)?)) }
            }
            section #confusions {
                h2 { "What is taken for what" }
                (worst_confusions(metrics))
                figure { (PreEscaped(plots::confusion(metrics, Normalised::Rows)?)) }
                figure { (PreEscaped(plots::confusion(metrics, Normalised::Counts)?)) }
            }
            @if !report.histories.is_empty() { (training(&report.histories)?) }
            (confidence(report)?)
            @if !report.enrolled.is_empty() { (enrolment(report, &evaluation)?) }
            (splits(&evaluation.folds))
            (groups(&evaluation))
            (mistakes(report))
            @if !report.comparison.is_empty() { (comparison(report, &evaluation)) }
            (reproduction(report))
            (how_to_read())
        }
    };
    Ok(shell(
        &format!("{}: speech emotion recognition", report.recipe),
        &body,
    ))
}

fn headline(evaluation: &Evaluation) -> Markup {
    let metrics = &evaluation.metrics;
    let folds = &evaluation.folds;
    html! {
        section.headline {
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
                    "; no interval, since that takes at least two speakers."
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
        section.warning role="note" {
            h2 { "A random split has the same voices on both sides: it flatters." }
            @if partners.is_empty() {
                p {
                    "The speaker-disjoint figure of " (report.model)
                    " that belongs beside it has not been measured yet. Do not quote this page without it."
                }
            } @else {
                p { "The same model on speakers it has never heard:" }
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

fn contents(report: &Report) -> Markup {
    html! {
        nav {
            a href="#emotions" { "Per emotion" }
            a href="#confusions" { "Confusions" }
            @if !report.histories.is_empty() { a href="#training" { "Training" } }
            a href="#confidence" { "Confidence" }
            @if !report.enrolled.is_empty() { a href="#enrolment" { "Enrolment" } }
            a href="#splits" { "Splits" }
            a href="#groups" { "Groups" }
            a href="#mistakes" { "Mistakes" }
            @if !report.comparison.is_empty() { a href="#comparison" { "Comparison" } }
            a href="#reproduction" { "Reproduction" }
        }
    }
}

fn confidence(report: &Report) -> Result<Markup> {
    Ok(html! {
        section #confidence {
            h2 { "How far to trust its confidence" }
            p {
                "Clips are left out from the least confident one on. A model whose confidence means "
                "something gets better by it."
            }
            figure { (PreEscaped(plots::confidence(&report.predictions)?)) }
        }
    })
}

fn enrolment(report: &Report, evaluation: &Evaluation) -> Result<Markup> {
    let rows = report
        .enrolled
        .iter()
        .map(|known| Ok((&known.description, Evaluation::compute(&known.predictions)?)))
        .collect::<Result<Vec<_>>>()?;
    Ok(html! {
        section #enrolment {
            h2 { "When other clips of the speaker are known" }
            p {
                "Clips of a test speaker, without their labels, tell how that voice sounds on average. "
                "Clips enrolled are not scored, but for the last row."
            }
            figure { (PreEscaped(plots::enrolment(evaluation, &report.enrolled)?)) }
            div.scroll {
                table {
                    thead {
                        tr {
                            th { "Known" }
                            th.n { "Accuracy " span.unit { "%" } }
                            th.n { "UAR " span.unit { "%" } }
                        }
                    }
                    tbody {
                        @for (known, evaluation) in &rows {
                            tr {
                                th scope="row" { (known) }
                                td.n { (plus_minus(evaluation.folds.accuracy)) }
                                td.n { (plus_minus(evaluation.folds.uar)) }
                            }
                        }
                    }
                }
            }
        }
    })
}

fn class_table(metrics: &Metrics) -> Markup {
    let undefined = metrics
        .classes
        .iter()
        .any(|class| !class.precision_defined || !class.recall_defined);
    html! {
        div.scroll {
            table {
                thead {
                    tr {
                        th { "Emotion" }
                        th.n { "Precision " span.unit { "%" } }
                        th.n { "Recall " span.unit { "%" } }
                        th.b { "F1 " span.unit { "%" } }
                        th.n { "Clips" }
                        th.n { "Predicted" }
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
                        th scope="row" { "Mean, all clips" }
                        td {}
                        td.n { (percent(metrics.uar)) }
                        td.b { (percent(metrics.macro_f1)) }
                        td.n { (metrics.n) }
                        td.n { (metrics.n) }
                    }
                }
            }
        }
        @if undefined {
            p.note { "† Not defined, shown as 0: no clip was predicted as this emotion, or there is none of it." }
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
    // Stable, so that equal shares keep the order of the labels.
    confusions.sort_by(|a, b| b.0.total_cmp(&a.0));
    html! {
        @if confusions.is_empty() {
            p { "No clip was taken for another emotion." }
        } @else {
            ul.confusions {
                @for (share, count, support, truth, predicted) in confusions.into_iter().take(CONFUSIONS) {
                    li {
                        b { (metrics.labels[truth]) } " is taken for " b { (metrics.labels[predicted]) }
                        " in " (format!("{:.0}", 100.0 * share)) " % of its clips "
                        span.muted { "(" (count) " of " (support) ")" }
                    }
                }
            }
        }
    }
}

fn training(histories: &[NamedHistory]) -> Result<Markup> {
    Ok(html! {
        section #training {
            h2 { "Training" }
            @for curve in [Curve::Accuracy, Curve::Uar, Curve::Loss] {
                figure { (PreEscaped(plots::curves(histories, curve)?)) }
            }
        }
    })
}

fn splits(folds: &FoldSummary) -> Markup {
    html! {
        section #splits {
            h2 { "Per split" }
            div.scroll {
                table {
                    thead {
                        tr {
                            th { "Split" }
                            th.n { "Clips" }
                            th.n { "Speakers" }
                            th.b { "Accuracy " span.unit { "%" } }
                            th.b { "UAR " span.unit { "%" } }
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
                            th scope="row" { "Mean ± sample std" }
                            td {}
                            td {}
                            td.b { (plus_minus(folds.accuracy)) }
                            td.b { (plus_minus(folds.uar)) }
                        }
                    }
                }
            }
        }
    }
}

fn groups(evaluation: &Evaluation) -> Markup {
    let attributes = [
        ("Gender", &evaluation.genders),
        ("Intensity", &evaluation.intensities),
        ("Sentence", &evaluation.statements),
    ];
    let known = attributes.iter().any(|(_, rows)| !rows.is_empty());
    // Many speakers are read more easily in two columns.
    let half = evaluation.speakers.len().div_ceil(2).max(8);
    html! {
        section #groups {
            h2 { "For whom it works" }
            @if known { (attribute_table(&attributes)) }
            div.speakers {
                @for rows in evaluation.speakers.chunks(half) { (speaker_table(rows)) }
            }
            p.note {
                "UAR over the emotions that the group has. Small: " (level())
                " interval, speakers resampled; one speaker alone has none."
            }
        }
    }
}

fn attribute_table(attributes: &[(&str, &Vec<GroupRow>)]) -> Markup {
    html! {
        div.scroll {
            table.attributes {
                thead {
                    tr {
                        th { "Clips by" }
                        th {}
                        th.n { "Clips" }
                        th.n { "Speakers" }
                        th.b { "Accuracy " span.unit { "%" } }
                        th.b { "UAR " span.unit { "%" } }
                    }
                }
                @for (name, rows) in attributes {
                    tbody {
                        @for (index, row) in rows.iter().enumerate() {
                            tr {
                                td.muted { @if index == 0 { (name) } }
                                th scope="row" { (value(row)) }
                                td.n { (row.n) }
                                td.n { (row.speakers) }
                                (bar(row.accuracy, row.accuracy_interval))
                                (bar(row.uar, row.uar_interval))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn speaker_table(rows: &[GroupRow]) -> Markup {
    html! {
        div.scroll {
            table {
                thead {
                    tr {
                        th { "Speaker" }
                        th.n { "Clips" }
                        th.b { "Accuracy " span.unit { "%" } }
                        th.b { "UAR " span.unit { "%" } }
                    }
                }
                tbody {
                    @for row in rows {
                        tr {
                            th scope="row" { (value(row)) }
                            td.n { (row.n) }
                            (bar(row.accuracy, None))
                            (bar(row.uar, None))
                        }
                    }
                }
            }
        }
    }
}

fn value(row: &GroupRow) -> &str {
    row.group.as_deref().unwrap_or("not given")
}

fn mistakes(report: &Report) -> Markup {
    let labels = report.predictions.labels();
    let wrong = |row: &&Prediction| row.predicted() != row.truth;
    let mut rows: Vec<_> = report.predictions.rows().iter().filter(wrong).collect();
    let total = rows.len();
    rows.sort_by(|a, b| {
        b.confidence()
            .total_cmp(&a.confidence())
            .then_with(|| a.clip.cmp(&b.clip))
    });
    html! {
        section #mistakes {
            h2 { "Most confident mistakes" }
            @if rows.is_empty() {
                p { "No prediction was wrong." }
            } @else {
                p { "The first " (total.min(MISTAKES)) " of " (total) " wrong predictions: worth listening to, since labels can be wrong too." }
                div.scroll {
                    table {
                        thead {
                            tr {
                                th { "Clip" }
                                th { "Speaker" }
                                th { "Split" }
                                th { "True" }
                                th { "Predicted" }
                                th.b { "Confidence " span.unit { "%" } }
                            }
                        }
                        tbody {
                            @for row in rows.into_iter().take(MISTAKES) {
                                tr {
                                    td.clip { (row.clip) }
                                    td { (row.speaker) }
                                    td { (row.split) }
                                    td { (labels[row.truth]) }
                                    td { (labels[row.predicted()]) }
                                    (bar(f64::from(row.confidence()), None))
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn comparison(report: &Report, evaluation: &Evaluation) -> Markup {
    let this = report.summary(evaluation, None);
    let others = report
        .comparison
        .iter()
        .filter(|run| run.recipe != report.recipe);
    let runs: Vec<_> = std::iter::once(&this).chain(others).collect();
    html! {
        section #comparison {
            h2 { "Beside other runs" }
            (comparison_table(&runs, Some(&report.recipe)))
        }
    }
}

fn reproduction(report: &Report) -> Markup {
    html! {
        section #reproduction {
            h2 { "How to get this again" }
            pre.command { code { (report.command) } }
            h3 { "Recipe as used" }
            pre { code { (report.recipe_text) } }
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
