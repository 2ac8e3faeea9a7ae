//! The picture of an explanation.

use ser_audio::Waveform;
use ser_features::Features;
use ser_predict::{Explanation, Model};

use super::{Explained, Map, MarkedRegion, explanation as draw};
use crate::error::Result;

/// Draws which parts of a recording the answer of a model rests on.
///
/// `file` is the name of the recording, `levels` the result of [`Explanation::spectrogram`].
///
/// # Errors
/// The errors of [`explanation`](super::explanation).
pub fn explained(
    model: &Model,
    file: &str,
    sound: &Waveform,
    explanation: &Explanation,
    levels: &Features,
) -> Result<String> {
    let answer = &explanation.answer;
    let emotion = answer.label(&model.labels);
    let regions = explanation.named().into_iter().map(|patch| MarkedRegion {
        seconds: patch.region.seconds.clone(),
        hertz: patch.region.hertz.clone(),
        text: patch.words(emotion),
    });
    let importance: Vec<f32> = explanation.patches.iter().map(|p| p.drop).collect();
    draw(&Explained {
        file,
        emotion: &answer.marked(&model.labels),
        probability: answer.confidence(),
        synthetic: model.provenance.synthetic,
        samples: &sound.samples,
        duration: sound.duration(),
        hertz: &explanation.hertz,
        levels: Map {
            values: levels.as_slice(),
            bands: levels.coefficients(),
        },
        importance: Map {
            values: &importance,
            bands: explanation.hertz.len().saturating_sub(2),
        },
        regions: &regions.collect::<Vec<_>>(),
    })
}
