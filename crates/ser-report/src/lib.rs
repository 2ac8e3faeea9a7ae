#![doc = include_str!("../README.md")]

mod error;
mod figures;
mod markdown;
mod pages;
pub mod plots;
mod report;

pub use error::{Error, Result};
pub use markdown::{Section, markdown};
pub use pages::{SIGNIFICANT, render, render_comparison, render_summary, worst_mistakes};
pub use report::{
    CorpusRow, CorpusTable, Enrolled, Known, Map, Report, RunSummary, Sound, SplitKind,
};
