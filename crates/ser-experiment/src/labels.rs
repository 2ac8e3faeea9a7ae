//! The rules for labels in the recipe of a model.

use std::collections::{BTreeMap, BTreeSet};

use ser_data::{Corpus, LabelMap};
use ser_predict::Model;
use serde::Deserialize;

/// Other words for the labels of RAVDESS, as many corpora write them.
const OTHER_WORDS: [(&str, &str); 7] = [
    ("happy", "happiness"),
    ("happy", "joy"),
    ("sad", "sadness"),
    ("angry", "anger"),
    ("fearful", "fear"),
    ("disgust", "disgusted"),
    ("surprised", "surprise"),
];

/// The rules for labels in the table `[task]` of a recipe.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Labels {
    /// Labels that are mapped to a common label when clips are read.
    pub(crate) labels: LabelMap,
    /// The label that a prediction counts as on a corpus that has no clip of the predicted label.
    pub(crate) counted_as: BTreeMap<String, String>,
}

/// For each corpus, the labels of a model whose probabilities are added to another label, as indices `(from, to)`.
pub(crate) type Counted<'a> = BTreeMap<Option<&'a str>, Vec<(usize, usize)>>;

impl Labels {
    /// Reads the rules from the recipe text in a model file. There are none if the text is not a recipe.
    pub(crate) fn of(model: &Model) -> Self {
        Self::parse(&model.recipe)
    }

    /// Returns the map for the labels of clips on which a finished model is measured or fine-tuned: that of its recipe, and
    /// other words and spellings of the model's labels ([`OTHER_WORDS`]).
    pub(crate) fn map_onto(model: &Model) -> LabelMap {
        Self::of(model).with_other_words(&model.labels)
    }

    fn with_other_words(self, known: &[String]) -> LabelMap {
        let mut map = self.labels;
        let mut taken: BTreeSet<String> = map.values().flatten().cloned().collect();
        taken.extend(known.iter().cloned());
        let own = known.iter().map(|label| (label.as_str(), label.as_str()));
        let other = OTHER_WORDS
            .into_iter()
            .filter(|(label, _)| known.iter().any(|known| known == label));
        // The spellings of all labels come first: they are not other words for another label.
        for (label, word) in own.chain(other) {
            let spellings = [word.to_owned(), capitalised(word), word.to_uppercase()];
            let new = spellings.into_iter().filter(|s| taken.insert(s.clone()));
            map.entry(label.to_owned()).or_default().extend(new);
        }
        map
    }

    fn parse(recipe: &str) -> Self {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Recipe {
            task: Labels,
        }
        toml::from_str::<Recipe>(recipe).unwrap_or_default().task
    }

    /// Returns which labels count as another one, on each corpus of the clips.
    pub(crate) fn counted<'a>(&self, labels: &[String], corpus: &'a Corpus) -> Counted<'a> {
        let mut there: BTreeMap<Option<&str>, BTreeSet<&str>> = BTreeMap::new();
        for clip in corpus.clips() {
            there
                .entry(clip.corpus())
                .or_default()
                .insert(&clip.emotion);
        }
        let place = |label: &String| labels.iter().position(|known| known == label);
        let of = |there: BTreeSet<&str>| {
            let absent = self.counted_as.iter();
            let absent = absent.filter(|(from, _)| !there.contains(from.as_str()));
            absent
                .filter_map(|(from, to)| Some((place(from)?, place(to)?)))
                .collect()
        };
        there
            .into_iter()
            .map(|(corpus, there)| (corpus, of(there)))
            .collect()
    }
}

/// Returns the word with its first letter in upper case.
fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use ser_data::Clip;

    use super::*;

    #[test]
    fn the_labels_of_a_recipe_are_found_and_any_other_text_has_none() {
        let recipe = "name = \"a\"\n[task]\nseed = 1\nlabels = { happy = [\"Happy\", \"joy\"] }\n\
                      counted_as = { calm = \"neutral\" }\n[network]\nx = 1\n";
        let happy = vec!["Happy".to_owned(), "joy".to_owned()];
        let expected = Labels {
            labels: [("happy".to_owned(), happy)].into(),
            counted_as: [("calm".to_owned(), "neutral".to_owned())].into(),
        };
        assert_eq!(Labels::parse(recipe), expected);
        for text in [
            "",
            "[task]\nseed = 1\n",
            "labels = 1",
            "[task]\nlabels = 3",
            "no recipe",
        ] {
            assert_eq!(Labels::parse(text), Labels::default(), "{text}");
        }
    }

    #[test]
    fn other_words_for_a_label_are_mapped_onto_it_unless_they_are_labels_themselves() {
        let known = ["happy", "joy", "angry", "calm"].map(str::to_owned);
        let recipe = Labels::parse("[task]\nlabels = { calm = [\"anger\", \"low\"] }");
        let map = recipe.with_other_words(&known);
        let of = |label: &str| map[label].join(" ");
        assert_eq!(of("happy"), "Happy HAPPY happiness Happiness HAPPINESS");
        assert_eq!(of("joy"), "Joy JOY");
        assert_eq!(of("angry"), "Angry ANGRY Anger ANGER");
        assert_eq!(of("calm"), "anger low Calm CALM");
    }

    #[test]
    fn a_label_counts_as_another_on_the_corpora_that_lack_it() {
        let clip = |corpus: &str, emotion: &str| Clip {
            path: format!("{corpus}/{emotion}.wav").into(),
            emotion: emotion.to_owned(),
            attributes: [("corpus".to_owned(), corpus.to_owned())].into(),
            ..Clip::default()
        };
        let clips = [
            ("a", "calm"),
            ("a", "neutral"),
            ("b", "neutral"),
            ("b", "sad"),
        ];
        let clips = clips.map(|(corpus, emotion)| clip(corpus, emotion));
        let corpus = Corpus::new("both", false, clips.to_vec());
        let labels = Labels::parse("[task]\ncounted_as = { calm = \"neutral\", bored = \"sad\" }");
        let known = ["sad", "neutral", "calm"].map(str::to_owned);
        let expected = [(Some("a"), vec![]), (Some("b"), vec![(2, 1)])];
        assert_eq!(labels.counted(&known, &corpus), expected.into());
    }
}
