//! The history of a training, epoch by epoch.

use std::path::Path;

use serde::{Deserialize, Serialize};

use ser_files::write_file;

use crate::{Error, Result};

/// One pass over the training part. Losses are means per clip in nats; accuracies and UARs are fractions from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Number of the epoch, as the training loop counts.
    pub epoch: u32,
    /// Learning rate during this epoch.
    pub learning_rate: f64,
    /// Mean loss on the training part.
    pub train_loss: f64,
    /// Accuracy on the training part.
    pub train_accuracy: f64,
    /// Unweighted average recall on the training part.
    pub train_uar: f64,
    /// Mean loss on the validation part.
    pub validation_loss: f64,
    /// Accuracy on the validation part.
    pub validation_accuracy: f64,
    /// Unweighted average recall on the validation part.
    pub validation_uar: f64,
    /// Wall-clock time of this epoch in seconds.
    pub seconds: f64,
}

/// The epochs of one training, and the epoch whose weights were kept.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// The epochs in the order in which they ran.
    pub epochs: Vec<Epoch>,
    /// [`Epoch::epoch`] of the weights that were kept. The training loop chooses it; this crate only records it.
    pub best: Option<u32>,
}

/// The history of one split, with the name that a picture shows.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedHistory {
    /// Name of the split, for example `fold 1` or `seed 42`.
    pub name: String,
    /// The history of its training.
    pub history: History,
}

/// The columns of `history.csv`.
const COLUMNS: [&str; 10] = [
    "epoch",
    "learning_rate",
    "train_loss",
    "train_accuracy",
    "train_uar",
    "validation_loss",
    "validation_accuracy",
    "validation_uar",
    "seconds",
    "best",
];

impl History {
    /// Writes `history.csv`: one line per epoch with the fields of [`Epoch`] as columns, and `best` (`true` for the
    /// epoch whose weights were kept). The file is either complete or absent.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Csv`] with the path.
    pub fn write_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let text = crate::file::csv_text(path, |writer| {
            writer.write_record(COLUMNS)?;
            for epoch in &self.epochs {
                writer.serialize((epoch, self.best == Some(epoch.epoch)))?;
            }
            Ok(())
        })?;
        Ok(write_file(path, &text)?)
    }

    /// Reads a file that [`write_csv`](Self::write_csv) wrote.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Csv`], [`Error::Header`], or [`Error::Cell`] if two epochs are marked as the best one;
    /// each with the path.
    pub fn read_csv(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let mut reader = crate::file::csv_reader(path)?;
        let csv_error = |source| Error::Csv {
            path: path.to_owned(),
            source,
        };
        let header = reader.headers().map_err(csv_error)?;
        if header != COLUMNS[..] {
            return Err(Error::Header {
                path: path.to_owned(),
                expected: COLUMNS.join(","),
                actual: header.iter().collect::<Vec<_>>().join(","),
            });
        }
        let mut history = Self::default();
        for record in reader.records() {
            let record = record.map_err(csv_error)?;
            // Read by position: by name, serde would take `best` for a field of `Epoch`.
            let (epoch, best): (Epoch, bool) = record.deserialize(None).map_err(csv_error)?;
            if best && history.best.replace(epoch.epoch).is_some() {
                return Err(Error::Cell {
                    path: path.to_owned(),
                    line: record.position().map_or(0, csv::Position::line),
                    column: "best".to_owned(),
                    expected: "one best epoch".to_owned(),
                    actual: "a second one".to_owned(),
                });
            }
            history.epochs.push(epoch);
        }
        Ok(history)
    }
}
