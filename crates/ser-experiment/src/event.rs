//! What goes on while something long is computed, so that a caller can show it.

use std::path::Path;

use ser_data::{Renamed, Skip};
use ser_eval::Epoch;

use crate::Skipped;

/// Something that happened.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A stage of so many steps begins.
    Started {
        /// Which.
        stage: Stage<'a>,
        /// Its steps.
        steps: usize,
    },
    /// So many steps of it are done.
    Advanced {
        /// Which.
        stage: Stage<'a>,
        /// Steps since the last such event.
        steps: usize,
    },
    /// An epoch of a training has ended: one step of its stage.
    Epoch {
        /// Which.
        stage: Stage<'a>,
        /// Its figures.
        epoch: &'a Epoch,
    },
    /// A stage has ended.
    Finished {
        /// Which.
        stage: Stage<'a>,
    },
    /// A file is left out. It is also among the skipped files of the result.
    Skipped(&'a Skipped),
    /// A file is taken although something of its sound is missing; the reason says what.
    Damaged(&'a Skip),
    /// Labels of the corpus were renamed, as the recipe says.
    Renamed(&'a [Renamed]),
    /// So many clips are left out, as the recipe says, whose sentences are said in one emotion alone.
    SentenceBound {
        /// How many.
        clips: usize,
    },
    /// A member of an ensemble is cross-validated from here on.
    Member {
        /// Name of the ensemble.
        experiment: &'a str,
        /// Name of the member's recipe.
        recipe: &'a str,
    },
    /// Results of an earlier call are kept.
    Kept {
        /// The recipe or the split.
        name: &'a str,
        /// Where they lie.
        folder: &'a Path,
    },
    /// The results of a split are written.
    Written {
        /// The split.
        name: &'a str,
        /// Where they lie.
        folder: &'a Path,
    },
    /// The values of a training got lost in this epoch, so that one before it is kept.
    Diverged {
        /// The split it was trained on.
        split: &'a str,
        /// The epoch, counted from 1.
        epoch: u32,
    },
}

/// Something that takes long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage<'a> {
    /// Features of clips. A step is a clip in one view.
    Features,
    /// Answers of a finished model. A step is a clip.
    Answers,
    /// The trainings of a split; several splits may be at it side by side. A step is an epoch.
    Split(&'a str),
    /// The inner splits of a recipe. A step is a training, or the clips under one condition.
    InnerSplits(&'a str),
    /// The training of a recipe on all clips. A step is an epoch.
    AllClips(&'a str),
    /// Clips under conditions. A step is a split under one condition.
    Conditions,
}

/// Hears of events, from whichever thread they happen on.
pub type OnEvent<'a> = &'a (dyn Fn(Event) + Sync);
