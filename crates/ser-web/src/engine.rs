//! The engine: a model in a page.

use std::ops::ControlFlow;
use std::path::Path;

use js_sys::{Array, Date, Float32Array, Object, Reflect, Uint8Array};
use ser_audio::{AudioStream, Peaks};
use ser_predict::{
    AnswerLine, Enroller, ExplanationLine, LONG, Model, ModelLine, Predictor, Span, SpanLine,
    captions,
};
use ser_report::plots;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsError, JsValue};

use crate::decoder::Decoder;
use crate::listener::Listener;
use crate::options::{Asked, Options};
use crate::recording::{Recording, open};
use crate::timeline::Timeline;
use crate::types::{
    AnswerObject, EnrollmentObject, ExplanationObject, ModelObject, PeaksObject, Progress,
    SpanObjects,
};
use crate::{Result, object};

/// A model that is ready to answer.
#[wasm_bindgen]
pub struct Engine {
    predictor: Predictor,
}

#[wasm_bindgen]
impl Engine {
    /// Reads a model file. Throws if the bytes are no model file, or a damaged one.
    #[wasm_bindgen(constructor)]
    pub fn new(model: &[u8]) -> Result<Self> {
        let model = Model::from_bytes(model, Path::new("the model"))?;
        Ok(Self {
            predictor: Predictor::new(model)?,
        })
    }

    /// Describes the model.
    pub fn model(&self) -> Result<ModelObject> {
        let line = ModelLine::new(self.predictor.model());
        Ok(object(&line)?.unchecked_into())
    }

    /// Predicts the emotion of a recording of any format and length as a whole. Returns the object that `ser predict --json`
    /// prints.
    pub fn predict(&self, recording: Recording, options: Option<Options>) -> Result<AnswerObject> {
        let asked = Asked::new(&self.predictor, options)?;
        let stream = open(recording, &asked)?;
        let answer = asked
            .predictor
            .answer_stream(stream, asked.speaker.as_ref())?;
        let line = AnswerLine::new(asked.predictor.model(), asked.name, &answer);
        Ok(object(&line)?.unchecked_into())
    }

    /// Starts the timeline of a recording, which is computed step by step. Its outline has at least `peaks` parts.
    pub fn timeline(
        &self,
        recording: Recording,
        peaks: usize,
        options: Option<Options>,
    ) -> Result<Timeline> {
        let asked = Asked::new(&self.predictor, options)?;
        Timeline::new(open(recording, &asked)?, peaks, &asked)
    }

    /// Explains the answer for a recording of 0.2 to 30 s. This evaluates the recording some hundred times, which takes several
    /// times as long as the recording lasts; `progress` is called with the share that is done.
    pub fn explain(
        &self,
        recording: Recording,
        options: Option<Options>,
        progress: Option<Progress>,
    ) -> Result<ExplanationObject> {
        let asked = Asked::new(&self.predictor, options)?;
        // A longer recording is refused before all of it is decoded.
        let stream = open(recording, &asked)?.at_most(LONG);
        let tell = |share: f64| {
            if let Some(progress) = &progress {
                // An exception in the callback does not stop the explanation.
                let _ = progress.call1(&JsValue::NULL, &share.into());
            }
            ControlFlow::Continue(())
        };
        let speaker = asked.speaker.as_ref();
        let (sound, explanation) = asked.predictor.explain_stream(stream, speaker, tell)?;
        let model = asked.predictor.model();
        let levels = explanation.spectrogram(&sound)?;
        let svg = plots::explanation(model, &asked.name, &sound, &explanation, &levels)?;
        let line = object(&ExplanationLine::new(model, asked.name, &explanation))?;
        set(&line, "svg", svg)?;
        Ok(line.unchecked_into())
    }

    /// Returns a listener for live sound with a sampling rate of `rate` Hz.
    pub fn listen(&self, rate: u32, options: Option<Options>) -> Result<Listener> {
        Listener::new(rate, &Asked::new(&self.predictor, options)?)
    }

