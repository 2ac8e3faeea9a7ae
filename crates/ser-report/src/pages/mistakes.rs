//! The most confident mistakes, to be listened to, and the map of the clips.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};
use ser_eval::{Prediction, Predictions};

use super::page::picture;
use crate::error::Result;
use crate::figures::percent;
use crate::plots;
use crate::report::{Map, Report};

/// How many mistakes are listed.
const MISTAKES: usize = 12;

/// The twelve most confident wrong answers, the most confident first. A clip that several splits
/// answered wrongly is listed once.
#[must_use]
pub fn worst_mistakes(predictions: &Predictions) -> Vec<&Prediction> {
    let mut rows: Vec<_> = wrong(predictions).collect();
    rows.sort_by(|a, b| {
        b.confidence()
            .total_cmp(&a.confidence())
            .then_with(|| a.clip.cmp(&b.clip))
    });
    let mut seen = HashSet::new();
    rows.retain(|row| seen.insert(&row.clip));
    rows.truncate(MISTAKES);
    rows
}

fn wrong(predictions: &Predictions) -> impl Iterator<Item = &Prediction> {
    let rows = predictions.rows().iter();
    rows.filter(|row| row.predicted() != row.truth)
}

pub(super) fn mistakes(report: &Report) -> Markup {
    let labels = report.predictions.labels();
    let total = wrong(&report.predictions).count();
    let rows = worst_mistakes(&report.predictions);
    let sound = |clip: &str| report.sounds.iter().find(|sound| sound.clip == clip);
    html! {
        section #mistakes aria-labelledby="mistakes-title" {
            h2 #mistakes-title { "Most confident mistakes" }
            @if rows.is_empty() {
                p { "No answer was wrong." }
            } @else {
                p {
                    "The first " (rows.len()) " of " (total)
                    " wrong answers: worth listening to, since labels can be wrong too."
                    @if report.sounds.is_empty() {
                        " To hear them here: " code { "ser report RUN --data DATA" } "."
                    }
                }
                ol.mistakes {
                    @for row in rows {
                        @let (truth, answer) = (&labels[row.truth], &labels[row.predicted()]);
                        li {
                            p { b { (truth) } " taken for " b { (answer) } }
                            p.which {
                                (percent(f64::from(row.confidence()))) " % sure · speaker " (row.speaker) " · "
                                span.split { (row.split) }
                                br;
                                span.clip { (row.clip) }
                            }
                            @if let Some(sound) = sound(&row.clip) {
                                audio controls preload="metadata"
                                    aria-label={ (row.clip) ", " (truth) " taken for " (answer) }
                                    src={ "data:audio/wav;base64," (STANDARD.encode(&sound.wav)) } {}
                            }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn map(report: &Report, map: &Map) -> Result<Markup> {
    Ok(html! {
        section #map aria-labelledby="map-title" {
            h2 #map-title { "Embeddings of the test clips" }
            p {
                "Each mark is a test clip of " (map.split) " that its model had not heard before, placed by the "
                "embeddings that the networks make of it before they decide: near means alike to them. Emotions that "
                "lie apart are told apart easily. The models of other splits have spaces of their own, which cannot be "
                "laid over this one."
            }
            (picture(plots::map(report.predictions.labels(), map)?))
            p.note {
                "The two directions of greatest variance (principal components); every network counts the same. "
                "What they do not show may still tell emotions apart."
            }
        }
    })
}
