//! The pieces of speech by which long clips are learned and answered, as a trained model answers such recordings.

use std::collections::BTreeMap;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use ser_audio::{Channels, Waveform};
use ser_data::{Clip, Corpus, Excerpt, Recording};
use ser_features::Features;
use ser_predict::{CUT, Embedding, Model, pieces_of_speech};

use crate::error::Result;
use crate::event::{Event, OnEvent, Stage};
use crate::view::{InViews, of_each};

/// A piece of speech of a clip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Piece {
    /// The samples of the file from which the piece is learned and answered. If the piece is short, they begin with some of the
    /// speech before it.
    pub excerpt: Excerpt,
    /// Length of the piece in seconds.
    pub seconds: f64,
}

/// The features of the pieces of a clip, of each piece one for each view, and the length in seconds by which its probabilities
/// are weighted. A clip that is learned and answered as a whole has a single piece.
pub type ClipFeatures = Vec<(Vec<Features>, f64)>;

/// Finds the pieces of each clip. A clip has none if it is answered as a whole. Also returns the clips that cannot be answered, by
/// their indices, each with the reason.
pub(crate) fn find_pieces(
    corpus: &Corpus,
    on_event: OnEvent,
) -> (Vec<Vec<Piece>>, BTreeMap<usize, String>) {
    let clips = corpus.clips();
    // There is no more speech in a clip than it is long.
    let is_long = |&i: &usize| clips[i].seconds() >= CUT;
    let long: Vec<usize> = (0..clips.len()).filter(is_long).collect();
    let (stage, steps) = (Stage::Pieces, long.len());
    on_event(Event::Started { stage, steps });
    let recordings: Vec<_> = long.iter().map(|&i| clips[i].recording()).collect();
    let found = of_each(&recordings, Channels::Mean, |at, sound| {
        let found = pieces_of(&clips[long[at]], sound);
        on_event(Event::Advanced { stage, steps: 1 });
        found
    });
    on_event(Event::Finished { stage });
    let mut pieces = vec![Vec::new(); clips.len()];
    let mut failed = BTreeMap::new();
    for (i, found) in long.into_iter().zip(found) {
        match found {
            Ok(found) => pieces[i] = found,
            Err(error) => drop(failed.insert(i, error.to_string())),
        }
    }
    let (divided, of) = (divided(&pieces), clips.len());
    if divided > 0 {
        on_event(Event::Divided { clips: divided, of });
    }
    (pieces, failed)
}

/// Returns the number of clips that have pieces.
pub(crate) fn divided(pieces: &[Vec<Piece>]) -> usize {
    pieces.iter().filter(|clip| !clip.is_empty()).count()
}

fn pieces_of(clip: &Clip, sound: &Waveform) -> Result<Vec<Piece>> {
    let first = clip.excerpt.map_or(0, |excerpt| excerpt.start);
    let rate = f64::from(sound.sample_rate);
    let found = pieces_of_speech(sound)?;
    let pieces = found.iter().map(|piece| {
        let end = first + (piece.end * rate).round() as u64;
        let start = end.saturating_sub(piece.sound.samples.len() as u64);
        Piece {
            excerpt: Excerpt { start, end },
            seconds: piece.end - piece.start,
        }
    });
    Ok(pieces.collect())
}

