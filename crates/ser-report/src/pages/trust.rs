//! The sections on calibration and on enrolment.

use maud::{Markup, html};
use ser_eval::{Evaluation, Metrics, coverage, reliability};

use super::page::{picture, scroll};
use crate::error::Result;
use crate::figures::{percent, plus_minus};
use crate::plots;
use crate::report::Report;

pub(super) fn confidence(report: &Report, metrics: &Metrics) -> Result<Markup> {
    let rows = report.predictions.rows();
    let mean = rows
        .iter()
        .map(|row| f64::from(row.confidence()))
        .sum::<f64>()
        / rows.len() as f64;
    let lean = mean - metrics.accuracy;
    let coverage = coverage(&report.predictions);
    let half = coverage.iter().find(|point| point.share == 0.5);
    Ok(html! {
        section #confidence aria-labelledby="confidence-title" {
            h2 #confidence-title { "How reliable the confidence is" }
            p {
                "Confidence and accuracy differ by " b { (percent(metrics.calibration_error)) " points" }
                " on average (expected calibration error over 15 bins). Overall the model is "
                @if lean.abs() < 0.02 {
                    "neither overconfident nor underconfident: its mean confidence is "
                } @else if lean > 0.0 {
                    b { "overconfident" } ": its mean confidence is "
                } @else {
                    b { "underconfident" } ": its mean confidence is "
                }
                (percent(mean)) " %, its accuracy " (percent(metrics.accuracy)) " %."
            }
            (picture(plots::reliability(&reliability(&report.predictions))?))
            p {
                "The next picture shows the accuracy when the least confident clips are not answered. It rises "
                "if the confidence is meaningful"
                @if let Some(half) = half {
                    "; the accuracy of the more confident half of the answers is " b { (percent(half.accuracy)) " %" }
                }
                "."
            }
            (picture(plots::confidence(&report.predictions)?))
        }
    })
}

pub(super) fn enrolment(report: &Report, evaluation: &Evaluation) -> Result<Markup> {
    let rows = report
        .enrolled
        .iter()
        .map(|known| Ok((&known.description, Evaluation::compute(&known.predictions)?)))
        .collect::<Result<Vec<_>>>()?;
    let table = html! {
        table {
            caption { "Accuracy and UAR with clips of the speaker enrolled" }
            thead {
                tr {
                    th scope="col" { "Enrolled" }
                    th.n scope="col" { "Accuracy " span.unit { "%" } }
                    th.n scope="col" { "UAR " span.unit { "%" } }
                }
            }
            tbody {
                tr {
                    th scope="row" { "none" }
                    td.n { (plus_minus(evaluation.folds.accuracy)) }
                    td.n { (plus_minus(evaluation.folds.uar)) }
                }
                @for (known, evaluation) in &rows {
                    tr {
                        th scope="row" { (known) }
                        td.n { (plus_minus(evaluation.folds.accuracy)) }
                        td.n { (plus_minus(evaluation.folds.uar)) }
                    }
                }
            }
        }
    };
    Ok(html! {
        section #enrolment aria-labelledby="enrolment-title" {
            h2 #enrolment-title { "With other clips of the speaker enrolled" }
            p {
                "Enrolled clips of a test speaker, without their labels, show how that voice sounds on average. "
                "They are not scored, unless the row says transductive. The picture shows all clips pooled, the table the mean "
                "± sample standard deviation over the splits."
            }
            (picture(plots::enrolment(evaluation, &report.enrolled)?))
            (scroll("Figures with enrolment", &table))
        }
    })
}
