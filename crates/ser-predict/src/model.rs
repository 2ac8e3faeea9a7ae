//! A trained model: its networks, and how their answers are combined.

use std::collections::BTreeMap;

use half::f16;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use ser_eval::{ConfidenceThreshold, temper};
use ser_features::{FeatureConfig, Features, ScratchPool};
use xxhash_rust::xxh3::Xxh3;

use crate::density::{Density, clip_statistics};
use crate::embedding::Embedding;
use crate::enroller::{Enroller, Speech};
use crate::enrolment::Enrolment;
use crate::error::{Error, Result};
use crate::network::Scratch;
use crate::provenance::Provenance;
use crate::trained_network::{NetworkInfo, TrainedNetwork, add, add_share};
use crate::weights::{Sink, Tensors};

/// One or several networks with everything that an answer needs: labels, features, statistics, temperatures and origin.
///
/// The answer is the weighted mean of the networks' probabilities, sharpened or flattened by one temperature.
#[derive(Debug)]
pub struct Model {
    /// Name of the recipe or ensemble.
    pub name: String,
    /// Class names, in the order of the probabilities.
    pub labels: Vec<String>,
    /// Temperature, which divides the logarithms of the averaged probabilities (Guo et al. 2017); 1 until one is
    /// fitted.
    pub temperature: f64,
    /// Temperature for clips of an enrolled speaker.
    pub enrolled_temperature: f64,
    /// Confidence below which an answer is uncertain, with the accuracy of the answers below and above it, measured on
    /// validation clips; `None` if it was not measured.
    pub confidence_threshold: Option<ConfidenceThreshold>,
    /// Confidence threshold for clips of an enrolled speaker.
    pub enrolled_confidence_threshold: Option<ConfidenceThreshold>,
    /// What the model was trained on.
    pub provenance: Provenance,
    /// Text of the recipe that trained the model. Predictions do not depend on it, and nothing in this crate reads it;
    /// `ser evaluate` and `ser fit --from` read `labels` and `counted_as` of its `[task]`.
    pub recipe: String,
    /// The networks, at least one.
    pub networks: Vec<TrainedNetwork>,
    /// Distribution of the training clips; `None` if it was not measured, in which case no clip is out of distribution.
    pub density: Option<Density>,
    /// Buffers that are reused for further clips.
    scratch: ScratchPool<Scratch>,
}

impl Model {
    /// Creates a model from networks for these labels. Both temperatures are 1; there are no thresholds and no density.
    #[must_use]
    pub fn new(
        name: &str,
        labels: Vec<String>,
        networks: Vec<TrainedNetwork>,
        provenance: Provenance,
        recipe: String,
    ) -> Self {
        Self {
            name: name.to_owned(),
            labels,
            temperature: 1.0,
            enrolled_temperature: 1.0,
            confidence_threshold: None,
            enrolled_confidence_threshold: None,
            provenance,
            recipe,
            networks,
            density: None,
            scratch: ScratchPool::default(),
        }
    }

    /// Returns the feature configurations that the networks need, without duplicates. Methods that take a clip expect
    /// one [`Features`] for each configuration, in this order.
    #[must_use]
    pub fn views(&self) -> Vec<&FeatureConfig> {
        let mut views: Vec<&FeatureConfig> = Vec::new();
        for (_, view) in self.network_views() {
            if !views.contains(&view) {
                views.push(view);
            }
        }
        views
    }

    /// Returns every pair of a network and one of its views.
    pub(crate) fn network_views(&self) -> impl Iterator<Item = (&TrainedNetwork, &FeatureConfig)> {
        let networks = self.networks.iter();
        networks.flat_map(|network| network.views().iter().map(move |view| (network, view)))
    }

    /// Computes the probabilities of the labels for each clip, on rayon's threads. The features of a clip are in the
    /// order of [`Model::views`].
    ///
    /// A clip that is longer than a network's input is cut into evenly spread windows that cover it; its probabilities
    /// are the mean over the windows. The answer for a clip does not depend on the other clips.
    ///
    /// # Shape
    /// `[clips][views] → [clips][labels]`
    ///
    /// # Errors
    /// [`Error::Shape`] if the number of features or of their coefficients is wrong; [`Error::NotFinite`] if weights or
    /// features are so large that the probabilities are not finite.
    pub fn predict(&self, clips: &[&[Features]]) -> Result<Vec<Vec<f32>>> {
        self.answers(clips, None)
    }

    /// Computes the probabilities of the labels for each clip of a speaker who is enrolled with this model; otherwise
    /// like [`Model::predict`].
    ///
    /// In an ensemble, only the networks that support enrolment answer, if there are any.
    ///
    /// # Errors
    /// The same as for [`Model::predict`]; also [`Error::Shape`] if the enrolment belongs to another model.
    pub fn predict_enrolled(
        &self,
        clips: &[&[Features]],
        speaker: &Enrolment,
    ) -> Result<Vec<Vec<f32>>> {
        self.answers(clips, Some(speaker))
    }

