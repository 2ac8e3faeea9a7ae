#![doc = include_str!("../README.md")]

mod batch;
mod distort;
mod error;
mod explain;
mod layers;
mod model;
mod network;
mod standardiser;
mod train;

pub use error::{Error, Result};
pub use explain::{Explanation, Patch, explain};
pub use model::{Enrolment, LIBTORCH_VERSION, Model, Provenance, TrainedNetwork, argmax};
pub use network::{Network, build_network};
pub use standardiser::Standardiser;
pub use train::{
    Example, Trained, TrainingData, check_libtorch, keep_freed_memory, set_threads, train,
};
