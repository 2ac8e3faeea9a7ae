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

/// The version of the conditions. It changes whenever a condition gives other samples for the same clip and seed:
/// stored results are found by it.
pub const VERSION: u32 = 1;
