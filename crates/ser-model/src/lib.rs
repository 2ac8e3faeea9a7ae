#![doc = include_str!("../README.md")]

mod batch;
mod error;
mod layers;
mod model;
mod network;
mod recipe;
mod train;

pub use batch::{Example, Standardiser};
pub use error::{Error, Result};
pub use model::{LIBTORCH_VERSION, Model, Provenance, argmax};
pub use network::{CnnConfig, ConvBlock, LstmConfig, Network, NetworkConfig};
pub use recipe::{ClassWeights, Input, Monitor, OptimizerKind, Recipe, Schedule, Task, Training};
pub use train::{Trained, TrainingData, check_libtorch, keep_freed_memory, set_threads, train};
