//! Events that report the progress of long computations, so that a caller can show it.

use std::path::Path;

use ser_data::{Renamed, Skip};
use ser_eval::Epoch;

use crate::Skipped;

/// An event of a computation.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A stage begins.
    Started {
        /// The stage.
        stage: Stage<'a>,
        /// The number of its steps.
        steps: usize,
    },
    /// Steps of a stage are done.
    Advanced {
        /// The stage.
        stage: Stage<'a>,
        /// The number of steps since the last such event.
        steps: usize,
    },
    /// An epoch of a training has ended, which is one step of its stage.
    Epoch {
        /// The stage.
        stage: Stage<'a>,
        /// The figures of the epoch.
        epoch: &'a Epoch,
    },
    /// A stage has ended.
    Finished {
        /// The stage.
        stage: Stage<'a>,
    },
    /// A file is left out. It is also among the skipped files of the result.
    Skipped(&'a Skipped),
    /// A file is used although a part of its sound is missing; the reason says which part.
    Damaged(&'a Skip),
    /// Labels of the corpus were renamed, as the recipe says.
    Renamed(&'a [Renamed]),
    /// No clip has these emotions of the recipe, which is used without them.
    Absent(&'a [String]),
    /// Some clips are divided into their [pieces of speech](ser_predict::pieces_of_speech), which are learned and answered one by
    /// one, as a trained model answers such recordings.
    Divided {
        /// The number of these clips.
        clips: usize,
        /// The number of all clips.
        of: usize,
    },
    /// Clips are left out because their sentence is said in one emotion only, as the recipe says.
    SentenceBound {
        /// The number of these clips.
        clips: usize,
    },
    /// The cross-validation of a member of an ensemble begins.
    Member {
        /// Name of the ensemble.
        experiment: &'a str,
        /// Name of the member's recipe.
        recipe: &'a str,
    },
    /// Results of an earlier call are kept.
    Kept {
        /// The name of the recipe or split.
        name: &'a str,
        /// The folder of the results.
        folder: &'a Path,
    },
    /// The results of a split are written.
    Written {
        /// The name of the split.
        name: &'a str,
        /// The folder of the results.
        folder: &'a Path,
    },
    /// A training reached infinite values or NaN in this epoch, so an earlier epoch is kept.
    Diverged {
        /// The name of the split that was trained on.
        split: &'a str,
        /// The epoch, counted from 1.
        epoch: u32,
    },
}

/// A stage of a long computation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage<'a> {
    /// The search for the pieces of speech of clips. A step is a clip.
    Pieces,
    /// The extraction of features. A step is a clip, or a piece of one, in one view.
    Features,
    /// The answers of a finished model. A step is a clip.
    Answers,
    /// The trainings of a split; several splits may be trained in parallel. A step is an epoch.
    Split(&'a str),
    /// The inner splits of a recipe. A step is a training, or the clips under one condition.
    InnerSplits(&'a str),
    /// The training of a recipe on all clips. A step is an epoch.
    AllClips(&'a str),
    /// The answers under conditions. A step is a split under one condition.
    Conditions,
}

/// A function that is called for each event, on the thread where the event happens.
pub type OnEvent<'a> = &'a (dyn Fn(Event) + Sync);
