#![doc = include_str!("../README.md")]

pub mod bootstrap;
mod coverage;
mod error;
mod evaluation;
mod file;
mod folds;
mod groups;
mod history;
mod metrics;
pub mod plots;
mod predictions;
pub mod report;
mod temperature;

pub use coverage::{Coverage, Doubt, coverage};
pub use error::{Error, Result};
pub use evaluation::Evaluation;
pub use file::write_file;
pub use folds::{Fold, FoldSummary, MeanStd};
pub use groups::{Group, GroupRow, group_table};
pub use history::{Epoch, History, NamedHistory};
pub use metrics::{ClassMetrics, Confusion, Metrics, accuracy, uar};
pub use predictions::{Prediction, Predictions};
pub use temperature::{fit_temperature, temper};
