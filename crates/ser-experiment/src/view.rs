//! Views of clips, and the extraction of their features.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use ser_audio::conditions::Condition;
use ser_audio::{Channels, Waveform};
use ser_data::{Recording, read_each};
use ser_features::{
    FeatureConfig, FeatureExtractor, FeatureStore, Features, Output, Views, extract_files,
};
use ser_recipe::{Experiment, Recipe};
use xxhash_rust::xxh3::Xxh3;

use crate::error::{Context, Error, Result};

/// A view of clips: a recording condition and a feature configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// How the sound becomes features.
    pub config: FeatureConfig,
    /// The condition that is applied to the sound first.
    pub condition: Condition,
    /// Number of the copy, counted from 0, if there are several under the same condition. Each has another room or noise.
    pub copy: u32,
}

impl View {
    /// Returns the view of the clips as they are.
    #[must_use]
    pub fn clean(config: FeatureConfig) -> Self {
        Self {
            config,
            condition: Condition::Clean,
            copy: 0,
        }
    }

    /// Returns whether a store keeps the features of this view. Under a condition it keeps functionals only, which take long to
    /// compute; spectrograms are computed quickly, and are larger than the sound.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.condition == Condition::Clean || self.config.output == Output::Functionals
    }

    /// Returns the views that a recipe is trained on: the clips as they are, then their augmented copies.
    #[must_use]
    pub fn of_training(recipe: &Recipe) -> Vec<Self> {
        let (features, varied) = (&recipe.features, &recipe.augmentation);
        let faster = varied.semitones.iter();
        let faster = faster.map(|&semitones| Self::clean(features.faster(semitones)));
        let conditions = varied.conditions.iter().enumerate();
        let elsewhere = conditions.map(|(i, &condition)| {
            let before = varied.conditions.iter().take(i);
            let copy = before.filter(|other| **other == condition).count();
            // Each copy has another pitch, the first one that of the clip.
            let config = match copy % (1 + varied.semitones.len()) {
                0 => features.clone(),
                voice => features.faster(varied.semitones[voice - 1]),
            };
            Self {
                config,
                condition,
                copy: copy as u32,
            }
        });
        std::iter::once(Self::clean(features.clone()))
            .chain(faster)
            .chain(elsewhere)
            .collect()
    }

    /// Returns the views that an experiment is trained on and whose features a store keeps, each once.
    #[must_use]
    pub fn kept_of(experiment: &Experiment) -> Vec<Self> {
        let members = experiment.members.iter();
        let views = members.flat_map(|member| Self::of_training(&member.recipe));
        each_once(views.filter(Self::is_kept))
    }
}

/// Returns every value once, in the order of first appearance.
pub(crate) fn each_once<T: PartialEq>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut once = Vec::new();
    for value in values {
        if !once.contains(&value) {
            once.push(value);
        }
    }
    once
}

