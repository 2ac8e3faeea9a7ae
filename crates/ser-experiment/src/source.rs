//! The clips of an experiment, and the folders that it uses.

use std::path::Path;

use ser_data::{Origin, Split};
use ser_recipe::{Recipe, Task};

use crate::corpus::Prepared;
use crate::error::Result;
use crate::event::OnEvent;
use crate::view::{View, each_once};

/// The folders of an experiment.
#[derive(Debug, Clone)]
pub struct Folders<'a> {
    /// The clips: a folder or a CSV manifest, or several, which are joined ([`ser_data::Corpus::load_all`]).
    pub data: Vec<Origin<'a>>,
    /// The feature store. Features that it holds are not extracted again.
    pub store: Option<&'a Path>,
    /// The folder of results. Results that an earlier call left of the same experiment and clips are kept.
    pub out: &'a Path,
}

/// The clips of a task, the same for all members of an ensemble.
pub(crate) struct Source<'a> {
    /// The clips, without features.
    pub(crate) clips: Prepared,
    /// Feature store.
    pub(crate) store: Option<&'a Path>,
    on_event: OnEvent<'a>,
}

impl<'a> Source<'a> {
    /// Reads the clips of a task.
    pub(crate) fn read(folders: &Folders<'a>, task: &Task, on_event: OnEvent<'a>) -> Result<Self> {
        Ok(Self {
            clips: Prepared::of_task(&folders.data, task, on_event)?,
            store: folders.store,
            on_event,
        })
    }

    /// Leaves out the clips of which a feature of one of several recipes cannot be extracted, so that all are trained and tested on
    /// the same clips. Members of an ensemble that were trained on other clips would have other splits, and could not be joined.
    ///
    /// The features of all recipes are extracted for this, and again for each training: to keep those of all would take too much
    /// memory. `is_finished` returns whether an earlier call trained the recipe on exactly these clips, so that it needs no features.
    pub(crate) fn common_to<'r>(
        self,
        recipes: impl Iterator<Item = &'r Recipe>,
        is_finished: impl Fn(&Recipe, &Prepared) -> Result<bool>,
    ) -> Result<Self> {
        let recipes = each_once(recipes);
        if recipes.len() == 1 {
            return Ok(self);
        }
        let mut clips = self.clips.clone();
        for recipe in recipes {
            if !is_finished(recipe, &clips)? {
                let (emotions, views) = (&recipe.task.emotions, View::of_training(recipe));
                clips = clips.with_features_in(emotions, &views, self.store, self.on_event)?;
            }
        }
        Ok(Self { clips, ..self })
    }

    /// Returns the clips with all features that a recipe is trained on.
    pub(crate) fn extract(&self, recipe: &Recipe) -> Result<Prepared> {
        self.views(&recipe.task, &View::of_training(recipe))
    }

    /// Returns the clips with their features in the given views.
    pub(crate) fn views(&self, task: &Task, views: &[View]) -> Result<Prepared> {
        let clips = self.clips.clone();
        clips.extract(&task.emotions, views, self.store, self.on_event)
    }
}

/// Returns the splits of the protocol of a task.
pub(crate) fn splits(task: &Task, data: &Prepared) -> Result<Vec<Split>> {
    Ok(task.protocol.splits(&data.corpus, task.seed)?)
}