    /// Enrols a speaker: computes how the voice sounds on average, from recordings without labels, each with its name. Throws if no
    /// recording can be used.
    pub fn enroll(
        &self,
        recordings: Vec<Recording>,
        names: Vec<String>,
        options: Option<Options>,
    ) -> Result<EnrollmentObject> {
        let model = self.predictor.model();
        model.check_enrols()?;
        let (expected, found) = (recordings.len(), names.len());
        if expected != found {
            let reason =
                format!("names: expected one for each of {expected} recordings, found {found}");
            return Err(JsError::new(&reason));
        }
        let mut asked = Asked::new(&self.predictor, options)?;
        let (mut enroller, skipped) = (Enroller::new(model), Array::new());
        for (recording, name) in recordings.into_iter().zip(names) {
            asked.name = name;
            let stream = open(recording, &asked).map_err(ser_predict::Error::from);
            match stream.and_then(|stream| self.predictor.speech_stream(stream)) {
                Ok(speech) => enroller.add(&speech)?,
                Err(error) => {
                    let (name, error) = (&asked.name, error.to_string());
                    let reason = ser_files::without_path(&error, Path::new(name));
                    skipped.push(&format!("{name}: {reason}").into());
                }
            }
        }
        if enroller.recordings() == 0 {
            let reason = format!("nobody is enrolled: {}", skipped.join("; "));
            return Err(JsError::new(&reason));
        }
        let seconds = (enroller.seconds() * 100.0).round() / 100.0;
        let (enrolment, enrolled) = (enroller.finish(), Object::new());
        set(&enrolled, "clips", enrolment.clips() as u32)?;
        set(&enrolled, "seconds", seconds)?;
        let profile = enrolment.to_json(model)?;
        set(&enrolled, "profile", Uint8Array::from(profile.as_bytes()))?;
        set(&enrolled, "skipped", skipped)?;
        Ok(enrolled.unchecked_into())
    }

    /// Returns the outline of a recording in at least `count` parts, but fewer than twice as many.
    pub fn peaks(
        &self,
        recording: Recording,
        count: usize,
        options: Option<Options>,
    ) -> Result<PeaksObject> {
        let asked = Asked::new(&self.predictor, options)?;
        let mut stream: AudioStream = open(recording, &asked)?;
        let (mut peaks, mut samples) = (Peaks::new(count), Vec::new());
        while stream.next_block(&mut samples)? {
            peaks.push(&samples);
            samples.clear();
        }
        outline(&peaks, stream.sample_rate())
    }

    /// Returns a decoder for the samples of a recording, mixed as for an answer.
    pub fn decode(&self, recording: Recording, options: Option<Options>) -> Result<Decoder> {
        let asked = Asked::new(&self.predictor, options)?;
        Ok(Decoder::new(open(recording, &asked)?))
    }

    /// Writes the spans of a recording that lasts `seconds` in a format that players, editors and annotation tools read.
    pub fn captions(
        &self,
        spans: SpanObjects,
        form: &str,
        seconds: f64,
        name: &str,
    ) -> Result<String> {
        let model = self.predictor.model();
        let labels = &model.labels;
        let json = js_sys::JSON::stringify(&spans).map(String::from);
        let lines: Vec<SpanLine> = serde_json::from_str(&json.unwrap_or_default())?;
        let spans = lines.iter().map(|line| line.span(labels));
        let spans: Vec<Span> = spans.collect::<ser_predict::Result<_>>()?;
        let (stem, _) = name.rsplit_once('.').unwrap_or((name, ""));
        if let Some(form) = captions::Form::of_extension(form) {
            return Ok(form.write(&spans, labels, seconds, stem)?);
        }
        Ok(match form {
            "json" => {
                let lines = lines
                    .iter()
                    .map(|line| Ok(serde_json::to_string(line)? + "\n"));
                lines.collect::<Result<String>>()?
            }
            "eaf" => {
                let now = String::from(Date::new_0().to_iso_string());
                // The page does not know the folder of the recording, and ELAN looks beside the document.
                captions::elan(&spans, labels, Some(Path::new(name)), &now)
            }
            "svg" => plots::timeline(model, &spans, seconds, name)?,
            other => {
                let expected = "expected csv, json, vtt, srt, txt, TextGrid, eaf, rttm or svg";
                return Err(JsError::new(&format!("form: {expected}, found {other:?}")));
            }
        })
    }
}

/// Converts peaks to an object.
pub(crate) fn outline(peaks: &Peaks, rate: u32) -> Result<PeaksObject> {
    let outline = Object::new();
    set(&outline, "seconds", peaks.width() as f64 / f64::from(rate))?;
    let pairs = Float32Array::from(peaks.pairs().as_flattened());
    set(&outline, "pairs", pairs)?;
    Ok(outline.unchecked_into())
}

fn set(object: &JsValue, key: &str, value: impl Into<JsValue>) -> Result<()> {
    match Reflect::set(object, &key.into(), &value.into()) {
        Ok(_) => Ok(()),
        Err(_) => Err(JsError::new(&format!("{key} cannot be set"))),
    }
}
