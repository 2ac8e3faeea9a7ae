//! Answers rows. Every engine calls this.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use ser_audio::{AudioStream, Channels};
use ser_data::MOST_SECONDS;
use ser_predict::{Answer, Enrolment, Kind as Reason, Predictor};
use ser_tables::{Column, Kind, Value};
use xxhash_rust::xxh3::Xxh3;

use crate::row::{Row, Sound};
use crate::storage::{self, Object};

/// A model and the enrolled speakers that rows may name.
#[derive(Debug, Clone)]
pub struct Answerer {
    predictor: Predictor,
    /// The speakers by name.
    speakers: BTreeMap<String, Enrolment>,
    /// Fingerprint of the model.
    model: Arc<str>,
}

/// The answer to a row, or the reason why there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// The id of the row.
    pub id: String,
    /// The answer, or the reason why there is none.
    pub answer: Result<Answer, Failed>,
    /// The remarks of the answer, separated by blanks.
    remarks: String,
}

/// Why a recording has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The kind of reason.
    pub kind: Reason,
    /// The reason in words.
    pub words: String,
    /// Whether it is an [outage](Answered::outage).
    is_outage: bool,
}

impl Answered {
    /// Returns the reason why there is no answer if it concerns other recordings as well: object storage did not respond, or the
    /// disk failed. That says nothing about this recording, which the same call may answer later.
    #[must_use]
    pub fn outage(&self) -> Option<&Failed> {
        self.answer.as_ref().err().filter(|failed| failed.is_outage)
    }
}

impl Answerer {
    /// Creates an answerer from a model and the speakers that rows may name.
    #[must_use]
    pub fn new(predictor: Predictor, speakers: BTreeMap<String, Enrolment>) -> Self {
        Self {
            model: predictor.model().fingerprint().into(),
            predictor,
            speakers,
        }
    }

    /// Returns the model that answers.
    #[must_use]
    pub fn predictor(&self) -> &Predictor {
        &self.predictor
    }

    /// Returns the columns of the table of answers.
    ///
    /// | column | meaning |
    /// | --- | --- |
    /// | `id` | the `id` of the row |
    /// | `label` | the most probable label |
    /// | `probability_angry`, and one for each other label | the probability of the label; they sum to 1 |
    /// | `uncertain` | whether the answer is unreliable |
    /// | `out_of_distribution` | whether the recording is unlike the training data |
    /// | `remarks` | problems of the recording, as single words separated by blanks |
    /// | `seconds` | length of the recording, or of the part |
    /// | `model` | fingerprint of the model |
    /// | `error` | why there is no answer; all columns except `id` and `model` are then missing |
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

    /// Returns the values of an answer, one for each of the [`columns`](Self::columns).
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

    /// Answers rows on all threads of rayon, and returns the answers in the order of the rows. If a recording cannot be
    /// answered, or a decoder panics on it, its row holds the error. The caller must not keep an [outage](Answered::outage) as
    /// the answer to a row.
    #[must_use]
    pub fn answer(&self, rows: &[Row]) -> Vec<Answered> {
        // If object storage does not respond, every further row would wait minutes for it. After the first outage, the
        // other rows get the same error at once.
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
            && matches!(&row.sound, Sound::File(path) if storage::is_object(path))
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
        let is_part = (0.0..MOST_SECONDS).contains(&start)
            && row.end.is_none_or(|end| end > start && end <= MOST_SECONDS);
        if !is_part {
            let end = row.end.map_or(String::new(), |end| format!(" to {end} s"));
            return Err(Failed::new(format!(
                "expected a start and a later end in seconds from 0 to {MOST_SECONDS}, found {start}{end}"
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
        // A decoder takes a failed read for the end of the file or for damage, so the outage is asked for here.
        match object.as_ref().and_then(|object| object.outage()) {
            Some(words) => Err(Failed {
                is_outage: true,
                ..Failed::new(words)
            }),
            None => answer,
        }
    }

    /// Returns a fingerprint of all speakers and their names.
    pub(crate) fn fingerprint_of_speakers(&self) -> String {
        let mut hash = Xxh3::new();
        for (name, speaker) in &self.speakers {
            hash.update(format!("{name} {}\n", speaker.fingerprint()).as_bytes());
        }
        format!("{:032x}", hash.digest128())
    }
}

/// Opens the recording of a row if it is in object storage; returns `None` for every other recording.
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
            // A pipe may never have a writer, and some devices never end.
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
            "a bug in this program: it panicked on this recording; please report it, with the recording";
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
            is_outage: storage::is_failure(&error),
        }
    }
}

impl From<ser_predict::Error> for Failed {
    fn from(error: ser_predict::Error) -> Self {
        Self {
            kind: error.kind(),
            words: error.to_string(),
            is_outage: storage::is_failure(&error),
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
