//! The sections with the most confident mistakes and their sounds, and with the map of the clips.

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

/// Number of listed mistakes.
const MISTAKES: usize = 12;

/// Returns the twelve most confident wrong predictions, the most confident first. A clip that is predicted wrongly in
/// several splits is listed once.
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
                    "The " (rows.len()) " most confident of " (total)
                    " wrong answers. They are worth listening to, because labels can be wrong too."
                    @if report.sounds.is_empty() {
                        " To hear them on this page, write it with " code { "ser report RUN --data DATA" } "."
                    }
                }
                ol.mistakes {
                    @for row in rows {
                        @let (truth, answer) = (&labels[row.truth], &labels[row.predicted()]);
                        li {
                            p { b { (truth) } " predicted as " b { (answer) } }
                            p.which {
                                "confidence " (percent(f64::from(row.confidence()))) " % · speaker " (row.speaker) " · "
                                span.split { (row.split) }
                                br;
                                span.clip { (row.clip) }
                            }
                            @if let Some(sound) = sound(&row.clip) {
                                audio controls preload="metadata"
                                    aria-label={ (row.clip) ", " (truth) " predicted as " (answer) }
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
                @if map.truth.len() < map.clips {
                    "The marks are " (map.truth.len()) " of the " (map.clips) " test clips of " (map.split) ", drawn at random. "
                }
                "Each mark is a test clip of " (map.split) ", on which its model was not trained, placed by the "
                "embeddings that the networks compute before they classify: clips close together are alike to the networks. "
                "Emotions that lie apart are easy to distinguish. The models of other splits have spaces of their own, which "
                "cannot be shown in the same picture."
            }
            (picture(plots::map(report.predictions.labels(), map)?))
            p.note {
                "The axes are the two directions of greatest variance (principal components); every network has the same weight. "
                "Directions that are not shown may still distinguish emotions."
            }
        }
    })
}