/// Joins the pieces of a clip that have features with their lengths, or returns the reason why none has.
pub(crate) fn with_features(
    of_clip: &[(Recording<'_>, f64)],
    found: Vec<InViews>,
) -> std::result::Result<ClipFeatures, String> {
    let (mut clip, mut reason) = (ClipFeatures::new(), None);
    for ((_, seconds), features) in of_clip.iter().zip(found) {
        match features {
            Ok(features) => clip.push((features, *seconds)),
            Err(error) => reason = Some(error),
        }
    }
    match reason {
        Some(reason) if clip.is_empty() => Err(reason),
        _ => Ok(clip),
    }
}

/// The embeddings of the pieces of a clip by a model, each with the length in seconds by which its probabilities are weighted.
pub(crate) type ClipEmbeddings = Vec<(Embedding, f64)>;

/// Computes the embeddings of clips.
pub(crate) fn embed(model: &Model, clips: &[&ClipFeatures]) -> Result<Vec<ClipEmbeddings>> {
    let of_piece =
        |(features, seconds): &(Vec<Features>, f64)| Ok((model.embed(features)?, *seconds));
    let of_clip = |clip: &&ClipFeatures| clip.iter().map(of_piece).collect();
    clips.par_iter().map(of_clip).collect()
}

/// Returns the probabilities of clips, `[clips][labels]`: the mean over the pieces of a clip, weighted by their lengths.
/// `by` returns those of a piece.
pub(crate) fn classify(
    clips: &[&ClipEmbeddings],
    by: &(dyn Fn(&Embedding) -> ser_predict::Result<Vec<f32>> + Sync),
) -> Result<Vec<Vec<f32>>> {
    let of_clip = |clip: &&ClipEmbeddings| {
        let pieces = clip
            .iter()
            .map(|(piece, seconds)| Ok((by(piece)?, *seconds)));
        Ok(mean(&pieces.collect::<Result<Vec<_>>>()?))
    };
    clips.par_iter().map(of_clip).collect()
}

/// Returns the weighted mean of probabilities.
fn mean(answers: &[(Vec<f32>, f64)]) -> Vec<f32> {
    let all: f64 = answers.iter().map(|(_, weight)| weight).sum();
    let labels = answers.first().map_or(0, |(answer, _)| answer.len());
    // In 64 bits, so that the mean of a single answer is that answer, to the last bit.
    let of_label = |k: usize| {
        let weighted = answers.iter().map(|(p, weight)| f64::from(p[k]) * weight);
        (weighted.sum::<f64>() / all) as f32
    };
    (0..labels).map(of_label).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use ser_data::{Corpus, LabelMap};
    use ser_features::FeatureConfig;
    use ser_fixtures::{voice, write_wav_f32};
    use ser_predict::Segmenter;
    use ser_recipe::Experiment;

    use super::*;
    use crate::corpus::Prepared;
    use crate::view::View;

    /// A clip of 2.5 s, one of 6 s with more than 3 s of speech, one of 13 s, the same 13 s as a part of a longer file, and 7 s
    /// and 31 s of silence.
    fn corpus(folder: &std::path::Path) -> Corpus {
        let write = |name: &str, samples: Vec<f32>| {
            write_wav_f32(&folder.join(name), 8000, samples);
        };
        let long = voice(8000, 13.0, 150.0);
        write("short.wav", voice(8000, 2.5, 150.0));
        write("spoken.wav", voice(8000, 2.0, 150.0).repeat(3));
        write("long.wav", long.clone());
        write(
            "talk.wav",
            [&voice(8000, 2.0, 220.0), &long[..], &long[..]].concat(),
        );
        write("silent.wav", vec![0.0; 7 * 8000]);
        write("waiting.wav", vec![0.0; 31 * 8000]);
        let manifest = "path,emotion,speaker,start,end\nshort.wav,sad,anna,,\nspoken.wav,sad,anna,,\nlong.wav,sad,anna,,\ntalk.wav,happy,anna,2,15\n\
                        silent.wav,happy,anna,,\nwaiting.wav,happy,anna,,\n";
        std::fs::write(folder.join("clips.csv"), manifest).unwrap();
        Corpus::load(folder.join("clips.csv")).unwrap().corpus
    }

    #[test]
    fn long_clips_have_the_pieces_that_a_model_answers() {
        let folder = tempfile::tempdir().unwrap();
        let corpus = corpus(folder.path());
        let told = Mutex::new(Vec::new());
        let on_event = |event: Event| {
            if let Event::Divided { clips, of } = event {
                told.lock().unwrap().push((clips, of));
            }
        };
        let (pieces, failed) = find_pieces(&corpus, &on_event);
        assert_eq!(told.into_inner().unwrap(), [(3, 6)]);
        let of = |name: &str| {
            let is_named = |clip: &&Clip| clip.name.starts_with(name);
            let clip = corpus.clips().iter().find(is_named).unwrap();
            let at = corpus.clips().iter().position(|other| other == clip);
            let at = at.unwrap();
            (clip, &pieces[at], failed.get(&at))
        };
        assert!(of("short").1.is_empty() && of("silent").1.is_empty());
        assert_eq!(failed.len(), 1);
        assert!(of("waiting").2.unwrap().contains("no speech"));

        let (clip, found, _) = of("long");
        let mut segmenter = Segmenter::new(8000).unwrap();
        let sound = clip.read().unwrap();
        let mut answered = segmenter.push(&sound.samples);
        answered.extend(segmenter.finish());
        assert!(answered.len() > 2, "{}", answered.len());
        assert_eq!(found.len(), answered.len());
        for (found, answered) in found.iter().zip(&answered) {
            let Excerpt { start, end } = found.excerpt;
            let learned = &sound.samples[start as usize..end as usize];
            // Restoration takes the mean of the noise away.
            let pairs = learned.iter().zip(&answered.sound.samples);
            assert_eq!(learned.len(), answered.sound.samples.len());
            assert!(pairs.clone().all(|(a, b)| (a - b).abs() < 1e-3));
            assert!((found.seconds - (answered.end - answered.start)).abs() < 1e-9);
        }

        let (_, elsewhere, _) = of("talk");
        let moved = found.iter().map(|piece| Piece {
            excerpt: Excerpt {
                start: piece.excerpt.start + 16_000,
                end: piece.excerpt.end + 16_000,
            },
            ..*piece
        });
        assert_eq!(*elsewhere, moved.collect::<Vec<_>>());
    }

    #[test]
    fn a_long_clip_without_speech_is_left_out_of_a_task() {
        let folder = tempfile::tempdir().unwrap();
        let corpus = corpus(folder.path());
        let task = Experiment::load("folds-a-cnn").unwrap().task;
        let manifest = folder.path().join("clips.csv");
        let found = Prepared::of_task(&[manifest.as_path().into()], &task, &|_| {}).unwrap();
        let left_out: Vec<_> = found.skipped.iter().map(|skipped| &skipped.path).collect();
        assert_eq!(left_out, [&folder.path().join("waiting.wav")]);
        assert_eq!(found.corpus.len(), corpus.len() - 1);
        assert_eq!(
            (found.pieces.len(), divided(&found.pieces)),
            (corpus.len() - 1, 3)
        );
    }

    #[test]
    fn pieces_without_features_are_left_out_and_a_clip_without_any_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let clips = corpus(folder.path()).len();
        let manifest = folder.path().join("clips.csv");
        let origin = [manifest.as_path().into()];
        let mut data = Prepared::read(&origin, &LabelMap::new(), &[], &|_| {}).unwrap();
        let piece = |start, end| Piece {
            excerpt: Excerpt { start, end },
            seconds: (end - start) as f64 / 8000.0,
        };
        let (good, too_short) = (piece(8000, 24_000), piece(0, 80));
        let at = |data: &Prepared, name: &str| {
            let mut clips = data.corpus.clips().iter();
            clips.position(|clip| clip.name.starts_with(name))
        };
        let (long, talk) = (at(&data, "long").unwrap(), at(&data, "talk").unwrap());
        data.pieces[long] = vec![too_short, good];
        data.pieces[talk] = vec![too_short];
        // Derivatives need nine frames.
        let recipe = Experiment::load("folds-a-cnn")
            .unwrap()
            .into_recipe()
            .unwrap();
        let config = FeatureConfig {
            deltas: 1,
            ..recipe.features
        };
        let found = data
            .extract(&[], &[View::clean(config)], None, &|_| {})
            .unwrap();
        assert_eq!(
            (found.corpus.len(), found.features.len()),
            (clips - 1, clips - 1)
        );
        assert_eq!(at(&found, "talk"), None);
        assert!(
            found.skipped[0].path.ends_with("talk.wav"),
            "{:?}",
            found.skipped
        );
        let long = at(&found, "long").unwrap();
        assert_eq!(found.pieces[long], [good]);
        let lengths: Vec<f64> = found.features[long].iter().map(|(_, s)| *s).collect();
        assert_eq!(lengths, [2.0]);
        assert_eq!(divided(&found.pieces), 1);
    }

    #[test]
    fn pieces_count_by_their_lengths() {
        let answers = vec![(vec![1.0, 0.0], 3.0), (vec![0.2, 0.8], 1.0)];
        assert_eq!(mean(&answers), [0.8, 0.2]);
        let alone = vec![0.1_f32, 0.9];
        assert_eq!(mean(&[(alone.clone(), 0.3)]), alone);
    }
}
