//! Shows the progress of a long computation: bars on a terminal, and lines on standard error.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressBar};
use ser_data::Renamed;
use ser_experiment::{Event, Stage};
use ser_predict::LONGEST_CLIP;

use crate::output::{damaged_line, in_words, percent, plain, progress_in, skipped_line};

/// Returns a function that shows events. A command has one of these for all its events.
pub fn show() -> impl Fn(Event) + Sync {
    let show = Show::default();
    move |event: Event| show.event(event)
}

/// What is on the terminal.
#[derive(Default)]
struct Show {
    all: MultiProgress,
    /// The bars by the `Debug` text of their stage, because the stage itself borrows from its event.
    bars: Mutex<BTreeMap<String, ProgressBar>>,
}

impl Show {
    /// Shows one event.
    fn event(&self, event: Event) {
        match event {
            Event::Started { stage, steps } => self.start(stage, steps),
            Event::Advanced { stage, steps } => self.with(stage, |bar| bar.inc(steps as u64)),
            Event::Epoch { stage, epoch } => self.with(stage, |bar| {
                bar.inc(1);
                // The bars of the other stages show the name of the recipe as their message.
                if matches!(stage, Stage::Split(_)) {
                    let watched = if epoch.validation_loss.is_finite() {
                        let uar = percent(epoch.validation_uar);
                        format!(", validation {:.3}, UAR {uar}", epoch.validation_loss)
                    } else {
                        String::new()
                    };
                    bar.set_message(format!("loss {:.3}{watched}", epoch.train_loss));
                }
            }),
            Event::Finished { stage } => self.with(stage, ProgressBar::finish_and_clear),
            Event::Skipped(skipped) => self.line(&skipped_line(skipped)),
            Event::Damaged(clip) => self.line(&damaged_line(&clip.path, &clip.reason)),
            Event::Renamed(renamed) => {
                let label = |r: &Renamed| {
                    let clips = in_words(r.clips, "clip");
                    plain(&format!("{} → {} {clips}", r.from, r.to))
                };
                let there = renamed.iter().filter(|renamed| renamed.clips > 0);
                let labels: Vec<String> = there.map(label).collect();
                if !labels.is_empty() {
                    self.line(&format!("labels: {}", labels.join(", ")));
                }
            }
            Event::Absent(emotions) => self.line(&plain(&format!(
                "no clip is labelled {}: the recipe is used without",
                emotions.join(", ")
            ))),
            Event::Divided { clips, of } => self.line(&format!(
                "{clips} of {} last more than {LONGEST_CLIP} s or have 3 s of speech: they are learned and answered by their pieces of speech",
                in_words(of, "clip")
            )),
            Event::SentenceBound { clips } => self.line(&format!(
                "{} left out, whose sentences are spoken in only one emotion",
                in_words(clips, "clip")
            )),
            Event::Member { experiment, recipe } => self.line(&format!("{experiment}: {recipe}")),
            Event::Kept { name, folder } => {
                self.line(&format!("{name}: already there, kept ({})", folder.display()));
            }
            Event::Written { name, folder } => {
                self.line(&format!("{name}: done ({})", folder.display()));
            }
            Event::Diverged { split, epoch } => self.line(&format!(
                "{split}: the values of epoch {epoch} are not finite; an earlier epoch is kept. Lower \
                 `training.learning_rate` or set `training.gradient_clip`"
            )),
            _ => {}
        }
    }

    fn start(&self, stage: Stage, steps: usize) {
        let (what, message) = match stage {
            Stage::Pieces => ("pieces of speech", ""),
            Stage::Features => ("features", ""),
            Stage::Answers => ("answers", ""),
            Stage::Split(name) => (name, ""),
            Stage::InnerSplits(recipe) => ("inner splits", recipe),
            Stage::AllClips(recipe) => ("all clips", recipe),
            Stage::Conditions => ("conditions", ""),
        };
        let bar = progress_in(&self.all, steps, what.to_owned());
        bar.set_message(message.to_owned());
        let mut bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        bars.insert(format!("{stage:?}"), bar);
    }

    fn with(&self, stage: Stage, change: impl FnOnce(&ProgressBar)) {
        let bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bar) = bars.get(&format!("{stage:?}")) {
            change(bar);
        }
    }

    fn line(&self, line: &str) {
        self.all.suspend(|| eprintln!("{line}"));
    }
}
