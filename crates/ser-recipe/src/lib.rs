#![doc = include_str!("../README.md")]

mod check;
mod error;
mod experiment;
mod network;
mod recipe;
mod size;
mod text;

pub use check::{WINDOWS_PER_BATCH, is_weight};
pub use error::{Error, Result};
pub use experiment::{Experiment, Member};
pub use network::{CnnConfig, ConvBlock, LstmConfig, MlpConfig, NO_POOL, NetworkConfig};
pub use recipe::{
    Augmentation, ClassWeights, EnrolmentConfig, Input, Monitor, OptimizerKind, Recipe, Schedule,
    Task, Training,
};
