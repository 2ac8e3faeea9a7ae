#![doc = include_str!("../README.md")]

pub mod bootstrap;
mod calibration;
mod compare;
mod coverage;
mod error;
mod evaluation;
mod file;
mod folds;
mod gap;
mod groups;
mod history;
mod metrics;
mod plane;
mod predictions;
mod temperature;

pub use calibration::{Bin, reliability};
pub use compare::{Difference, Over, Pair, SIGN_FLIPS, SIGNIFICANT, Verdict, compare, holm};
pub use coverage::{ConfidenceThreshold, Coverage, coverage};
pub use error::{Error, Result};
pub use evaluation::Evaluation;
pub use folds::{Fold, FoldSummary, MeanStd, draw_name, without_draw};
pub use gap::{Gap, gap};
pub use groups::{Group, GroupRow, group_table};
pub use history::{Epoch, History, NamedHistory};
pub use metrics::{ClassMetrics, Confusion, Metrics, accuracy, uar};
pub use plane::{Plane, principal_plane};
pub use predictions::{Prediction, Predictions, argmax};
pub use temperature::{fit_temperature, temper};
