//! Rows in, answers out: what every engine calls.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use ser_audio::{AudioStream, Channels};
use ser_predict::{Answer, Enrolment, Kind as Reason, Predictor};
use ser_tables::{Column, Kind, Value};
use xxhash_rust::xxh3::Xxh3;

use crate::row::{Row, Sound};
use crate::storage::{self, Object};

/// The latest second that a row may name: beyond, seconds no longer tell samples apart.
pub(crate) const LATEST: f64 = 1e6;

/// A model, and the speakers whom it knows.
#[derive(Debug, Clone)]
pub struct Answerer {
    predictor: Predictor,
    /// By name.
    speakers: BTreeMap<String, Enrolment>,
    /// Fingerprint of the model.
    model: Arc<str>,
}

/// A row's answer, or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// The row's.
    pub id: String,
    /// What the recording expresses.
    pub answer: Result<Answer, Failed>,
    /// The answer's remarks in one text, with blanks between.
    remarks: String,
}

/// Why a recording has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// What kind of reason it is.
    pub kind: Reason,
    /// The reason in words.
    pub words: String,
    /// Whether it is that object storage did not answer.
    pub(crate) is_outage: bool,
}

impl Answerer {
    /// Who answers, and the speakers that rows may name.
    #[must_use]
    pub fn new(predictor: Predictor, speakers: BTreeMap<String, Enrolment>) -> Self {
        Self {
            model: predictor.model().fingerprint().into(),
            predictor,
            speakers,
        }
    }

    /// The model that answers.
    #[must_use]
    pub fn predictor(&self) -> &Predictor {
        &self.predictor
    }

    /// The columns of the answers.
    ///
    /// | column | |
    /// | --- | --- |
    /// | `id` | the row's |
    /// | `label` | the most probable of the model's labels |
    /// | `probability_angry`, one for each label | the sum is 1 |
    /// | `uncertain` | whether not to rely on it |
    /// | `out_of_distribution` | whether the recording is unlike all that the model has learned from |
    /// | `remarks` | what is wrong with the recording, in single words with blanks between |
    /// | `seconds` | length of the recording, or of the part of it |
    /// | `model` | fingerprint of the model |
    /// | `error` | why there is no answer; then all but `id` and `model` are missing |
    #[must_use]
    pub fn columns(&self) -> Vec<Column> {
        let labels = self.predictor.model().labels.iter();
        let probabilities = labels.map(|label| (format!("probability_{label}"), Kind::Float));
        let named = |(name, kind): (&str, Kind)| (name.to_owned(), kind);
        let columns = [("id", Kind::Text), ("label", Kind::Text)].map(named);
        let others = [
            ("uncertain", Kind::Bool),
            ("out_of_distribution", Kind::Bool),
            ("remarks", Kind::Text),
            ("seconds", Kind::Double),
            ("model", Kind::Text),
            ("error", Kind::Text),
        ];
        let columns = columns.into_iter().chain(probabilities);
        let columns = columns.chain(others.map(named));
        columns
            .map(|(name, kind)| Column::new(name, kind))
            .collect()
    }

    /// The values of an answer, one for each of the [`columns`](Self::columns).
    #[must_use]
    pub fn values<'a>(&'a self, row: &'a Answered) -> Vec<Value<'a>> {
        let labels = &self.predictor.model().labels;
        let mut values = vec![Value::Path(&row.id)];
        match &row.answer {
            Ok(answer) => {
                values.push(Value::Text(answer.label(labels)));
                values.extend(answer.probabilities.iter().map(|&p| Value::Float(p)));
                values.extend([
                    Value::Bool(answer.uncertain),
                    Value::Bool(answer.out_of_distribution),
                    Value::Text(&row.remarks),
                    Value::Double((1000.0 * answer.seconds).round() / 1000.0),
                    Value::Text(&self.model),
                    Value::Missing,
                ]);
            }
            Err(failed) => {
                values.resize(labels.len() + 6, Value::Missing);
                values.extend([Value::Text(&self.model), Value::Text(&failed.words)]);
            }
        }
        values
    }

    /// Answers rows on all of rayon's threads, in their order. Whatever is wrong with a recording stands in its row, also if
    /// a decoder panics over it.
    #[must_use]
    pub fn answer(&self, rows: &[Row]) -> Vec<Answered> {
        // Every row would wait for a storage that does not answer, minutes each.
        let outage = OnceLock::new();
        let answer = |row| self.answer_row(row, &outage);
        rows.par_iter().map(answer).collect()
    }

