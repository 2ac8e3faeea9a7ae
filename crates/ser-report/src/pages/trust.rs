//! How far to trust the confidence of an answer, and what enrolment brings.

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
            h2 #confidence-title { "How far to trust its confidence" }
            p {
                "Its confidence is off by " b { (percent(metrics.calibration_error)) " points" }
                " on average (expected calibration error over 15 bins). In all it is "
                @if lean.abs() < 0.02 {
                    "neither overconfident nor underconfident: "
                } @else if lean > 0.0 {
                    b { "overconfident" } ": "
                } @else {
                    b { "underconfident" } ": "
                }
                (percent(mean)) " % sure, and right in " (percent(metrics.accuracy)) " % of the clips."
            }
            (picture(plots::reliability(&reliability(&report.predictions))?))
            p {
                "Clips are left out from the least confident one on. A model whose confidence means "
                "something gets better by it"
                @if let Some(half) = half {
                    ": the surer half of the answers is right in " b { (percent(half.accuracy)) " %" }
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
            caption { "Accuracy and UAR once clips of the speaker are known" }
            thead {
                tr {
                    th scope="col" { "Known" }
                    th.n scope="col" { "Accuracy " span.unit { "%" } }
                    th.n scope="col" { "UAR " span.unit { "%" } }
                }
            }
            tbody {
                tr {
                    th scope="row" { "nothing" }
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
            h2 #enrolment-title { "When other clips of the speaker are known" }
            p {
                "Clips of a test speaker, without their labels, tell how that voice sounds on average. "
                "Clips enrolled are not scored, but for the last row."
            }
            (picture(plots::enrolment(evaluation, &report.enrolled)?))
            (scroll("Figures with enrolment", &table))
        }
    })
}
