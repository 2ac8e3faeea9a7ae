#![doc = include_str!("../README.md")]

mod check;
mod error;
mod experiment;
mod network;
mod recipe;
mod text;

pub use error::{Error, Result};
pub use experiment::{Experiment, Member};
pub use network::{CnnConfig, LstmConfig, MlpConfig, NetworkConfig};
pub use recipe::{
    Augmentation, Balance, ClassWeights, EnrolmentConfig, Monitor, OptimizerKind, Recipe, Schedule,
    Task, Training,
};