    fn answers(&self, clips: &[&[Features]], speaker: Option<&Enrolment>) -> Result<Vec<Vec<f32>>> {
        let answer = |clip: &&[Features]| self.classify(&self.embed(clip)?, speaker);
        clips.par_iter().map(answer).collect()
    }

    /// Computes the embeddings of a clip by all networks. The features of the clip are in the order of [`Model::views`].
    ///
    /// # Errors
    /// [`Error::Shape`] if the number of features or of their coefficients is wrong.
    pub fn embed(&self, clip: &[Features]) -> Result<Embedding> {
        let views = self.views();
        let of_view = |(network, view): (&TrainedNetwork, &FeatureConfig)| {
            let prepared = network.prepared(view, &views, clip)?;
            Ok(self
                .scratch
                .with(|scratch| network.embed(&prepared, scratch)))
        };
        let windows = self.network_views().map(of_view);
        Ok(Embedding {
            windows: windows.collect::<Result<_>>()?,
        })
    }

    /// Computes the probabilities of the labels, `[labels]`, for a clip that [`Model::embed`] has embedded: as
    /// [`Model::predict`] does or, for an enrolled speaker, as [`Model::predict_enrolled`].
    ///
    /// # Errors
    /// [`Error::Shape`] if the clip was embedded or the speaker enrolled by another model; [`Error::NotFinite`] as for
    /// [`Model::predict`].
    pub fn classify(&self, clip: &Embedding, speaker: Option<&Enrolment>) -> Result<Vec<f32>> {
        let nobody = Enrolment::nobody(self);
        let speaker = speaker.unwrap_or(&nobody);
        speaker.check(self)?;
        clip.check(self)?;
        let answer = self
            .scratch
            .with(|scratch| self.mean_over_networks(clip, speaker, scratch));
        if answer.iter().all(|p| p.is_finite()) {
            Ok(answer)
        } else {
            Err(Error::NotFinite)
        }
    }

    fn mean_over_networks(
        &self,
        clip: &Embedding,
        speaker: &Enrolment,
        scratch: &mut Scratch,
    ) -> Vec<f32> {
        let enrolled = speaker.is_somebody();
        let voting = || {
            let networks = self.network_views().map(|(network, _)| network);
            let all = networks.zip(&clip.windows).zip(&speaker.offsets);
            all.filter(|(_, offset)| offset.is_some() || !enrolled)
        };
        let weight = |network: &TrainedNetwork| network.info.weight / network.views().len() as f64;
        let total: f64 = voting().map(|((network, _), _)| weight(network)).sum();
        let mut answer = vec![0.0_f32; self.labels.len()];
        for ((network, windows), offset) in voting() {
            let share = (weight(network) / total) as f32;
            let probabilities = network.classify(windows, offset.as_deref(), scratch);
            add_share(&mut answer, share, &probabilities);
        }
        let temperature = if enrolled {
            self.enrolled_temperature
        } else {
            self.temperature
        };
        temper(&mut answer, temperature);
        answer
    }

    /// Enrols a speaker from any number of unlabelled clips of the speaker.
    ///
    /// With the mean embedding `m` of `n` clips, the average embedding `c` of training and the shrinkage `k` of the
    /// recipe, the embedding of every later clip is shifted by `−(m − c)·n/(n + k)`. Without clips the answers are
    /// those of [`Model::predict`].
    ///
    /// # Errors
    /// [`Error::Shape`] if the number of features or of their coefficients is wrong.
    pub fn enrol(&self, clips: &[&[Features]]) -> Result<Enrolment> {
        let mut enroller = Enroller::new(self);
        for clip in clips {
            enroller.add(&Speech::of(self, &self.embed(clip)?, 0.0)?)?;
        }
        Ok(enroller.finish())
    }

    /// Returns whether any network supports enrolment, so that [`Model::enrol`] changes answers.
    #[must_use]
    pub fn enrols(&self) -> bool {
        self.networks.iter().any(|network| network.centre.is_some())
    }

    /// Checks that the model [supports enrolment](Model::enrols).
    ///
    /// # Errors
    /// [`Error::NoEnrolment`] if it does not.
    pub fn check_enrols(&self) -> Result<()> {
        if self.enrols() {
            Ok(())
        } else {
            Err(Error::NoEnrolment {
                model: self.name.clone(),
            })
        }
    }

