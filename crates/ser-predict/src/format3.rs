//! Reads the description in model files of format 3, in which the training recipe describes the networks.

use ser_eval::ConfidenceThreshold;
use ser_features::FeatureConfig;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::architecture::Architecture;
use crate::file::Header;
use crate::input::{Input, Standardiser};
use crate::provenance::Provenance;
use crate::trained_network::NetworkInfo;

/// Protocols whose test speakers also occur in training.
const RANDOM_PROTOCOLS: [&str; 2] = ["seed5", "random10"];

#[derive(Deserialize)]
struct Header3 {
    program: String,
    name: String,
    labels: Vec<String>,
    temperature: f64,
    enrolled_temperature: f64,
    #[serde(rename = "doubt")]
    confidence_threshold: Option<ConfidenceThreshold>,
    #[serde(rename = "enrolled_doubt")]
    enrolled_confidence_threshold: Option<ConfidenceThreshold>,
    networks: Vec<Network3>,
    provenance: Provenance3,
}

#[derive(Deserialize)]
struct Network3 {
    weight: f64,
    epoch: u32,
    recipe: Box<RawValue>,
    standardiser: Standardiser,
}

/// The parts of a recipe that a network needs.
#[derive(Deserialize)]
struct Recipe3 {
    task: Task3,
    features: FeatureConfig,
    input: Input,
    #[serde(default)]
    augmentation: Augmentation3,
    network: Architecture,
    enrolment: Option<Enrolment3>,
}

#[derive(Deserialize)]
struct Task3 {
    protocol: String,
}

#[derive(Default, Deserialize)]
struct Augmentation3 {
    #[serde(default)]
    test_semitones: Vec<f64>,
}

#[derive(Deserialize)]
struct Enrolment3 {
    shrinkage: f64,
}

#[derive(Deserialize)]
struct Provenance3 {
    split: String,
    corpus: String,
    synthetic: bool,
    speakers: Vec<String>,
    content: Vec<String>,
}

/// Reads the description, and joins the recipes of the networks as text.
pub(crate) fn read(text: &str) -> Result<Header, serde_json::Error> {
    let header: Header3 = serde_json::from_str(text)?;
    let texts: Vec<&str> = header.networks.iter().map(|n| n.recipe.get()).collect();
    let recipes = texts.iter().map(|text| serde_json::from_str(text));
    let recipes = recipes.collect::<Result<Vec<Recipe3>, _>>()?;
    let random = |recipe: &Recipe3| RANDOM_PROTOCOLS.contains(&recipe.task.protocol.as_str());
    let provenance = Provenance {
        split: header.provenance.split,
        corpus: header.provenance.corpus,
        synthetic: header.provenance.synthetic,
        speaker_disjoint: !recipes.iter().any(random),
        speakers: header.provenance.speakers,
        content: header.provenance.content,
        validated_on: None,
    };
    let recipe = texts.join("\n");
    let networks = header.networks.into_iter().zip(recipes);
    let networks = networks.map(|(network, recipe)| NetworkInfo {
        weight: network.weight,
        epoch: network.epoch,
        features: recipe.features,
        test_semitones: recipe.augmentation.test_semitones,
        input: recipe.input,
        network: recipe.network,
        shrinkage: recipe.enrolment.map(|enrolment| enrolment.shrinkage),
        standardiser: network.standardiser,
    });
    Ok(Header {
        networks: networks.collect(),
        density: None,
        program: header.program,
        name: header.name,
        labels: header.labels,
        temperature: header.temperature,
        enrolled_temperature: header.enrolled_temperature,
        confidence_threshold: header.confidence_threshold,
        enrolled_confidence_threshold: header.enrolled_confidence_threshold,
        provenance,
        recipe,
    })
}
