#![doc = include_str!("../README.md")]

mod answer;
mod architecture;
pub mod captions;
mod density;
mod embedding;
mod enroller;
mod enrolment;
mod error;
mod explain;
mod file;
mod fine_tune;
mod input;
mod lines;
mod model;
mod network;
mod predictor;
mod provenance;
mod regression;
mod segmenter;
mod stream;
mod timeline;
mod trained_network;
mod weights;

pub use answer::{Answer, OUT_OF_DISTRIBUTION};
pub use architecture::{Architecture, CnnConfig, ConvBlock, InvalidSize, LstmConfig, MlpConfig};
pub use density::{Density, DensityInfo, clip_statistics, distance_limit};
pub use embedding::Embedding;
pub use enroller::{Enroller, SMALLEST_COLLECTION, Speech};
pub use enrolment::{Enrolment, LONGEST_SPEAKER_NAME, is_speaker_name};
pub use error::{Error, Kind, Result};
pub use explain::{Explanation, Patch, SHORTEST_EXPLAINED};
pub use file::MOST_NETWORKS;
pub use fine_tune::{FineTuning, LabelledClip};
pub use input::{Input, Standardiser, check_coefficients, subtract_level};
pub use lines::{AnswerLine, EnrolmentLine, ExplanationLine, ModelLine, RegionLine, SpanLine};
pub use model::Model;
pub use network::{NORM_EPSILON, Scratch, VARIANCE_EPSILON, batch_norm};
pub use predictor::{LONG, LONGEST_CLIP, Predictor, pieces_of_speech};
pub use provenance::Provenance;
pub use segmenter::{CUT, LONGEST_PIECE, Piece, Segmenter};
pub use ser_eval::argmax;
pub use stream::{Listener, Span};
pub use timeline::Timeline;
pub use trained_network::{
    MOST_ACTIVATIONS, MOST_COPIES, MOST_FRAMES, NetworkInfo, TrainedNetwork, is_weight,
};
pub use weights::{Tensor, Tensors};
