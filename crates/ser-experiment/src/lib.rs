#![doc = include_str!("../README.md")]

mod answers;
mod compare;
mod conditions;
mod corpora;
mod corpus;
mod error;
mod evaluate;
mod event;
mod extract;
mod find;
mod fine_tune;
mod folder;
mod functionals;
mod labels;
mod lock;
mod page;
mod pieces;
mod results;
mod run;
mod setting;
mod split_run;
mod unseen;
mod view;

#[cfg(feature = "train")]
mod crossval;
#[cfg(feature = "train")]
mod fit;
#[cfg(feature = "train")]
mod inner;
#[cfg(feature = "train")]
mod parallel;
#[cfg(feature = "train")]
mod select;
#[cfg(feature = "train")]
mod source;
#[cfg(feature = "train")]
mod training;

pub use answers::{Answers, Figures};
pub use compare::{Comparison, compare};
pub use conditions::{Measured, UnderCondition, measure_conditions};
pub use corpus::{Prepared, Skipped};
pub use error::{Error, Result};
pub use evaluate::{Certain, Evaluated, evaluate, take_folder};
pub use event::{Event, OnEvent, Stage};
pub use extract::{Extraction, Inputs, extract};
pub use find::{Found, find};
pub use fine_tune::{FineTuned, fine_tune};
pub use lock::Lock;
pub use page::{summaries, write_side_by_side};
pub use pieces::{ClipFeatures, Piece};
pub use results::results;
pub use run::Run;
pub use setting::Setting;
pub use split_run::{Cost, RunInfo, SplitRun};
pub use view::View;

#[cfg(feature = "train")]
pub use crossval::{Finished, cross_validate, train_one};
#[cfg(feature = "train")]
pub use fit::{Fitted, fit};
#[cfg(feature = "train")]
pub use select::{Candidate, outer_splits, select};
#[cfg(feature = "train")]
pub use ser_model::{check_libtorch, keep_freed_memory};
#[cfg(feature = "train")]
pub use source::Folders;
