#![doc = include_str!("../README.md")]

pub mod captions;
mod error;
mod listener;
mod segmenter;

pub use error::{Error, Result};
pub use listener::{Listener, Span};
pub use segmenter::{LONGEST_PIECE, Piece, Segmenter};