    /// Returns whether a clip is out of distribution, so that its answer is a guess: whether its distance in the
    /// [`Density`] is above the limit of the density. In a model without a density, no clip is. The features of the clip
    /// are in the order of [`Model::views`].
    ///
    /// # Errors
    /// [`Error::Shape`] if the number of features or of their coefficients is wrong.
    pub fn is_out_of_distribution(&self, clip: &[Features]) -> Result<bool> {
        let Some(density) = &self.density else {
            return Ok(false);
        };
        Ok(self.distance(density, clip)? / density.info.limit > 1.0)
    }

    /// Returns the distance of a clip in the density of this model.
    pub(crate) fn distance(&self, density: &Density, clip: &[Features]) -> Result<f32> {
        let Some(network) = self.networks.get(density.info.network) else {
            return Ok(0.0);
        };
        let NetworkInfo {
            features,
            input,
            standardiser,
            ..
        } = &network.info;
        let prepared = network.prepared(features, &self.views(), clip)?;
        let statistics = clip_statistics(input, standardiser, &prepared);
        Ok(density.distance(&statistics))
    }

    /// Returns the confidence threshold for clips of an enrolled speaker, or else for clips alone.
    #[must_use]
    pub fn threshold_for(&self, enrolled: bool) -> Option<&ConfidenceThreshold> {
        if enrolled {
            self.enrolled_confidence_threshold.as_ref()
        } else {
            self.confidence_threshold.as_ref()
        }
    }

    /// Computes the embedding of each clip by each network: the vector for the whole clip that the network computes
    /// before it classifies. Clips with similar embeddings sound alike to the network. The embedding of a fully
    /// connected network is its standardised input, averaged over the frames.
    ///
    /// # Shape
    /// `[networks][clips][E]`, where each network has its own `E`; a clip of several windows has the mean of their
    /// embeddings.
    ///
    /// # Errors
    /// [`Error::Shape`] if the number of features or of their coefficients is wrong.
    pub fn embeddings(&self, clips: &[&[Features]]) -> Result<Vec<Vec<Vec<f32>>>> {
        let views = self.views();
        let of = |network: &TrainedNetwork| {
            let embed = |clip: &&[Features]| -> Result<Vec<f32>> {
                let prepared = network.prepared(&network.info.features, &views, clip)?;
                let windows = self
                    .scratch
                    .with(|scratch| network.embed(&prepared, scratch));
                let mut mean = vec![0.0; network.embedding()];
                windows.iter().for_each(|window| add(&mut mean, window));
                mean.iter_mut().for_each(|x| *x /= windows.len() as f32);
                Ok(mean)
            };
            clips.par_iter().map(embed).collect()
        };
        self.networks.iter().map(of).collect()
    }

    /// Returns a model that distinguishes only the given labels, in the given order. From the last layer of its
    /// networks, the rows that score other labels are removed.
    ///
    /// # Errors
    /// [`Error::Labels`] if there are fewer than two labels, if the model does not know one, or if one is given twice.
    pub fn of_labels(&self, labels: &[impl AsRef<str>]) -> Result<Self> {
        let refused = |actual: String| Error::Labels {
            expected: self.labels.join(", "),
            actual,
        };
        let mut rows = Vec::new();
        for label in labels.iter().map(AsRef::as_ref) {
            let row = self.labels.iter().position(|known| known == label);
            let row = row.filter(|row| !rows.contains(row));
            rows.push(row.ok_or_else(|| refused(format!("{label:?}")))?);
        }
        if rows.len() < 2 {
            return Err(refused(format!(
                "only {} of them; give two or more",
                rows.len()
            )));
        }
        let networks = self
            .networks
            .iter()
            .map(|network| network.of_classes(&rows));
        Ok(Self {
            labels: rows.iter().map(|&row| self.labels[row].clone()).collect(),
            ..self.with_networks(networks.collect::<Result<_>>()?)
        })
    }

    /// Returns the model with other networks in place of its own.
    pub(crate) fn with_networks(&self, networks: Vec<TrainedNetwork>) -> Self {
        Self {
            name: self.name.clone(),
            labels: self.labels.clone(),
            temperature: self.temperature,
            enrolled_temperature: self.enrolled_temperature,
            confidence_threshold: self.confidence_threshold,
            enrolled_confidence_threshold: self.enrolled_confidence_threshold,
            provenance: self.provenance.clone(),
            recipe: self.recipe.clone(),
            networks,
            density: self.density.clone(),
            scratch: ScratchPool::default(),
        }
    }

