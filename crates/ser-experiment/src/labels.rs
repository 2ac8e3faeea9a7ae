//! The rules for labels in the recipe of a model.

use std::collections::{BTreeMap, BTreeSet};

use ser_data::{Corpus, LabelMap};
use ser_predict::Model;
use serde::Deserialize;

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
