#![doc = include_str!("README.md")]

mod condition;
mod error;
mod filter;
mod noise;
mod occlusion;
mod random;
mod room;
mod telephone;

pub use condition::Condition;
pub use error::{Error, Result};
pub use occlusion::{Occlusion, Region};
pub use room::Room;

/// Another number whenever a condition makes another sound of the same clip and seed: what is kept of
/// such sounds is known by it.
pub const VERSION: u32 = 1;
