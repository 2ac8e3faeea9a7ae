//! The origin of a model: the corpus, the split and the clips that it was trained on.

use serde::{Deserialize, Serialize};

/// The split, speakers and clips that a model was trained on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Name of the split, such as `fold-1`.
    pub split: String,
    /// Checksum of the corpus.
    pub corpus: String,
    /// Whether the corpus is synthetic.
    pub synthetic: bool,
    /// Whether the protocol keeps each speaker on one side of the split.
    pub speaker_disjoint: bool,
    /// Speakers of the training and validation parts.
    pub speakers: Vec<String>,
    /// Content hashes of the training and validation clips.
    pub content: Vec<String>,
    /// A description, for people, of the clips on which temperatures and confidence thresholds were measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validated_on: Option<String>,
}

impl Provenance {
    /// Returns the first difference between the training clips of two models, described for this one and for the other;
    /// `None` if they are the same.
    pub(crate) fn difference(&self, other: &Self) -> Option<[String; 2]> {
        let both = |words: fn(&Self) -> String| [words(self), words(other)];
        let told = [
            both(|p| format!("the split {}", p.split)),
            both(|p| format!("the corpus with checksum {}", p.corpus)),
            both(|p| format!("{} clips", p.content.len())),
            both(|p| format!("the speakers {}", p.speakers.join(", "))),
            both(|p| format!("synthetic = {}", p.synthetic)),
            both(|p| format!("speaker_disjoint = {}", p.speaker_disjoint)),
        ];
        let pairs = self.content.iter().zip(&other.content);
        let clips = pairs.map(|(one, other)| [one, other].map(|hash| format!("the clip {hash}")));
        let mut told = told.into_iter().chain(clips);
        told.find(|[one, other]| one != other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_named_by_its_field() {
        let one = Provenance {
            content: vec!["a".to_owned(), "b".to_owned()],
            ..Provenance::default()
        };
        let with = |change: fn(&mut Provenance)| {
            let mut other = one.clone();
            change(&mut other);
            one.difference(&other)
        };
        let both = |one: &str, other: &str| Some([one.to_owned(), other.to_owned()]);
        let synthetic = both("synthetic = false", "synthetic = true");
        assert_eq!(with(|other| other.synthetic = true), synthetic);
        let clip = both("the clip b", "the clip c");
        assert_eq!(with(|other| other.content[1] = "c".to_owned()), clip);
        // The same clips may be measured on others.
        assert_eq!(
            with(|other| other.validated_on = Some("RAVDESS".to_owned())),
            None
        );
    }
}
