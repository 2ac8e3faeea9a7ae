#![doc = include_str!("../README.md")]

mod answer;
mod architecture;
pub mod captions;
mod enroller;
mod enrolment;
mod error;
mod explain;
mod file;
mod format3;
mod half;
mod input;
mod lines;
mod model;
mod network;
mod predictor;
mod segmenter;
mod stream;
mod timeline;
mod weights;

pub use answer::{Answer, OUT_OF_DISTRIBUTION};
pub use architecture::{Architecture, CnnConfig, ConvBlock, InvalidSize, LstmConfig, MlpConfig};
pub use enroller::{Enroller, SMALLEST_COLLECTION, Speech};
pub use enrolment::{Enrolment, LONGEST_SPEAKER_NAME, is_speaker_name};
pub use error::{Error, Kind, Result};
pub use explain::{Explanation, Patch, SHORTEST_EXPLAINED};
pub use file::is_weight;
pub use input::{Input, Standardiser, check_coefficients, take_level};
pub use lines::{AnswerLine, ExplanationLine, ModelLine, RegionLine, SpanLine};
pub use model::{Model, NetworkInfo, Provenance, TrainedNetwork, argmax};
pub use network::{Scratch, VARIANCE_EPSILON, batch_norm};
pub use predictor::{LONG, Predictor};
pub use segmenter::{LONGEST_PIECE, Piece, Segmenter};
pub use stream::{Listener, Span};
pub use timeline::Timeline;
pub use weights::{Tensor, Tensors};
