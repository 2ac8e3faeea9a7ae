#![doc = include_str!("../README.md")]

mod error;
mod figures;
mod markdown;
mod pages;
pub mod plots;
mod report;

pub use error::{Error, Result};
pub use figures::points;
pub use markdown::{Section, markdown};
pub use pages::{
    ANOTHER_SEED, clips_of, render, render_comparison, render_summary, verdict, worst_mistakes,
};
pub use report::{
    CorpusRow, CorpusTable, Enrolled, Known, Map, Report, RunSummary, Sound, SplitKind,
};
