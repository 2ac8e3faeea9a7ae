#![doc = include_str!("../README.md")]

mod balance;
mod batch;
mod density;
mod distort;
mod error;
mod layers;
mod libtorch;
mod network;
mod train;

pub use error::{Error, Result};
pub use libtorch::{LIBTORCH_VERSION, check_libtorch, keep_freed_memory, set_threads};
pub use network::{Network, build_network, tensors};
pub use train::{Example, Trained, TrainingData, train};
