//! Writes functionals as a table: one row per recording, with the data of a manifest.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use ser_data::Clip;
use ser_features::{FeatureConfig, Features, Output};
use ser_tables::{Column, Form, Kind, TableWriter, Value};

use crate::error::Result;
use crate::extract::{Input, wrong};

/// A column of the manifest, which stands before the functionals.
struct Known {
    name: String,
    kind: Kind,
    of: Box<dyn for<'a> Fn(&'a Clip) -> Value<'a>>,
}

impl Known {
    fn text(name: &str, of: impl Fn(&Clip) -> Option<&str> + 'static) -> Self {
        Self {
            name: name.to_owned(),
            kind: Kind::Text,
            of: Box::new(move |clip| of(clip).map_or(Value::Missing, Value::Text)),
        }
    }

    fn seconds(name: &str, of: impl Fn((f64, f64)) -> f64 + 'static) -> Self {
        Self {
            name: name.to_owned(),
            kind: Kind::Double,
            of: Box::new(move |clip| clip.span().map_or(Value::Missing, |s| Value::Double(of(s)))),
        }
    }
}

/// The columns of a table of functionals. Of the columns of a manifest, those are kept for which any recording has a value.
pub(crate) struct About {
    known: Vec<Known>,
    functionals: Vec<String>,
}

impl About {
    /// Determines the columns of the table.
    ///
    /// # Errors
    /// [`Error::Extraction`](crate::Error::Extraction) if the features have several rows per recording, or if a column of
    /// the manifest has the name of another column.
    pub(crate) fn new(inputs: &[Input], config: &FeatureConfig, out: &Path) -> Result<Self> {
        if config.output != Output::Functionals {
            return Err(wrong(format_args!(
                "{}: a table has one row per recording, but these features have one row per frame: take functionals, with \
                 --recipe mlp or with output = \"functionals\" in --config, or write .npy or .safetensors",
                out.display()
            )));
        }
        let clips = || inputs.iter().filter_map(|input| input.clip.as_ref());
        let mut known = vec![
            Known::text("emotion", |clip| Some(&clip.emotion)),
            Known::text("speaker", |clip| Some(&clip.speaker)),
            Known::seconds("start", |(start, _)| start),
            Known::seconds("end", |(_, end)| end),
            Known::text("split", |clip| clip.split.map(|side| side.as_str())),
            Known::text("gender", |clip| clip.gender.as_deref()),
            Known::text("intensity", |clip| clip.intensity.as_deref()),
            Known::text("statement", |clip| clip.statement.as_deref()),
        ];
        let attributes: BTreeSet<&String> =
            clips().flat_map(|clip| clip.attributes.keys()).collect();
        known.extend(attributes.into_iter().map(|name| {
            let of = name.clone();
            Known::text(name, move |clip| {
                clip.attributes.get(&of).map(String::as_str)
            })
        }));
        known.retain(|known| clips().any(|clip| (known.of)(clip) != Value::Missing));
        let functionals = config.coefficient_names();
        let own = ["path", "seconds"].into_iter();
        let mut names: BTreeSet<&str> = own.chain(functionals.iter().map(String::as_str)).collect();
        if let Some(twice) = known.iter().find(|known| !names.insert(&known.name)) {
            return Err(wrong(format_args!(
                "{}: the table already has a column `{name}`: rename the column `{name}` of the manifest",
                out.display(),
                name = twice.name
            )));
        }
        drop(names);
        Ok(Self { known, functionals })
    }

    /// Writes the table, complete or not at all. `each` calls the given function with every input and its functionals, and
    /// returns the number of rows. Without a row, nothing is written.
    pub(crate) fn write(
        &self,
        out: &Path,
        form: Form,
        each: impl FnOnce(&mut dyn FnMut(&Input, &Features) -> Result<()>) -> Result<usize>,
    ) -> Result<usize> {
        let on_disk = ser_files::Error::at(out);
        let mut done = None;
        let written = ser_files::write(out, |file| {
            let mut table = TableWriter::new(file, form, &self.columns())?;
            let rows = each(&mut |input, features| {
                Ok(self.row(input, features, &mut table).map_err(&on_disk)?)
            });
            match done.insert(rows) {
                Ok(1..) => table.finish(),
                _ => Err(io::Error::other("there is no row")),
            }
        });
        match (done, written) {
            (Some(rows @ (Ok(0) | Err(_))), _) => rows,
            (_, Err(error)) => Err(error.into()),
            (rows, Ok(())) => rows.unwrap_or(Ok(0)),
        }
    }

    fn columns(&self) -> Vec<Column> {
        let own = [
            Column::new("path", Kind::Text),
            Column::new("seconds", Kind::Double),
        ];
        let known = self.known.iter();
        let known = known.map(|known| Column::new(&known.name, known.kind));
        let functionals = self.functionals.iter();
        let functionals = functionals.map(|name| Column::new(name, Kind::Float));
        own.into_iter().chain(known).chain(functionals).collect()
    }

    fn row(
        &self,
        input: &Input,
        features: &Features,
        table: &mut TableWriter<impl io::Write + Send>,
    ) -> io::Result<()> {
        let path = input.path.to_string_lossy();
        let seconds = match &input.clip {
            Some(clip) => Some(clip.seconds()),
            // A pipe has been read already and cannot be opened again.
            None if input.path.is_file() => seconds(&input.path),
            None => None,
        };
        let mut values = vec![
            Value::Path(&path),
            seconds.map_or(Value::Missing, Value::Double),
        ];
        let of = |known: &'_ Known| {
            input
                .clip
                .as_ref()
                .map_or(Value::Missing, |clip| (known.of)(clip))
        };
        values.extend(self.known.iter().map(of));
        values.extend(features.as_slice().iter().map(|&value| Value::Float(value)));
        table.row(&values)
    }
}

/// Returns the length of a recording. It is decoded for that, because the length that a container states may be an
/// estimate.
fn seconds(path: &Path) -> Option<f64> {
    let found = ser_audio::probe(path).ok()?;
    Some(found.frames as f64 / f64::from(found.sample_rate))
}

#[cfg(test)]
mod tests {
    use ser_fixtures::{MP3_FRAME, mp3_silence};

    use super::*;

    #[test]
    fn the_length_of_an_mp3_without_a_tag_is_not_estimated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.mp3");
        // The bit rate of the beginning, from which the length is estimated, is twenty times that of the rest.
        let frames = [vec![mp3_silence(14); 50], vec![mp3_silence(1); 500]].concat();
        std::fs::write(&path, frames.concat()).unwrap();
        let expected = (550 * MP3_FRAME) as f64 / 16_000.0;
        let found = seconds(&path).unwrap();
        assert!(
            (found - expected).abs() < 0.1,
            "{found} s, not {expected} s"
        );
    }
}