    /// Joins several models, each with a weight, into one. They must distinguish the same labels and come from the same
    /// split.
    ///
    /// Temperatures and confidence thresholds of the models are not used, because the mean needs others. Of the
    /// densities, the one with the most statistics is kept, because it describes a clip in the most detail. `recipe` is
    /// the text of the ensemble's recipe.
    ///
    /// # Errors
    /// [`Error::Ensemble`] if there are no models, or if their labels or origins differ.
    pub fn ensemble(name: &str, recipe: String, models: Vec<(Self, f64)>) -> Result<Self> {
        let Some((first, _)) = models.first() else {
            return Err(Error::Ensemble(
                "an ensemble needs at least one model".to_owned(),
            ));
        };
        let labels = first.labels.clone();
        // Nothing is measured for the ensemble yet.
        let provenance = Provenance {
            validated_on: None,
            ..first.provenance.clone()
        };
        let mut networks = Vec::new();
        let mut density: Option<Density> = None;
        for (model, weight) in models {
            let difference = if model.labels == labels {
                provenance.difference(&model.provenance)
            } else {
                Some([labels.join(", "), model.labels.join(", ")])
            };
            if let Some([expected, actual]) = difference {
                return Err(Error::Ensemble(format!(
                    "the members of {name} differ in labels or training clips: expected {expected}, found {actual}; train \
                     the member that differs again"
                )));
            }
            if let Some(mut own) = model.density
                && density
                    .as_ref()
                    .is_none_or(|d| own.mean.len() > d.mean.len())
            {
                own.info.network += networks.len();
                density = Some(own);
            }
            // The weight belongs to the model as a whole, so its networks share it.
            let share = weight / model.networks.len().max(1) as f64;
            networks.extend(model.networks.into_iter().map(|mut network| {
                network.info.weight = share;
                network
            }));
        }
        Ok(Self {
            density,
            ..Self::new(name, labels, networks, provenance, recipe)
        })
    }

    /// Rounds the weights between the layers, and the components of the density, to 16-bit floats, which halves the
    /// model file.
    ///
    /// Biases, statistics and centres, a hundredth of the values, are not rounded. `data/models/README.md` says how
    /// this changes answers.
    ///
    /// # Errors
    /// [`Error::Weights`] for a weight of magnitude 65520 or more, which a 16-bit float cannot represent.
    pub fn in_half_precision(mut self) -> Result<Self> {
        let classes = self.labels.len();
        let rounded = self.networks.into_iter().map(|network| {
            let mut tensors = network.tensors();
            let matrices = tensors.values_mut().filter(|t| t.shape.len() > 1);
            let weights = matrices.flat_map(|matrix| &mut matrix.values);
            weights.for_each(|w| *w = f16::from_f32(*w).to_f32());
            TrainedNetwork::new(network.info, classes, tensors)
        });
        self.networks = rounded.collect::<Result<_>>()?;
        let components = self.density.iter_mut().flat_map(|d| &mut d.components);
        components.for_each(|c| *c = f16::from_f32(*c).to_f32());
        Ok(self)
    }

    /// Returns the number of trained parameters of all networks.
    #[must_use]
    pub fn parameters(&self) -> usize {
        let of = |network: &TrainedNetwork| {
            let coefficients = network.info.standardiser.mean.len();
            let classes = self.labels.len();
            network.info.network.parameters(coefficients, classes) as usize
        };
        self.networks.iter().map(of).sum()
    }

    /// Returns a hash of the weights, in hexadecimal, which distinguishes this model from others.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let (mut hash, mut bytes) = (Xxh3::new(), Vec::new());
        for (name, weight) in self.tensors() {
            hash.update(name.as_bytes());
            // Hashing millions of values one by one would take several times as long.
            bytes.resize(4 * weight.values.len(), 0);
            let places = bytes.as_chunks_mut().0.iter_mut();
            for (place, value) in places.zip(&weight.values) {
                *place = value.to_le_bytes();
            }
            hash.update(&bytes);
        }
        format!("{:032x}", hash.digest128())
    }

    /// Returns the weights of all networks under the names that they have in the model file: the number of the network,
    /// counted from 0, a dot, and the name in the network.
    #[must_use]
    pub fn tensors(&self) -> Tensors {
        let mut tensors = BTreeMap::new();
        for (i, network) in self.networks.iter().enumerate() {
            network.store(Sink {
                tensors: &mut tensors,
                prefix: format!("{i}."),
            });
        }
        tensors
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predictor::Predictor;

    #[test]
    fn a_fingerprint_is_the_hash_of_the_names_and_values_one_by_one() {
        // Stored enrolments name the fingerprint of their model, so it must stay the same.
        let model = Model::built_in().unwrap();
        let mut hash = Xxh3::new();
        for (name, weight) in model.tensors() {
            hash.update(name.as_bytes());
            for value in weight.values {
                hash.update(&value.to_le_bytes());
            }
        }
        let expected = format!("{:032x}", hash.digest128());
        assert_eq!(model.fingerprint(), expected);
        let predictor = Predictor::new(model).unwrap();
        assert_eq!(predictor.fingerprint(), expected);
    }
}
