#![doc = include_str!("../README.md")]

mod balance;
mod batch;
mod density;
mod distort;
mod error;
mod layers;
mod network;
mod train;

pub use error::{Error, Result};
pub use network::{Network, build_network, tensors};
pub use train::{
    Example, LIBTORCH_VERSION, Trained, TrainingData, check_libtorch, keep_freed_memory,
    set_threads, train,
};
