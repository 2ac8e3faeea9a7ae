#![doc = include_str!("../README.md")]

mod batch;
mod distort;
mod error;
mod explain;
mod layers;
mod model;
mod network;
mod recipe;
mod standardiser;
mod train;

pub use error::{Error, Result};
pub use explain::{Explanation, Patch, explain};
pub use model::{Enrolment, LIBTORCH_VERSION, Model, Provenance, TrainedNetwork, argmax};
pub use network::{CnnConfig, ConvBlock, LstmConfig, MlpConfig, Network, NetworkConfig};
pub use recipe::{
    Augmentation, ClassWeights, EnrolmentConfig, Ensemble, Experiment, Input, Member, Monitor,
    OptimizerKind, Recipe, Schedule, Task, Training,
};
pub use standardiser::Standardiser;
pub use train::{
    Example, Trained, TrainingData, check_libtorch, keep_freed_memory, set_threads, train,
};
