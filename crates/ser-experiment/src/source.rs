//! The clips of an experiment, and the folders that it uses.

use std::path::Path;

use ser_data::{Origin, Split};
use ser_predict::LONGEST_CLIP;
use ser_recipe::{Recipe, Task};

use crate::corpus::Prepared;
use crate::error::Result;
use crate::event::{Event, OnEvent};
use crate::view::View;

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
        let clips = Prepared::of_task(&folders.data, task, on_event)?;
        let all = clips.corpus.clips();
        let longer = all.iter().filter(|clip| clip.seconds() > LONGEST_CLIP);
        let longer = longer.count();
        if longer > 0 {
            let of = all.len();
            on_event(Event::Longer { clips: longer, of });
        }
        Ok(Self {
            clips,
            store: folders.store,
            on_event,
        })
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Mutex;

    use ser_fixtures::write_wav;
    use ser_recipe::Experiment;

    use super::*;

    #[test]
    fn clips_that_a_model_answers_by_pieces_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let mut manifest = "path,emotion,speaker\n".to_owned();
        for (emotion, seconds) in [("happy", 2), ("sad", 6), ("angry", 7)] {
            let path = folder.path().join(format!("{emotion}.wav"));
            write_wav(&path, 4000, (0..4000 * seconds).map(|n| (n % 50) as i16));
            manifest += &format!("{emotion}.wav,{emotion},anna\n");
        }
        let path = folder.path().join("mine.csv");
        std::fs::write(&path, manifest).unwrap();
        let told = Mutex::new(Vec::new());
        let on_event = |event: Event| {
            if let Event::Longer { clips, of } = event {
                told.lock().unwrap().push((clips, of));
            }
        };
        let folders = Folders {
            data: vec![Origin::from(path.as_path())],
            store: None,
            out: folder.path(),
        };
        let task = Experiment::load("mlp").unwrap().task;
        Source::read(&folders, &task, &on_event).unwrap();
        assert_eq!(told.into_inner().unwrap(), [(1, 3)]);
    }
}