/// Calls `use_it` with the index and sound of each recording, and returns the results in the order of the recordings.
pub(crate) fn of_each<T: Send>(
    recordings: &[Recording<'_>],
    channels: Channels,
    use_it: impl Fn(usize, &Waveform) -> Result<T> + Sync,
) -> Vec<Result<T>> {
    read_each(recordings, channels, |i, sound| use_it(i, &sound?))
}

/// The features of a recording, or the reason why they cannot be extracted.
pub(crate) type Extracted = std::result::Result<Features, String>;

/// The features of a recording in several views, or the reason why those in one of them cannot be extracted.
pub(crate) type InViews = std::result::Result<Vec<Features>, String>;

/// Returns the features of each recording under a condition, one for each configuration.
///
/// Features that a store keeps come from the store. For the others, the condition is applied once per recording.
pub(crate) fn features_under(
    condition: Condition,
    configs: &[&FeatureConfig],
    recordings: &[Recording<'_>],
    store: Option<&Path>,
) -> Result<Vec<InViews>> {
    let mut kept: Vec<(usize, Vec<Extracted>)> = Vec::new();
    let mut made = Vec::new();
    for (position, &config) in configs.iter().enumerate() {
        let view = View {
            condition,
            ..View::clean(config.clone())
        };
        if store.is_some() && view.is_kept() {
            let found = FeatureSource::open(&view, store)?.extract(recordings, &|| ())?;
            kept.push((position, found));
        } else {
            made.push(config);
        }
    }
    let mut features_of_each = vec![Ok(Vec::new()); recordings.len()];
    if !made.is_empty() {
        let made = features_of(recordings, condition, 0, &Views::new(made)?);
        let made = made.into_iter();
        features_of_each = made
            .map(|found| found.map_err(|error| error.to_string()))
            .collect();
    }
    // The positions are in ascending order, so that the features end up at the positions of their configurations.
    for (position, found) in kept {
        add_view(&mut features_of_each, found, |features, found| {
            features.insert(position, found);
        });
    }
    Ok(features_of_each)
}

/// Adds the features of each recording in a further view to those in other views.
pub(crate) fn add_view(
    features_of_each: &mut [InViews],
    found: Vec<Extracted>,
    add_one: impl Fn(&mut Vec<Features>, Features),
) {
    for (features, found) in features_of_each.iter_mut().zip(found) {
        match (features.as_mut(), found) {
            (Ok(features), Ok(found)) => add_one(features, found),
            (_, Err(reason)) => *features = Err(reason),
            (Err(_), Ok(_)) => (),
        }
    }
}

/// Extracts the features of each recording under a condition, one for each view.
pub(crate) fn features_of(
    recordings: &[Recording<'_>],
    condition: Condition,
    copy: u32,
    views: &Views,
) -> Vec<Result<Vec<Features>>> {
    of_each(recordings, Channels::Mean, |i, sound| {
        let named = || recordings[i].path.display().to_string();
        let changed = under(condition, copy, sound).context_of(named)?;
        views.extract(&changed).context_of(named)
    })
}

/// Applies a condition to a sound.
fn under(
    condition: Condition,
    copy: u32,
    sound: &Waveform,
) -> ser_audio::conditions::Result<Waveform> {
    condition.apply(sound, seed(sound, copy))
}

/// Returns the seed of a condition for a sound. It depends on the samples and the copy only, so a sound gets the same noise in
/// every corpus, and each copy gets another one.
fn seed(sound: &Waveform, copy: u32) -> u64 {
    let mut hash = Xxh3::with_seed(u64::from(copy));
    for sample in &sound.samples {
        hash.update(&sample.to_le_bytes());
    }
    hash.digest()
}

/// The source of the features of a view: an extractor, with or without a store of extracted features.
#[derive(Debug)]
pub(crate) struct FeatureSource {
    view: View,
    extractor: FeatureExtractor,
    store: Option<FeatureStore>,
}

impl FeatureSource {
    /// Plans the extraction, and opens the store if it keeps the view.
    pub(crate) fn open(view: &View, store: Option<&Path>) -> Result<Self> {
        let extractor = FeatureExtractor::new(&view.config)?;
        let store = store.filter(|_| view.is_kept()).map(|dir| {
            let opened = match view.condition {
                Condition::Clean => FeatureStore::open(dir, &extractor),
                condition => Self::open_under(condition, view.copy, dir, &extractor),
            };
            opened.context_of(|| format!("feature store {}", dir.display()))
        });
        Ok(Self {
            view: view.clone(),
            store: store.transpose()?,
            extractor,
        })
    }

    fn open_under(
        condition: Condition,
        copy: u32,
        dir: &Path,
        extractor: &FeatureExtractor,
    ) -> ser_features::Result<FeatureStore> {
        let version = ser_audio::conditions::VERSION;
        let name = format!("{condition}, version {version}, copy {copy}");
        FeatureStore::open_changed(dir, extractor, &name, move |sound| {
            under(condition, copy, sound).map_err(in_features)
        })
    }

    /// Returns the features of each recording, or the reason why they cannot be extracted. Calls `one_done` after each recording.
    pub(crate) fn extract(
        &self,
        recordings: &[Recording<'_>],
        one_done: &(dyn Fn() + Sync),
    ) -> Result<Vec<Extracted>> {
        let results = Mutex::new(BTreeMap::new());
        let done = |i: usize, result: Extracted| {
            one_done();
            let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
            results.insert(i, result);
        };
        let View {
            condition, copy, ..
        } = self.view;
        // A store finds whole files without decoding them, and the extractor streams them instead of loading them into memory.
        let as_files = self.store.is_some() || condition == Condition::Clean;
        let is_file = |&i: &usize| as_files && recordings[i].excerpt.is_none();
        let (files, sounds): (Vec<usize>, Vec<usize>) = (0..recordings.len()).partition(is_file);
        let paths: Vec<&Path> = files.iter().map(|&i| recordings[i].path).collect();
        let from_file = |at: usize, result: ser_features::Result<Features>| {
            done(files[at], result.map_err(|error| error.to_string()));
        };
        match &self.store {
            Some(store) => drop(store.extract(&paths, from_file)?),
            None => extract_files(&self.extractor, &paths, from_file),
        }
        let parts: Vec<Recording<'_>> = sounds.iter().map(|&i| recordings[i]).collect();
        let found = of_each(&parts, Channels::Mean, |at, sound| {
            let i = sounds[at];
            let features = match &self.store {
                Some(store) => store.extract_sound(sound),
                None => self.extract_sound(sound, condition, copy),
            };
            match features {
                // The sound was read, so an I/O error means that the store cannot be used.
                Err(error @ ser_features::Error::Io(_)) => return Err(error.into()),
                features => done(i, features.map_err(|error| named(&recordings[i], &error))),
            }
            Ok(())
        });
        for (at, found) in found.into_iter().enumerate() {
            match found {
                Err(Error::Data(error)) => done(sounds[at], Err(error.to_string())),
                found => found?,
            }
        }
        let results = results.into_inner();
        let results = results.unwrap_or_else(PoisonError::into_inner);
        Ok(results.into_values().collect())
    }

    fn extract_sound(
        &self,
        sound: &Waveform,
        condition: Condition,
        copy: u32,
    ) -> ser_features::Result<Features> {
        let changed = under(condition, copy, sound).map_err(in_features)?;
        self.extractor.extract(&changed)
    }
}

/// Returns the text of an error, after the path of its recording.
fn named(recording: &Recording<'_>, error: &ser_features::Error) -> String {
    format!("{}: {error}", recording.path.display())
}

fn in_features(error: ser_audio::conditions::Error) -> ser_features::Error {
    ser_features::Error::Change {
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use ser_data::Excerpt;

    use super::*;

    fn recipe(name: &str) -> Recipe {
        Experiment::load(name).unwrap().into_recipe().unwrap()
    }

    #[test]
    fn a_condition_named_again_makes_another_copy_of_another_voice() {
        let mut recipe = recipe("robust-cnn");
        let telephone = recipe.augmentation.conditions[0];
        recipe.augmentation.semitones = vec![-1.0, 2.0];
        recipe.augmentation.conditions.extend([telephone; 3]);
        let views = View::of_training(&recipe);
        let copies: Vec<(u32, f64)> = views
            .iter()
            .filter(|view| view.condition == telephone)
            .map(|view| (view.copy, view.config.semitones))
            .collect();
        assert_eq!(copies, [(0, 0.0), (1, -1.0), (2, 2.0), (3, 0.0)]);
    }

    #[test]
    fn a_sound_has_a_seed_of_its_own_for_each_copy() {
        let sound = Waveform::new(vec![0.5, -0.25], 8000);
        assert_eq!(seed(&sound, 0), seed(&sound.clone(), 0));
        assert_ne!(seed(&sound, 0), seed(&sound, 1));
        let other = Waveform::new(vec![0.5, 0.25], 8000);
        assert_ne!(seed(&sound, 0), seed(&other, 0));
    }

    #[test]
    fn a_store_changes_nothing_about_sounds_under_a_condition() {
        let folder = tempfile::tempdir().unwrap();
        let wav = folder.path().join("clip.wav");
        let sample = |i| ((f64::from(i) * 0.05).sin() * 9000.0) as i16;
        ser_fixtures::write_wav(&wav, 16_000, (0..16_000).map(sample));

        let statistics = recipe("robust-mlp").features;
        let spectrum = recipe("robust-cnn").features;
        let configs = [&spectrum, &statistics, &spectrum];
        let room = "room large".parse().unwrap();
        let store = folder.path().join("store");
        let recording = Recording {
            path: &wav,
            excerpt: None,
        };
        let part = Recording {
            excerpt: Some(Excerpt {
                start: 4_000,
                end: 12_000,
            }),
            ..recording
        };
        let both = [part, recording];
        let extract = |store| {
            let found = features_under(room, &configs, &both, store).unwrap();
            let found = found.into_iter().map(Result::unwrap);
            found.collect::<Vec<_>>()
        };
        let made = extract(None);
        for _ in 0..2 {
            assert_eq!(extract(Some(&store)), made);
        }
        // The folder holds one store, for the functionals, and its lock.
        assert_eq!(std::fs::read_dir(&store).unwrap().count(), 2);

        let view = View {
            condition: room,
            ..View::clean(statistics)
        };
        for store in [None, Some(store.as_path())] {
            let source = FeatureSource::open(&view, store).unwrap();
            let found = source.extract(&both, &|| ()).unwrap();
            assert_eq!(found, [Ok(made[0][1].clone()), Ok(made[1][1].clone())]);
        }
    }

    #[test]
    fn a_part_has_the_features_of_a_file_that_holds_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let (long, cut) = (
            folder.path().join("long.wav"),
            folder.path().join("cut.wav"),
        );
        let sample = |i| ((f64::from(i) * f64::from(i) * 1e-5).sin() * 9000.0) as i16;
        ser_fixtures::write_wav(&long, 16_000, (0..32_000).map(sample));
        ser_fixtures::write_wav(&cut, 16_000, (9_000..25_000).map(sample));
        let whole = Recording {
            path: &cut,
            excerpt: None,
        };
        let part = |start, end| Recording {
            path: &long,
            excerpt: Some(Excerpt { start, end }),
        };
        let wanted = [
            whole,
            part(9_000, 25_000),
            part(0, 9_000),
            part(30_000, 40_000),
        ];
        let telephone = recipe("robust-cnn").augmentation.conditions[0];
        let store = folder.path().join("store");
        for condition in [Condition::Clean, telephone] {
            let view = View {
                condition,
                ..View::clean(recipe("robust-mlp").features)
            };
            for store in [None, Some(store.as_path()), Some(store.as_path())] {
                let source = FeatureSource::open(&view, store).unwrap();
                let found = source.extract(&wanted, &|| ()).unwrap();
                assert!(found[..3].iter().all(Result::is_ok), "{condition}");
                assert_eq!(found[0], found[1], "{condition}");
                assert_ne!(found[0], found[2], "{condition}");
                let failed = found[3].as_ref().unwrap_err();
                assert!(failed.contains("ends at 2.000 s"), "{failed}");
                assert_eq!(found.len(), 4);
            }
        }
    }
}
