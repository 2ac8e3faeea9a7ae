//! The options for answering a recording.

use std::path::Path;

use js_sys::Uint8Array;
use ser_audio::Channels;
use ser_predict::{Enrolment, Predictor};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::Result;

#[wasm_bindgen]
extern "C" {
    /// The TypeScript type `Options`.
    #[wasm_bindgen(typescript_type = "Options")]
    pub type Options;

    #[wasm_bindgen(method, getter)]
    fn name(this: &Options) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    fn labels(this: &Options) -> Option<Vec<String>>;
    #[wasm_bindgen(method, getter)]
    fn speaker(this: &Options) -> Option<Uint8Array>;
    #[wasm_bindgen(method, getter)]
    fn channel(this: &Options) -> Option<u16>;
}

/// The options, checked and resolved against a model.
pub(crate) struct Asked {
    pub(crate) name: String,
    pub(crate) predictor: Predictor,
    pub(crate) speaker: Option<Enrolment>,
    pub(crate) channels: Channels,
}

impl Asked {
    pub(crate) fn new(predictor: &Predictor, options: Option<Options>) -> Result<Self> {
        let options = options.as_ref();
        let predictor = match options.and_then(Options::labels) {
            Some(labels) => predictor.restricted_to(&labels)?,
            None => predictor.clone(),
        };
        let speaker = options.and_then(Options::speaker).map(|bytes| {
            Enrolment::from_json(predictor.model(), &bytes.to_vec(), Path::new("speaker"))
        });
        let channel = options.and_then(Options::channel);
        Ok(Self {
            name: options
                .and_then(Options::name)
                .unwrap_or_else(|| "recording".to_owned()),
            speaker: speaker.transpose()?,
            channels: Channels::chosen(channel),
            predictor,
        })
    }
}