    fn answer_row(&self, row: &Row, outage: &OnceLock<Failed>) -> Answered {
        let answer = match outage.get() {
            Some(failed) => Err(failed.clone()),
            None => guarded(|| self.answer_sound(row)),
        };
        if let Err(failed) = &answer
            && failed.is_outage
        {
            outage.get_or_init(|| failed.clone());
        }
        let remarks = answer.as_ref().map(Answer::remarks).unwrap_or_default();
        Answered {
            id: row.id.clone(),
            remarks: remarks.join(" "),
            answer,
        }
    }

    fn answer_sound(&self, row: &Row) -> Result<Answer, Failed> {
        let speaker = row.speaker.as_ref().map(|name| {
            let known = self.speakers.get(name);
            known.ok_or_else(|| Failed::new(format!("nobody is enrolled as {name}")))
        });
        let speaker = speaker.transpose()?;
        let start = row.start.unwrap_or(0.0);
        let is_part = (0.0..LATEST).contains(&start)
            && row.end.is_none_or(|end| end > start && end <= LATEST);
        if !is_part {
            let end = row.end.map_or(String::new(), |end| format!(" to {end} s"));
            return Err(Failed::new(format!(
                "expected a start and a later end in seconds from 0 to {LATEST}, found {start}{end}"
            )));
        }
        let object = object(row)?;
        let answer = || -> Result<Answer, Failed> {
            let mut stream = open(row, object.clone())?.with(Channels::chosen(row.channel))?;
            if row.start.is_some() || row.end.is_some() {
                stream = stream.part(start, row.end);
            }
            Ok(self.predictor.answer_stream(stream, speaker)?)
        };
        let answer = answer();
        // Decoders take what could not be read for the end, or for damage.
        match object.as_ref().and_then(|object| object.outage()) {
            Some(words) => Err(Failed {
                is_outage: true,
                ..Failed::new(words)
            }),
            None => answer,
        }
    }

    /// What tells the speakers from others.
    pub(crate) fn fingerprint_of_speakers(&self) -> String {
        let mut hash = Xxh3::new();
        for (name, speaker) in &self.speakers {
            hash.update(format!("{name} {}\n", speaker.fingerprint()).as_bytes());
        }
        format!("{:032x}", hash.digest128())
    }
}

/// The recording of a row, where it lies in object storage.
fn object(row: &Row) -> Result<Option<Arc<Object>>, Failed> {
    match &row.sound {
        Sound::File(path) if storage::is_object(path) => match storage::open(path) {
            Ok(object) => Ok(Some(Arc::new(object))),
            Err(error) => Err(Failed {
                is_outage: storage::is_outage(&error.source),
                ..ser_audio::Error::from(error).into()
            }),
        },
        _ => Ok(None),
    }
}

fn open(row: &Row, object: Option<Arc<Object>>) -> Result<AudioStream, Failed> {
    match &row.sound {
        Sound::File(path) if let Some(object) = object => {
            Ok(AudioStream::from_stored(object, path)?)
        }
        Sound::File(path) => {
            // Nobody may ever write into a pipe, and some devices never end.
            let there = fs::metadata(path).map_err(ser_files::Error::at(path));
            if !there.map_err(ser_audio::Error::from)?.is_file() {
                let words = "expected a file, found a folder, a pipe or a device";
                let error = ser_files::Error::at(path)(io::Error::other(words));
                return Err(ser_audio::Error::from(error).into());
            }
            Ok(AudioStream::open(path)?)
        }
        Sound::Bytes(bytes) => Ok(AudioStream::from_bytes(bytes.clone(), Path::new(&row.id))?),
        Sound::Unread(words) => Err(Failed {
            kind: Reason::NotOpened,
            words: words.clone(),
            is_outage: false,
        }),
    }
}

fn guarded(answer: impl FnOnce() -> Result<Answer, Failed>) -> Result<Answer, Failed> {
    let answer = catch_unwind(AssertUnwindSafe(answer));
    answer.unwrap_or_else(|_| {
        let words =
            "an error of this program, which panicked over it: please report it with the recording";
        Err(Failed::new(words.to_owned()))
    })
}

impl Failed {
    fn new(words: String) -> Self {
        Self {
            kind: Reason::Other,
            words,
            is_outage: false,
        }
    }
}

impl From<ser_audio::Error> for Failed {
    fn from(error: ser_audio::Error) -> Self {
        Self {
            kind: Reason::from(&error),
            words: error.to_string(),
            is_outage: false,
        }
    }
}

impl From<ser_predict::Error> for Failed {
    fn from(error: ser_predict::Error) -> Self {
        Self {
            kind: error.kind(),
            words: error.to_string(),
            is_outage: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::panic)]
    fn what_panics_is_a_row_with_its_error() {
        let failed = guarded(|| panic!("a decoder's")).unwrap_err();
        assert!(failed.words.contains("report"), "{failed:?}");
    }
}
