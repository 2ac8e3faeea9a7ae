//! Embeddings: what the networks of a model compute from a clip before they classify it.

use crate::error::{Error, Result};
use crate::model::Model;

/// The embeddings of the windows of a clip, in each view of each network of a model.
///
/// [`Model::embed`](crate::Model::embed) computes them, which takes nearly all of the time of an answer.
/// [`Model::classify`](crate::Model::classify) makes probabilities of them, for a clip alone or for any enrolled speaker.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding {
    /// `[views of networks][windows][E]`, where each network has its own `E`.
    pub(crate) windows: Vec<Vec<Vec<f32>>>,
}

impl Embedding {
    /// Checks that the sizes are those of clips that the model embeds.
    pub(crate) fn check(&self, model: &Model) -> Result<()> {
        let expected: Vec<usize> = model.network_views().map(|(n, _)| n.embedding()).collect();
        let size = |windows: &Vec<Vec<f32>>| windows.first().map_or(0, Vec::len);
        let actual: Vec<usize> = self.windows.iter().map(size).collect();
        if actual == expected {
            return Ok(());
        }
        Err(Error::Shape {
            what: "values of the embeddings of a clip",
            expected: format!("{expected:?}"),
            actual: format!("{actual:?}"),
        })
    }
}
